"""Datastores: three types, no credential, and names that Azure takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from tests.infra.conftest import SUBSCRIPTION

Up = Callable[..., Any]
LAKE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-data/providers/Microsoft.Storage/storageAccounts/lake"
NONE = {"credentialsType": "None"}


def test_each_type_without_a_credential(up: Up) -> None:
    done = up(
        datastores=[
            {"name": "raw", "container": "raw-data", "account": LAKE},
            {"name": "shared", "type": "file", "container": "share", "account": LAKE, "identity": "workspace"},
            {"name": "lake", "type": "dataLake", "container": "files", "account": LAKE},
        ]
    )
    filled_in = ("properties.endpoint", "properties.protocol")  # by Azure; of what was made by hand it may be another
    assert {each.ignored for each in done.of("azure-native:machinelearningservices:Datastore")} == {filled_in}
    place = {"accountName": "lake", "resourceGroup": "rg-data", "subscriptionId": SUBSCRIPTION, "credentials": NONE}
    found = {each.inputs["name"]: each.inputs["properties"] for each in done.of(":Datastore") if "name" in each.inputs}
    caller, workspace = "None", "WorkspaceSystemAssignedIdentity"
    wanted = {
        "raw": {"datastoreType": "AzureBlob", "containerName": "raw-data", "serviceDataAccessAuthIdentity": caller},
        "shared": {"datastoreType": "AzureFile", "fileShareName": "share", "serviceDataAccessAuthIdentity": workspace},
        "lake": {"datastoreType": "AzureDataLakeGen2", "filesystem": "files", "serviceDataAccessAuthIdentity": caller},
    }
    for name, properties in wanted.items():
        assert {key: found[name][key] for key in (*properties, *place)} == {**properties, **place}


@pytest.mark.parametrize(
    ("store", "word"),
    [
        ({"name": "raw-data", "container": "raw"}, "should look like `"),
        ({"name": "workspaceblobstore", "container": "raw"}, "Azure makes workspaceblobstore with the workspace"),
        ({"name": "raw", "container": "Raw"}, "is no name of a container, share or file system"),
        ({"name": "raw", "container": "a--b"}, "is no name of a container, share or file system"),
        ({"name": "lake", "type": "dataLake", "container": "files"}, "the workspace's own may not have"),
        ({"name": "raw", "container": "raw", "type": "oneLake"}, "OneLake names a workspace and an item of Microsoft"),
        ({"name": "raw", "container": "raw", "type": "table"}, "'blob', 'file' or 'dataLake'"),
        ({"name": "raw", "container": "raw", "account": "stdata"}, "is not the ARM id of a resource"),
    ],
)
def test_what_azure_refuses(store: dict[str, str], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        Settings.from_mapping({"azmlflow:datastores": [store]})


def test_two_of_a_name() -> None:
    stores = [{"name": name, "container": "raw"} for name in ("raw", "RAW")]
    with pytest.raises(SettingsError, match="two datastores are called 'raw'"):
        Settings.from_mapping({"azmlflow:datastores": stores})


def test_instead_of_onelake_a_type_is_proposed() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_mapping(
            {"azmlflow:datastores": [{"name": "d", "type": "OneLake", "account": "a", "container": "c"}]}
        )
    (found,) = (each for each in caught.value.faults if "OneLake" in each.what)
    assert (found.key, found.suggest) == ("azmlflow:datastores[0].type", "blob")
