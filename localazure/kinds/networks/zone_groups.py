"""Microsoft.Network/privateEndpoints/privateDnsZoneGroups: the zones that an endpoint's names are written into.

Source: Microsoft, "Private Dns Zone Groups" (REST 2024-05-01), "Azure Private Endpoint DNS integration": one group of
an endpoint, of up to five zones. Azure's words: of a second group pulumi/pulumi-azure-native issue 2179 (its code is
inferred), of two zones of one name hashicorp/terraform-provider-azurerm issue 28966.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import dns_records
from azmlflow.localazure.kinds.networks.private_dns_zones import TYPE as ZONE
from azmlflow.localazure.kinds.networks.private_endpoints import TYPE as ENDPOINT
from azmlflow.localazure.kinds.networks.references import linked_id, name_rule, referenced, stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, child_of
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

_TYPE = f"{ENDPOINT}/privateDnsZoneGroups"
_MOST = 5
_SUFFIXES = {"vaultcore.azure.net": "vault.azure.net"}  # where the zone's name is not the host's with `privatelink.`


def _shape(ask: Ask, existing: Document | None) -> Document:
    given = ask.properties.get("privateDnsZoneConfigs") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong_type("privateDnsZoneConfigs", given, "array")
    if not 0 < len(given) <= _MOST:
        raise bad_request("InvalidRequestFormat", f"A private DNS zone group has 1 to {_MOST} zones.")
    endpoint = find.parent(ask.cloud, ZONE_GROUP, ask.target, "write")
    zones = [_config(ask, endpoint, each) for each in given]
    _require_distinct(ask, given, zones)
    return {
        "etag": (existing or {}).get("etag"),
        "properties": {"privateDnsZoneConfigs": zones},
    }


def _config(ask: Ask, endpoint: Document, given: Document) -> Document:
    name, inner = given.get("name"), given.get("properties")
    if not isinstance(inner, dict) or not name:
        raise bad_request("InvalidRequestFormat", "Cannot parse the request.")
    zone = referenced(ask, linked_id("privateDnsZoneId", {"id": inner.get("privateDnsZoneId")}, ZONE))
    records = [
        {
            "recordType": "A", "recordSetName": record, "fqdn": f"{record}.{zone['name']}", "ttl": 10,
            "ipAddresses": [address], "provisioningState": "Succeeded",
        }
        for record, address in _records(endpoint, zone["name"])
    ]  # fmt: skip
    properties = {"privateDnsZoneId": zone["id"], "provisioningState": "Succeeded", "recordSets": records}
    return {"name": name, "properties": properties}


def _records(endpoint: Document, zone: str) -> Iterator[tuple[str, str]]:
    """The endpoint's names that belong into a zone, without the zone's, each with its address."""
    bare = zone.lower().removeprefix("privatelink.")
    suffix = _SUFFIXES.get(bare, bare)
    for each in endpoint["properties"]["customDnsConfigs"]:
        host = each["fqdn"].lower()
        if host.endswith(f".{suffix}"):
            yield host.removesuffix(f".{suffix}"), each["ipAddresses"][0]


def _require_distinct(ask: Ask, given: list[Any], zones: list[Document]) -> None:
    names = [str(each.get("name")).lower() for each in given]
    names += [each["properties"]["privateDnsZoneId"].rpartition("/")[2].lower() for each in zones]
    for some in (names[: len(given)], names[len(given) :]):
        twice = next((each for each in some if some.count(each) > 1), None)
        if twice is not None:
            raise AzureError(
                400,
                "InvalidRequestFormat",
                "Cannot parse the request.",
                details=[
                    {
                        "code": "DuplicateResourceName",
                        "message": f"Resource {ask.target.id} has two child resources with the same name ({twice}).",
                    }
                ],
            )


def _check(ask: Ask, existing: Document | None) -> None:
    endpoint = find.parent(ask.cloud, ZONE_GROUP, ask.target, "write")
    referenced(ask, endpoint["id"])
    others = [each for each in find.below(ask.cloud, endpoint["id"]) if each["type"] == _TYPE]
    if existing is None and others:
        raise bad_request(
            "MoreThanOnePrivateDnsZoneGroupPerPrivateEndpointNotAllowed",
            "Cannot create more than one private dns zone groups in the private endpoint",
        )


def _written(ask: Ask, document: Document) -> None:
    stamp_etag(ask, document)
    before = find.resource(ask.cloud, document["id"])
    if before is not None:
        _forget_records(ask.cloud, before)


def _ready(cloud: Cloud, document: Document, _operation: Document) -> None:
    owner = document["id"].rsplit("/", 2)[0]
    for zone_id, records in _zones(document):
        zone = find.resource(cloud, zone_id)
        for record in records if zone is not None else ():
            dns_records.put(cloud, zone or {}, record["recordSetName"], record["ipAddresses"][0], owner)


def _gone(cloud: Cloud, document: Document) -> None:
    _forget_records(cloud, document)


def _forget_records(cloud: Cloud, document: Document) -> None:
    """Take away what the group wrote, unless somebody has written over it."""
    for zone_id, records in _zones(document):
        for record in records:
            id_ = f"{zone_id}/A/{record['recordSetName']}"
            found = find.resource(cloud, id_)
            addresses = [
                each["ipv4Address"] for each in (found or {"properties": {"aRecords": []}})["properties"]["aRecords"]
            ]
            if addresses == record["ipAddresses"]:
                cloud.store.delete(RESOURCES, id_.lower())


def _zones(document: Document) -> Iterator[tuple[str, list[Document]]]:
    for each in document["properties"]["privateDnsZoneConfigs"]:
        yield each["properties"]["privateDnsZoneId"], each["properties"]["recordSets"]


ZONE_GROUP = Kind(
    type=_TYPE,
    name=name_rule(_TYPE),
    shape=_shape,
    placement=child_of(ENDPOINT),
    verbs=Verbs(
        put=Verb(201, "operation", "Updating"),
        update=Verb(200, "operation", "Updating"),
        patch=False,
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(before_write=_check, on_write=_written, on_ready=_ready, on_delete=_gone),
    matched=True,
)
