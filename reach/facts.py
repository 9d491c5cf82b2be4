"""Facts from Resource Manager's documents, as a GET answers them.

What a document does not say counts as Azure's default: a public endpoint that answers everybody. A value that is not
known here counts as closed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from azmlflow.reach.records import Endpoint, Facts, Link, ManagedNetwork, Outbound, Service, Zone

Document = Mapping[str, Any]
STORAGE, VAULT = "microsoft.storage/storageaccounts", "microsoft.keyvault/vaults"
REGISTRY = "microsoft.containerregistry/registries"
WORKSPACE = "microsoft.machinelearningservices/workspaces"
_SERVICES: Mapping[str, tuple[Service, ...]] = {
    WORKSPACE: ("workspace",), STORAGE: ("blob", "file"), VAULT: ("vault",), REGISTRY: ("registry",),
}  # fmt: skip
_ENDPOINT = "microsoft.network/privateendpoints"
_ZONE = "microsoft.network/privatednszones"


def endpoints(document: Document) -> tuple[Endpoint, ...]:
    """The endpoints of a workspace, storage account, key vault or registry; none of anything else."""
    return tuple(_endpoint(document, each) for each in _SERVICES.get(str(document["type"]).lower(), ()))


def endpoint(document: Document, service: Service) -> Endpoint:
    """The endpoint of one service that a resource has."""
    return _endpoint(document, service)


def facts(documents: Iterable[Document]) -> Facts:
    """What the documents of networks, endpoints, zones and workspaces say together; others are passed over.

    Args:
        documents: private endpoints, private DNS zones with their links and A records, workspaces and their
            outbound rules.
    """
    by_type: dict[str, list[Document]] = {}
    for each in documents:
        by_type.setdefault(str(each["type"]).lower(), []).append(each)
    links = tuple(link for each in by_type.get(_ENDPOINT, ()) for link in _links(each))
    joined, records = by_type.get(f"{_ZONE}/virtualnetworklinks", []), by_type.get(f"{_ZONE}/a", [])
    zones = tuple(_zone(each, joined, records) for each in by_type.get(_ZONE, ()))
    rules = by_type.get(f"{WORKSPACE}/outboundrules", [])
    return Facts(links, zones, tuple(_managed(each, rules) for each in by_type.get(WORKSPACE, ())))


def _endpoint(document: Document, service: Service) -> Endpoint:
    properties = document.get("properties") or {}
    name = str(document["id"]).rpartition("/")[2]
    rules = properties.get("networkAcls") or properties.get("networkRuleSet") or {}
    given = rules.get("ipRules") or []
    listed = properties.get("ipAllowlist") or []
    access = str(properties.get("publicNetworkAccess") or "Enabled").lower()
    return Endpoint(
        service=service,
        resource_id=str(document["id"]),
        name=name,
        host=_host(document, service),
        is_public=access == "enabled",
        denies=str(rules.get("defaultAction") or "Allow").lower() != "allow" or bool(listed),
        addresses=(*(str(each.get("value")) for each in given), *map(str, listed)),
        subnets=tuple(str(each.get("id")) for each in rules.get("virtualNetworkRules") or []),
    )


def _host(document: Document, service: Service) -> str:
    name = str(document["id"]).rpartition("/")[2].lower()
    match service:
        case "workspace":
            return f"{document['properties'].get('workspaceId')}.workspace.{document.get('location')}.api.azureml.ms"
        case "vault":
            return f"{name}.vault.azure.net"
        case "registry":
            return f"{name}.azurecr.io"
        case _:
            return f"{name}.{service}.core.windows.net"


def _links(document: Document) -> Iterable[Link]:
    properties = document["properties"]
    addresses = tuple(
        str(address) for each in properties.get("customDnsConfigs") or () for address in each.get("ipAddresses") or ()
    )
    stands = str(properties.get("provisioningState") or "Succeeded") == "Succeeded"
    network = str((properties.get("subnet") or {}).get("id")).rsplit("/", 2)[0]
    for each in properties.get("privateLinkServiceConnections") or ():
        inner = each["properties"]
        state = (inner.get("privateLinkServiceConnectionState") or {}).get("status")
        for group in inner.get("groupIds") or ():
            target = str(inner.get("privateLinkServiceId"))
            yield Link(str(document["id"]), network, target, str(group), stands and state == "Approved", addresses)


def _zone(document: Document, links: list[Document], records: list[Document]) -> Zone:
    inside = f"{document['id']}/".lower()
    mine = [each["properties"] for each in links if str(each["id"]).lower().startswith(inside)]
    named = {
        str(each["name"]): tuple(str(one["ipv4Address"]) for one in each["properties"].get("aRecords") or ())
        for each in records
        if str(each["id"]).lower().startswith(inside)
    }
    back = [each for each in mine if str(each.get("resolutionPolicy")).lower() == "nxdomainredirect"]
    return Zone(str(document["name"]), _networks(mine), _networks(back), named)


def _networks(links: list[Document]) -> tuple[str, ...]:
    return tuple(str(each["virtualNetwork"]["id"]) for each in links)


def _managed(document: Document, rules: list[Document]) -> ManagedNetwork:
    inside = f"{document['id']}/".lower()
    mode = str((document["properties"].get("managedNetwork") or {}).get("isolationMode") or "Disabled")
    mine = (each["properties"] for each in rules if str(each["id"]).lower().startswith(inside))
    return ManagedNetwork(str(document["id"]), mode, tuple(_outbound(each) for each in mine))


def _outbound(properties: Document) -> Outbound:
    destination = properties.get("destination")
    inner = destination if isinstance(destination, Mapping) else {}
    to = inner.get("serviceResourceId") or inner.get("serviceTag") or destination
    return Outbound(
        str(properties.get("type")),
        str(to),
        str(inner.get("subresourceTarget") or ""),
        str(properties.get("status")).lower() == "active",
    )
