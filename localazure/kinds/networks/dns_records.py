"""Microsoft.Network/privateDnsZones/A: which addresses a name in a zone has. Records of other types are not served.

Source: Microsoft, "Record Sets" (REST 2024-06-01). What a private endpoint's zone group wrote says so in its metadata.
"""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.private_dns_zones import RECORDS, TYPE
from azmlflow.localazure.kinds.networks.references import stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import texts, whole_number, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.verbs import Deletion, Verbs
from azmlflow.resourcetypes.bounds import NAMES


def _shape(ask: Ask, existing: Document | None) -> Document:
    zone = find.parent(ask.cloud, DNS_RECORD, ask.target, "write")
    name = existing["name"] if existing else ask.target.name
    given = ask.properties.get("aRecords") or []
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise wrong_type("aRecords", given, "array")
    properties: Document = {
        "aRecords": [{"ipv4Address": _address(each.get("ipv4Address"))} for each in given],
        "fqdn": f"{zone['name']}." if name == "@" else f"{name}.{zone['name']}.",
        "isAutoRegistered": False,
        "ttl": whole_number("ttl", ask.properties.get("ttl", 3600), 0, 2_147_483_647, "BadRequest"),
    }
    if not given:
        raise bad_request("BadRequest", f"The record set '{name}' needs an address in 'aRecords'.")
    if isinstance(ask.properties.get("metadata"), dict):
        properties["metadata"] = texts("metadata", ask.properties)
    return {"etag": (existing or {}).get("etag"), "properties": properties}


def _address(given: Any) -> str:
    try:
        return str(IPv4Address(str(given)))
    except AddressValueError as no_address:
        raise bad_request("BadRequest", f"The address '{given}' of an A record is not valid.") from no_address


def put(cloud: Cloud, zone: Document, name: str, address: str, owner: str) -> None:
    """Write the record of a name, in place of one that it had."""
    properties = {
        "aRecords": [{"ipv4Address": address}],
        "fqdn": f"{name}.{zone['name']}.",
        "isAutoRegistered": False,
        "metadata": {"creator": f"created by private endpoint {owner.rpartition('/')[2]} with resource id {owner}"},
        "ttl": 10,
    }
    etag = f'W/"{cloud.ids.guid()}"'
    id_ = f"{zone['id']}/A/{name}"
    find.keep(cloud, {"id": id_, "name": name, "type": RECORDS, "etag": etag, "properties": properties})


DNS_RECORD = Kind(
    type=RECORDS,
    name=NameRule(NAMES[RECORDS], "BadRequest", "The record set name '{name}' is not valid."),
    shape=_shape,
    placement=child_of(TYPE),
    has_provisioning_state=False,
    verbs=Verbs(delete=Deletion(200)),
    lifecycle=Lifecycle(on_write=stamp_etag),
    conditional="Record set",
)
