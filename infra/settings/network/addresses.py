"""Ranges and addresses in the settings.

Source: Microsoft, "Azure Virtual Network frequently asked questions" (of each subnet Azure keeps five addresses, and
some ranges cannot be used); "Secure workspace resources with virtual networks" (172.17.0.0/16 is Docker's).
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Network, NetmaskValueError

from azmlflow.infra.settings.faults import refuse

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


def room(found: IPv4Network) -> int:
    """How many addresses of a subnet are left to what stands in it."""
    return found.num_addresses - KEPT
