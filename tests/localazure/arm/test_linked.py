"""A right is asked at every resource that a request's body names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from azmlflow.localazure.blobs.signing import Signing
from tests.localazure.control import ALICE, BODIES, CHAIN, INSIGHTS, LOGS, RG, STORAGE, SUB, VAULT, WORKSPACE, Azure

REGISTRY, IDENTITY = "Microsoft.ContainerRegistry/registries", "Microsoft.ManagedIdentity/userAssignedIdentities"
MINE = f"{SUB}/resourceGroups/mine"


@pytest.fixture
def alice(azure: Azure) -> Azure:
    """Everything stands in one group; alice owns another one only."""
    azure.make(*CHAIN)
    azure.cloud.directory.find_user(ALICE) or azure.cloud.directory.add_user(ALICE)
    assert azure.arm("PUT", MINE, {"location": "westeurope"}).status == 201
    azure.assign(ALICE, "Owner", MINE)
    return azure


@pytest.mark.parametrize(
    ("linked", "right"),
    [
        (STORAGE, "Microsoft.Storage/storageAccounts/listKeys/action"),
        (VAULT, "Microsoft.KeyVault/vaults/write"),
        (INSIGHTS, "Microsoft.Insights/components/read"),
        (f"{RG}/providers/{REGISTRY}/none", f"{REGISTRY}/listCredentials/action"),
        (f"{RG}/providers/{IDENTITY}/none", f"{IDENTITY}/assign/action"),
        (f"{WORKSPACE}-hub", "Microsoft.MachineLearningServices/workspaces/hubs/join/action"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("case", [str, str.upper, str.lower])
def test_a_workspace_links_only_what_its_maker_has(alice: Azure, linked: str, right: str, case: Any) -> None:
    path = f"{MINE}/providers/Microsoft.MachineLearningServices/workspaces/ws-mine"
    body = {"location": "westeurope", "properties": {"storageAccount": case(linked), "keyVault": case(linked)}}
    refused = alice.arm("PUT", path, body, who=ALICE)
    assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
    assert f"'{right}'" in refused.message
    assert alice.arm("GET", path).status == 404
    named = {"type": "UserAssigned", "userAssignedIdentities": {linked: {}}}
    assert alice.arm("PUT", path, {"location": "westeurope", "identity": named}, who=ALICE).status == 403


def test_telemetry_goes_to_no_workspace_of_others(alice: Azure) -> None:
    path = f"{MINE}/providers/Microsoft.Insights/components/mine"
    refused = alice.arm("PUT", path, BODIES[INSIGHTS], who=ALICE)
    assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
    assert "sharedKeys/action" in refused.message
    alice.assign(ALICE, "Contributor", LOGS)
    assert alice.arm("PUT", path, BODIES[INSIGHTS], who=ALICE).status == 200


def test_what_was_linked_is_not_asked_again(alice: Azure) -> None:
    """Who may write the workspace alone changes it without a right at what it stands on."""
    alice.assign(ALICE, "Contributor", WORKSPACE)
    assert alice.arm("PATCH", WORKSPACE, {"tags": {"a": "b"}}, who=ALICE).status in (200, 202)
    alice.wait()
    assert alice.arm("PUT", WORKSPACE, BODIES[WORKSPACE], who=ALICE).status in (200, 202)


def test_a_contributor_of_the_group_makes_it_all(azure: Azure) -> None:
    azure.make(RG)
    azure.cloud.directory.find_user(ALICE) or azure.cloud.directory.add_user(ALICE)
    azure.assign(ALICE, "Contributor", RG)
    for path in CHAIN[1:]:
        assert azure.arm("PUT", path, BODIES[path], who=ALICE).status in (200, 201, 202), path
        azure.wait()


@pytest.mark.parametrize("name", ["steal", "workspaceblobstore"])
def test_a_datastore_without_secret_gives_no_key_of_an_account_of_others(alice: Azure, name: str) -> None:
    foreign = f"{MINE}/providers/Microsoft.Storage/storageAccounts/stforeign1"
    assert alice.arm("PUT", foreign, BODIES[STORAGE]).status in (200, 202)
    alice.wait()
    bob = "bob@local.test"
    alice.cloud.directory.find_user(bob) or alice.cloud.directory.add_user(bob)
    alice.assign(bob, "AzureML Data Scientist", WORKSPACE)
    store = f"{WORKSPACE}/datastores/{name}"
    told = {
        "datastoreType": "AzureBlob", "accountName": "stforeign1", "containerName": "azureml",
        "credentials": {"credentialsType": "AccountKey"},
    }  # fmt: skip
    refused = alice.arm("PUT", store, {"properties": told}, who=bob)
    assert (refused.status, "you may not read it" in refused.message) == (400, True)
    assert alice.arm("PUT", store, {"properties": told}, who=bob, skipValidation="true").status in (200, 201)
    for body in ({}, {"expirableSecret": True}):
        refused = alice.arm("POST", f"{store}/listSecrets", body, who=bob)
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
        assert "listKeys/action" in refused.message
    assert alice.arm("POST", f"{store}/listSecrets", {}).body["key"]
    own = f"{WORKSPACE}/datastores/workspaceartifactstore"
    assert alice.arm("POST", f"{own}/listSecrets", {}, who=bob).body["key"]


# --- containers -------------------------------------------------------------------------------------------------------

SCIENTIST = "sam@local.test"
READ = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"
PAYROLL = f"{STORAGE}/blobServices/default/containers/payroll"


@pytest.fixture
def scientist(azure: Azure) -> Azure:
    """Sam may do all that data scientists do in the workspace; the account holds others' containers too."""
    azure.make(*CHAIN)
    azure.cloud.directory.add_user(SCIENTIST)
    azure.assign(SCIENTIST, "AzureML Data Scientist", WORKSPACE)
    azure.blob("payroll", "salaries.csv")
    sister = f"{WORKSPACE}-sister"
    assert azure.arm("PUT", sister, BODIES[WORKSPACE]).status == 202
    azure.wait()
    return azure


def store_of(azure: Azure, workspace: str) -> str:
    """The container of a workspace's blob store."""
    found = azure.arm("GET", f"{workspace}/datastores/workspaceblobstore").body["properties"]
    return str(found["containerName"])


def datastore(container: str, **secrets: str) -> dict[str, Any]:
    told: dict[str, Any] = {"credentialsType": "AccountKey" if "key" in secrets else "Sas" if secrets else "None"}
    if secrets:
        told["secrets"] = {"secretsType": told["credentialsType"], **secrets}
    return {
        "properties": {
            "datastoreType": "AzureBlob", "accountName": "stacct1", "containerName": container, "credentials": told,
        }
    }  # fmt: skip


@pytest.mark.parametrize("folder", ["payroll", "payroll/salaries.csv", "%70ayroll", "azureml/ExperimentRun", "sister"])
def test_code_is_not_where_its_maker_may_not_read(scientist: Azure, folder: str) -> None:
    folder = folder.replace("sister", store_of(scientist, f"{WORKSPACE}-sister"))
    version = f"{WORKSPACE}/codes/mine/versions/1"
    body = {"properties": {"codeUri": f"https://stacct1.blob.core.windows.net/{folder}"}}
    refused = scientist.arm("PUT", version, body, who=SCIENTIST)
    assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed")
    assert READ in refused.message
    assert scientist.arm("GET", version).status == 404
    scientist.assign(SCIENTIST, "Storage Blob Data Reader", STORAGE)
    assert scientist.arm("PUT", version, body, who=SCIENTIST).status == 201


def test_code_is_where_its_maker_was_told_to_put_it(scientist: Azure) -> None:
    version = f"{WORKSPACE}/codes/mine/versions/1"
    told = scientist.arm("POST", f"{version}/startPendingUpload", {}, who=SCIENTIST).body
    uri = told["blobReferenceForConsumption"]["blobUri"]
    of_others = scientist.arm("PUT", f"{WORKSPACE}-sister/codes/c/versions/1", {"properties": {"codeUri": uri}})
    assert of_others.status == 201  # its owner may read everywhere
    scientist.assign(SCIENTIST, "AzureML Data Scientist", f"{WORKSPACE}-sister")
    path, body = f"{WORKSPACE}-sister/codes/c/versions/2", {"properties": {"codeUri": uri}}
    assert scientist.arm("PUT", path, body, who=SCIENTIST).status == 403
    assert scientist.arm("PUT", version, body, who=SCIENTIST).status == 201
    own = f"https://stacct1.blob.core.windows.net/{store_of(scientist, WORKSPACE)}/LocalUpload/x"
    path = f"{WORKSPACE}/codes/mine/versions/2"
    assert scientist.arm("PUT", path, {"properties": {"codeUri": own}}, who=SCIENTIST).status == 201


@pytest.mark.parametrize("container", ["payroll", "PAYROLL", "azureml", "sister"])
def test_a_datastore_is_of_no_container_that_its_maker_may_not_use(scientist: Azure, container: str) -> None:
    container = container.replace("sister", store_of(scientist, f"{WORKSPACE}-sister"))
    path = f"{WORKSPACE}/datastores/mine"
    for body in (
        datastore(container),
        datastore(container, key="bm8="),
        datastore(container, sasToken="sig=a&se=2099"),
    ):
        refused = scientist.arm("PUT", path, body, who=SCIENTIST)
        assert (refused.status, refused.code) == (403, "LinkedAuthorizationFailed"), body
    assert scientist.arm("PUT", path, datastore(store_of(scientist, WORKSPACE)), who=SCIENTIST).status == 201
    for method in ("PUT", "PATCH"):  # nor is one turned to it
        assert scientist.arm(method, path, datastore(container), who=SCIENTIST).status == 403
    role = scientist.assign(SCIENTIST, "Storage Blob Data Reader", STORAGE)
    assert scientist.arm("PUT", path, datastore(container), who=SCIENTIST).status == 403
    scientist.arm("DELETE", role)
    scientist.assign(SCIENTIST, "Storage Blob Data Contributor", STORAGE)
    assert scientist.arm("PUT", path, datastore(container), who=SCIENTIST).status == 200


def test_a_datastore_may_bring_the_key_or_a_signature(scientist: Azure) -> None:
    key = scientist.arm("POST", f"{STORAGE}/listKeys").body["keys"][1]["value"]
    end = scientist.clock.now() + timedelta(days=1)
    good, short, other = (
        Signing(scientist.cloud).container("stacct1", container, letters, end)
        for container, letters in (("payroll", "rwl"), ("payroll", "r"), ("azureml", "rwl"))
    )
    for name, secrets, status in (
        ("one", {"key": key}, 201),
        ("two", {"sasToken": good}, 201),
        ("three", {"sasToken": short}, 403),
        ("four", {"sasToken": other}, 403),
    ):
        body = datastore("payroll", **secrets)
        assert scientist.arm("PUT", f"{WORKSPACE}/datastores/{name}", body, who=SCIENTIST).status == status, name
    scientist.clock.advance(2 * 24 * 3600)
    late = scientist.arm("PUT", f"{WORKSPACE}/datastores/five", datastore("payroll", sasToken=good), who=SCIENTIST)
    assert late.status == 403


def test_what_a_datastore_is_of_stays(scientist: Azure) -> None:
    path = f"{WORKSPACE}/datastores/theirs"
    assert scientist.arm("PUT", path, datastore("payroll")).status == 201
    body = datastore("payroll")
    body["properties"]["description"] = "of others"
    assert scientist.arm("PUT", path, body, who=SCIENTIST).status == 200
