"""The check of networks that are another's: their subnets and zones, before Azure refuses them in the middle.

Source: Microsoft, "What is a private endpoint?" (an endpoint is in the region and subscription of its network, and in
no delegated subnet); "Secure an Azure Machine Learning training environment" (computes likewise); "What is a virtual
network link?" (a network is linked to one zone of a name).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from azmlflow.cli.checks.base import Check, Finding, Situation
from azmlflow.rbac import scopes

if TYPE_CHECKING:
    from azmlflow.infra.plan.private import Private


def _network(situation: Situation) -> Finding:
    from azmlflow.infra.plan import identifiers
    from azmlflow.infra.settings.network import standing

    settings, names = situation.settings, situation.names
    network, private = settings.network.network(), settings.network.private(situation.group, names.workspace)
    standing.check(network, private, identifiers.in_group(names, situation.subscription))
    wanted = _wanted(situation, private)
    if private is None and not wanted:
        return Finding("ok", "the stack uses no network that is another's")
    found = [*_subnets(situation, wanted)]
    if private is not None:
        found += _zones(situation, private)
        found += [] if private.made else _linked(situation, private)
    return Finding("failed", "; ".join(found)) if found else Finding("ok", "subnets and zones are fit")


def _wanted(situation: Situation, private: Private | None) -> Mapping[str, int]:
    """How many addresses the stack takes in each subnet that is another's, by ids as they are written first."""
    from azmlflow.infra.plan.private import ADDRESSES

    given = private if private is not None and not private.made else None
    usual = given.computes_id if given else ""
    takes = [(given.endpoints_id, ADDRESSES)] if given else []
    takes += [(each.subnet or usual, each.max_nodes) for each in situation.settings.clusters]
    takes += [(each.subnet or usual, 1) for each in situation.settings.instances]
    spelt, found = dict[str, str](), Counter[str]()
    for id_, count in takes:
        found[spelt.setdefault(id_.lower(), id_)] += count
    return {id_: count for id_, count in found.items() if id_}


def _subnets(situation: Situation, wanted: Mapping[str, int]) -> Iterator[str]:
    from azmlflow.infra.settings.network.addresses import room

    for id_ in wanted:
        name, subscription = scopes.parse(id_).name, scopes.parse(id_).subscription
        if str(subscription).lower() != situation.subscription.lower():
            yield f"the subnet {name} is of another subscription, {subscription}"
            continue
        network, subnet = situation.arm.get(id_.rpartition("/subnets/")[0]), situation.arm.get(id_)
        if network is None or subnet is None:
            yield f"the subnet {name} is not there: {id_}"
            continue
        region = str(network.get("location", "")).replace(" ", "").lower()
        if region != situation.settings.location:
            yield f"the subnet {name} is in {region}, and the stack in {situation.settings.location}"
        properties = subnet.get("properties") or {}
        if services := ", ".join(_delegated(properties)):
            yield f"the subnet {name} is delegated to {services}"
        ranges = properties.get("addressPrefixes") or [properties.get("addressPrefix")]
        left = sum(room(IPv4Network(each)) for each in ranges if each and ":" not in each)
        if left < wanted[id_]:
            yield f"the subnet {name} ({', '.join(ranges)}) has {left} addresses, and {wanted[id_]} are needed"


def _delegated(subnet: Mapping[str, Any]) -> Iterator[str]:
    for each in subnet.get("delegations") or ():
        yield str((each.get("properties") or {}).get("serviceName"))


def _zones(situation: Situation, private: Private) -> Iterator[str]:
    for name, id_ in private.given.items():
        if situation.arm.get(id_) is None:
            yield f"the private DNS zone {name} is not there: {id_}"


def _linked(situation: Situation, private: Private) -> Iterator[str]:
    """Zones that would be made, and that the network has of another already."""
    wanted = set(private.zones_made())
    if not wanted:
        return
    for zone in situation.arm.list(f"{situation.place}/providers/Microsoft.Network/privateDnsZones"):
        if zone["name"].lower() not in wanted or zone["id"].lower().startswith(f"{situation.group.lower()}/"):
            continue
        for link in situation.arm.list(f"{zone['id']}/virtualNetworkLinks"):
            to = ((link.get("properties") or {}).get("virtualNetwork") or {}).get("id", "")
            if str(to).lower() == private.network_id.lower():
                yield f"the network is linked to a zone {zone['name']} already: name it in network.zones, {zone['id']}"


NETWORK = Check(
    "network",
    "Are the network's subnets and DNS zones fit?",
    _network,
    "edit Pulumi.{stack}.yaml",
    preflight=True,
)
CHECKS = (NETWORK,)
