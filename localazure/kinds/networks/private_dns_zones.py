"""Microsoft.Network/privateDnsZones.

Source: Microsoft, "Private Zones" (REST 2024-06-01), "Private DNS FAQ": names of 2 to 34 labels, 25000 record sets,
1000 networks. A zone goes only when no network is linked to it. Inferred: the code of a name that is refused.
"""

from __future__ import annotations

import base64

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import conflict, not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.references import stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import envelope
from azmlflow.localazure.resources.kind import Kind, Lifecycle, LocationRule, NameRule, Placement
from azmlflow.localazure.resources.verbs import Deletion, Extra, Verb, Verbs
from azmlflow.resourcetypes.bounds import NAMES

TYPE = "Microsoft.Network/privateDnsZones"
LINKS, RECORDS = f"{TYPE}/virtualNetworkLinks", f"{TYPE}/A"
GLOBAL = LocationRule(regions=("global",))


def inside(cloud: Cloud, zone_id: str, type_: str) -> list[Document]:
    """What a zone holds of one type."""
    return [each for each in find.below(cloud, zone_id) if each["type"] == type_]


def _shape(ask: Ask, existing: Document | None) -> Document:
    before = (existing or {}).get("properties", {})
    id_ = ask.cloud.ids.guid
    properties = {
        "internalId": before.get("internalId") or base64.b64encode(id_().encode()).decode(),
        "maxNumberOfRecordSets": 25000,
        "maxNumberOfVirtualNetworkLinks": 1000,
        "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
    }
    return {**envelope(ask, existing), "etag": (existing or {}).get("etag"), "properties": properties}


def _shown(cloud: Cloud, document: Document) -> Document:
    links = inside(cloud, document["id"], LINKS)
    counted = {
        "numberOfRecordSets": 1 + len(inside(cloud, document["id"], RECORDS)),  # the SOA is always there
        "numberOfVirtualNetworkLinks": len(links),
        "numberOfVirtualNetworkLinksWithRegistration": sum(each["properties"]["registrationEnabled"] for each in links),
    }
    return {**document, "properties": {**document["properties"], **counted}}


def _deleting(ask: Ask, document: Document) -> None:
    if inside(ask.cloud, document["id"], LINKS):
        raise conflict("CannotDeleteResource", "Can not delete resource before nested resources are deleted.")


def _start_of_authority(ask: Ask) -> Answer:
    """The record that a zone has from the start (Microsoft, "Record Sets", its example); it is not changed here."""
    find.group(ask.cloud, ask.target)
    zone = find.resource(ask.cloud, ask.target.parent_id())
    if zone is None:
        raise not_found(ask.target.parent_id())
    if ask.target.name != "@":
        raise not_found(ask.target.id)
    record = {
        "host": "azureprivatedns.net", "email": "azureprivatedns-host.microsoft.com", "serialNumber": 1,
        "refreshTime": 3600, "retryTime": 300, "expireTime": 2419200, "minimumTtl": 10,
    }  # fmt: skip
    properties = {"fqdn": f"{zone['name']}.", "isAutoRegistered": False, "soaRecord": record, "ttl": 3600}
    return Answer(200, {"id": f"{zone['id']}/SOA/@", "name": "@", "type": f"{TYPE}/SOA", "properties": properties})


PRIVATE_DNS_ZONE = Kind(
    type=TYPE,
    name=NameRule(
        NAMES[TYPE],
        "BadRequest",
        "The zone name '{name}' is not valid: it has 2 to 34 labels of 1 to 63 letters, digits, '-' or '_'.",
    ),
    shape=_shape,
    placement=Placement("group", location=GLOBAL),
    verbs=Verbs(
        get=_shown,
        put=Verb(202, "operation", "Creating"),
        update=Verb(200),
        delete=Deletion(202, "operation"),
    ),
    lifecycle=Lifecycle(on_write=stamp_etag, before_delete=_deleting),
    conditional="Zone",
    extras=(Extra("GET", f"{TYPE}/SOA".lower(), _start_of_authority, f"{TYPE}/SOA/read", stands="resource"),),
)
