"""Which clusters Azure could not change into what the settings want, and what would replace the workspace."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.mending import clusters
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.infra.settings.computes.clusters import ClusterSettings
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import OUTPUTS, SUBSCRIPTION, WORKSPACE_ID, Desk, FakeArm

COMPUTE = "azure-native:machinelearningservices:Compute"
NAMES = Settings.from_mapping({}).names("local", SUBSCRIPTION)
CPU = ClusterSettings.model_validate({"name": "Cpu", "vmSize": "Standard_DS3_v2"})


def standing(inputs: Any, type_: str = COMPUTE) -> State:
    return State((Resource("urn::cpu", type_, f"{WORKSPACE_ID}/computes/cpu", inputs),))


def machine(size: str, priority: str | None = "Dedicated", name: str = "cpu") -> dict[str, Any]:
    inner = {"vmSize": size} | ({"vmPriority": priority} if priority is not None else {})
    return {"computeName": name, "properties": {"properties": inner}}


@pytest.mark.parametrize(
    ("inputs", "gone"),
    [
        (machine("Standard_DS3_v2"), False),
        (machine("STANDARD_DS3_V2"), False),  # Azure's own spelling
        (machine("Standard_DS3_v2", name="CPU"), False),
        (machine("Standard_DS3_v2", None), False),  # a state from before there was a priority
        (machine("Standard_DS3_v2", ""), False),
        (machine("Standard_DS12_v2"), True),
        (machine("Standard_DS3_v2", "LowPriority"), True),
        (machine("Standard_DS3_v2", name="gpu"), True),
        ({"computeName": "cpu"}, True),
        ({"computeName": "cpu", "properties": "[secret]"}, True),
        ({"computeName": "cpu", "properties": {"properties": None}}, True),
        ({"computeName": "cpu", "properties": {"properties": "[secret]"}}, True),
        ({}, True),
    ],
)
def test_a_cluster_that_azure_would_not_change(inputs: dict[str, Any], gone: bool) -> None:
    state = standing(inputs)
    assert clusters.outdated(state, [CPU]) == (state.resources if gone else ())
    assert clusters.outdated(state, []) == state.resources
    assert clusters.outdated(standing(inputs, "azure-native:keyvault:Vault"), []) == ()


def test_a_cluster_in_another_network_is_made_anew() -> None:
    subnet = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/one"
    inside = machine("Standard_DS3_v2")
    inside["properties"]["properties"] |= {"subnet": {"id": subnet.upper()}, "enableNodePublicIp": False}
    state = standing(inside)

    def wanted(**given: Any) -> list[ClusterSettings]:
        return [ClusterSettings.model_validate({"name": "cpu", **given})]

    assert clusters.outdated(state, wanted(subnet=subnet, publicIp=False)) == ()
    for other in ({}, {"subnet": subnet}, {"subnet": f"{subnet}2", "publicIp": False}):
        assert clusters.outdated(state, wanted(**other)) == state.resources, other


def test_every_one_is_looked_at() -> None:
    vault = Resource("urn::vault", "azure-native:keyvault:Vault", "/v")
    gone, other = Resource("urn::a", COMPUTE, "/a", machine("x", name="a")), Resource("urn::b", COMPUTE, "/b")
    kept = Resource("urn::c", COMPUTE, "/c", machine("Standard_DS3_v2"))
    state = State((vault, gone, kept, other))
    assert clusters.outdated(state, [CPU]) == (gone, other)


def test_removal_says_which_and_that_its_machines_go() -> None:
    """Microsoft, "Compute - Delete": `underlyingResourceAction` is mandatory."""
    arm = FakeArm()
    said: list[str] = []
    clusters.remove(standing({}).resources, arm.open(), said.append)
    assert arm.calls == [f"DELETE {WORKSPACE_ID}/computes/cpu?underlyingResourceAction=Delete"]
    assert said == ["removing cluster `cpu` ..."]
    instance = {"computeName": "cpu", "properties": {"computeType": "ComputeInstance"}}
    clusters.remove(standing(instance).resources, arm.open(), said.append)
    assert said[1:] == ["removing compute instance `cpu` ..."]


@pytest.mark.parametrize(
    ("outputs", "location", "told"),
    [
        ({}, "westeurope", None),
        ({}, "WestEurope", None),
        ({}, None, None),
        ({}, "eastus", "location `eastus` becomes `westeurope`"),
        ({"resourceGroup": "RG-MLFLOW-LOCAL"}, "westeurope", None),
        ({"resourceGroup": None}, "westeurope", None),
        ({"resourceGroup": "rg-old"}, "eastus", "resource group `rg-old` becomes `rg-mlflow-local`"),
        ({"workspaceName": "mlw-old"}, "westeurope", "workspace `mlw-old` becomes `mlw-mlflow-local`"),
        ({"storageAccount": "stold"}, "westeurope", f"storage account `stold` becomes `{OUTPUTS['storageAccount']}`"),
    ],
)
def test_what_would_replace_the_workspace(
    desk: Desk, outputs: dict[str, Any], location: str | None, told: str | None
) -> None:
    desk.settings()
    ours = "urn:pulumi:local::azmlflow::azmlflow:index:MlflowWorkspace$"
    group_type, vault_type = "azure-native:resources:ResourceGroup", "azure-native:keyvault:Vault"
    group = Resource(f"{ours}{group_type}::mlflow-group", group_type, "/x", {"location": location})
    vault = Resource(f"{ours}{vault_type}::mlflow-vault", vault_type, f"/v/{NAMES.key_vault}", {"location": location})
    desk.stack.there = True
    desk.stack.held = State((group, vault), (), {**OUTPUTS, **outputs})
    done = desk.run("up")
    assert done.code == (1 if told else 0), done.err
    if told:
        assert f"would delete the workspace, with every run and model in it, and make another: {told}" in done.err


def test_without_a_workspace_nothing_can_be_replaced(desk: Desk) -> None:
    desk.settings()
    desk.stack.there = True
    desk.stack.held = State((), (), {"resourceGroup": "rg-old"})
    assert desk.run("up").code == 0
