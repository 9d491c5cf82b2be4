"""Ids and URNs of what a stack declares, written out: recovery, grants and removal go by them.

That they are those of the program itself is `test_main`'s; here they are those that Azure and Pulumi would say.
"""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pytest

from azmlflow.infra.plan.identifiers import Place, cluster_resource_name, planned
from azmlflow.infra.plan.naming import Names
from azmlflow.infra.plan.outputs import grant as grant_output
from azmlflow.infra.plan.records import ComputeIdentity, Planned
from azmlflow.rbac.grants import Grant

SUB = "22222222-2222-4222-8222-222222222222"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg-x"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw-x"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/stx"
ROLES = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions"
NAMES = Names("rg-x", "mlw-x", "stx", "kv-x", "log-x", "appi-x", None, None)
ANA, TEAM = "AAAAAAAA-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000001"
# Microsoft, "Azure built-in roles".
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
SCIENTIST = "f6c7c914-8db3-469d-8ca1-694a8f32e121"
BLOB_READER, FILE_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "b8eda974-7b85-4f76-af95-65846b26df6d"
BLOB_WRITER, FILE_WRITER = "ba92f5b4-2d11-453d-a403-e96b0029c9fe", "69566ab7-960f-475b-8e7c-b3118f30c6bd"
# All names in Azure lie in this namespace; a stack that stands is found by them.
SPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "azmlflow.rbac")

VIEWER = Grant(ANA, "User", "Ana", "viewer")
TRACKER = Grant(TEAM, "Group", "Team", "tracker", "group")
PLACE = Place(SUB, "rg-x", "mlw-x")


def role_guid(persona: str) -> str:
    return str(uuid.uuid5(SPACE, f"{GROUP.lower()}\n{persona}"))


def assignment_id(scope: str, who: str, role: str) -> str:
    name = uuid.uuid5(SPACE, f"{scope.lower()}\n{who.lower()}\n{role}")
    return f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"


def test_every_resource_of_a_stack_in_the_order_of_need() -> None:
    found = planned(NAMES, SUB, ["cpu"], [VIEWER, TRACKER])
    of_workspace, of_access = ("azmlflow:index:MlflowWorkspace", "mlflow"), ("azmlflow:index:Access", "access")
    provider = f"{GROUP}/providers"
    expected = [
        ("azure-native:resources:ResourceGroup", "mlflow-group", *of_workspace, GROUP),
        ("azure-native:storage:StorageAccount", "mlflow-storage", *of_workspace, ACCOUNT),
        ("azure-native:keyvault:Vault", "mlflow-vault", *of_workspace, f"{provider}/Microsoft.KeyVault/vaults/kv-x"),
        (
            "azure-native:operationalinsights:Workspace",
            "mlflow-logs",
            *of_workspace,
            f"{provider}/Microsoft.OperationalInsights/workspaces/log-x",
        ),
        (
            "azure-native:applicationinsights:Component",
            "mlflow-insights",
            *of_workspace,
            f"{provider}/Microsoft.Insights/components/appi-x",
        ),
        ("azure-native:machinelearningservices:Workspace", "mlflow-workspace", *of_workspace, WORKSPACE),
        (
            "azure-native:machinelearningservices:Compute",
            "cpu-cluster",
            "azmlflow:index:ComputeCluster",
            "cpu",
            f"{WORKSPACE}/computes/cpu",
        ),
        *(
            (
                "azure-native:authorization:RoleDefinition",
                f"role-{persona}",
                *of_access,
                f"{GROUP}/providers/Microsoft.Authorization/roleDefinitions/{role_guid(persona)}",
            )
            for persona in ("viewer", "tracker")
        ),
        (
            "azure-native:authorization:RoleAssignment",
            f"grant-viewer-{ANA}",
            *of_access,
            assignment_id(WORKSPACE, ANA, role_guid("viewer")),
        ),
        (
            "azure-native:authorization:RoleAssignment",
            f"grant-tracker-{TEAM}-group",
            *of_access,
            assignment_id(GROUP, TEAM, role_guid("tracker")),
        ),
    ]
    assert [(each.type, each.name, each.parent_type, each.parent, each.id) for each in found] == expected
    assert planned(NAMES, SUB) == found[:6]


def test_urns_are_pulumis() -> None:
    """Pulumi, "Resource names": urn:pulumi:<stack>::<project>::<parent type>$<type>::<name>."""
    one = Planned("a:b:C", "name", "d:e:F", "parent", "/id")
    assert one.urn("dev", "azmlflow") == "urn:pulumi:dev::azmlflow::d:e:F$a:b:C::name"
    assert one.parent_urn("dev", "azmlflow") == "urn:pulumi:dev::azmlflow::d:e:F::parent"
    assert cluster_resource_name("cpu") == "cpu-cluster"


def test_an_assignment_says_what_it_is_there_for() -> None:
    own, group = PLACE.assignments([VIEWER, TRACKER])
    assert own.role_definition_id == f"{ROLES}/{role_guid('viewer')}" == PLACE.role_definition_id("viewer")
    assert (own.principal_id, own.principal_type, own.persona) == (ANA, "User", "viewer")
    assert (own.scope, own.why) == (WORKSPACE, "Persona viewer")
    assert (group.scope, group.persona, group.principal_type) == (GROUP, "tracker", "Group")
    assert own.key == (WORKSPACE.lower(), ANA.lower(), role_guid("viewer"))


def test_where_artifacts_are_opened_as_the_caller_personas_have_roles_on_the_account() -> None:
    place = Place(SUB, "rg-x", "mlw-x", "stx")
    assert place.storage_id == ACCOUNT
    assert PLACE.storage_id is None
    found = place.assignments([VIEWER, TRACKER])
    assert [(each.name, each.scope, each.role_guid, each.persona) for each in found] == [
        (f"grant-viewer-{ANA}", WORKSPACE, role_guid("viewer"), "viewer"),
        (f"grant-storage-blob-data-reader-{ANA}", ACCOUNT, BLOB_READER, None),
        (f"grant-storage-file-data-privileged-reader-{ANA}", ACCOUNT, FILE_READER, None),
        (f"grant-tracker-{TEAM}-group", GROUP, role_guid("tracker"), "tracker"),
        (f"grant-storage-blob-data-contributor-{TEAM}", ACCOUNT, BLOB_WRITER, None),
        (f"grant-storage-file-data-privileged-contributor-{TEAM}", ACCOUNT, FILE_WRITER, None),
    ]
    assert found[1].role_definition_id == f"{ROLES}/{BLOB_READER}"
    assert {each.why for each in found if each.scope == ACCOUNT} == {
        "Artifacts of a workspace with identity-based storage"
    }


def test_where_custom_roles_are_forbidden_the_nearest_built_in_one_stands_in() -> None:
    place = Place(SUB, "rg-x", "mlw-x", profile="built-in")
    found = place.assignments([VIEWER, TRACKER])
    assert [(each.name, each.scope, each.role_guid, each.persona, each.principal_type) for each in found] == [
        (f"grant-reader-{ANA}", WORKSPACE, READER, None, "User"),
        (f"grant-azureml-data-scientist-{TEAM}-group", GROUP, SCIENTIST, None, "Group"),
    ]
    assert {each.why for each in found} == {"Nearest built-in role of its persona"}
    assert place.roles([VIEWER, TRACKER]) == ()
    assert planned(NAMES, SUB, (), [VIEWER], place=place)[-1].id == assignment_id(WORKSPACE, ANA, READER)


def test_what_several_grants_call_for_is_there_once_in_the_order_of_the_grants() -> None:
    """Azure allows one assignment of a role to a principal at a scope (`RoleAssignmentExists`)."""
    place = Place(SUB, "rg-x", "mlw-x", "stx")
    registrar = Grant(ANA, "User", "Ana", "registrar")
    tracker = Grant(ANA.lower(), "User", "Ana", "tracker")
    found = place.assignments([registrar, tracker])
    assert [each.role_guid for each in found] == [
        role_guid("registrar"),
        BLOB_WRITER,
        FILE_WRITER,
        role_guid("tracker"),
    ]
    assert found[1].principal_id == ANA  # the first that calls for it
    assert [each.name for each in place.roles([registrar, tracker, registrar])] == ["role-registrar", "role-tracker"]


def test_what_somebody_else_made_is_told_only_where_it_is_asked_for() -> None:
    """Another grant that calls for the same assignment does not make it ours."""
    place = Place(SUB, "rg-x", "mlw-x", "stx")
    registrar = Grant(ANA, "User", "Ana", "registrar", adopted={BLOB_WRITER: "/their/id"})
    tracker = Grant(ANA, "User", "Ana", "tracker")
    ours = [role_guid("registrar"), FILE_WRITER, role_guid("tracker")]
    assert [each.role_guid for each in place.assignments([registrar, tracker])] == ours
    every = [role_guid("registrar"), BLOB_WRITER, FILE_WRITER, role_guid("tracker")]
    assert [each.role_guid for each in place.assignments(iter([registrar, tracker]), adopted=True)] == every
    # Adopted at one scope says nothing of another.
    elsewhere = Grant(TEAM, "Group", "Team", "registrar", "group")
    assert BLOB_WRITER in [each.role_guid for each in place.assignments([registrar, elsewhere])]


@pytest.mark.parametrize(
    ("grant", "told"),
    [
        (VIEWER, {"scope": "workspace", "until": "", "adopted": []}),
        (
            Grant(ANA, "User", "Ana", "viewer", "group", date(2027, 1, 31), {"r2": "/b", "r1": "/a"}),
            {"scope": "group", "until": "2027-01-31", "adopted": ["/a", "/b"]},
        ),
    ],
)
def test_a_grant_as_the_output_lists_it(grant: Grant, told: dict[str, Any]) -> None:
    assert grant_output(grant, PLACE) == {
        "principalId": ANA,
        "principalType": "User",
        "displayName": "Ana",
        "persona": "viewer",
        "assignmentId": assignment_id(GROUP if told["scope"] == "group" else WORKSPACE, ANA, role_guid("viewer")),
        **told,
    }


ROBOT = "cccccccc-0000-4000-8000-000000000003"
# Microsoft, "Azure built-in roles".
PULLER, CONTRIBUTOR = "7f951dda-4ed3-4680-a7ca-43fe172d538d", "b24988ac-6180-42a0-ab88-20f7382dd24c"


def test_a_computes_identity_has_the_roles_that_it_needs_and_no_more() -> None:
    robot = ComputeIdentity(ROBOT)
    assert Place(SUB, "rg-x", "mlw-x").of_computes([robot], ()) == ()  # by the account's key, and no images of ours
    full = Place(SUB, "rg-x", "mlw-x", "stx", registry="crx")
    found = {each.role_guid: each.scope.rpartition("/providers/")[2] for each in full.of_computes([robot, robot], ())}
    assert found == {
        PULLER: "Microsoft.ContainerRegistry/registries/crx",
        BLOB_WRITER: "Microsoft.Storage/storageAccounts/stx",
    }
    # An instance's could not stop it otherwise.
    found = {
        each.role_guid: each.scope
        for each in Place(SUB, "rg-x", "mlw-x").of_computes([ComputeIdentity(ROBOT, True)], ())
    }
    assert list(found) == [CONTRIBUTOR]
    assert found[CONTRIBUTOR].endswith("/Microsoft.MachineLearningServices/workspaces/mlw-x")


def test_a_role_that_a_grant_gives_already_is_not_given_twice() -> None:
    """Azure refuses the second one (`RoleAssignmentExists`)."""
    place = Place(SUB, "rg-x", "mlw-x", "stx", registry="crx")
    granted = place.assignments([Grant(ROBOT.upper(), "ServicePrincipal", "Robot", "tracker")])
    assert BLOB_WRITER in [each.role_guid for each in granted]
    assert [each.role_guid for each in place.of_computes([ComputeIdentity(ROBOT)], granted)] == [PULLER]
