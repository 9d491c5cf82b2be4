"""The settings that describe a workspace: from documents as Azure answers them, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.adoption.describe import settings, unfit
from azmlflow.infra.settings.settings import Settings

SUB = "/subscriptions/00000000-0000-4000-8000-00000000000a"
GROUP = f"{SUB}/resourceGroups/rg-team"
ID = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-team"
# As Azure spells some ids (infrequent capitals).
LINKS = {
    "storageAccount": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stteam",
    "keyVault": f"{GROUP}/providers/Microsoft.Keyvault/vaults/kv-team",
    "applicationInsights": f"{GROUP}/providers/Microsoft.insights/components/appi-team",
}
USER = f"{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id-team"
PRINCIPAL = "aaaaaaaa-0000-4000-8000-000000000001"


def workspace(identity: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    known = {**LINKS, "publicNetworkAccess": "Enabled", "systemDatastoresAuthMode": "accesskey"}
    return {
        "id": ID,
        "kind": "Default",
        "location": "West Europe",
        "identity": identity or {"type": "SystemAssigned", "principalId": PRINCIPAL},
        "tags": {"team": "blue"},
        "properties": {**known, **properties},
    }


def test_a_plain_workspace_uses_all_by_id() -> None:
    found = settings(workspace())
    assert found == {
        "location": "westeurope",
        "group": GROUP,
        "workspace": "mlw-team",
        "storage": LINKS["storageAccount"],
        "vault": LINKS["keyVault"],
        "insights": LINKS["applicationInsights"],
        "tags": {"team": "blue"},
    }
    read = Settings.from_mapping({f"azmlflow:{key}": value for key, value in found.items()})
    assert read.vault == f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-team", "in Azure's other spelling"
    assert read.registry == "none"


def test_identity_storage_registry_and_network() -> None:
    identity = {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {USER: {}}}
    registry = f"{GROUP}/providers/Microsoft.ContainerRegistry/registries/crteam"
    managed = {"isolationMode": "AllowOnlyApprovedOutbound"}
    found = settings(
        workspace(
            identity,
            containerRegistry=registry,
            systemDatastoresAuthMode="Identity",
            managedNetwork=managed,
            publicNetworkAccess="Disabled",
        )
    )
    assert found["identity"] == {"type": "SystemAssigned,UserAssigned", "id": USER, "grantRoles": False}
    assert (found["registry"], found["storageAuth"]) == (registry, "identity")
    assert found["network"] == {"mode": "managed", "outbound": "approved"}
    Settings.from_mapping({f"azmlflow:{key}": value for key, value in found.items()})


MANAGED = {"isolationMode": "AllowInternetOutbound"}


def test_our_own_tags_are_no_setting() -> None:
    document = workspace()
    document["tags"]["azmlflow-Stack"] = "x"
    assert settings(document, frozenset({"azmlflow-stack"}))["tags"] == {"team": "blue"}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({**workspace(), "kind": "Hub"}, "it is a hub"),
        (workspace(publicNetworkAccess="Disabled"), "its network is closed, and it has no container registry"),
        (workspace(managedNetwork=MANAGED, containerRegistry="/x"), "a managed network and is open"),
        (
            workspace(managedNetwork=MANAGED, publicNetworkAccess="Disabled"),
            "its network is managed, and it has no container registry",
        ),
        (workspace(systemDatastoresAuthMode="userDelegationSAS"), "user delegation SAS"),
        (workspace(applicationInsights=None), "no Application Insights"),
        (
            workspace({"type": "UserAssigned", "userAssignedIdentities": {USER: {}, f"{USER}2": {}}}),
            "several user-assigned identities",
        ),
    ],
)
def test_what_no_setting_describes(document: dict[str, Any], word: str) -> None:
    (why,) = unfit(document)
    assert word in why


def test_a_plain_workspace_is_fit() -> None:
    assert list(unfit(workspace())) == []


VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv-keys"


def encryption(
    identity: bool = True, key: str = "https://kv-keys.vault.azure.net/keys/workspace/1a2b"
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "status": "Enabled",
        "keyVaultProperties": {"keyVaultArmId": VAULT, "keyIdentifier": key, "identityClientId": PRINCIPAL},
    }
    return {**found, "identity": {"userAssignedIdentity": USER}} if identity else found


def test_a_key_of_ones_own() -> None:
    user = {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}
    document = workspace(user, primaryUserAssignedIdentity=USER, encryption=encryption())
    assert list(unfit(document)) == []
    found = settings(document)
    assert found["encryption"] == {"keyVault": VAULT, "key": "workspace"}
    document["properties"]["enableServiceSideCMKEncryption"] = True
    assert settings(document)["encryption"]["serviceSide"] is True
    Settings.from_mapping({f"azmlflow:{key}": value for key, value in found.items()})


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (encryption(identity=False), "its system-assigned identity uses the key"),
        (encryption(key="https://kv-keys.vault.azure.net/keys/workspace"), "named without its version"),
    ],
)
def test_a_key_that_no_setting_describes(given: dict[str, Any], word: str) -> None:
    (why,) = unfit(workspace(encryption=given))
    assert word in why


def test_a_workspace_closed_in_a_network_of_others() -> None:
    document = workspace(publicNetworkAccess="Disabled", containerRegistry=f"{GROUP}/x")
    assert list(unfit(document)) == []
    assert settings(document)["network"] == {"mode": "closed"}
    document["properties"]["managedNetwork"] = {"isolationMode": "Disabled"}
    assert settings(document)["network"] == {"mode": "closed"}
    document["properties"]["managedNetwork"] = {"isolationMode": "AllowOnlyApprovedOutbound"}
    assert settings(document)["network"] == {"mode": "managed", "outbound": "approved"}
    assert settings(document)["imageBuildCompute"] == "none", "an `up` would name the first cluster"
    document["properties"]["imageBuildCompute"] = "cpu"
    assert settings(document)["imageBuildCompute"] == "cpu"
