"""The components in programs of people's own: names, ids and tags that are other resources' outputs; little given."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra import components
from azmlflow.infra.components import (
    Access,
    AccessArgs,
    ComputeCluster,
    ComputeClusterArgs,
    GrantArgs,
    MlflowWorkspace,
    MlflowWorkspaceArgs,
)
from azmlflow.infra.plan import naming
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant
from tests.infra.conftest import STACK, SUBSCRIPTION, TENANT

SOMEONE = "aaaaaaaa-0000-4000-8000-000000000001"
PLACE = Place(SUBSCRIPTION, "rg", "ws")


def out(value: Any) -> pulumi.Output[Any]:
    return pulumi.Output.from_input(value).apply(lambda each: each)


def test_a_workspace_needs_a_region_and_no_more(run: Callable[..., Any]) -> None:
    deployment = run(lambda: MlflowWorkspace("mlflow", MlflowWorkspaceArgs("westeurope")))
    names = naming.generate("mlflow", STACK, "", SUBSCRIPTION)
    assert deployment.one("ResourceGroup").inputs["resourceGroupName"] == names.resource_group
    workspace = deployment.one("machinelearningservices:Workspace").inputs
    assert workspace["workspaceName"] == names.workspace
    vault = deployment.one("keyvault:Vault").inputs
    assert (vault["vaultName"], vault["properties"]["tenantId"]) == (names.key_vault, TENANT)
    assert deployment.one("StorageAccount").inputs["accountName"] == names.storage_account


def test_what_is_given_stays_and_the_rest_follows_from_prefix_and_salt(run: Callable[..., Any]) -> None:
    args = MlflowWorkspaceArgs("westeurope", workspace="mine", prefix="team", salt="2")
    deployment = run(lambda: MlflowWorkspace("mlflow", args))
    names = naming.generate("team", STACK, "2", SUBSCRIPTION)
    assert deployment.one("machinelearningservices:Workspace").inputs["workspaceName"] == "mine"
    assert deployment.one("StorageAccount").inputs["accountName"] == names.storage_account


def test_names_and_tags_may_be_outputs(run: Callable[..., Any]) -> None:
    def program() -> None:
        args = MlflowWorkspaceArgs(
            out("westeurope"),
            resource_group=out("rg-x"),
            tags=out({"team": "ml"}),
            group_tags={"until": out("friday")},
        )
        mlflow = MlflowWorkspace("mlflow", args)
        cluster = ComputeClusterArgs(
            mlflow.resource_group, mlflow.workspace_name, out("westeurope"), "cpu", tags=out({"team": "ml"})
        )
        ComputeCluster("cpu", cluster, pulumi.ResourceOptions(deleted_with=mlflow.group))

    deployment = run(program)
    group = deployment.one("ResourceGroup").inputs
    assert (group["resourceGroupName"], group["location"]) == ("rg-x", "westeurope")
    assert group["tags"] == {"team": "ml", "until": "friday"}
    assert deployment.one("Compute").inputs["tags"] == {"team": "ml"}


def grants(principal: Any = SOMEONE, **more: Any) -> list[GrantArgs]:
    given: Any = {"principal_id": principal, "principal_type": "ServicePrincipal", "persona": "tracker", **more}
    return [given]


@pytest.mark.parametrize(
    "args",
    [
        lambda: AccessArgs("rg", "ws", grants()),
        lambda: AccessArgs(out("rg"), out("ws"), grants(), out(SUBSCRIPTION)),
        lambda: AccessArgs("rg", "ws", grants(out(SOMEONE), name="runner")),
    ],
)
def test_who_and_where_may_be_outputs_and_the_assignment_is_the_same(
    run: Callable[..., Any], args: Callable[[], AccessArgs]
) -> None:
    deployment = run(lambda: Access("access", args()))
    (wanted,) = PLACE.assignments([Grant(SOMEONE, "ServicePrincipal", "", "tracker")])
    given = deployment.one("RoleAssignment")
    assert given.inputs["scope"] == wanted.scope
    assert given.inputs["roleAssignmentName"] == wanted.guid
    assert given.inputs["roleDefinitionId"] == wanted.role_definition_id
    assert given.inputs["principalId"] == SOMEONE
    assert given.name in {"grant-tracker-runner", f"grant-tracker-{SOMEONE}"}
    role = deployment.one("RoleDefinition").inputs
    assert role["scope"] == PLACE.group_id
    assert role["roleDefinitionId"] == PLACE.role_guid("tracker")
    assert role["assignableScopes"] == [PLACE.group_id]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (lambda: grants(out(SOMEONE)), "needs a `name`"),
        (lambda: grants(out(SOMEONE), name="x", adopted=["g"]), "`adopted` needs names and ids that are plain"),
    ],
)
def test_what_cannot_be_told_before_is_refused(
    run: Callable[..., Any], given: Callable[[], list[GrantArgs]], told: str
) -> None:
    def program() -> None:
        with pytest.raises(ValueError, match=told):
            Access("access", AccessArgs("rg", "ws", given()))

    assert run(program).of("RoleAssignment") == []


def test_each_component_is_had_by_one_import() -> None:
    for name, module in components._WHERE.items():
        found = getattr(components, name)
        assert found is getattr(importlib.import_module(f"azmlflow.infra.components.{module}"), name)
    with pytest.raises(AttributeError):
        components.Nothing  # noqa: B018


def test_further_properties_of_a_part_are_sent_by_azure_natives_names(run: Callable[..., Any]) -> None:
    more: Any = {"logs": {"retentionInDays": 90}, "storage": {"largeFileSharesState": "Enabled"}}
    deployment = run(lambda: MlflowWorkspace("mlflow", MlflowWorkspaceArgs("westeurope", more=more)))
    assert deployment.one("operationalinsights:Workspace").inputs["retentionInDays"] == 90
    assert deployment.one("storage:StorageAccount").inputs["largeFileSharesState"] == "Enabled"


def test_further_properties_of_what_is_no_part_are_refused(run: Callable[..., Any]) -> None:
    more: Any = {"log": {"retentionInDays": 90}}
    with pytest.raises(Exception, match="no part of a workspace is called log: insights, logs"):
        run(lambda: MlflowWorkspace("mlflow", MlflowWorkspaceArgs("westeurope", more=more)))


def test_what_is_declared_for_safety_is_not_said_otherwise(run: Callable[..., Any]) -> None:
    more: Any = {"storage": {"allowBlobPublicAccess": True}}
    with pytest.raises(Exception, match="allow_blob_public_access"):
        run(lambda: MlflowWorkspace("mlflow", MlflowWorkspaceArgs("westeurope", more=more)))


def test_logs_are_kept_as_long_as_the_settings_say(up: Callable[..., Any]) -> None:
    assert up().one("operationalinsights:Workspace").inputs["retentionInDays"] == 30
    assert up(logDays=400).one("operationalinsights:Workspace").inputs["retentionInDays"] == 400
