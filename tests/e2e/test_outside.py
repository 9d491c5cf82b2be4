"""What somebody else deletes or closes in Azure, and the next `up`."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.e2e.estate import Estate
from tests.e2e.people import ARM, ARM_VERSION, Person, sign_in

pytestmark = pytest.mark.e2e

OWNER, ALICE = "developer@local.test", "alice@local.test"
STORAGE_VERSION = {"api-version": "2024-01-01"}


@pytest.fixture(scope="module")
def stack(bare_estate: Estate) -> Estate:
    bare_estate.azmlflow("up", "--yes")
    return bare_estate


def pulumi(stack: Estate, *words: str, fails: bool = False) -> str:
    engine: dict[str, str] = stack.azmlflow("env", "--engine", "--output", "json").json()["set"]
    done = stack.command("pulumi", *words, "--non-interactive", "--stack", "local", fails=fails, extra=engine)
    return done.out + done.err


def test_a_role_deleted_elsewhere_ends_a_refresh_and_up_makes_it_anew(stack: Estate) -> None:
    given = stack.azmlflow("grant", ALICE, "tracker", "--output", "json").json()
    assignment = f"{ARM}{given['assignmentId']}"
    with sign_in(stack, OWNER) as owner:
        before = owner.ask("GET", assignment, params=ARM_VERSION).json()
        role = f"{ARM}{before['properties']['roleDefinitionId']}"
        for url in (assignment, role):
            assert owner.ask("DELETE", url, params=ARM_VERSION).status_code == 200
        assert 'Status=404 Code="RoleDefinitionDoesNotExist"' in pulumi(stack, "refresh", "--yes", fails=True)
        done = stack.azmlflow("up")
        assert "`role-tracker` was deleted elsewhere" in done.err
        assert "2 resources changed" in done.out
        after = owner.ask("GET", assignment, params=ARM_VERSION).json()
        assert after["properties"]["roleDefinitionId"] == before["properties"]["roleDefinitionId"]
        assert owner.ask("GET", role, params=ARM_VERSION).json()["properties"]["type"] == "CustomRole"
    assert "nothing to change" in stack.azmlflow("up").out
    pulumi(stack, "refresh", "--yes", "--expect-no-changes")


def firewall(owner: Person, account: str) -> dict[str, Any]:
    answer = owner.ask("GET", account, params=STORAGE_VERSION)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return {
        **found["properties"]["networkAcls"],
        "tags": found["tags"],
        "public": found["properties"]["publicNetworkAccess"],
    }


def tag(stack: Estate, value: str) -> None:
    path = stack.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"]["azmlflow:tags"] = {"team": value}
    path.write_text(yaml.safe_dump(document, sort_keys=False))


def test_a_firewall_that_somebody_closed_stays_closed_when_the_account_changes(stack: Estate) -> None:
    outputs = stack.outputs()
    group = f"{ARM}/subscriptions/{outputs['subscriptionId']}/resourceGroups/{outputs['resourceGroup']}"
    account = f"{group}/providers/Microsoft.Storage/storageAccounts/{outputs['storageAccount']}"
    rules = {"defaultAction": "Deny", "bypass": "None", "ipRules": [{"value": "203.0.113.7", "action": "Allow"}]}
    with sign_in(stack, OWNER) as owner:
        closing = {"properties": {"networkAcls": rules, "publicNetworkAccess": "Disabled"}}
        owner.ask("PATCH", account, params=STORAGE_VERSION, json=closing).raise_for_status()
        tag(stack, "blue")
        done = stack.azmlflow("up")
        assert "was changed elsewhere: it stays as it is" in done.err
        found = firewall(owner, account)
        assert found["tags"]["team"] == "blue"
        assert {name: found[name] for name in rules} == rules
        assert found["public"] == "Disabled"
        again = stack.azmlflow("up")
        assert "nothing to change" in again.out
        assert "changed elsewhere" not in again.err

        opening = {"properties": {"networkAcls": {**rules, "defaultAction": "Allow"}, "publicNetworkAccess": "Enabled"}}
        owner.ask("PATCH", account, params=STORAGE_VERSION, json=opening).raise_for_status()
        tag(stack, "green")
        stack.azmlflow("up")
        found = firewall(owner, account)
        assert (found["tags"]["team"], found["defaultAction"], found["public"]) == ("green", "Allow", "Enabled")


LET_IN = ["203.0.113.7", "198.51.100.0/24"]
FIREWALL = {"api-version": "2024-10-01-preview"}
NARROWED: dict[str, Any] = {
    "clusters": [],  # whose nodes come from addresses of Azure's
    "registry": "own",
    "network": {"mode": "publicIps", "allowedIps": LET_IN},
    "identity": {"type": "SystemAssigned,UserAssigned"},
    "storageAuth": "identity",
}


def let_in(stack: Estate, address: str) -> set[str]:
    """The services that answer an internet address."""
    cells = stack.azmlflow("reach", "--address", address, "--output", "json").json()["cells"]
    return {each["to"] for each in cells if each["allowed"] and each["from"].startswith("internet:")}


def test_a_stack_that_lets_in_some_addresses_and_whose_firewall_somebody_changed(stack: Estate) -> None:
    path = stack.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    document["config"] |= {f"azmlflow:{key}": value for key, value in NARROWED.items()}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    stack.azmlflow("up", "--yes")
    every = {"workspace", "blob", "file", "vault", "registry"}
    assert (let_in(stack, "198.51.100.9"), let_in(stack, "192.0.2.1")) == (every, set())
    workspace = f"{ARM}{stack.outputs()['workspaceId']}"
    with sign_in(stack, OWNER) as owner:
        opened = {"properties": {"networkAcls": {"defaultAction": "Allow", "ipRules": []}}}
        owner.ask("PATCH", workspace, params=FIREWALL, json=opened).raise_for_status()
        done = stack.azmlflow("up")
        assert "lets in others than it was told to: it is set again" in done.err
        assert "nothing to change" in done.out, "of the engine's"
        found = owner.ask("GET", workspace, params=FIREWALL).json()["properties"]
        assert found["networkAcls"] == {"defaultAction": "Deny", "ipRules": [{"value": each} for each in LET_IN]}
    assert "nothing left" in stack.azmlflow("down", "--yes").out
