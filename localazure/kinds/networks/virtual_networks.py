"""Microsoft.Network/virtualNetworks, with the subnets that its body may hold.

Source: Microsoft, "Virtual Networks" (REST 2024-05-01). A body without `subnets` leaves them as they are; one with
them has no others afterwards. A network goes with its subnets, but not while anything stands in one.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import subnets
from azmlflow.localazure.kinds.networks.addresses import ranges
from azmlflow.localazure.kinds.networks.references import name_rule, stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import envelope, pick, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

_OPTIONAL = ("bgpCommunities", "dhcpOptions", "encryption", "flowTimeoutInMinutes", "ipAllocations")


def _shape(ask: Ask, existing: Document | None) -> Document:
    id_ = existing["id"] if existing else find.new_id(ask.cloud, VIRTUAL_NETWORK, ask.target)
    before = (existing or {}).get("properties", {})
    space = ask.properties.get("addressSpace")
    if not isinstance(space, dict) or not space.get("addressPrefixes"):
        raise bad_request("InvalidRequestFormat", "A virtual network needs an 'addressSpace' with 'addressPrefixes'.")
    if ask.properties.get("virtualNetworkPeerings"):
        raise bad_request("BadRequest", "The embedded Azure has no peerings of virtual networks.")
    prefixes = ranges("addressSpace.addressPrefixes", space["addressPrefixes"], id_)
    kept = pick(ask.properties, {"enableDdosProtection": False, "privateEndpointVNetPolicies": "Disabled"}, _OPTIONAL)
    document: Document = {**envelope(ask, existing), "etag": (existing or {}).get("etag")}
    inline = ask.properties.get("subnets")
    network = {"id": id_, "location": document["location"], "name": id_.rpartition("/")[2]}
    found = _inline(ask, network, inline) if inline is not None else before.get("subnets", [])
    subnets.require_inside(network["name"], prefixes, found)
    properties: Document = {
        **kept,
        "addressSpace": {"addressPrefixes": [str(each) for each in prefixes]},
        "resourceGuid": before.get("resourceGuid") or ask.cloud.ids.guid(),
        "subnets": [subnets.plain(each) for each in found],
        "virtualNetworkPeerings": [],
    }
    return {**document, "properties": properties}


def _inline(ask: Ask, network: Document, given: Any) -> list[Document]:
    """The subnets that a body says; whoever stands in one that it leaves out keeps it from going."""
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong_type("subnets", given, "array")
    made = [subnets.from_body(ask, network, each) for each in given]
    named = {each["name"].lower() for each in made}
    if len(named) < len(made):
        raise bad_request(
            "InvalidRequestFormat", f"Resource {network['id']} has two child resources with the same name."
        )
    for subnet in subnets.of_network(ask.cloud, network["id"]):
        if subnet["name"].lower() not in named:
            subnets.require_unused(ask.cloud, subnet)
    return made


def _written(ask: Ask, document: Document) -> None:
    stamp_etag(ask, document)
    wanted = {each["id"].lower(): each for each in document["properties"]["subnets"]}
    for subnet in subnets.of_network(ask.cloud, document["id"]):
        if subnet["id"].lower() not in wanted:
            subnets.forget(ask.cloud, subnet)
    for subnet in wanted.values():
        before = find.resource(ask.cloud, subnet["id"])
        if before is None or subnets.plain(before) != subnet:
            made: Document = {**subnet, "properties": {**subnet["properties"], "provisioningState": "Succeeded"}}
            stamp_etag(ask, made)
            find.keep(ask.cloud, made)


def _shown(cloud: Cloud, document: Document) -> Document:
    found = [subnets.shown(cloud, each) for each in subnets.of_network(cloud, document["id"])]
    return {**document, "properties": {**document["properties"], "subnets": found}}


def _check(ask: Ask, existing: Document | None) -> None:
    if existing is not None:
        subnets.require_idle(ask, existing["id"])


def _deleting(ask: Ask, document: Document) -> None:
    subnets.require_idle(ask, document["id"])
    for subnet in subnets.of_network(ask.cloud, document["id"]):
        subnets.require_unused(ask.cloud, subnet)


VIRTUAL_NETWORK = Kind(
    type=subnets.NETWORK,
    name=name_rule(subnets.NETWORK),
    shape=_shape,
    verbs=Verbs(
        get=_shown,
        put=Verb(201, "operation", "Updating"),
        update=Verb(200, "operation", "Updating"),
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(before_write=_check, on_write=_written, before_delete=_deleting),
    matched=True,
)
