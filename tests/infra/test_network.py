"""The setting `network`: what the program declares of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from azmlflow.infra.components.outbound import OutboundRules, OutboundRulesArgs
from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.tags import recorded
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
    assert not any("managedNetwork" in each for each in workspace.ignored)
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
    group = deployment.one("resources:ResourceGroup").urn
    assert {each.deleted_with for each in (*rules, deployment.one("services:Workspace"))} == {group}
    assert {each.ignored for each in rules} == {("properties.status", "properties.fqdns")}, "Azure alone tells them"


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


OWN: dict[str, Any] = {"registry": "own", "network": {"mode": "own"}, "clusters": [{"name": "cpu"}]}
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlflow-dev"
NET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network"
HUB = f"{NET}/virtualNetworks/hub/subnets"


def test_a_private_stack_has_five_doors_and_the_workspaces_has_two_zones(up: Up) -> None:
    """Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace"."""
    deployment = up(**OWN)
    doors = {each.inputs["privateEndpointName"]: each for each in deployment.of("network:PrivateEndpoint")}
    targets = ("amlworkspace", "blob", "file", "vault", "registry")
    assert set(doors) == {f"mlw-mlflow-dev-{target}" for target in targets}
    links = {name: each.inputs["privateLinkServiceConnections"][0] for name, each in doors.items()}
    assert {name.rpartition("-")[2]: each["groupIds"] for name, each in links.items()} == {t: [t] for t in targets}
    assert links["mlw-mlflow-dev-file"]["privateLinkServiceId"] == "/id/mlflow-storage"
    assert links["mlw-mlflow-dev-amlworkspace"]["privateLinkServiceId"] == "/id/mlflow-workspace"
    groups = {each.name: each.inputs["privateDnsZoneConfigs"] for each in deployment.of("PrivateDnsZoneGroup")}
    assert [each["name"] for each in groups["endpoints-amlworkspace-zones"]] == [
        "privatelink-api-azureml-ms",
        "privatelink-notebooks-azure-net",
    ]
    zones = {each.inputs["privateZoneName"] for each in deployment.of("privatedns:PrivateZone")}
    assert zones == {
        "privatelink.api.azureml.ms",
        "privatelink.notebooks.azure.net",
        "privatelink.blob.core.windows.net",
        "privatelink.file.core.windows.net",
        "privatelink.vaultcore.azure.net",
        "privatelink.azurecr.io",
    }


def test_the_workspaces_identity_reads_the_storage_accounts_doors(up: Up) -> None:
    """Microsoft, "Use Azure Machine Learning studio in an Azure virtual network"."""
    deployment = up(**OWN)
    readers = [each for each in deployment.of("RoleAssignment") if each.name.endswith("-reader")]
    assert sorted(each.inputs["scope"] for each in readers) == ["/id/endpoints-blob", "/id/endpoints-file"]
    assert {each.inputs["roleDefinitionId"].rpartition("/")[2] for each in readers} == {
        "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    }


def test_subnets_come_one_after_the_other_then_doors_then_computes(up: Up) -> None:
    deployment = up(**OWN)
    first, second = deployment.of("network:Subnet")
    assert (first.inputs["subnetName"], second.inputs["subnetName"]) == ("endpoints", "computes")
    assert first.urn in second.depends_on
    doors = deployment.of("network:PrivateEndpoint")
    assert all(first.urn in each.depends_on for each in doors)
    cluster = deployment.one("machinelearningservices:Compute")
    zones = deployment.of("PrivateDnsZoneGroup")
    assert {each.urn for each in (*doors, *zones, second)} <= cluster.depends_on
    assert cluster.inputs["properties"]["properties"]["subnet"]["id"].endswith("/mlw-mlflow-dev-vnet/subnets/computes")
    assert cluster.inputs["properties"]["properties"]["enableNodePublicIp"] is False


def test_what_computes_have_to_reach_is_let_out_and_with_approved_nothing_else(up: Up) -> None:
    """Microsoft, "Secure an Azure Machine Learning training environment", "No public IP"."""

    def rules(**network: Any) -> dict[str, dict[str, Any]]:
        group = up(**{**OWN, "network": {"mode": "own", **network}}).one("network:NetworkSecurityGroup")
        return {each["name"]: each for each in group.inputs["securityRules"]}

    found = rules(outbound="approved")
    assert found["AzureMachineLearning-tcp"]["destinationPortRanges"] == ["443", "8787", "18881"]
    assert found["AzureMachineLearning-udp"]["destinationPortRange"] == "5831"
    assert found["Storage-westeurope-tcp"]["destinationAddressPrefix"] == "Storage.westeurope"
    assert found["deny-internet"] == {
        "name": "deny-internet",
        "priority": 4096,
        "direction": "Outbound",
        "access": "Deny",
        "protocol": "*",
        "sourceAddressPrefix": "VirtualNetwork",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "Internet",
        "destinationPortRange": "*",
    }
    assert len({each["priority"] for each in found.values()}) == len(found)
    assert "deny-internet" not in rules()


def test_a_network_of_others_is_used_and_nothing_of_it_is_made(up: Up) -> None:
    blob = f"{NET}/privateDnsZones/privatelink.blob.core.windows.net"
    network = {"mode": "own", "endpoints": f"{HUB}/endpoints", "computes": f"{HUB}/computes", "zones": [blob]}
    deployment = up(**{**OWN, "network": network})
    for type_ in ("VirtualNetwork", "Subnet", "NetworkSecurityGroup"):
        assert deployment.of(f"network:{type_}") == []
    assert {each.inputs["subnet"]["id"] for each in deployment.of("network:PrivateEndpoint")} == {f"{HUB}/endpoints"}
    links = deployment.of("VirtualNetworkLink")
    assert {each.inputs["virtualNetwork"]["id"] for each in links} == {f"{NET}/virtualNetworks/hub"}
    assert "privatelink.blob.core.windows.net" not in {each.inputs["privateZoneName"] for each in links}
    (group,) = (each for each in deployment.of("PrivateDnsZoneGroup") if each.name == "endpoints-blob-zones")
    assert group.inputs["privateDnsZoneConfigs"][0]["privateDnsZoneId"] == blob


def test_a_link_in_a_zone_of_others_goes_by_itself(up: Up) -> None:
    blob = f"{NET}/privateDnsZones/privatelink.blob.core.windows.net"
    links = {each.name: each for each in up(**{**OWN, "network": {"mode": "own", "zones": [blob]}}).of("NetworkLink")}
    theirs, ours = links["endpoints-link-blob.core.windows.net"], links["endpoints-link-azurecr.io"]
    assert (theirs.inputs["resourceGroupName"], theirs.deleted_with) == ("rg-net", "")
    assert ours.inputs["resourceGroupName"] == "rg-mlflow-dev"
    assert ours.deleted_with != ""


def test_people_come_into_a_managed_network_by_doors_in_a_subnet_of_theirs(up: Up) -> None:
    deployment = up(**{**MANAGED, "network": {"mode": "managed", "endpoints": f"{HUB}/endpoints", "dns": "policy"}})
    assert len(deployment.of("network:PrivateEndpoint")) == 5
    assert deployment.of("privatedns:PrivateZone") == deployment.of("PrivateDnsZoneGroup") == []
    for cluster in deployment.of("machinelearningservices:Compute"):
        assert "subnet" not in cluster.inputs["properties"]["properties"]
    settings = Settings.from_mapping(
        {"azmlflow:registry": "own", "azmlflow:network": {"mode": "managed", "endpoints": f"{HUB}/endpoints"}}
    )
    private = settings.network.private(GROUP, "mlw")
    assert private is not None
    assert (private.endpoints_id, private.computes, private.range) == (f"{HUB}/endpoints", "", "")


def test_all_of_a_private_stack_is_planned(up: Up) -> None:
    deployment = up(**OWN)
    settings = Settings.from_mapping({f"azmlflow:{name}": value for name, value in OWN.items()})
    names = settings.names("dev", SUBSCRIPTION)
    private = settings.network.private(GROUP, names.workspace)
    assert private is not None
    plan = identifiers.planned(names, SUBSCRIPTION, ["cpu"], guardrails=settings.guardrails(), private=private)
    declared = {one.urn for one in deployment.declared if one.type.startswith("azure-native:")}
    assert {one.urn("dev", "azmlflow") for one in plan} == declared
    made = deployment.one("resources:ResourceGroup").inputs["tags"]
    assert len(private.in_group()) == 5 + 6 + 2
    assert all(recorded(made, id_) for id_ in private.in_group()), "sweep knows them by the record"


def test_the_same_addresses_are_let_in_everywhere_and_the_workspace_waits(up: Up) -> None:
    """The workspace's are of previews alone, and set once it stands: until then it is closed."""
    both = ["203.0.113.7", "198.51.100.0/24"]
    deployment = up(registry="own", network={"mode": "publicIps", "allowedIps": both})
    account = deployment.one("storage:StorageAccount")
    assert account.inputs["publicNetworkAccess"] == "Enabled"
    rules = [{"action": "Allow", "iPAddressOrRange": each} for each in both]
    assert account.inputs["networkRuleSet"] == {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": rules}
    assert account.ignored == ()
    vault = deployment.one("keyvault:Vault").inputs["properties"]
    assert vault["publicNetworkAccess"] == "Enabled"
    assert vault["networkAcls"] == {
        "bypass": "AzureServices",
        "defaultAction": "Deny",
        "ipRules": [{"value": each} for each in both],
    }
    registry = deployment.one("containerregistry:Registry").inputs
    assert (registry["publicNetworkAccess"], registry["sku"]) == ("Enabled", {"name": "Premium"})
    assert registry["networkRuleSet"] == {"defaultAction": "Deny", "ipRules": rules}
    assert deployment.one("machinelearningservices:Workspace").inputs["publicNetworkAccess"] == "Disabled"
