"""Microsoft.Network/privateEndpoints: addresses in a subnet that lead to one group of one resource.

Source: Microsoft, "Private Endpoints" (REST 2024-05-01), "What is a private endpoint?". Azure's words: of groups
Azure/azure-cli issue 16750 and DFE-Digital/terraform-azurerm-container-apps-hosting issue 352; of a full subnet
hashicorp/terraform-provider-azurerm issue 28610. Inferred: the code for a subnet that is delegated (that it is refused:
MicrosoftDocs/azure-docs issue 47048), and that neither subnet nor connection of one can change.

Its network interface is told by its id and is no resource here. Connections that somebody else must approve are
refused: nobody here could.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.networks import connections, subnets
from azmlflow.localazure.kinds.networks.addresses import free
from azmlflow.localazure.kinds.networks.private_links import addresses
from azmlflow.localazure.kinds.networks.references import linked_id, name_rule, referenced, stamp_etag
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import envelope, pick, wrong_type
from azmlflow.localazure.resources.kind import Kind, Lifecycle
from azmlflow.localazure.resources.verbs import Deletion, Verb, Verbs

TYPE = "Microsoft.Network/privateEndpoints"
_OPTIONAL = ("applicationSecurityGroups", "customNetworkInterfaceName")


def of_subnet(cloud: Cloud, subnet_id: str) -> list[Document]:
    """The endpoints in a subnet."""
    wanted = subnet_id.lower()
    found = [each for _, each in cloud.store.scan(RESOURCES) if each["type"] == TYPE]
    return [each for each in found if each["properties"]["subnet"]["id"].lower() == wanted]


def target(document: Document) -> tuple[str, str]:
    """The id of the resource that an endpoint leads to, and the group."""
    inner = document["properties"]["privateLinkServiceConnections"][0]["properties"]
    return inner["privateLinkServiceId"], inner["groupIds"][0]


def _shape(ask: Ask, existing: Document | None) -> Document:
    id_ = existing["id"] if existing else find.new_id(ask.cloud, PRIVATE_ENDPOINT, ask.target)
    document: Document = {**envelope(ask, existing), "etag": (existing or {}).get("etag")}
    subnet = _subnet(ask, document["location"])
    connection, led_to = _connection(ask, id_)
    before = (existing or {}).get("properties")
    properties: Document = {
        **pick(ask.properties, {}, _OPTIONAL),
        "subnet": {"id": subnet["id"]},
        "privateLinkServiceConnections": [connection],
        "manualPrivateLinkServiceConnections": [],
        "ipConfigurations": [],
    }
    if before is not None:
        _keep_fixed(id_, before, properties)
        computed = ("customDnsConfigs", "networkInterfaces", "privateLinkServiceConnections")
        return {**document, "properties": {**properties, **{name: before[name] for name in computed}}}
    nic = properties.get("customNetworkInterfaceName") or f"{id_.rpartition('/')[2]}.nic.{ask.cloud.ids.guid()}"
    group_id = id_.rsplit("/providers/", 1)[0]
    properties["networkInterfaces"] = [{"id": f"{group_id}/providers/Microsoft.Network/networkInterfaces/{nic}"}]
    group = connection["properties"]["groupIds"][0]
    properties["customDnsConfigs"] = _addressed(ask, subnet, addresses(led_to, group))
    return {**document, "properties": properties}


def _subnet(ask: Ask, region: str) -> Document:
    subnet = referenced(ask, linked_id("subnet", ask.properties.get("subnet"), subnets.TYPE), region)
    if subnets.is_delegated(subnet):
        raise bad_request(
            "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated",
            f"Private endpoint {ask.target.id} cannot be created as subnet {subnet['id']} is delegated.",
        )
    return subnet


def _connection(ask: Ask, id_: str) -> tuple[Document, Document]:
    """The one connection of an endpoint, and what it leads to."""
    if ask.properties.get("manualPrivateLinkServiceConnections"):
        raise bad_request("BadRequest", "The embedded Azure has no connections that wait for somebody's approval.")
    if ask.properties.get("ipConfigurations"):
        raise bad_request("BadRequest", "The embedded Azure chooses the addresses of private endpoints itself.")
    given: Any = ask.properties.get("privateLinkServiceConnections")
    if not isinstance(given, list) or len(given) != 1 or not isinstance(given[0].get("properties"), dict):
        raise bad_request(
            "InvalidRequestFormat", "A private endpoint needs one connection in 'privateLinkServiceConnections'."
        )
    inner, place = given[0]["properties"], f"{id_}/privateLinkServiceConnections/{given[0].get('name')}"
    groups, to = inner.get("groupIds") or [], inner.get("privateLinkServiceId")
    if not isinstance(groups, list) or not isinstance(to, str):
        raise wrong_type("privateLinkServiceId", to, "string")
    found = find.resource(ask.cloud, to)
    if found is None:
        namespace = "/".join(to.split("/")[6:8])
        raise AzureError(
            404, "ResourceNotFound", f"Call to {namespace} failed. Error message: The Resource '{to}' was not found."
        )
    if len(groups) != 1:
        raise bad_request(
            "OnlyOneGroupIdPermitted",
            f"Private link service connection {place} has the following group Ids: {', '.join(map(str, groups))}. "
            f"Only one group Id is permitted when connecting to a first-party resource ({found['id']}).",
        )
    addresses(found, str(groups[0]))
    referenced(ask, found["id"])
    properties: Document = {
        **pick(inner, {}, ("requestMessage",)),
        "privateLinkServiceId": found["id"],
        "groupIds": groups,
        "provisioningState": "Succeeded",
        "privateLinkServiceConnectionState": connections.APPROVED,
    }
    type_ = f"{TYPE}/privateLinkServiceConnections"
    return {"id": place, "name": given[0].get("name"), "type": type_, "properties": properties}, found


def _keep_fixed(id_: str, before: Document, after: Document) -> None:
    def fixed(properties: Document) -> tuple[str, str, Any]:
        inner = properties["privateLinkServiceConnections"][0]["properties"]
        return properties["subnet"]["id"].lower(), inner["privateLinkServiceId"].lower(), inner["groupIds"]

    if fixed(before) != fixed(after):
        raise bad_request(
            "PrivateEndpointCannotBeUpdated", f"The subnet and the connection of {id_} cannot be changed."
        )


def _addressed(ask: Ask, subnet: Document, wanted: tuple[tuple[str, ...], ...]) -> list[Document]:
    """Each name with its address, the lowest that are free in the subnet."""
    taken = [
        address
        for each in of_subnet(ask.cloud, subnet["id"])
        for named in each["properties"]["customDnsConfigs"]
        for address in named["ipAddresses"]
    ]
    space = subnets.prefixes(subnet)
    left = free(space, taken)
    found: list[Document] = []
    for names in wanted:
        address = next(left, None)
        if address is None:
            raise bad_request(
                "SubnetIsFull",
                f"Subnet {subnet['name']} with address prefix {space[0]} does not have enough capacity for "
                f"{len(wanted)} IP addresses.",
            )
        found += [{"fqdn": each, "ipAddresses": [address]} for each in names]
    return found


def _stands(cloud: Cloud, document: Document, _operation: Document) -> None:
    led_to = find.resource(cloud, target(document)[0])
    if led_to is None:
        _cut(document)
    else:
        connections.connect(cloud, document, led_to)


def _cut(document: Document) -> None:
    inner = document["properties"]["privateLinkServiceConnections"][0]["properties"]
    inner["privateLinkServiceConnectionState"] = {
        "status": "Disconnected", "description": "The resource is deleted.", "actionsRequired": "None",
    }  # fmt: skip


def _lost(cloud: Cloud, scope: str) -> None:
    """What stood at a scope is gone: an endpoint to it stays, and leads nowhere."""
    for id_ in connections.forget_below(cloud, scope):
        endpoint = find.resource(cloud, id_)
        if endpoint is not None:
            _cut(endpoint)
            find.keep(cloud, endpoint)


def _gone(cloud: Cloud, document: Document) -> None:
    connections.forget_endpoint(cloud, document["id"])


PRIVATE_ENDPOINT = Kind(
    type=TYPE,
    name=name_rule(TYPE),
    shape=_shape,
    verbs=Verbs(
        put=Verb(201, "operation", "Updating"),
        update=Verb(200, "operation", "Updating"),
        patch=False,
        delete=Deletion(202, "location"),
    ),
    lifecycle=Lifecycle(on_write=stamp_etag, on_ready=_stands, on_delete=_gone, on_scope_delete=_lost),
    matched=True,
)
