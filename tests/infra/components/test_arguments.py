"""The components' arguments beside the settings: one name, one default, one line for each thing."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest
from pulumi.provider.experimental.component import ComponentProvider
from pydantic import BaseModel

from azmlflow.infra.components.compute import ComputeCluster
from azmlflow.infra.components.drawn import ComputeClusterArgs
from azmlflow.infra.components.instance import ComputeInstance
from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs
from azmlflow.infra.components.parts.grants import AccessArgs
from azmlflow.infra.components.workspace import MlflowWorkspace
from azmlflow.infra.plan import identifiers, serving
from azmlflow.infra.provider import COMPONENTS, NAME
from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.computes.instances import InstanceSettings
from azmlflow.infra.settings.contents.endpoints import EndpointSettings
from azmlflow.infra.settings.grants import GrantSettings
from azmlflow.infra.settings.settings import Settings
from azmlflow.rbac.grants import Grant

PLACE = {"resource_group_name": "rg", "workspace_name": "ws", "location": "westeurope"}


@pytest.mark.parametrize(
    ("token", "model"),
    [
        (identifiers.CLUSTER, ClusterSettings),
        (identifiers.INSTANCE, InstanceSettings),
        (serving.COMPONENT, EndpointSettings),
    ],
)
def test_every_setting_of_a_compute_is_an_argument_that_says_the_same(token: str, model: type[BaseModel]) -> None:
    drawn = ComponentProvider(list(COMPONENTS), NAME, version="0.1.0").schema
    assert drawn is not None
    component = json.loads(drawn)["resources"][token]
    types = {"str": "string", "int": "integer", "bool": "boolean", "Mapping": "object", "tuple": "array"}
    for name, field in model.model_fields.items():
        told = component["inputProperties"][field.alias]
        assert " ".join(told["description"].split()) == field.description, name
        assert told["type"] == types.get(getattr(field.annotation, "__name__", ""), "string"), name
        assert (field.alias in component["requiredInputs"]) is field.is_required(), name


@pytest.mark.parametrize(
    ("arguments", "name", "model", "setting"),
    [
        (MlflowWorkspaceArgs, "storage_auth", Settings, "storage_auth"),
        (MlflowWorkspaceArgs, "purge_protection", Settings, "purge_protection"),
        (AccessArgs, "strict_tracker", Settings, "strict_tracker"),
        (AccessArgs, "profile", Settings, "role_profile"),
        (Grant, "scope", GrantSettings, "scope"),
    ],
)
def test_an_argument_that_is_a_setting_too_has_its_default(arguments: Any, name: str, model: Any, setting: str) -> None:
    (found,) = (each for each in dataclasses.fields(arguments) if each.name == name)
    assert found.default == model.model_fields[setting].default


def cluster(run: Callable[..., Any], **given: Any) -> Any:
    def program() -> None:
        group = pulumi.ComponentResource("test:index:Group", "group")
        args: Any = {**PLACE, **given}
        ComputeCluster("cpu", args, pulumi.ResourceOptions(deleted_with=group))

    return run(program).one("machinelearningservices:Compute").inputs["properties"]["properties"]


def test_what_a_clusters_program_leaves_out_is_as_in_the_settings(run: Callable[..., Any]) -> None:
    found = cluster(run, name="cpu")
    assert (found["vmSize"], found["vmPriority"]) == ("Standard_DS3_v2", "Dedicated")
    assert found["scaleSettings"] == {
        "minNodeCount": 0,
        "maxNodeCount": 4,
        "nodeIdleTimeBeforeScaleDown": "PT300S",
    }
    assert cluster(run, name="cpu", max_nodes=9, idle_seconds=None)["scaleSettings"]["maxNodeCount"] == 9


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_nodes": 65_001}, "maxNodes"),
        ({"max_nodes": 0}, "maxNodes"),
        ({"max_nodes": 2, "min_nodes": 3}, "2 is below minNodes, which is 3"),
        ({"priority": "Spot"}, "priority"),
        ({"name": "gpu-1"}, "ends in a hyphen and digits"),
    ],
)
def test_a_cluster_out_of_bounds_is_refused_before_azure_is_asked(
    run: Callable[..., Any], given: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        cluster(run, **{"name": "cpu", **given})


def test_a_settings_value_reaches_azure_under_one_name(up: Callable[..., Any]) -> None:
    """The walk of `maxNodes`: the file, the settings, the component, Azure's own word for it, the stack's outputs."""
    deployment = up(clusters=[{"name": "cpu", "maxNodes": 7}])
    scale = deployment.one("machinelearningservices:Compute").inputs["properties"]["properties"]["scaleSettings"]
    assert scale["maxNodeCount"] == 7
    assert [each["maxNodes"] for each in deployment.outputs["clusters"]] == [7]
    assert "max_nodes" in ClusterSettings.model_fields
    assert "max_nodes" in {each.name for each in dataclasses.fields(ComputeClusterArgs)}


def instance(run: Callable[..., Any], **given: Any) -> Any:
    def program() -> None:
        group = pulumi.ComponentResource("test:index:Group", "group")
        args: Any = {**PLACE, "name": "alice", **given}
        ComputeInstance("alice", args, pulumi.ResourceOptions(deleted_with=group))

    return run(program).one("machinelearningservices:Compute")


OWNER = "aaaaaaaa-0000-4000-8000-000000000001"


def test_an_instance_is_one_persons_without_ssh_and_stops_when_idle(run: Callable[..., Any]) -> None:
    found = instance(run)
    assert found.inputs["properties"]["disableLocalAuth"] is True
    assert found.inputs["properties"]["properties"] == {
        "vmSize": "Standard_DS3_v2",
        "applicationSharingPolicy": "Personal",
        "computeInstanceAuthorizationType": "personal",
        "enableNodePublicIp": True,
        "enableSSO": True,  # the SDK's default
        "sshSettings": {"sshPublicAccess": "Disabled"},
        "idleTimeBeforeShutdown": "PT60M",
    }
    # What Azure changes by its actions alone, or not at all.
    ways = ("idleTimeBeforeShutdown", "schedules")
    inner = (f"properties.properties.{each}" for each in ways)
    assert found.ignored == ("tags", "properties.computeLocation", *inner)


def test_an_instance_has_owner_schedules_and_script_as_azure_has_them(run: Callable[..., Any]) -> None:
    schedules = [{"cron": "0  19 * * 1-5", "time_zone": "w. europe standard time"}]
    found = instance(run, owner=OWNER.upper(), tenant_id="t", schedules=schedules, setup_script="echo ä")
    assert found.inputs["properties"]["computeType"] == "ComputeInstance"
    inner = found.inputs["properties"]["properties"]
    assert inner["personalComputeInstanceSettings"] == {"assignedUser": {"objectId": OWNER, "tenantId": "t"}}
    cron = {"expression": "0 19 * * 1-5", "timeZone": "W. Europe Standard Time"}
    assert inner["schedules"] == {
        "computeStartStop": [{"action": "Stop", "status": "Enabled", "triggerType": "Cron", "cron": cron}]
    }
    script = inner["setupScripts"]["scripts"]["creationScript"]
    assert base64.b64decode(script.pop("scriptData")).decode() == "echo ä"
    assert script == {"scriptSource": "inline", "timeout": "30m"}


def test_a_recurrence_is_as_azure_has_it(run: Callable[..., Any]) -> None:
    weekly = {"frequency": "Week", "interval": 2, "hours": [8], "week_days": ["Monday"]}
    found = instance(run, schedules=[{"recurrence": weekly, "action": "Start"}])
    (schedule,) = found.inputs["properties"]["properties"]["schedules"]["computeStartStop"]
    assert schedule == {
        "action": "Start",
        "status": "Enabled",
        "triggerType": "Recurrence",
        "recurrence": {
            "frequency": "Week",
            "interval": 2,
            "timeZone": "UTC",
            "schedule": {"hours": [8], "minutes": [0], "weekDays": ["Monday"]},
        },
    }


def test_an_owner_is_of_a_tenant(run: Callable[..., Any]) -> None:
    with pytest.raises(Exception, match="give tenant_id, or owner_tenant"):
        instance(run, owner=OWNER)


def test_an_instance_that_could_never_be_destroyed_is_refused(run: Callable[..., Any]) -> None:
    def program() -> None:
        args: Any = {**PLACE, "name": "alice"}
        ComputeInstance("alice", args)

    with pytest.raises(Exception, match="needs its resource group as the option deleted_with"):
        run(program)


def test_a_program_says_whose_directory_it_is_and_what_more_a_part_has(run: Callable[..., Any]) -> None:
    """Names are left out, so the client is asked for them; its own directory is another one."""

    def program() -> None:
        more = {"insights": {"retentionInDays": 90}}
        MlflowWorkspace("shop", MlflowWorkspaceArgs(location="westeurope", tenant_id=OWNER, more=more))

    done = run(program)
    assert done.one("keyvault:Vault").inputs["properties"]["tenantId"] == OWNER
    assert done.one("applicationinsights:Component").inputs["retentionInDays"] == 90
    group = done.one("resources:ResourceGroup").urn
    parts = [each for each in done.declared if each.type.startswith("azure-native:") and each.urn != group]
    assert {each.deleted_with for each in parts} == {group}, "what is in a group goes with it"


@pytest.mark.parametrize("given", [True, None, False])
def test_whoever_owns_what_is_given_may_give_the_roles_on_it(run: Callable[..., Any], given: bool | None) -> None:
    place = "/subscriptions/s/resourceGroups/theirs/providers/Microsoft.Storage/storageAccounts/st"

    def program() -> None:
        identity = {"identity_type": "UserAssigned", "identity": "id-shop", "grant_on_given": given}
        args = MlflowWorkspaceArgs(location="westeurope", storage_account_id=place, **identity)  # type: ignore[arg-type]
        MlflowWorkspace("shop", args)

    roles = run(program).of("RoleAssignment")
    assert any(each.inputs["scope"] == place for each in roles) is (given is not False)
    assert any(each.inputs["scope"] == "/id/shop-vault" for each in roles), "those on what is ours are given anyhow"


def test_without_a_key_nothing_is_kept_on_the_services_side(run: Callable[..., Any]) -> None:
    def program() -> None:
        MlflowWorkspace("shop", MlflowWorkspaceArgs(location="westeurope", service_side_encryption=True))

    inputs = run(program).one("services:Workspace").inputs
    assert "encryption" not in inputs and "enableServiceSideCMKEncryption" not in inputs
