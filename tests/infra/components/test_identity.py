"""The workspace's user-assigned identity: what it may do is declared before the workspace, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.components.parts import waiting
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from tests.infra.conftest import SUBSCRIPTION

Up = Callable[..., Any]
ROBOT = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/ml"
# Microsoft, "Azure built-in roles".
CONTRIBUTOR, BLOBS = "b24988ac-6180-42a0-ab88-20f7382dd24c", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
VAULTS, FILES = "00482a5a-887f-4fb3-b363-3b7fe8e74483", "69566ab7-960f-475b-8e7c-b3118f30c6bd"


def test_by_default_the_workspace_has_the_systems_identity_alone(up: Up) -> None:
    done = up()
    inputs = done.one("machinelearningservices:Workspace").inputs
    assert inputs["identity"] == {"type": "SystemAssigned"}
    assert "primaryUserAssignedIdentity" not in inputs
    assert done.of("RoleAssignment") == done.of("UserAssignedIdentity") == []


def test_a_made_identity_gets_the_roles_on_all_that_there_is_before_the_workspace(up: Up) -> None:
    done = up(identity={"type": "UserAssigned"}, registry="own", storageAuth="identity")
    workspace, identity = done.one("machinelearningservices:Workspace"), done.one("UserAssignedIdentity")
    assert identity.inputs["resourceName"] == "id-mlflow-dev"
    assert workspace.inputs["identity"] == {
        "type": "UserAssigned",
        "userAssignedIdentities": ["/id/mlflow-identity"],
    }
    assert workspace.inputs["primaryUserAssignedIdentity"] == "/id/mlflow-identity"
    given = {
        (each.inputs["scope"], each.inputs["roleDefinitionId"].rpartition("/")[2]) for each in done.of("RoleAssignment")
    }
    before = {
        ("/id/mlflow-storage", CONTRIBUTOR),
        ("/id/mlflow-storage", BLOBS),
        ("/id/mlflow-storage", FILES),
        ("/id/mlflow-vault", CONTRIBUTOR),
        ("/id/mlflow-vault", VAULTS),
        ("/id/mlflow-insights", CONTRIBUTOR),
        ("/id/mlflow-registry", CONTRIBUTOR),
    }
    assert given == {*before, ("/id/mlflow-workspace", CONTRIBUTOR)}
    first = {each.urn for each in done.of("RoleAssignment") if each.inputs["scope"] != "/id/mlflow-workspace"}
    assert first <= workspace.depends_on
    assert len(first) == len(before)


def test_in_a_managed_network_it_approves_the_endpoints_that_azure_makes(up: Up) -> None:
    done = up(identity={"type": "UserAssigned"}, registry="own", network={"mode": "managed"})
    approver = "b556d68e-0be0-4f35-a333-ad7ee1ce17ea"
    found = [each.inputs for each in done.of("RoleAssignment") if each.inputs["roleDefinitionId"].endswith(approver)]
    assert {each["scope"] for each in found} == {"/id/mlflow-storage", "/id/mlflow-vault", "/id/mlflow-registry"}


def test_a_given_identity_is_used_and_not_declared(up: Up) -> None:
    lower = ROBOT.replace("Microsoft.ManagedIdentity/userAssigned", "microsoft.managedidentity/userassigned")
    done = up(identity={"type": "SystemAssigned,UserAssigned", "id": f"{lower}/", "grantRoles": False})
    workspace = done.one("machinelearningservices:Workspace")
    assert workspace.inputs["identity"] == {"type": "SystemAssigned,UserAssigned", "userAssignedIdentities": [ROBOT]}
    assert done.of("UserAssignedIdentity") == done.of("RoleAssignment") == []


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"id": ROBOT}, "an id needs the type UserAssigned"),
        ({"type": "UserAssigned", "id": "id-ml"}, "is not the ARM id of a resource"),
        ({"type": "UserAssigned", "id": "/subscriptions/s/resourceGroups/rg"}, "is not the ARM id of a resource"),
        (
            {"type": "UserAssigned", "id": "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"},
            "is a Microsoft.KeyVault/vaults, not a Microsoft.ManagedIdentity/userAssignedIdentities",
        ),
        ({"type": "User"}, "azmlflow set identity.type UserAssigned"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping({"azmlflow:identity": settings})
    assert word in str(refused.value)


def test_a_component_without_a_name_for_its_identity_is_an_error(run: Up) -> None:
    def program() -> None:
        names = ("resource_group", "workspace", "storage_account", "key_vault", "log_analytics", "application_insights")
        args: Any = {
            "tenant_id": "t",
            "location": "westeurope",
            **dict.fromkeys(names, "n"),
            "identity_type": "UserAssigned",
        }
        MlflowWorkspace("mlflow", args)

    with pytest.raises(ValueError, match="needs an identity"):
        run(program)


@pytest.mark.parametrize(
    ("errors", "again"),
    [
        (["BadRequest: The identity '/x/robot' does not have authorization to perform action 'a'"], True),
        (["403 Forbidden: object id 'P-1' has no permission"], True),
        (["The client 'me' does not have authorization to perform action 'Microsoft.Resources/x'"], False),
        (["BadRequest: the identity '/x/robot' is not among the identities"], False),
        ([], False),
    ],
)
def test_what_azure_refuses_to_the_identity_is_asked_again_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, errors: list[str], again: bool
) -> None:
    slept: list[float] = []
    asked: list[Any] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(pulumi, "ErrorHook", lambda _name, callback: asked.append(callback))
    monkeypatch.setattr(pulumi, "ResourceHookBinding", lambda on_error: on_error)
    monkeypatch.setattr(pulumi, "ResourceOptions", lambda hooks: hooks)
    monkeypatch.setattr(pulumi.log, "info", lambda _text: None)

    class Known:
        def apply(self, told: Callable[[str], Any]) -> None:
            told("p-1")

    waiting.until_in_force("n", "robot", Known())  # type: ignore[arg-type]
    failed = pulumi.ErrorHookArgs("u", "", "n", "t", failed_operation="create", errors=errors)
    assert asyncio.run(asked[0](failed)) is again
    assert slept == ([2.0] if again else [])
    if again:
        while asyncio.run(asked[0](failed)):
            pass
        assert 600 <= sum(slept) <= 620
        assert max(slept) == 20


def test_an_account_whose_datastores_are_opened_as_the_caller_takes_no_keys(up: Up) -> None:
    for settings, mode, keys in (({}, "AccessKey", True), ({"storageAuth": "identity"}, "Identity", False)):
        done = up(**settings)
        assert done.one("machinelearningservices:Workspace").inputs["systemDatastoresAuthMode"] == mode
        assert done.one("StorageAccount").inputs["allowSharedKeyAccess"] is keys
