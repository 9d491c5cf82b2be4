"""The private endpoint connections of a resource: the other side of the endpoints that lead to it.

Kept apart from the resource, whose own PUT does not change them, and shown in it. Source: Microsoft, "Private Endpoint
Connections" of each provider. An endpoint of whoever may approve it is approved at once.

How a provider tells them (Azure/azure-rest-api-specs: Microsoft.Storage 2024-01-01, Microsoft.KeyVault 2024-11-01,
Microsoft.ContainerRegistry 2023-01-01-preview, Microsoft.MachineLearningServices 2025-12-01): none tells the group;
storage says `actionRequired` where the others say `actionsRequired`; a vault's have neither name nor type.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import PRIVATE_CONNECTIONS
from azmlflow.localazure.core.store import Document

APPROVED: Document = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}


def of_resource(cloud: Cloud, id_: str) -> list[Document]:
    """The connections of a resource."""
    return [each for _, each in cloud.store.scan(PRIVATE_CONNECTIONS, f"{id_.lower()}/privateendpointconnections/")]


def shown(cloud: Cloud, document: Document) -> Document:
    """A resource as it is answered: with its connections."""
    found = of_resource(cloud, document["id"])
    if not found:
        return document
    told = [_told(str(document["type"]), each) for each in found]
    return {**document, "properties": {**document["properties"], "privateEndpointConnections": told}}


def _told(type_: str, connection: Document) -> Document:
    inner = {name: value for name, value in connection["properties"].items() if name != "groupIds"}
    match type_.lower():
        case "microsoft.storage/storageaccounts":
            said = {"actionsRequired": "actionRequired"}
            state = inner["privateLinkServiceConnectionState"]
            inner["privateLinkServiceConnectionState"] = {said.get(name, name): value for name, value in state.items()}
        case "microsoft.keyvault/vaults":
            return {"id": connection["id"], "properties": inner}
    return {**connection, "properties": inner}


def connect(cloud: Cloud, endpoint: Document, target: Document) -> None:
    """An endpoint leads to a resource from now on."""
    before = (each["name"] for each in of_resource(cloud, target["id"]) if _endpoint(each) == endpoint["id"].lower())
    name = next(before, None) or f"{endpoint['name']}.{cloud.ids.guid()}"
    connection_id = f"{target['id']}/privateEndpointConnections/{name}"
    properties = {
        "provisioningState": "Succeeded",
        "privateEndpoint": {"id": endpoint["id"]},
        "privateLinkServiceConnectionState": APPROVED,
    }
    kept = {
        "id": connection_id,
        "name": name,
        "type": f"{target['type']}/privateEndpointConnections",
        "properties": properties,
    }
    cloud.store.put(PRIVATE_CONNECTIONS, connection_id.lower(), kept)


def forget_endpoint(cloud: Cloud, endpoint_id: str) -> None:
    """An endpoint is gone, and its connections with it."""
    for key, each in list(cloud.store.scan(PRIVATE_CONNECTIONS)):
        if _endpoint(each) == endpoint_id.lower():
            cloud.store.delete(PRIVATE_CONNECTIONS, key)


def forget_below(cloud: Cloud, scope: str) -> list[str]:
    """What stands at or below a scope is gone: the ids of the endpoints that led to it."""
    lost = []
    for key, each in list(cloud.store.scan(PRIVATE_CONNECTIONS, f"{scope.lower()}/")):
        lost.append(str(each["properties"]["privateEndpoint"]["id"]))
        cloud.store.delete(PRIVATE_CONNECTIONS, key)
    return lost


def _endpoint(connection: Document) -> str:
    return str(connection["properties"]["privateEndpoint"]["id"]).lower()
