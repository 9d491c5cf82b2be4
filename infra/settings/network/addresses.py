"""Ranges and addresses in the settings.

Source: Microsoft, "Azure Virtual Network frequently asked questions" (of each subnet Azure keeps five addresses, and
some ranges cannot be used); "Secure workspace resources with virtual networks" (172.17.0.0/16 is Docker's);
"Configure a private endpoint for an Azure Machine Learning workspace", "Restrictions for IP network rules";
"Configure public IP network rules" (of a container registry).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Network, NetmaskValueError

from azmlflow.infra.settings.faults import refuse
from azmlflow.resourcetypes.bounds import MOST_ALLOWED_IPS, NOT_INTERNET, SMALLEST_ALLOWED_RANGE

PRIVATE = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")))
_DOCKER = IPv4Network("172.17.0.0/16")
KEPT = 5  # addresses of a subnet


def range_of(text: str) -> IPv4Network:
    """A range as `10.42.0.0/24`.

    Raises:
        PydanticCustomError: it is none; with the nearest that is one.
    """
    try:
        return IPv4Network(text)
    except (AddressValueError, NetmaskValueError):
        raise refuse(f"'{text}' is not a range of IPv4 addresses such as 10.42.0.0/24") from None
    except ValueError:
        near = str(IPv4Network(text, strict=False))
        raise refuse(f"'{text}' is not the beginning of a range; '{near}' is", near) from None


def private_range(text: str) -> IPv4Network:
    """A range for a network of one's own.

    Raises:
        PydanticCustomError: it is none, is not private, or is Docker's.
    """
    found = range_of(text)
    if not any(found.subnet_of(each) for each in PRIVATE):
        raise refuse(f"'{text}' is not private: a network lies in {', '.join(map(str, PRIVATE))}")
    if found.overlaps(_DOCKER):
        raise refuse(f"'{text}' lies in {_DOCKER}, which Docker uses on the computes")
    return found


def allowed(listed: Iterable[str]) -> tuple[str, ...]:
    """Internet addresses and ranges that firewalls let in, as storage, vault, registry and workspace all take them.

    Raises:
        PydanticCustomError: one is none, is not of the internet, is too small a range, or lies within another.
    """
    given = tuple(listed)
    if len(given) > MOST_ALLOWED_IPS:
        raise refuse(f"{len(given)} are more than the {MOST_ALLOWED_IPS} that a container registry takes")
    seen: dict[IPv4Network, str] = {}
    for text in given:
        found = _of_the_internet(text)
        within = next((other for each, other in seen.items() if each.overlaps(found)), None)
        if within:
            raise refuse(f"'{text}' and '{within}' overlap: leave the smaller one out")
        seen[found] = text
    return given


def _of_the_internet(text: str) -> IPv4Network:
    if _is_six(text):
        raise refuse(f"'{text}' is of IPv6, and Azure's firewalls take IPv4 alone")
    if "/" not in text:
        try:
            found = IPv4Network(IPv4Address(text))
        except AddressValueError:
            raise refuse(f"'{text}' is neither an IPv4 address nor a range such as 198.51.100.0/24") from None
    else:
        found = range_of(text)
        if found.prefixlen > SMALLEST_ALLOWED_RANGE:
            each = " and ".join(map(str, found))
            raise refuse(f"'{text}' is too small a range for a storage account's firewall: name {each}")
    other = next((each for each in map(IPv4Network, NOT_INTERNET) if each.overlaps(found)), None)
    if other:
        raise refuse(
            f"'{text}' is not of the internet but of {other}, and Azure's firewalls let in internet addresses alone: "
            "for a network of yours there is network.mode own"
        )
    return found


def _is_six(text: str) -> bool:
    try:
        return bool(IPv6Network(text, strict=False))
    except ValueError:
        return False


def room(found: IPv4Network) -> int:
    """How many addresses of a subnet are left to what stands in it."""
    return found.num_addresses - KEPT
