"""Ranges of addresses as Azure reads them, and which addresses of a subnet are free.

Source: Microsoft, "Azure Virtual Network frequently asked questions": a range has 8 addresses (/29) or more, at most a
/2; of each subnet Azure keeps the first four and the last; some ranges cannot be used. `InvalidCIDRNotation` and its
words: hashicorp/terraform-provider-azurerm. IPv6 is refused here; Azure has it. What firewalls let in: Azure/azure-cli
issue 13828.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from itertools import combinations
from typing import Any

from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.resources.fields import wrong_type
from azmlflow.resourcetypes.bounds import NOT_INTERNET, SMALLEST_ALLOWED_RANGE

_SMALLEST, _LARGEST = 29, 2
_KEPT = 4  # the network, the gateway and two for DNS; the last one is broadcast
_FORBIDDEN = tuple(
    IPv4Network(each)
    for each in ("224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32")
)


def ranges(name: str, given: Any, owner: str) -> tuple[IPv4Network, ...]:
    """The ranges of a list of CIDR texts, none overlapping another.

    Raises:
        AzureError: 400, one is no range, too small or too large, or cannot be used; two overlap (words inferred).
    """
    if not isinstance(given, list):
        raise wrong_type(name, given, "array")
    found = tuple(_range(name, each, owner) for each in given)
    for one, other in combinations(found, 2):
        if one.overlaps(other):
            raise bad_request(
                "AddressPrefixesOverlap",
                f"The address prefixes {one} and {other} of resource {owner} overlap.",
                target=name,
            )
    return found


def _range(name: str, given: Any, owner: str) -> IPv4Network:
    if not isinstance(given, str):
        raise wrong_type(name, given, "string")
    try:
        found = IPv4Network(given, strict=False)
        is_written_whole = "/" in given
    except (AddressValueError, NetmaskValueError, ValueError):
        is_written_whole = False
    if not is_written_whole:
        raise bad_request(
            "InvalidAddressPrefixFormat",
            f"Address prefix {given} of resource {owner} is not formatted correctly. It should follow CIDR notation, "
            "for example 10.0.0.0/24.",
            target=name,
        )
    if str(found) != given:
        raise bad_request(
            "InvalidCIDRNotation",
            f"The address prefix {given} in resource {owner} has an invalid CIDR notation. For the given prefix "
            f"length, the address prefix should be {found}.",
            target=name,
        )
    if not _LARGEST <= found.prefixlen <= _SMALLEST:
        raise bad_request(
            "InvalidAddressPrefixLength",  # inferred
            f"The address prefix {given} of resource {owner} must be from /{_LARGEST} to /{_SMALLEST}.",
            target=name,
        )
    forbidden = next((each for each in _FORBIDDEN if each.overlaps(found)), None)
    if forbidden is not None:
        raise bad_request(
            "AddressPrefixNotAllowed",  # inferred
            f"The address prefix {given} of resource {owner} overlaps {forbidden}, which cannot be used.",
            target=name,
        )
    return found


def require_internet(rules: Any, where: str, most: int, smallest: int = SMALLEST_ALLOWED_RANGE) -> None:
    """Refuse what a firewall does not let in: it takes internet addresses and ranges of them, of IPv4.

    Args:
        rules: its `ipRules`, each with a `value`.
        where: the firewall's member of the body.
        most: how many it takes.
        smallest: the longest prefix of a range that it takes.

    Raises:
        AzureError: 400 `InvalidValuesForRequestParameters`, storage's word; of the other services inferred.
    """
    given = rules if isinstance(rules, list) else []
    if len(given) > most or not all(_is_let_in(each, smallest) for each in given):
        raise _invalid(where)


def _is_let_in(rule: Any, smallest: int) -> bool:
    text = str(rule.get("value")) if isinstance(rule, Mapping) else ""
    try:
        found = IPv4Network(text)
    except ValueError:
        return False
    fits = "/" not in text or found.prefixlen <= smallest
    return fits and not any(IPv4Network(each).overlaps(found) for each in NOT_INTERNET)


def _invalid(where: str) -> AzureError:
    return bad_request(
        "InvalidValuesForRequestParameters",
        f"Values for request parameters are invalid: {where}.ipRule[*].value. For more information, see - "
        "https://aka.ms/storagenetworkruleset",
        target=where,
    )


def room(found: IPv4Network) -> int:
    """How many addresses of a subnet are left to what stands in it."""
    return found.num_addresses - _KEPT - 1


def free(space: Iterable[IPv4Network], taken: Iterable[str]) -> Iterator[str]:
    """The addresses of a subnet that nobody has yet, the lowest first."""
    used = {IPv4Address(each) for each in taken}
    for each in space:
        for number in range(int(each.network_address) + _KEPT, int(each.broadcast_address)):
            if IPv4Address(number) not in used:
                yield str(IPv4Address(number))
