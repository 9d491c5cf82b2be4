"""What a stack costs while idle: expectations from Azure's list prices, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan.prices import Bill, bill, rounded
from azmlflow.infra.rehearsal import rehearse

REGISTRY = "azure-native:containerregistry:Registry"
ENDPOINT = "azure-native:network:PrivateEndpoint"
RULE = "azure-native:machinelearningservices:ManagedNetworkSettingsRule"
WORKSPACE = "azure-native:machinelearningservices:Workspace"
COMPUTE = "azure-native:machinelearningservices:Compute"


def stack(**settings: Any) -> Bill:
    config = {f"azmlflow:{key}": value for key, value in settings.items()}
    found = rehearse(config, project="azmlflow", stack="dev", subscription="s", tenant="t")
    return bill((each.type, each.inputs) for each in found)


def test_a_plain_stack_costs_nothing_while_idle_and_says_what_use_costs() -> None:
    found = stack(clusters=[{"name": "cpu"}], diagnostics=True, locks=True, budget={"monthly": 5, "mail": ["a@b.cd"]})
    assert (found.month, found.unknown) == (0, ())
    assert "gigabyte" in "\n".join(found.text())
    assert found.text()[0].startswith("idle, about 0 USD a month (list prices of 20")


def test_a_registry_of_ones_own_costs_five_dollars() -> None:
    assert stack(registry="own").month == 5


@pytest.mark.parametrize(("sku", "month"), [("Basic", 5), ("Standard", 20), ("Premium", 51)])
def test_a_registry_costs_by_its_tier(sku: str, month: float) -> None:
    assert bill([(REGISTRY, {"sku": {"name": sku}})]).month == month


def test_nodes_that_are_kept_running_are_unknown_and_never_nothing() -> None:
    found = stack(clusters=[{"name": "cpu"}, {"name": "gpu", "minNodes": 2}])
    assert found.unknown == ("compute (2)",)
    document = found.document()
    assert [each["month"] for each in document["resources"] if each["what"] == "compute (2)"] == [None]
    assert "unknown" in found.text()[0]


@pytest.mark.parametrize("token", ["aws:s3:Bucket", "azure-native:cognitiveservices:Account"])
def test_what_the_file_does_not_have_is_unknown(token: str) -> None:
    found = bill([(token, {})])
    assert found.unknown == (token.rpartition(":")[2],)
    assert found.lines[0].month is None


def test_a_tier_that_the_file_does_not_have_is_unknown() -> None:
    assert bill([(REGISTRY, {"sku": {"name": "Ultra"}})]).unknown == ("container registry (Ultra)",)


def test_endpoints_add_up() -> None:
    (line,) = bill([(ENDPOINT, {})] * 5).lines
    assert (line.count, line.month) == (5, 36.5)


def test_the_firewall_is_paid_once_however_many_rules_ask_for_it() -> None:
    rules = [(RULE, {"properties": {"type": kind}}) for kind in ("FQDN", "FQDN", "ServiceTag", "PrivateEndpoint")]
    assert bill(rules).month == pytest.approx(912 + 7.3)


def test_a_key_of_ones_own_has_its_price_unless_azure_keeps_the_data_itself() -> None:
    encryption = {"encryption": {"status": "Enabled"}}
    assert bill([(WORKSPACE, encryption)]).month == 250
    assert bill([(WORKSPACE, {**encryption, "enableServiceSideCMKEncryption": True})]).month == 0


@pytest.mark.parametrize(("mode", "month"), [("AllowInternetOutbound", 30), ("AllowOnlyApprovedOutbound", 45)])
def test_what_azure_makes_in_a_managed_network_is_paid_for_too(mode: str, month: float) -> None:
    found = bill([(WORKSPACE, {"managedNetwork": {"isolationMode": mode}})])
    (line,) = (each for each in found.lines if each.month)
    assert (line.count, line.month) == (1, month)
    assert line.what.startswith("private endpoints that Azure makes")
    unheard = bill([(WORKSPACE, {"managedNetwork": {"isolationMode": "Other"}})])
    assert unheard.unknown == (line.what,)


def test_the_bill_for_programs() -> None:
    found = bill([(REGISTRY, {"sku": {"name": "Basic"}}), ("aws:s3:Bucket", {})])
    document = found.document()
    assert {name: value for name, value in document.items() if name != "resources"} == {
        "currency": "USD",
        "date": found.date,
        "month": 5.0,
        "unknown": ["Bucket"],
    }
    assert [(each["what"], each["count"], each["month"]) for each in document["resources"]] == [
        ("Bucket", 1, None),
        ("container registry (Basic)", 1, 5.0),
    ]


def test_sums_are_orders_of_magnitude() -> None:
    assert [rounded(each) for each in (0, 0.5, 36.5, 919.3, 1234)] == ["0", "0.5", "36", "920", "1200"]


def test_a_stopped_instance_costs_its_disk_and_its_address() -> None:
    found = stack(instances=[{"name": "alice"}, {"name": "bob"}], clusters=[{"name": "cpu"}])
    assert (found.month, found.unknown) == (60, ())
    assert any("2 x compute (ComputeInstance)  + by the second while it runs" in line for line in found.text())


def test_a_deployment_costs_its_machines_for_as_long_as_it_stands() -> None:
    machines = [("Standard_DS3_v2", 2), ("Standard_DS2_v2", 1)]
    deployments = [
        {"model": f"m{n}", "version": "1", "instanceType": size, "instanceCount": count, "traffic": 0}
        for n, (size, count) in enumerate(machines)
    ]
    # Two machines of 0.229 dollars an hour and one of 0.114, 730 hours: the list of East US.
    found = stack(endpoints=[{"name": "wine", "deployments": deployments}])
    assert found.month == pytest.approx(2 * 167 + 84)
    assert found.unknown == ()
    odd = stack(endpoints=[{"name": "wine", "deployments": [{**deployments[0], "instanceType": "Standard_ND96"}]}])
    assert odd.unknown == ("deployment (Standard_ND96)",)
