"""What somebody else made is given by id: used, and neither declared nor changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from tests.infra.conftest import SUBSCRIPTION

Up = Callable[..., Any]
OTHER = "33333333-3333-4333-8333-333333333333"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers"
REGISTRY = f"{GROUP}/Microsoft.ContainerRegistry/registries/crshared"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/ml"


STORAGE = f"{GROUP}/Microsoft.Storage/storageAccounts/stshared"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/kv-shared"
INSIGHTS = f"{GROUP}/Microsoft.Insights/components/appi-shared"
THEIRS = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs"
ALL = {"storage": STORAGE, "vault": VAULT, "insights": INSIGHTS, "registry": REGISTRY}
PERSON = {"principalId": "aaaaaaaa-0000-4000-8000-000000000001", "principalType": "User", "persona": "viewer"}


def on(done: Any, id_: str) -> list[Any]:
    """What is declared on something."""
    words = ("scope", "resourceUri", "privateLinkServiceConnections")
    return [each for each in done.declared if any(id_ in str(each.inputs.get(word, "")) for word in words)]


def test_a_given_registry_is_the_workspaces_and_nothing_is_declared_on_it(up: Up) -> None:
    done = up(
        registry=REGISTRY.replace("ContainerRegistry", "containerregistry"),
        identity={"type": "UserAssigned"},
        diagnostics=True,
        locks=True,
    )
    assert done.one("machinelearningservices:Workspace").inputs["containerRegistry"] == REGISTRY
    assert done.of("containerregistry:Registry") == []
    # Nothing but the role that the workspace's identity needs.
    assert [each.name for each in on(done, REGISTRY)] == ["mlflow-registry-contributor"]


def test_all_that_is_given_is_the_workspaces_and_nothing_of_it_is_declared(up: Up) -> None:
    done = up(**ALL, diagnostics=True, locks=True, purgeProtection=True)
    workspace = done.one("machinelearningservices:Workspace").inputs
    assert {key: workspace[key] for key in ("storageAccount", "keyVault", "applicationInsights")} == {
        "storageAccount": STORAGE,
        "keyVault": VAULT,
        "applicationInsights": INSIGHTS,
    }
    types = {each.type.removeprefix("azure-native:") for each in done.declared if each.type.startswith("azure-native:")}
    assert types == {
        "resources:ResourceGroup",
        "operationalinsights:Workspace",
        "machinelearningservices:Workspace",
        "monitor:DiagnosticSetting",
    }
    assert [each for id_ in ALL.values() for each in on(done, id_)] == []
    assert done.outputs["storageAccount"] == "stshared"


def test_no_log_analytics_is_made_for_insights_that_are_given(up: Up) -> None:
    assert up(insights=INSIGHTS).of("operationalinsights:Workspace") == []
    assert up(storage=STORAGE).of("operationalinsights:Workspace") != []


def test_people_get_their_roles_on_a_given_account(up: Up) -> None:
    done = up(storage=STORAGE, storageAuth="identity", grants=[PERSON])
    # Microsoft, "Azure built-in roles": Storage Blob Data Reader, Storage File Data Privileged Reader.
    assert {each.inputs["roleDefinitionId"].rpartition("/")[2] for each in on(done, STORAGE)} == {
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "b8eda974-7b85-4f76-af95-65846b26df6d",
    }


def test_a_compute_pulls_images_from_a_given_registry(up: Up) -> None:
    robot = {IDENTITY: PERSON["principalId"]}
    done = up(registry=REGISTRY, clusters=[{"name": "cpu", "identities": robot}])
    (pull,) = on(done, REGISTRY)
    # Microsoft, "Azure built-in roles": AcrPull.
    assert pull.inputs["roleDefinitionId"].endswith("/7f951dda-4ed3-4680-a7ca-43fe172d538d")
    assert pull.inputs["principalId"] == PERSON["principalId"]


def test_the_workspaces_identity_gets_its_roles_on_what_is_given_before_the_workspace(up: Up) -> None:
    done = up(**ALL, identity={"type": "UserAssigned"})
    given = {each.name for id_ in ALL.values() for each in on(done, id_)}
    assert given == {
        "mlflow-storage-contributor",
        "mlflow-storage-storage-blob-data-contributor",
        "mlflow-vault-contributor",
        "mlflow-vault-key-vault-administrator",
        "mlflow-insights-contributor",
        "mlflow-registry-contributor",
    }


def test_private_endpoints_lead_to_what_is_given(up: Up) -> None:
    done = up(**ALL, network={"mode": "own"})
    made = done.of("network:PrivateEndpoint")
    led = {each.inputs["privateLinkServiceConnections"][0]["privateLinkServiceId"] for each in made}
    assert led == {"/id/mlflow-workspace", STORAGE, VAULT, REGISTRY}


def test_a_given_group_is_used_and_not_declared(up: Up) -> None:
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Theirs"
    done = up(group=group.replace("resourceGroups", "resourcegroups"), clusters=[{"name": "cpu"}], grants=[PERSON])
    assert done.of("resources:ResourceGroup") == []
    workspace = done.one("machinelearningservices:Workspace")
    assert {each.inputs.get("resourceGroupName", "Theirs") for each in done.declared} == {"Theirs"}
    assert done.outputs["resourceGroup"] == "Theirs"
    # A cluster goes with its workspace; all else is deleted by itself.
    goes_with = {each.deleted_with for each in done.declared if each.type.startswith("azure-native:")}
    assert (done.one(":Compute").deleted_with, goes_with) == (workspace.urn, {workspace.urn, ""})
    # Others may have roles of theirs in the group: ours is called after the workspace.
    role = done.one("RoleDefinition").inputs
    assert role["roleName"].startswith("azmlflow viewer (mlw-mlflow-dev-")
    assert (role["scope"], role["assignableScopes"]) == (group, [group])
    other = up(group=group, workspace="another", grants=[PERSON]).one("RoleDefinition").inputs
    assert other["roleDefinitionId"] != role["roleDefinitionId"]


def test_in_a_given_group_other_things_may_be_given_too(up: Up) -> None:
    done = up(**ALL, group=f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared")
    types = {each.type.removeprefix("azure-native:") for each in done.declared if each.type.startswith("azure-native:")}
    assert types == {"machinelearningservices:Workspace"}


def test_what_lies_in_the_stacks_own_group_is_refused(up: Up) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        up(storage=STORAGE.replace("/shared/", "/RG-mlflow-dev/"))
    assert "azmlflow:storage: lies in the stack's own group, which `down` deletes" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"storage": STORAGE.replace(SUBSCRIPTION, OTHER)}, "azmlflow:storage"),
        ({"registry": REGISTRY.replace(SUBSCRIPTION, OTHER)}, "azmlflow:registry"),
        ({"identity": {"type": "UserAssigned", "id": IDENTITY.replace(SUBSCRIPTION, OTHER)}}, "azmlflow:identity.id"),
    ],
)
def test_what_lies_in_another_subscription_is_refused(up: Up, settings: dict[str, Any], key: str) -> None:
    with pytest.raises(pulumi.RunError) as refused:
        up(**settings)
    assert f"{key}: lies in subscription {OTHER}" in str(refused.value)
    assert f"azmlflow set --unset {key.removeprefix('azmlflow:')} --stack dev" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"registry": "mine"}, "is neither none nor own, nor the ARM id of a container registry"),
        ({"registry": IDENTITY}, "is a Microsoft.ManagedIdentity/userAssignedIdentities, not a"),
        ({"registry": "/subscriptions/x"}, "is not the ARM id of a resource"),
    ],
)
def test_settings_that_are_refused(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})
    assert word in str(refused.value)
    assert "azmlflow set registry own" in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"storage": "stmine"}, "is neither own nor the ARM id of a storage account"),
        ({"vault": STORAGE}, "is a Microsoft.Storage/storageAccounts, not a Microsoft.KeyVault/vaults"),
        ({"insights": "none"}, "is neither own nor the ARM id of an Application Insights component"),
        ({"storage": STORAGE, "storageAccount": "stmine"}, "has a name already: take storageAccount out"),
        ({"group": "rg-mine"}, "is neither own nor the ARM id of a resource group"),
        ({"group": STORAGE}, "is neither own nor the ARM id of a resource group"),
        ({"group": THEIRS, "resourceGroup": "rg-mine"}, "has a name already: take resourceGroup out"),
        ({"group": THEIRS, "expiresOn": "2027-01-31"}, "expiresOn is about a whole resource group"),
        (
            {"group": THEIRS, "budget": {"monthly": 5, "mail": ["a@contoso.com"]}},
            "budget is about a whole resource group, and the stack's is another's",
        ),
    ],
)
def test_words_that_are_none(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})
    assert word in str(refused.value)


def test_an_identity_whose_roles_on_what_is_given_its_owners_gave_gets_those_on_what_is_the_stacks(up: Up) -> None:
    identity = {"type": "UserAssigned", "id": IDENTITY, "grantOnGiven": False}
    done = up(storage=STORAGE, vault=VAULT, registry="own", identity=identity)
    assert on(done, STORAGE) == on(done, VAULT) == []
    scopes = {each.inputs["scope"] for each in done.of("RoleAssignment")}
    assert scopes == {"/id/mlflow-insights", "/id/mlflow-registry", "/id/mlflow-workspace"}


def test_an_identity_that_is_only_to_be_made_has_no_role_of_others() -> None:
    identity = {"type": "UserAssigned", "grantOnGiven": False}
    with pytest.raises(SettingsError, match="only to be made"):
        Settings.from_mapping({"azmlflow:identity": identity})
