"""Microsoft.Network/privateDnsZones/virtualNetworkLinks: which networks ask a zone.

Source: Microsoft, "Virtual Network Links" (REST 2024-06-01), "What is a virtual network link?": one link between a zone
and a network, one zone that a network registers in. Azure's words for two zones of one name: Azure/ARO-RP issue 796.
Inferred: the refusals of a network that is not there and of a second registration.
"""

from __future__ import annotations

from collections.abc import Iterator

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks.private_dns_zones import GLOBAL, LINKS, TYPE
from azmlflow.localazure.kinds.networks.references import linked_id, name_rule, stamp_etag
from azmlflow.localazure.kinds.networks.subnets import NETWORK
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, envelope, pick
from azmlflow.localazure.resources.kind import Kind, Lifecycle, Placement
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs


def zone_name(link: Document) -> str:
    """The name of the zone that a link is of."""
    return str(link["id"].split("/")[-3])


def of_network(cloud: Cloud, network_id: str) -> Iterator[Document]:
    """The links of a network, whatever zone they are of."""
    wanted = network_id.lower()
    for _, each in cloud.store.scan(RESOURCES):
        if each["type"] == LINKS and each["properties"]["virtualNetwork"]["id"].lower() == wanted:
            yield each


def _shape(ask: Ask, existing: Document | None) -> Document:
    id_ = linked_id("virtualNetwork", ask.properties.get("virtualNetwork"), NETWORK)
    network = find.resource(ask.cloud, id_)
    if network is None:
        raise bad_request("BadRequest", f"The virtual network '{id_}' does not exist.", target="virtualNetwork")
    if existing is not None and existing["properties"]["virtualNetwork"]["id"].lower() != id_.lower():
        raise bad_request("BadRequest", "The virtual network of a link cannot be changed.", target="virtualNetwork")
    given = pick(ask.properties, {"registrationEnabled": False})
    zone = find.parent(ask.cloud, ZONE_LINK, ask.target, "write")
    _require_one(ask, network, zone["name"], bool(given["registrationEnabled"]))
    policy = choice(
        "resolutionPolicy", ask.properties.get("resolutionPolicy") or "Default", ("Default", "NxDomainRedirect")
    )
    before = (existing or {}).get("properties", {})
    properties = {
        **given,
        "virtualNetwork": {"id": network["id"]},
        "resolutionPolicy": policy,
        "virtualNetworkLinkState": before.get("virtualNetworkLinkState", "InProgress"),
    }
    return {**envelope(ask, existing), "etag": (existing or {}).get("etag"), "properties": properties}


def _require_one(ask: Ask, network: Document, zone: str, registers: bool) -> None:
    for link in of_network(ask.cloud, network["id"]):
        if link["id"].lower() == ask.target.id.lower():
            continue
        if zone_name(link).lower() == zone.lower():
            raise bad_request(
                "BadRequest",
                "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link "
                f"virtual network with '{zone}' and '{zone_name(link)}' zones.",
            )
        if registers and link["properties"]["registrationEnabled"]:
            raise bad_request(
                "BadRequest",
                f"The virtual network '{network['name']}' registers in the zone '{zone_name(link)}' already.",
            )


def _linked(_cloud: Cloud, document: Document, _operation: Document) -> None:
    document["properties"]["virtualNetworkLinkState"] = "Completed"


ZONE_LINK = Kind(
    type=LINKS,
    name=name_rule(LINKS),
    shape=_shape,
    placement=Placement("child", TYPE, GLOBAL),
    verbs=Verbs(
        put=Verb(202, "operation", "Creating"), update=Verb(200), delete=Deletion(202, "operation"),
    ),
    lifecycle=Lifecycle(on_write=stamp_etag, on_ready=_linked),
    conditional="Virtual network link",
)  # fmt: skip
