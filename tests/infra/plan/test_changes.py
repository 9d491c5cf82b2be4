"""What Azure changes by a new resource only."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan.changes import effect, replacing

WORKSPACE = "azure-native:machinelearningservices:Workspace"
VAULT = "azure-native:keyvault:Vault"
STORAGE = "azure-native:storage:StorageAccount"


KEY = "encryption.keyVaultProperties.keyIdentifier"
SERVICE_SIDE = {"enableServiceSideCMKEncryption": True}


def by_key(key: str, version: str, **other: Any) -> dict[str, Any]:
    uri = f"https://kv.vault.azure.net/keys/{key}/{version}"
    return {"encryption": {"status": "Enabled", "keyVaultProperties": {"keyIdentifier": uri}}, **other}


def network(isolation: str) -> dict[str, Any]:
    return {"kind": "Default", "managedNetwork": {"isolationMode": isolation}}


@pytest.mark.parametrize(
    ("token", "before", "after", "ways"),
    [
        # azure-native previews each of a workspace's as an update, and Azure refuses it.
        (WORKSPACE, {"location": "westeurope"}, {"location": "northeurope"}, ("location",)),
        (WORKSPACE, {"location": "West Europe"}, {"location": "westeurope"}, ()),
        (WORKSPACE, {"storageAccount": "/A/B"}, {"storageAccount": "/a/b"}, ()),
        (WORKSPACE, {"storageAccount": "/a/b"}, {"storageAccount": "/a/c"}, ("storageAccount",)),
        (WORKSPACE, {"workspaceName": "a"}, {"workspaceName": "b"}, ("workspaceName",)),
        (WORKSPACE, {"hbiWorkspace": False, "kind": "Default"}, {"kind": "Default"}, ()),
        (WORKSPACE, {"kind": "Default"}, {"kind": "Default", "hbiWorkspace": True}, ("hbiWorkspace",)),
        (WORKSPACE, by_key("a", "1"), by_key("b", "1"), ()),
        # Microsoft, "Customer-managed keys for Azure Machine Learning": service-side, "key rotation" is not supported.
        (WORKSPACE, by_key("a", "1", **SERVICE_SIDE), by_key("a", "2", **SERVICE_SIDE), ()),
        (WORKSPACE, by_key("a", "1", **SERVICE_SIDE), by_key("b", "1", **SERVICE_SIDE), (KEY,)),
        (WORKSPACE, {"kind": "Default"}, {"encryption": {"status": "On"}, "kind": "Default"}, ("encryption.status",)),
        (WORKSPACE, {"publicNetworkAccess": "Enabled"}, {"publicNetworkAccess": "Disabled"}, ()),
        (WORKSPACE, {"containerRegistry": "/a"}, {"containerRegistry": "/b"}, ()),
        (VAULT, {"properties": {"softDeleteRetentionInDays": 90}}, {"properties": {"softDeleteRetentionInDays": 7}},
         ("properties.softDeleteRetentionInDays",)),
        (STORAGE, {"isHnsEnabled": False}, {"isHnsEnabled": True}, ("isHnsEnabled",)),
        # Microsoft, "Workspace managed virtual network isolation": it is not switched off again, nor opened again.
        (WORKSPACE, {"kind": "Default"}, network("AllowInternetOutbound"), ()),
        (WORKSPACE, network("AllowInternetOutbound"), network("AllowOnlyApprovedOutbound"), ()),
        (WORKSPACE, network("AllowInternetOutbound"), {"kind": "Default"}, ("managedNetwork.isolationMode",)),
        (WORKSPACE, network("AllowOnlyApprovedOutbound"), network("AllowInternetOutbound"),
         ("managedNetwork.isolationMode",)),
        (WORKSPACE, network("AllowInternetOutbound"), network("Disabled"), ("managedNetwork.isolationMode",)),
        ("aws:s3:Bucket", {"location": "a"}, {"location": "b"}, ()),
        (WORKSPACE, {}, {"kind": "Default"}, ()),
    ],
)  # fmt: skip
def test_what_is_replaced(token: str, before: dict[str, Any], after: dict[str, Any], ways: tuple[str, ...]) -> None:
    assert replacing(token, before, after) == ways


def test_what_azure_answered_counts_where_the_program_said_nothing() -> None:
    known = {"encryption": {"status": "Enabled"}}
    after = {"kind": "Default", "encryption": {"status": "Enabled"}}
    assert replacing(WORKSPACE, {"kind": "Default"}, after, known) == ()
    assert replacing(WORKSPACE, {"kind": "Default"}, {"kind": "Default"}, known) == ()


def test_an_effect_is_told_from_none() -> None:
    assert effect(WORKSPACE, {"tags": {}}, {"tags": {}}) == "none"
    assert effect(WORKSPACE, {"tags": {}}, {"tags": {"a": "b"}}) == "update"
    assert effect(WORKSPACE, {"keyVault": "a"}, {"keyVault": "b"}) == "replace"
