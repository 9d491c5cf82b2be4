"""The setting `network`: what the program declares of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.components.outbound import OutboundRules, OutboundRulesArgs
from azmlflow.infra.plan import identifiers
from azmlflow.infra.settings.settings import Settings

SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
SQL = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-data/providers/Microsoft.Sql/servers/sql"
RULES = [{"fqdn": "example.com"}, {"serviceTag": "DataFactory"}, {"privateEndpoint": SQL, "target": "sqlServer"}]
MANAGED: dict[str, Any] = {
    "registry": "own",
    "network": {"mode": "managed", "outbound": "approved", "rules": RULES},
    "clusters": [{"name": "cpu"}, {"name": "gpu"}],
}
Up = Callable[..., Any]


def test_one_word_closes_everything_alike(up: Up) -> None:
    deployment = up(**MANAGED)
    workspace = deployment.one("machinelearningservices:Workspace").inputs
    account = deployment.one("storage:StorageAccount")
    vault = deployment.one("keyvault:Vault").inputs["properties"]
    registry = deployment.one("containerregistry:Registry").inputs
    assert workspace["publicNetworkAccess"] == "Disabled"
    assert account.inputs["publicNetworkAccess"] == "Disabled"
    assert account.inputs["networkRuleSet"] == {"bypass": "AzureServices", "defaultAction": "Deny"}
    assert account.ignored == (), "nobody else's firewall is kept"
    assert vault["publicNetworkAccess"] == "Disabled"
    assert vault["networkAcls"] == {"bypass": "AzureServices", "defaultAction": "Deny"}
    assert (registry["publicNetworkAccess"], registry["sku"]) == ("Disabled", {"name": "Premium"})


def test_a_public_stack_says_nothing_of_networks_but_that_it_is_open(up: Up) -> None:
    deployment = up(registry="own", clusters=[{"name": "cpu"}])
    workspace = deployment.one("machinelearningservices:Workspace")
    assert workspace.inputs["publicNetworkAccess"] == "Enabled"
    assert not {"managedNetwork", "imageBuildCompute"} & set(workspace.inputs)
    assert workspace.ignored == ()
    account = deployment.one("storage:StorageAccount")
    assert not {"publicNetworkAccess", "networkRuleSet"} & set(account.inputs)
    assert set(account.ignored) == {"networkRuleSet", "publicNetworkAccess"}
    vault = deployment.one("keyvault:Vault").inputs["properties"]
    assert (vault["publicNetworkAccess"], "networkAcls" in vault) == ("enabled", False), "azure-native's own word"
    assert deployment.one("containerregistry:Registry").inputs["sku"] == {"name": "Basic"}
    assert deployment.of("ManagedNetworkSettingsRule") == []


def test_the_managed_network_is_the_workspaces_and_its_rules_are_not(up: Up) -> None:
    """pulumi-azure-native issue 3225: Azure's own rules would show as a difference."""
    workspace = up(**MANAGED).one("machinelearningservices:Workspace")
    assert workspace.inputs["managedNetwork"]["isolationMode"] == "AllowOnlyApprovedOutbound"
    assert "outboundRules" not in workspace.inputs["managedNetwork"]
    assert "managedNetwork.outboundRules" in workspace.ignored
    assert workspace.inputs["imageBuildCompute"] == "cpu", "with a closed registry Azure builds no images by itself"


def test_rules_are_written_one_after_the_other_and_before_the_computes(up: Up) -> None:
    """Azure/terraform-provider-azapi issues 453 and 498: two writes at once undo one another."""
    deployment = up(**MANAGED)
    rules = deployment.of("ManagedNetworkSettingsRule")
    assert [each.inputs["properties"]["type"] for each in rules] == ["FQDN", "ServiceTag", "PrivateEndpoint"]
    assert all(each.inputs["properties"]["category"] == "UserDefined" for each in rules)
    for before, after in itertools.pairwise(rules):
        assert before.urn in after.depends_on
    for cluster in deployment.of("machinelearningservices:Compute"):
        assert {each.urn for each in rules} <= cluster.depends_on


def test_nodes_in_a_closed_network_have_no_public_addresses(up: Up) -> None:
    def public(**settings: Any) -> set[bool]:
        found = up(**settings).of("machinelearningservices:Compute")
        return {each.inputs["properties"]["properties"]["enableNodePublicIp"] for each in found}

    assert public(**MANAGED) == {False}
    assert public(clusters=[{"name": "cpu"}]) == {True}, "Azure's own choice"


def test_an_endpoint_to_what_the_workspace_stands_on_is_azures_own(up: Up) -> None:
    names = Settings.from_mapping({}).names("dev", SUBSCRIPTION)
    id_ = next(each for each in identifiers.in_group(names, SUBSCRIPTION) if "/vaults/" in each)
    network = {"mode": "managed", "rules": [{"privateEndpoint": id_, "target": "vault"}]}
    with pytest.raises(pulumi.RunError, match="Azure makes that private endpoint by itself"):
        up(registry="own", network=network)


def test_what_is_planned_is_what_is_declared(up: Up) -> None:
    deployment = up(**MANAGED)
    settings = Settings.from_mapping({f"azmlflow:{name}": value for name, value in MANAGED.items()})
    plan = identifiers.planned(
        settings.names("dev", SUBSCRIPTION),
        SUBSCRIPTION,
        ["cpu", "gpu"],
        guardrails=settings.guardrails(),
        network=settings.network.network(),
    )
    declared = {one.urn for one in deployment.declared if one.type.startswith("azure-native:")}
    assert {one.urn("dev", "azmlflow") for one in plan} == declared
    rules = [one.id for one in plan if "/outboundRules/" in one.id]
    assert [each.inputs["ruleName"] for each in deployment.of("ManagedNetworkSettingsRule")] == [
        each.rpartition("/")[2] for each in rules
    ]


def test_the_component_takes_rules_of_programs_of_ones_own(run: Callable[..., Any]) -> None:
    rules: Any = [{"fqdn": "a.com"}, {"service_tag": "DataFactory", "ports": "80"}]
    deployment = run(lambda: OutboundRules("mine", OutboundRulesArgs("rg", "ws", rules)))
    assert [each.inputs["properties"]["destination"] for each in deployment.of("ManagedNetworkSettingsRule")] == [
        "a.com",
        {"serviceTag": "DataFactory", "protocol": "TCP", "portRanges": "80", "action": "Allow"},
    ]
    with pytest.raises(ValueError, match="one of fqdn, serviceTag and privateEndpoint"):
        run(lambda: OutboundRules("mine", OutboundRulesArgs("rg", "ws", [{}])))
