"""Microsoft.Network/virtualNetworks/subnets.

Source: Microsoft, "Subnets" (REST 2024-05-01). The subnets of a network are written one after the other. Azure's words:
of the ranges MicrosoftDocs/azure-docs pull 123869, of a subnet in use Azure/bicep issue 13267, of delegations
MicrosoftDocs/azure-docs issue 39112. The list of the services that a subnet is delegated to is not kept here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.addresses import ranges
from azmlflow.localazure.kinds.networks.references import linked_id, name_rule, referenced, stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, child_of
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

NETWORK = "Microsoft.Network/virtualNetworks"
TYPE = f"{NETWORK}/subnets"
_LINKS = {
    "networkSecurityGroup": "Microsoft.Network/networkSecurityGroups",
    "routeTable": "Microsoft.Network/routeTables",
    "natGateway": "Microsoft.Network/natGateways",
}
_POLICIES = {
    "privateEndpointNetworkPolicies": (
        "Disabled", "Enabled", "NetworkSecurityGroupEnabled", "RouteTableEnabled",
    ),
    "privateLinkServiceNetworkPolicies": ("Enabled", "Disabled"),
}  # fmt: skip


def of_network(cloud: Cloud, network_id: str) -> list[Document]:
    """The subnets of a network, as they are kept."""
    return [each for each in find.below(cloud, network_id) if each["type"] == TYPE]


def prefixes(subnet: Document) -> tuple[IPv4Network, ...]:
    """The ranges of a subnet."""
    properties = subnet["properties"]
    given = properties.get("addressPrefixes") or [properties["addressPrefix"]]
    return tuple(IPv4Network(each) for each in given)


def plain(subnet: Document) -> Document:
    """A subnet without what changes by itself."""
    properties = {name: value for name, value in subnet["properties"].items() if name != "provisioningState"}
    return {"id": subnet["id"], "name": subnet["name"], "type": TYPE, "properties": properties}


def users(cloud: Cloud, subnet_id: str) -> list[str]:
    """The ids of what stands in a subnet: private endpoints and computes."""
    wanted, found = subnet_id.lower(), []
    for _, each in cloud.store.scan(RESOURCES):
        inner = each["properties"].get("properties")
        places = (each["properties"].get("subnet"), inner.get("subnet") if isinstance(inner, dict) else None)
        if any(isinstance(place, dict) and str(place.get("id")).lower() == wanted for place in places):
            found.append(str(each["id"]))
    return found


def shown(cloud: Cloud, subnet: Document) -> Document:
    """A subnet as it is answered: with the private endpoints in it."""
    inside = [{"id": each} for each in users(cloud, subnet["id"]) if "/privateendpoints/" in each.lower()]
    return {**subnet, "properties": {**subnet["properties"], **({"privateEndpoints": inside} if inside else {})}}


def require_unused(cloud: Cloud, subnet: Document) -> None:
    """Refuse to end a subnet that something stands in.

    Raises:
        AzureError: 400 `InUseSubnetCannotBeDeleted`.
    """
    inside = users(cloud, subnet["id"])
    if inside:
        raise bad_request(
            "InUseSubnetCannotBeDeleted",
            f"Subnet {subnet['name']} is in use by {' and '.join(inside)} and cannot be deleted. In order to delete "
            "the subnet, delete all the resources within the subnet. See aka.ms/deletesubnet.",
        )


def require_inside(network: str, space: tuple[IPv4Network, ...], found: Iterable[Document]) -> None:
    """Refuse subnets that do not fit into their network, or into one another.

    Raises:
        AzureError: 400 `NetcfgSubnetRangeOutsideVnet`, `NetcfgSubnetRangesOverlap`.
    """
    taken: list[IPv4Network] = []
    for subnet in found:
        for each in prefixes(subnet):
            if not any(each.subnet_of(whole) for whole in space):
                raise bad_request(
                    "NetcfgSubnetRangeOutsideVnet",
                    f"Subnet '{subnet['name']}' is not valid because its IP address range is outside the IP address "
                    f"range of virtual network '{network}'.",
                )
            if any(each.overlaps(other) for other in taken):
                raise bad_request(
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{subnet['name']}' is not valid because its IP address range overlaps with that of an "
                    f"existing subnet in virtual network '{network}'.",
                )
            taken.append(each)


def require_idle(ask: Ask, network_id: str) -> None:
    """Refuse a write while the network or another of its subnets is being written.

    Raises:
        AzureError: 409 `AnotherOperationInProgress`.
    """
    for target in (network_id, *(each["id"] for each in of_network(ask.cloud, network_id))):
        running = ask.cloud.operations.running(target)
        if running is not None and target.lower() != ask.target.id.lower():
            raise AzureError(
                409,
                "AnotherOperationInProgress",
                f"Another operation on this or dependent resource is in progress: '{running['verb']}' of {target}.",
                headers={"Retry-After": str(ask.cloud.operations.retry_after(running))},
            )


def from_body(ask: Ask, network: Document, given: Mapping[str, Any]) -> Document:
    """A subnet of a network's body.

    Raises:
        AzureError: 400, with the reason.
    """
    if not isinstance(given.get("name") or "", str):
        raise wrong_type("subnets.name", given["name"], "string")
    SUBNET.name.check(given.get("name") or "")
    inner = given.get("properties")
    if not isinstance(inner, dict):
        raise wrong_type("subnets.properties", inner, "object")
    id_ = f"{network['id']}/subnets/{given['name']}"
    existing = find.resource(ask.cloud, id_)
    document: Document = {"id": existing["id"] if existing else id_, "name": given["name"], "type": TYPE}
    document["properties"] = _properties(ask, document, network["location"], inner, existing)
    return document


def forget(cloud: Cloud, subnet: Document) -> None:
    """Let a subnet go that its network's body leaves out."""
    cloud.store.delete(RESOURCES, subnet["id"].lower())


def _properties(
    ask: Ask, subnet: Document, region: str, given: Mapping[str, Any], existing: Document | None
) -> Document:
    listed = given.get("addressPrefixes") or ([given["addressPrefix"]] if given.get("addressPrefix") else [])
    if not listed:
        raise bad_request("InvalidRequestFormat", f"Subnet {subnet['id']} needs an 'addressPrefix'.")
    space = ranges("addressPrefix", listed, subnet["id"])
    one = given.get("addressPrefix") and not given.get("addressPrefixes")
    found: Document = {"addressPrefix": str(space[0])} if one else {"addressPrefixes": [str(each) for each in space]}
    for name, allowed in _POLICIES.items():
        found[name] = choice(name, given.get(name) or allowed[0], allowed)
    for name, type_ in _LINKS.items():
        if given.get(name) is not None:
            id_ = linked_id(name, given[name], type_)
            found[name] = {"id": referenced(ask, id_, region)["id"]}
    found["delegations"] = _delegations(subnet["id"], given.get("delegations") or [])
    found |= {
        name: value for name, value in pick(given, {}, ("defaultOutboundAccess", "sharingScope")).items() if value != ""
    }
    if given.get("serviceEndpoints"):
        found["serviceEndpoints"] = [
            {
                "service": each.get("service"),
                "locations": each.get("locations") or ["*"],
                "provisioningState": "Succeeded",
            }
            for each in given["serviceEndpoints"]
        ]
    if existing is not None:
        _keep_used(ask.cloud, existing, {**subnet, "properties": found})
    return found


def _delegations(subnet_id: str, given: Any) -> list[Document]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong_type("delegations", given, "array")
    found = []
    for each in given:
        service = (each.get("properties") or {}).get("serviceName")
        id_ = f"{subnet_id}/delegations/{each.get('name')}"
        if not isinstance(service, str) or re.fullmatch(r"[A-Za-z]+\.[A-Za-z]+/[A-Za-z/]+", service) is None:
            raise bad_request(
                "InvalidServiceNameOnDelegation",
                f"The service name {service} specified on delegation {id_} is not valid.",
            )
        properties = {"serviceName": service, "actions": [], "provisioningState": "Succeeded"}
        found.append({"id": id_, "name": each.get("name"), "type": f"{TYPE}/delegations", "properties": properties})
    return found


def _keep_used(cloud: Cloud, before: Document, after: Document) -> None:
    """Neither the ranges nor the delegations of a subnet change under what stands in it."""
    inside = users(cloud, before["id"])
    if not inside:
        return
    lost = [each for each in prefixes(before) if each not in prefixes(after)]
    if lost:
        raise bad_request(
            "InUsePrefixCannotBeDeleted",
            f"IpPrefix {lost[0]} on Subnet {before['name']} has active allocations and cannot be deleted.",
        )
    was, now = (_services(each) for each in (before, after))
    if was != now:
        raise bad_request(
            "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
            f"Delegations of subnet {before['id']} cannot be changed from [{', '.join(was)}] to [{', '.join(now)}] "
            f"because it is being used by the resource {inside[0]}.",
        )


def _services(subnet: Document) -> list[str]:
    return [each["properties"]["serviceName"] for each in subnet["properties"]["delegations"]]


def is_delegated(subnet: Document) -> bool:
    """Whether a subnet is a service's own."""
    return bool(subnet["properties"]["delegations"])


def _shape(ask: Ask, existing: Document | None) -> Document:
    network = find.parent(ask.cloud, SUBNET, ask.target, "write")
    name = existing["name"] if existing else ask.target.name
    subnet: Document = {"id": f"{network['id']}/subnets/{name}", "name": name}
    subnet["properties"] = _properties(ask, subnet, network["location"], ask.properties, existing)
    space = tuple(IPv4Network(each) for each in network["properties"]["addressSpace"]["addressPrefixes"])
    others = [each for each in of_network(ask.cloud, network["id"]) if each["name"].lower() != name.lower()]
    require_inside(network["name"], space, [*others, subnet])
    return {"etag": (existing or {}).get("etag"), "properties": subnet["properties"]}


def _check(ask: Ask, _existing: Document | None) -> None:
    require_idle(ask, find.parent(ask.cloud, SUBNET, ask.target, "write")["id"])


def _written(ask: Ask, document: Document) -> None:
    stamp_etag(ask, document)
    _tell_network(ask.cloud, document["id"], document)


def _gone(cloud: Cloud, document: Document) -> None:
    _tell_network(cloud, document["id"], None)


def _tell_network(cloud: Cloud, subnet_id: str, subnet: Document | None) -> None:
    """Keep in a network's document which subnets it has, so that its own body is held against what is."""
    network = find.resource(cloud, subnet_id.rsplit("/", 2)[0])
    if network is None:
        return
    told = {each["id"].lower(): each for each in network["properties"]["subnets"]}
    if subnet is None:
        told.pop(subnet_id.lower(), None)
    else:
        told[subnet_id.lower()] = plain(subnet)
    network["properties"]["subnets"] = list(told.values())
    find.keep(cloud, network)


def _deleting(ask: Ask, document: Document) -> None:
    require_idle(ask, document["id"].rsplit("/", 2)[0])
    require_unused(ask.cloud, document)


SUBNET = Kind(
    type=TYPE,
    name=name_rule(TYPE),
    shape=_shape,
    placement=child_of(NETWORK),
    verbs=Verbs(
        get=shown,
        put=Verb(201, "operation", "Updating"),
        update=Verb(200, "operation", "Updating"),
        patch=False,
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(before_write=_check, on_write=_written, before_delete=_deleting, on_delete=_gone),
    matched=True,
)
