"""A right is asked at every resource that a request's body names."""

from __future__ import annotations

from typing import Any

import pytest

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
    assert alice.arm("PUT", store, {"properties": told}, who=bob).status in (200, 201)
    for body in ({}, {"expirableSecret": True}):
        refused = alice.arm("POST", f"{store}/listSecrets", body, who=bob)
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
        assert "listKeys/action" in refused.message
    assert alice.arm("POST", f"{store}/listSecrets", {}).body["key"]
    own = f"{WORKSPACE}/datastores/workspaceartifactstore"
    assert alice.arm("POST", f"{own}/listSecrets", {}, who=bob).body["key"]
