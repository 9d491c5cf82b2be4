"""Where in a network a closed workspace's private endpoints and its computes are: ranges to make, or subnets by id."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import IPv4Network
from types import MappingProxyType

from azmlflow.infra.plan.private import ADDRESSES, VNET, ZONE, ZONES, Private
from azmlflow.infra.settings.faults import refuse
from azmlflow.infra.settings.network.addresses import private_range, room
from azmlflow.infra.settings.network.ids import resource
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.bounds import SUBNET_ID

RANGE = "10.42.0.0/24"  # of a network that is made, if nothing is said


def is_id(text: str | None) -> bool:
    """Whether a place is a subnet's id, and not a range."""
    return text is not None and text.startswith("/")


def subnet(text: str) -> str:
    """A subnet's id, or a private range.

    Raises:
        PydanticCustomError: it is neither.
    """
    if not is_id(text):
        return str(private_range(text))
    if re.fullmatch(SUBNET_ID, text, re.IGNORECASE) is None:
        raise refuse(f"'{text}' is not the ARM id of a subnet: .../{VNET}/NETWORK/subnets/SUBNET")
    return text


def zones(listed: tuple[str, ...]) -> Mapping[str, str]:
    """Private DNS zones that are another's, by their names.

    Raises:
        PydanticCustomError: one is none that endpoints of a workspace need, or a name is there twice.
    """
    found: dict[str, str] = {}
    for text in listed:
        name = scopes.parse(resource(text, ZONE)).name.lower()
        if name not in ZONES:
            raise refuse(f"'{name}' is no zone that a workspace's endpoints need: {', '.join(ZONES)}")
        if name in found:
            raise refuse(f"the zone {name} is there twice: a network is linked to one zone of a name")
        found[name] = text
    return MappingProxyType(found)


def divided(whole: str, endpoints: str | None, computes: str | None) -> tuple[str, str]:
    """The ranges of the two subnets of a network that is made: its first quarter and its second half, if nothing is
    said.

    Args:
        whole: the network's own range, `10.0.0.0/16`.
        endpoints: the range for private endpoints, if it is said.
        computes: the one for computes, if it is said.

    Raises:
        PydanticCustomError: they do not fit into the network, into one another, or what stands in them into them.
    """
    space = IPv4Network(whole)
    if space.prefixlen > 27:
        raise refuse(f"{space} is too small for two subnets; a /27 is the least", f"{space.supernet(new_prefix=27)}")
    lower, upper = space.subnets()
    quarter = next(lower.subnets())
    first = IPv4Network(endpoints) if endpoints else quarter if room(quarter) >= ADDRESSES else lower
    second = IPv4Network(computes) if computes else upper
    for name, each in (("endpoints", first), ("computes", second)):
        if not each.subnet_of(space):
            raise refuse(f"network.{name} {each} lies outside network.addressRange {space}")
    if first.overlaps(second):
        raise refuse(f"network.endpoints {first} and network.computes {second} overlap")
    if room(first) < ADDRESSES:
        raise refuse(
            f"network.endpoints {first} leaves {max(room(first), 0)} addresses, and the endpoints take {ADDRESSES}: "
            "a /28 is the least"
        )
    if second.prefixlen > 29:
        raise refuse(f"network.computes {second} is smaller than Azure takes a subnet: a /29 is the least")
    return str(first), str(second)


def private(
    place: str,
    workspace: str,
    *,
    whole: str,
    endpoints: str,
    computes: str,
    given: Mapping[str, str],
    policy: bool,
    approved: bool,
) -> Private:
    """What is private, at its place: `whole`, the network's own range, and ranges of subnets in it where the network is
    made, else the subnets' ARM ids; the rest as `Private` has it."""
    network = f"{scopes.extension_id(place, VNET, f'{workspace}-vnet')}/subnets"
    made = not is_id(endpoints)
    return Private(
        place,
        workspace,
        endpoints_id=f"{network}/endpoints" if made else endpoints,
        computes_id=f"{network}/computes" if made else computes,
        range=whole if made else "",
        endpoints=endpoints if made else "",
        computes=computes if made else "",
        given=given,
        policy=policy,
        approved=approved,
    )
