"""`up` has a managed network built before the first compute, on an embedded Azure in this process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.pulumi.changes import Change, Outcome
from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import SUBSCRIPTION, WORKSPACE_ID, Desk

RULE = "azure-native:machinelearningservices:ManagedNetworkSettingsRule"
COMPUTE = "azure-native:machinelearningservices:Compute"
MANAGED = """config:
  azmlflow:cloud: local
  azmlflow:registry: own
  azmlflow:network: {mode: managed, outbound: approved, rules: [{fqdn: example.com}]}
"""
CLUSTER = "  azmlflow:clusters: [{name: cpu}]\n"


def status(word: str) -> dict[str, Any]:
    return {"managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound", "status": {"status": word}}}


def stands(desk: Desk, word: str = "Inactive") -> None:
    desk.arm.put(WORKSPACE_ID, type="Microsoft.MachineLearningServices/workspaces", properties=status(word))


@pytest.fixture
def building(desk: Desk) -> list[dict[str, Any]]:
    """What was said when the network was asked for; it stands then."""
    desk.settings(text=MANAGED + CLUSTER)
    stands(desk)
    asked: list[dict[str, Any]] = []
    post = desk.arm.post

    def build(path: str, question: dict[str, Any]) -> dict[str, Any] | None:
        if not path.endswith("/provisionManagedNetwork"):
            return post(path, question)
        asked.append(question)
        stands(desk, "Active")
        return {}

    desk.arm.post = build  # type: ignore[method-assign]
    return asked


def test_all_but_the_computes_then_the_network_then_the_computes(desk: Desk, building: list[dict[str, Any]]) -> None:
    done = desk.run("up")
    assert done.code == 0, done.err
    assert desk.stack.calls == ["create", "up without cpu-cluster", "up"]
    assert building == [{"includeSpark": False}]
    assert "about 30 minutes" in done.err
    assert "created      ManagedNetwork" in done.err


def test_deployments_wait_for_it_too_and_the_traffic_for_them(desk: Desk, building: list[dict[str, Any]]) -> None:
    desk.settings(text=MANAGED + "  azmlflow:endpoints: [{name: wine-eu, deployments: [{model: wine, version: 1}]}]\n")
    model = f"{WORKSPACE_ID}/models/wine"
    desk.arm.put(model, properties={"latestVersion": "1"})
    desk.arm.put(f"{model}/versions/1", properties={})
    done = desk.run("up")
    assert done.code == 0, done.err
    assert desk.stack.calls == ["create", "up without wine-eu-wine-1 wine-eu-traffic", "up"]
    assert len(building) == 1


def test_a_network_that_stands_is_not_built_again(desk: Desk, building: list[dict[str, Any]]) -> None:
    stands(desk, "Active")
    assert desk.run("up").code == 0
    assert building == []


def test_a_workspace_that_goes_meanwhile_is_told_and_not_waited_for(desk: Desk) -> None:
    desk.settings(text=MANAGED + CLUSTER)
    stands(desk)
    post = desk.arm.post

    def lost(path: str, question: dict[str, Any]) -> dict[str, Any] | None:
        if not path.endswith("/provisionManagedNetwork"):
            return post(path, question)
        del desk.arm.documents[WORKSPACE_ID.lower()]
        return None

    desk.arm.post = lost  # type: ignore[method-assign]
    done = desk.run("up")
    assert done.code == 1
    assert "error: the workspace went while its network was waited for" in done.err
    assert WORKSPACE_ID in done.err
    assert "next: azmlflow status" in done.err


def refusing(desk: Desk, *, status: int = 409, times: int = 10_000) -> None:
    """Azure refuses to build the network so many times; then it stands."""
    desk.settings(text=MANAGED + CLUSTER)
    stands(desk)
    post, asked = desk.arm.post, [0]

    def build(path: str, question: dict[str, Any]) -> dict[str, Any] | None:
        if not path.endswith("/provisionManagedNetwork"):
            return post(path, question)
        asked[0] += 1
        if asked[0] <= times:
            raise ArmError(status, "Conflict", "The network is being changed.", path)
        stands(desk, "Active")
        return {}

    desk.arm.post = build  # type: ignore[method-assign]


def waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of the commands that follow."""
    slept: list[float] = []
    connect = desk.connect
    monkeypatch.setattr(desk, "connect", lambda: replace(connect(), sleep=slept.append))
    return slept


def test_while_another_request_changes_the_network_it_is_asked_for_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = waiting(desk, monkeypatch)
    refusing(desk, times=45)
    done = desk.run("up")
    assert done.code == 0, done.err
    assert slept == [15.0] * 45
    assert desk.stack.calls == ["create", "up without cpu-cluster", "up"]
    # 45 waits of 15 seconds: a word after 5 minutes, and one after 10.
    said = [line for line in done.err.splitlines() if "has been under way" in line]
    assert [line.partition(" for ")[2] for line in said] == ["5 minutes", "10 minutes"]


def test_what_azure_refuses_otherwise_is_told_at_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = waiting(desk, monkeypatch)
    refusing(desk, status=403)
    done = desk.run("up")
    assert (done.code, slept) == (1, [])
    assert "error: Azure did not build the managed network: The network is being changed." in done.err
    assert WORKSPACE_ID in done.err
    assert "next: azmlflow up --stack local" in done.err
    assert "failed       ManagedNetwork" in done.err
    assert desk.stack.calls == ["create", "up without cpu-cluster"]


def test_after_two_hours_it_is_waited_for_no_more(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = waiting(desk, monkeypatch)
    refusing(desk)
    done = desk.run("up")
    assert done.code == 1
    assert 7200 < sum(slept) <= 7215
    assert "error: the managed network does not stand after two hours" in done.err
    assert WORKSPACE_ID in done.err
    assert "next: azmlflow up    (it goes on from here)" in done.err
    assert "failed       ManagedNetwork" in done.err
    assert desk.stack.calls == ["create", "up without cpu-cluster"]


def test_without_computes_nobody_waits(desk: Desk, building: list[dict[str, Any]]) -> None:
    desk.settings(text=MANAGED)
    assert desk.run("up").code == 0
    assert (desk.stack.calls, building) == (["create", "up"], [])


def test_a_network_with_a_compute_is_not_even_asked_for(desk: Desk, building: list[dict[str, Any]]) -> None:
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:ComputeCluster${COMPUTE}::cpu-cluster"
    machine = {"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "enableNodePublicIp": False}
    inputs = {"computeName": "cpu", "properties": {"properties": machine}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu")
    desk.stand_whole(Resource(urn, COMPUTE, f"{WORKSPACE_ID}/computes/cpu", inputs))
    assert desk.run("up").code == 0
    assert (desk.stack.calls, building) == (["up"], [])


def test_what_was_made_outside_a_network_is_made_anew_in_it(desk: Desk, building: list[dict[str, Any]]) -> None:
    """Microsoft, "Workspace managed virtual network isolation": existing computes have to be created again."""
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:ComputeCluster${COMPUTE}::cpu-cluster"
    machine = {"vmSize": "Standard_DS3_v2", "vmPriority": "Dedicated", "enableNodePublicIp": True}
    inputs = {"computeName": "cpu", "properties": {"properties": machine}}
    desk.stand_whole(Resource(urn, COMPUTE, f"{WORKSPACE_ID}/computes/cpu", inputs))
    stands(desk)
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu")
    assert desk.run("up").code == 0
    assert desk.arm.calls == [f"DELETE {WORKSPACE_ID}/computes/cpu?underlyingResourceAction=Delete"]
    assert (desk.stack.calls, len(building)) == (["up without cpu-cluster", "up"], 1)


def test_the_firewalls_price_is_told_at_the_first_host_and_never_again(
    desk: Desk, building: list[dict[str, Any]]
) -> None:
    whole = " ".join(desk.run("up").err.split())
    assert "910 1 x the managed network's firewall (Standard), from the first FQDN rule on" in whole
    assert "these settings add" not in whole
    desk.stand_whole()
    stands(desk, "Active")
    added = " ".join(desk.run("up").err.split())
    assert "these settings add the managed network's firewall (Standard), from the first FQDN rule on" in added
    assert "about 910 USD a month (list prices of 20" in added
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:OutboundRules${RULE}::out-fqdn-example-com-a379a6"
    id_ = f"{WORKSPACE_ID}/outboundRules/fqdn-example-com-a379a6"
    desk.arm.put(id_)
    desk.stand_whole(Resource(urn, RULE, id_, {"properties": {"type": "FQDN", "destination": "example.com"}}))
    stands(desk, "Active")
    assert "firewall" not in desk.run("up").err


def test_a_rule_to_the_stacks_own_vault_stops_before_anything_is_made(desk: Desk) -> None:
    name = Settings.from_mapping({}).names("local", SUBSCRIPTION).key_vault
    vault = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlflow-local/providers/Microsoft.KeyVault/vaults/{name}"
    rule = json.dumps({"privateEndpoint": vault, "target": "vault"})
    desk.settings(text=MANAGED.replace("{fqdn: example.com}", rule))
    done = desk.run("up")
    assert done.code != 0
    assert "Azure makes that private endpoint by itself" in " ".join(done.err.split())
    assert not [call for call in desk.stack.calls if call.startswith("up")]


def test_what_came_of_two_operations_is_told_as_one() -> None:
    def change(urn: str, operation: str) -> Change:
        return Change(urn, "t", urn, operation, "done")

    first = Outcome((change("a", "create"), change("b", "same")), {}, (), {"create": 1, "same": 1}, 2.0)
    second = Outcome(
        (change("a", "same"), change("b", "same"), change("c", "create")), {"x": 1}, (), {"create": 1, "same": 2}, 1.5
    )
    both = first.then(second)
    assert dict(both.summary) == {"create": 2, "same": 1}
    assert [(each.urn, each.operation) for each in both.changes] == [("a", "create"), ("b", "same"), ("c", "create")]
    assert (both.outputs, both.seconds) == ({"x": 1}, 3.5)
