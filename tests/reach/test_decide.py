"""Who reaches what, from a table written by hand from Microsoft's pages; see `reach.decide` for which."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.reach import facts
from azmlflow.reach.decide import decide
from azmlflow.reach.records import INTERNET, Decision, InvalidOrigin, Origin, Service
from azmlflow.reach.refusals import Refusal, refusal

RG = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg"
NET = f"{RG}/providers/Microsoft.Network"
VNET, OTHER = f"{NET}/virtualNetworks/vnet", f"{NET}/virtualNetworks/other"
STORAGE = f"{RG}/providers/Microsoft.Storage/storageAccounts/stacct"
VAULT = f"{RG}/providers/Microsoft.KeyVault/vaults/kv"
REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/cr"
WORKSPACE = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces/ws"
BLOB_ZONE = "privatelink.blob.core.windows.net"
NETWORK, IN_OTHER = Origin("network", VNET), Origin("network", OTHER)
COMPUTE = Origin("managed", WORKSPACE)


def resource(id_: str, **properties: Any) -> dict[str, Any]:
    """A document as Resource Manager answers it."""
    parts = id_.rpartition("/providers/")[2].split("/")
    type_ = "/".join((parts[0], *parts[1::2]))
    return {"id": id_, "name": parts[-1], "type": type_, "location": "westeurope", "properties": properties}


def link(network: str = VNET, target: str = STORAGE, group: str = "blob", **more: Any) -> dict[str, Any]:
    """A private endpoint at 10.0.1.4."""
    state = {"status": more.get("status", "Approved")}
    inner = {"privateLinkServiceId": target, "groupIds": [group], "privateLinkServiceConnectionState": state}
    return resource(
        f"{NET}/privateEndpoints/pe-{group}",
        subnet={"id": f"{network}/subnets/one"},
        privateLinkServiceConnections=[{"name": "one", "properties": inner}],
        customDnsConfigs=[{"fqdn": "x", "ipAddresses": [more.get("address", "10.0.1.4")]}],
        provisioningState="Succeeded",
    )


def zone(name: str = BLOB_ZONE, *, network: str = VNET, record: str = "stacct", **more: Any) -> list[dict[str, Any]]:
    """A zone that is linked to a network and has one record, or none."""
    id_ = f"{NET}/privateDnsZones/{name}"
    made = [
        resource(id_),
        resource(
            f"{id_}/virtualNetworkLinks/l",
            virtualNetwork={"id": network},
            resolutionPolicy=more.get("policy", "Default"),
        ),
    ]
    if record:
        made.append(resource(f"{id_}/A/{record}", aRecords=[{"ipv4Address": more.get("address", "10.0.1.4")}]))
    return made


def rule(status: str = "Active", target: str = STORAGE, group: str = "blob") -> dict[str, Any]:
    """An outbound rule to a private endpoint."""
    destination = {"serviceResourceId": target, "subresourceTarget": group}
    return resource(f"{WORKSPACE}/outboundRules/r", type="PrivateEndpoint", status=status, destination=destination)


def workspace(mode: str = "Disabled", **properties: Any) -> dict[str, Any]:
    """A workspace with a managed network, or without."""
    return resource(WORKSPACE, workspaceId="guid", managedNetwork={"isolationMode": mode}, **properties)


def asked(origin: Origin, target: dict[str, Any], *others: dict[str, Any], service: Service = "blob") -> Decision:
    """The decision over documents."""
    return decide(facts.facts([target, *others]), origin, facts.endpoint(target, service))


SUBNETS = {"defaultAction": "Deny", "virtualNetworkRules": [{"id": f"{VNET}/subnets/a"}]}
OPEN, CLOSED = resource(STORAGE), resource(STORAGE, publicNetworkAccess="Disabled")
DENYING = resource(STORAGE, networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "198.51.100.0/24"}]})
ALLOWED, HELD = "AllowInternetOutbound", "AllowOnlyApprovedOutbound"
FQDN = resource(f"{WORKSPACE}/outboundRules/f", type="FQDN", status="Active", destination="*.vault.azure.net")
KEYS = resource(VAULT)

ROWS: list[tuple[str, Origin, list[dict[str, Any]], bool, str, str]] = [
    ("everybody reaches what is open", INTERNET, [OPEN], True, "public", ""),
    ("nobody on the internet reaches what is disabled", INTERNET, [CLOSED], False, "refused", "network.mode: public"),
    (
        "a private endpoint does not open it to the internet",
        INTERNET, [CLOSED, link(), *zone()], False, "refused", "network.mode: public",
    ),
    (
        "an address that the firewall has not",
        INTERNET, [DENYING], False, "refused", "network.allowedIps: [203.0.113.1]",
    ),
    ("one that it has", Origin("internet", "198.51.100.9"), [DENYING], True, "public", ""),
    ("a private endpoint and its zone", NETWORK, [CLOSED, link(), *zone()], True, "private", ""),
    ("what is open, from a network", NETWORK, [OPEN], True, "public", ""),
    ("what is disabled, from a network without endpoint", NETWORK, [CLOSED], False, "refused", "network.mode: own"),
    (
        "an endpoint whose zone is not linked: the name leads to the public address",
        NETWORK, [CLOSED, link(), *zone(network=OTHER)], False, "refused", "network.dns: zones",
    ),
    (
        "a linked zone without the record: there is no such name",
        NETWORK, [OPEN, link(), *zone(record="")], False, "unresolved", "network.mode: own, which writes it",
    ),
    (
        "... unless the link falls back to the internet",
        NETWORK, [OPEN, link(), *zone(record="", policy="NxDomainRedirect")], True, "public", "",
    ),
    (
        "a linked zone and no endpoint at all: the public name is no alias then",
        NETWORK, [OPEN, *zone(record="")], True, "public", "",
    ),
    (
        "an endpoint in another network than the one that asks",
        IN_OTHER, [CLOSED, link(), *zone(network=OTHER)], False, "unroutable", "network.mode: own",
    ),
    (
        "an endpoint that is not approved",
        NETWORK, [CLOSED, link(status="Pending"), *zone()], False, "refused", "network.mode: own",
    ),
    (
        "an endpoint to another service of the account",
        NETWORK, [CLOSED, link(group="file"), *zone()], False, "refused", "network.mode: own",
    ),
    (
        "a subnet that the firewall has",
        NETWORK,
        [resource(STORAGE, networkAcls=SUBNETS)],
        True, "public", "",
    ),
    ("a firewall knows no network by itself", NETWORK, [DENYING], False, "refused", "network.mode: own"),
    ("a compute without a managed network, what is open", COMPUTE, [OPEN, workspace()], True, "public", ""),
    ("... what is closed", COMPUTE, [CLOSED, workspace()], False, "refused", "network.mode: public"),
    ("by the managed network's endpoint", COMPUTE, [CLOSED, workspace(HELD), rule()], True, "private", ""),
    ("which is not built yet", COMPUTE, [CLOSED, workspace(HELD), rule("Inactive")], False, "held", "azmlflow up"),
    ("internet mode lets out to what is open", COMPUTE, [OPEN, workspace(ALLOWED)], True, "public", ""),
    (
        "internet mode, closed, no endpoint",
        COMPUTE, [CLOSED, workspace(ALLOWED)], False, "refused", "network.mode: public",
    ),
    (
        "approved mode holds what is not approved",
        COMPUTE, [OPEN, workspace(HELD)], False, "held", "network.rules: [{privateEndpoint: <id>}]",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("origin", "documents", "allowed", "way", "setting"), [row[1:] for row in ROWS], ids=[
    row[0] for row in ROWS
])  # fmt: skip
def test_who_reaches_a_storage_account(
    origin: Origin, documents: list[dict[str, Any]], allowed: bool, way: str, setting: str
) -> None:
    found = asked(origin, *documents)
    assert (found.allowed, found.way, found.setting) == (allowed, way, setting), found.reason
    assert found.reason


def test_a_host_that_is_approved() -> None:
    found = asked(COMPUTE, KEYS, workspace(HELD), FQDN, service="vault")
    assert (found.allowed, found.way) == (True, "public")
    other = resource(REGISTRY)
    assert asked(COMPUTE, other, workspace(HELD), FQDN, service="registry").way == "held"


@pytest.mark.parametrize(
    ("target", "service", "group", "name", "record"),
    [
        (VAULT, "vault", "vault", "privatelink.vaultcore.azure.net", "kv"),
        (REGISTRY, "registry", "registry", "privatelink.azurecr.io", "cr"),
        (STORAGE, "file", "file", "privatelink.file.core.windows.net", "stacct"),
        (WORKSPACE, "workspace", "amlworkspace", "privatelink.api.azureml.ms", "guid.workspace.westeurope"),
    ],
)
def test_each_service_by_its_own_zone(target: str, service: Service, group: str, name: str, record: str) -> None:
    closed = resource(target, workspaceId="guid", publicNetworkAccess="Disabled")
    by_link = [link(target=target, group=group), *zone(name, record=record)]
    assert asked(NETWORK, closed, *by_link, service=service).way == "private"
    assert not asked(INTERNET, closed, *by_link, service=service).allowed


def test_a_reason_names_what_is_missing() -> None:
    found = asked(NETWORK, CLOSED, link(), *zone(network=OTHER))
    assert found.reason == (
        "the public network access of storage account stacct is disabled; there is a private endpoint in vnet, but no "
        "zone privatelink.blob.core.windows.net is linked to it"
    )


def test_a_workspace_with_a_list_of_addresses() -> None:
    """`ipAllowlist` and `networkAcls` of the preview versions."""
    listed = workspace(ipAllowlist=["203.0.113.1"])
    assert asked(INTERNET, listed, service="workspace").allowed
    assert not asked(Origin("internet", "198.51.100.1"), listed, service="workspace").allowed
    acls = workspace(networkAcls={"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]})
    assert asked(INTERNET, acls, service="workspace").allowed
    assert not asked(Origin("internet", "198.51.100.1"), acls, service="workspace").allowed


def test_what_is_not_known_counts_as_closed() -> None:
    assert not asked(INTERNET, resource(STORAGE, publicNetworkAccess="SecuredByPerimeter")).allowed
    assert not asked(INTERNET, resource(STORAGE, networkAcls={"defaultAction": "Maybe"})).allowed
    assert not asked(Origin("managed", OTHER), CLOSED).allowed


def test_azures_words() -> None:
    def words(target: dict[str, Any], service: Service) -> Refusal:
        return refusal(facts.endpoint(target, service), INTERNET)

    assert words(CLOSED, "blob") == Refusal(
        403, "AuthorizationFailure", "This request is not authorized to perform this operation."
    )
    assert words(workspace(), "workspace").message == (
        "Access to workspace was denied based on workspace private link configuration."
    )
    closed = words(resource(VAULT, publicNetworkAccess="Disabled"), "vault")
    assert (closed.status, closed.code, closed.inner) == (403, "Forbidden", "ForbiddenByConnection")
    assert closed.message.startswith("Public network access is disabled and request is not from a trusted service")
    assert words(resource(VAULT, networkAcls={"defaultAction": "Deny"}), "vault").inner == "ForbiddenByFirewall"
    assert "client with IP '203.0.113.1' is not allowed access." in words(resource(REGISTRY), "registry").message


def test_origins_are_read_as_they_are_written() -> None:
    for origin in (INTERNET, NETWORK, COMPUTE):
        assert Origin.parse(str(origin)) == origin
    for text in ("", "internet:nowhere", "network:vnet", "elsewhere:1", "managed:"):
        with pytest.raises(InvalidOrigin):
            Origin.parse(text)
