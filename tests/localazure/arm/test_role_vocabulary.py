"""Custom roles name operations that there are; every role that Azure has can be found, given and asked about."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import ALICE, RG, STORAGE, SUB, WORKSPACE, Answer, Azure

_DEFINITIONS = "/providers/Microsoft.Authorization/roleDefinitions"
_ONE = "11111111-1111-4111-8111-111111111111"
_ML = "Microsoft.MachineLearningServices/workspaces"
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_NONE = "'{0}' does not match any of the actions supported by the providers."
_TWO = "'{0}' contains multiple wildcards. Only one is allowed."
_NO_DATA = "The resource provider referenced in the action has not published any data operations."


def _define(azure: Azure, **block: Any) -> Answer:
    azure.make(RG)
    properties = {"roleName": "Typo role", "permissions": [block], "assignableScopes": [RG]}
    return azure.arm("PUT", f"{RG}{_DEFINITIONS}/{_ONE}", {"properties": properties})


@pytest.mark.parametrize(
    ("kind", "action", "code", "words"),
    [
        # The first five: MicrosoftDocs/azure-docs issues 38757, 77921, 102571; 74428 for the wildcards.
        ("actions", "Microsoft.Foo/bars/read", "InvalidActionOrNotAction", _NONE),
        ("actions", _ML, "InvalidActionOrNotAction", _NONE),
        ("actions", f"{_ML}/frobnicate/action", "InvalidActionOrNotAction", _NONE),
        ("actions", f"{_ML}/experimets/write", "InvalidActionOrNotAction", _NONE),
        ("actions", f"{_BLOBS}/read", "InvalidActionOrNotAction", _NONE),
        ("actions", "Microsoft.CostManagement/*/query/*", "InvalidActionOrNotAction", _TWO),
        ("notActions", f"{_ML}/reed", "InvalidActionOrNotAction", _NONE),
        ("actions", f"{_ML}/experimets/*", "InvalidActionOrNotAction", _NONE),
        ("actions", "Microsoft.Foo/*", "InvalidActionOrNotAction", _NONE),
        ("actions", "Microsoft.*/read", "InvalidActionOrNotAction", _NONE),
        ("actions", "*/frobnicate", "InvalidActionOrNotAction", _NONE),
        ("actions", "read", "InvalidActionOrNotAction", _NONE),
        ("actions", "", "InvalidActionOrNotAction", _NONE),
        ("actions", "Microsoft.Compute/virtualMachines", "InvalidActionOrNotAction", _NONE),
        # Azure/azure-powershell, its own tests of role definitions.
        ("actions", f"{_BLOBS}/*", "InvalidActionOrNotAction", _NONE),
        ("notActions", f"{_BLOBS}/*", "InvalidActionOrNotAction", _NONE),
        ("dataActions", "Microsoft.Authorization/*/read", "InvalidDataActionOrNotDataAction", _NO_DATA),
        ("notDataActions", "Microsoft.Authorization/*/read", "InvalidDataActionOrNotDataAction", _NO_DATA),
        # hashicorp/terraform-provider-azurerm issue 24576.
        (
            "dataActions",
            "Microsoft.Storage/storageAccounts/blobServices/containers/read",
            "InvalidDataActionOrNotDataAction",
            _NONE,
        ),
    ],
)
def test_an_action_that_no_provider_has(azure: Azure, kind: str, action: str, code: str, words: str) -> None:
    refused = _define(azure, **{kind: [f"{_ML}/read"] if kind == "x" else [action]})
    assert (refused.status, refused.code, refused.message) == (400, code, words.format(action))


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("actions", f"{_ML}/read"),
        ("actions", f"{_ML.upper()}/EXPERIMENTS/RUNS/WRITE"),
        ("actions", f"{_ML}/computes/start/action"),
        ("actions", f"{_ML}/metadata/codes/*/write"),
        ("actions", f"{_ML}/jobs/*"),
        ("actions", "Microsoft.Storage/storageAccounts/listKeys/action"),
        ("actions", "Microsoft.Resources/subscriptions/resourceGroups/read"),
        ("actions", "Microsoft.Authorization/roleAssignments/write"),
        ("actions", "Microsoft.Insights/diagnosticSettings/write"),
        ("actions", "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"),
        ("notActions", "Microsoft.KeyVault/vaults/write"),
        ("actions", "Microsoft.Compute/virtualMachines/start/action"),  # of a provider whose operations we do not list
        ("dataActions", f"{_BLOBS}/read"),
        ("dataActions", f"{_BLOBS}/*"),
        ("dataActions", "Microsoft.KeyVault/vaults/secrets/getSecret/action"),
        ("notDataActions", "Microsoft.KeyVault/vaults/keys/purge/action"),
    ],
)
def test_an_action_that_there_is(azure: Azure, kind: str, action: str) -> None:
    made = _define(azure, **{kind: [action]})
    assert made.status == 201, made
    assert made.body["properties"]["permissions"][0][kind] == [action]


def test_a_role_under_a_condition_keeps_it_and_allows_nothing(azure: Azure) -> None:
    condition = "((!(ActionMatches{'Microsoft.Resources/tags/write'})))"
    made = _define(azure, actions=[f"{_ML}/read"], condition=condition, conditionVersion="2.0")
    assert made.body["properties"]["permissions"][0]["condition"] == condition
    azure.assign(ALICE, "Typo role", RG)
    assert azure.arm("GET", WORKSPACE, who=ALICE).status == 403


@pytest.mark.parametrize(
    ("name", "status"), [("Storage Account Contributor", 200), ("Tag Contributor", 403), ("AcrPush", 403)]
)
def test_any_of_azures_roles_can_be_given(azure: Azure, name: str, status: int) -> None:
    azure.make(RG, STORAGE)
    azure.assign(ALICE, name, STORAGE)
    assert azure.arm("GET", STORAGE, who=ALICE).status == status


def test_all_of_azures_roles_are_listed_at_once(azure: Azure) -> None:
    found = azure.arm("GET", f"{SUB}{_DEFINITIONS}").body
    assert (len(found["value"]), "nextLink" in found) == (928, False)
    guarded = azure.arm("GET", f"{SUB}{_DEFINITIONS}?$filter=roleName eq 'Key Vault Data Access Administrator'").body
    assert "ForAnyOfAnyValues" in guarded["value"][0]["properties"]["permissions"][0]["condition"]
