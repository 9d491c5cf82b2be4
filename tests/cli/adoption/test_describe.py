"""The settings that describe a workspace: from documents as Azure answers them, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.adoption.describe import cluster, settings, unfit
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


def test_our_own_tags_are_no_setting() -> None:
    document = workspace()
    document["tags"]["azmlflow-Stack"] = "x"
    assert settings(document, frozenset({"azmlflow-stack"}))["tags"] == {"team": "blue"}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        ({**workspace(), "kind": "Hub"}, "it is a hub"),
        (workspace(publicNetworkAccess="Disabled"), "closed to the internet in a network of its own"),
        (workspace(managedNetwork={"isolationMode": "AllowInternetOutbound"}), "a managed network and is open"),
        (workspace(encryption={"status": "Enabled"}), "encrypted by a key of yours"),
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


def compute(kind: str = "AmlCompute", identity: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    inner = {
        "vmSize": "STANDARD_DS3_V2",
        "vmPriority": "LowPriority",
        "enableNodePublicIp": True,
        "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT2M"},
        **properties,
    }
    document: dict[str, Any] = {"id": f"{ID}/computes/cpu", "properties": {"computeType": kind, "properties": inner}}
    return {**document, "identity": identity} if identity else document


def test_a_cluster() -> None:
    assert cluster(compute()) == {
        "name": "cpu",
        "vmSize": "STANDARD_DS3_V2",
        "minNodes": 0,
        "maxNodes": 2,
        "idleSeconds": 120,
        "priority": "LowPriority",
    }
    user = {"type": "UserAssigned", "userAssignedIdentities": {USER: {"principalId": PRINCIPAL}}}
    found = cluster(compute(identity=user, enableNodePublicIp=False, subnet={"id": "/s"}))
    assert found is not None
    assert (found["identities"], found["publicIp"], found["subnet"]) == ({USER: PRINCIPAL}, False, "/s")
    system = cluster(compute(identity={"type": "SystemAssigned"}))
    assert system is not None
    assert system["identity"] == "system"


def test_computes_that_are_none_or_whose_identity_is_not_known() -> None:
    assert cluster(compute("ComputeInstance")) is None
    assert cluster(compute("Kubernetes")) is None
    assert cluster(compute(remoteLoginPortPublicAccess="Enabled")) is None
    assert cluster(compute(remoteLoginPortPublicAccess="NotSpecified")) is not None
    unknown = {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}
    assert cluster(compute(identity=unknown)) is None


@pytest.mark.parametrize(("text", "seconds"), [("PT1H30M", 5400), ("P1D", 86400), ("PT120S", 120), ("P1M", None)])
def test_times(text: str, seconds: int | None) -> None:
    scale = {"minNodeCount": 0, "maxNodeCount": 1, "nodeIdleTimeBeforeScaleDown": text}
    found = cluster(compute(scaleSettings=scale))
    assert found is not None
    assert found.get("idleSeconds") == seconds
