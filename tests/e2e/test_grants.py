"""Grants as code over the real engine: combinations, scopes, expiry, adoption, profiles, identity-based storage."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
import yaml

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.rbac.roles import built_in_role, persona
from tests.e2e.estate import Estate
from tests.e2e.people import ARM, ARM_VERSION, ML_VERSION, Person, sign_in

pytestmark = pytest.mark.e2e

ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
OWNER, ALICE, BOB, CAROL = (f"{name}@local.test" for name in ("developer", "alice", "bob", "carol"))


@pytest.fixture(scope="module")
def stack(bare_estate: Estate) -> Estate:
    bare_estate.azmlflow("up", "--yes")
    bare_estate.azmlflow("local", "user", "add", CAROL)
    return bare_estate


@pytest.fixture(scope="module")
def workspace(stack: Estate) -> str:
    found: str = stack.outputs()["workspaceId"]
    return found


def assignments(owner: Person, scope: str) -> list[dict[str, Any]]:
    answer = owner.ask("GET", f"{ARM}{scope}/{ASSIGNMENTS}", params=ARM_VERSION)
    answer.raise_for_status()
    found: list[dict[str, Any]] = answer.json()["value"]
    return found


def of(owner: Person, scope: str, principal: str) -> set[tuple[str, str]]:
    """(scope's last name, role's name) of a principal's assignments at a scope, above and below it."""
    found = set()
    for entry in assignments(owner, scope):
        given = entry["properties"]
        if given["principalId"] == principal:
            role = owner.ask("GET", f"{ARM}{given['roleDefinitionId']}", params=ARM_VERSION).json()
            found.add((given["scope"].rsplit("/", 1)[-1], role["properties"]["roleName"]))
    return found


def configure(stack: Estate, **settings: Any) -> dict[str, Any]:
    """Change settings in the stack's file, as an editor would; the settings before."""
    path = stack.folder / "Pulumi.local.yaml"
    document = yaml.safe_load(path.read_text())
    before = dict(document["config"])
    for key, value in settings.items():
        if value is None:
            document["config"].pop(f"azmlflow:{key}", None)
        else:
            document["config"][f"azmlflow:{key}"] = value
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return before


def grant(stack: Estate, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = stack.azmlflow("grant", *words, "--output", "json").json()
    return document


def logged(stack: Estate) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stack.azmlflow("access", "--log", "--output", "json").json()["assignments"]
    return found


def test_a_combination_at_the_group_and_its_revocation(stack: Estate, workspace: str) -> None:
    earlier = logged(stack)
    given = grant(stack, BOB, "tracker+registrar", "--scope", "group")
    assert given["inForce"]
    assert [one["persona"] for one in given["grants"]] == ["tracker", "registrar"]
    group = workspace.partition("/providers/")[0]
    with sign_in(stack, OWNER) as owner:
        names = {name.split(" (")[0] for _, name in of(owner, group, given["principalId"])}
        assert names == {"azmlflow tracker", "azmlflow registrar"}
        assert all(
            one["assignmentId"].lower().startswith(f"{group.lower()}/{ASSIGNMENTS.lower()}") for one in given["grants"]
        )
        stack.azmlflow("revoke", BOB, "registrar")
        assert {name.split(" (")[0] for _, name in of(owner, group, given["principalId"])} == {"azmlflow tracker"}
        stack.azmlflow("revoke", BOB)
        assert of(owner, group, given["principalId"]) == set()
    gone = [each for each in logged(stack) if each["to"] == BOB and not each["stands"] and each not in earlier]
    assert {each["role"].split(" (")[0] for each in gone} == {"azmlflow tracker", "azmlflow registrar"}
    assert {(each["by"], each["endedBy"], each["at"]) for each in gone} == {(OWNER, OWNER, group)}


def _says_without_the_engine_what_the_engine_says(stack: Estate) -> None:
    """The engine writes down each of its updates. A variable of Pulumi's that azmlflow does not know makes it run."""
    history = stack.folder / ".azmlflow/backend/.pulumi/history"

    def up(**variables: str) -> tuple[Any, int]:
        told = stack.command("azmlflow", "up", "-o", "json", extra=variables).json()
        return {**told, "seconds": 0}, len(list(history.rglob("*.history.json")))

    quick, before = up()
    assert set(quick["changes"]) == {"same"}
    assert up() == (quick, before)
    assert up(PULUMI_PARALLEL="16") == (quick, before + 1)


def test_an_ended_grant_goes_with_the_next_up_and_status_tells(stack: Estate, workspace: str) -> None:
    given = grant(stack, CAROL, "viewer", "--until", "2099-12-31")
    grants = configure(stack)["azmlflow:grants"]
    assert grants == [
        {
            **{key: given[key] for key in ("principalId", "principalType", "displayName", "persona")},
            "until": "2099-12-31",
        }
    ]
    configure(stack, grants=[{**grants[0], "until": "2020-01-31"}])
    (told,) = stack.azmlflow("status", "-o", "json").json()["grants"]
    assert told["state"] == "ended 2020-01-31, but in force until the next `azmlflow up`"
    with sign_in(stack, OWNER) as owner:
        assert of(owner, workspace, given["principalId"])
        done = stack.azmlflow("up")
        assert "no longer viewer: the grant's last day was 2020-01-31" in done.err
        assert of(owner, workspace, given["principalId"]) == set()
    assert stack.azmlflow("status", "-o", "json").json()["grants"] == []
    assert not configure(stack).get("azmlflow:grants")
    _says_without_the_engine_what_the_engine_says(stack)
    stack.azmlflow("revoke", CAROL)


def test_somebody_elses_assignment_is_adopted_and_left_alone(stack: Estate, workspace: str) -> None:
    alice = grant(stack, ALICE, "viewer")["principalId"]
    bob = next(e for e in (grant(stack, BOB, "operator"),))["principalId"]
    with sign_in(stack, OWNER) as owner:
        role = next(e for e in assignments(owner, workspace) if e["properties"]["principalId"] == alice)["properties"][
            "roleDefinitionId"
        ]
        theirs = f"{workspace}/{ASSIGNMENTS}/{uuid.UUID(int=7)}"
        body = {"properties": {"roleDefinitionId": role, "principalId": bob, "principalType": "User"}}
        owner.ask("PUT", f"{ARM}{theirs}", params=ARM_VERSION, json=body).raise_for_status()
        done = stack.azmlflow("grant", BOB, "viewer", "-o", "json")
        assert f"adopted: somebody else's assignment gives viewer just this already ({theirs})" in done.err
        assert list(done.json()["adopted"].values()) == [theirs]
        mine = [e["name"] for e in assignments(owner, workspace) if e["properties"]["principalId"] == bob]
        assert len(mine) == 2
        assert "nothing to change" in stack.azmlflow("up").out
        told = {(e["name"], e["persona"]): e["state"] for e in stack.azmlflow("status", "-o", "json").json()["grants"]}
        assert told[BOB, "viewer"].endswith("adopted from somebody else's assignment")
        # The last grants of the persona go, and with them our declaration of its role; theirs stays, and so its role.
        stack.azmlflow("revoke", ALICE)
        assert f"az role assignment delete --ids {theirs}" in stack.azmlflow("revoke", BOB).out
        assert owner.ask("GET", f"{ARM}{theirs}", params=ARM_VERSION).status_code == 200
        # Granted again: adopted again; taken away behind our back: the next up makes ours.
        grant(stack, BOB, "viewer")
        owner.ask("DELETE", f"{ARM}{theirs}", params=ARM_VERSION).raise_for_status()
        stack.azmlflow("up")
        left = [e for e in assignments(owner, workspace) if e["properties"]["principalId"] == bob]
        assert [e["name"] for e in left] != [str(uuid.UUID(int=7))]
        assert len(left) == 1
    stack.azmlflow("revoke", BOB)


def test_a_persona_that_changes_changes_its_definition_in_place(stack: Estate, workspace: str) -> None:
    alice = grant(stack, ALICE, "tracker")["principalId"]
    with sign_in(stack, OWNER) as owner:
        (entry,) = [e for e in assignments(owner, workspace) if e["properties"]["principalId"] == alice]
        role = f"{ARM}{entry['properties']['roleDefinitionId']}"

        def actions() -> set[str]:
            answer = owner.ask("GET", role, params=ARM_VERSION).json()
            return set(answer["properties"]["permissions"][0]["actions"])

        assert actions() == set(persona("tracker").actions)
        configure(stack, strictTracker=True)
        done = stack.azmlflow("up", "-o", "json").json()
        assert done["changes"]["update"] == 1
        assert actions() == set(persona("tracker", strict_tracker=True).actions)
        shown = json.loads(stack.azmlflow("roles", "tracker", "-o", "json").out)
        assert set(shown["Actions"]) == actions()
        configure(stack, strictTracker=None)
        stack.azmlflow("up")
    stack.azmlflow("revoke", ALICE)


def test_identity_based_storage_brings_the_storage_roles(stack: Estate, workspace: str) -> None:
    configure(stack, storageAuth="identity")
    stack.azmlflow("up", "--yes")
    outputs = stack.outputs()
    account = outputs["storageAccount"]
    alice, bob = grant(stack, ALICE, "tracker+registrar")["principalId"], grant(stack, BOB, "viewer")["principalId"]
    with sign_in(stack, OWNER) as owner:
        document = owner.ask("GET", f"{ARM}{workspace}", params=ML_VERSION).json()
        assert document["properties"]["systemDatastoresAuthMode"].lower() == "identity"
        group = workspace.partition("/providers/")[0]
        writer = {(account, "Storage Blob Data Contributor"), (account, "Storage File Data Privileged Contributor")}
        reader = {(account, "Storage Blob Data Reader"), (account, "Storage File Data Privileged Reader")}
        assert {pair for pair in of(owner, group, alice) if pair[0] == account} == writer
        assert {pair for pair in of(owner, group, bob) if pair[0] == account} == reader
        assert "nothing to change" in stack.azmlflow("up").out
        stack.azmlflow("revoke", ALICE, "registrar")
        # The tracker still needs them.
        assert {pair for pair in of(owner, group, alice) if pair[0] == account} == writer
        stack.azmlflow("revoke", ALICE)
        assert of(owner, group, alice) == set()
        configure(stack, storageAuth=None)
        stack.azmlflow("up", "--yes")
        assert {pair for pair in of(owner, group, bob) if pair[0] == account} == set()
    stack.azmlflow("revoke", BOB)


def test_the_built_in_profile_warns_and_needs_no_custom_role(stack: Estate, workspace: str) -> None:
    configure(stack, roleProfile="built-in")
    done = stack.azmlflow("grant", ALICE, "tracker+registrar", "-o", "json")
    assert "`AzureML Data Scientist` here, which also allows to:" in done.err
    assert "read the storage account's keys" in done.err
    assert done.json()["inForce"]
    with sign_in(stack, OWNER) as owner:
        held = of(owner, workspace, done.json()["principalId"])
        assert held == {(workspace.rsplit("/", 1)[-1], built_in_role("AzureML Data Scientist").name)}
        stack.azmlflow("revoke", ALICE, "tracker")
        assert of(owner, workspace, done.json()["principalId"]) == held
        configure(stack, roleProfile=None)
        stack.azmlflow("up")
        (pair,) = of(owner, workspace, done.json()["principalId"])
        assert pair[1].startswith("azmlflow registrar (")
    stack.azmlflow("revoke", ALICE)


def test_a_computes_identity(stack: Estate, workspace: str) -> None:
    with sign_in(stack, OWNER) as owner:
        body = {
            "location": "westeurope",
            "identity": {"type": "SystemAssigned"},
            "properties": {
                "computeType": "AmlCompute",
                "properties": {"vmSize": "Standard_DS3_v2", "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}},
            },
        }
        url = f"{ARM}{workspace}/computes/robot"
        owner.ask("PUT", url, params=ML_VERSION, json=body).raise_for_status()
        principal = owner.ask("GET", url, params=ML_VERSION).json()["identity"]["principalId"]
        given = grant(stack, "compute/robot", "tracker")
        assert (given["principalId"], given["principalType"]) == (principal, "ServicePrincipal")
        assert of(owner, workspace, principal)
        stack.azmlflow("revoke", principal)


def test_a_name_that_another_definition_has_is_told_before_anything_is_done(stack: Estate, workspace: str) -> None:
    name = json.loads(stack.azmlflow("roles", "submitter", "-o", "json").out)
    other = (
        f"{ARM}/subscriptions/{SUBSCRIPTION_ID}/providers/Microsoft.Authorization/roleDefinitions/{uuid.UUID(int=9)}"
    )
    body = {
        "properties": {
            "roleName": name["Name"],
            "type": "CustomRole",
            "permissions": [{"actions": name["Actions"]}],
            "assignableScopes": name["AssignableScopes"],
        }
    }
    with sign_in(stack, OWNER) as owner:
        owner.ask("PUT", other, params=ARM_VERSION, json=body).raise_for_status()
        done = stack.azmlflow("grant", ALICE, "submitter", fails=True)
        assert "unique in a tenant" in done.err
        assert str(uuid.UUID(int=9)) in done.err
        assert "azmlflow:grants" not in configure(stack)
        owner.ask("DELETE", other, params=ARM_VERSION).raise_for_status()
    grant(stack, ALICE, "submitter")
    stack.azmlflow("revoke", ALICE)


def test_who_may_not_assign_is_told_who_could(stack: Estate, workspace: str) -> None:
    """Last: the owner becomes a Contributor, and Alice the Owner in its place."""
    subscription = f"/subscriptions/{SUBSCRIPTION_ID}"
    with sign_in(stack, OWNER) as owner, sign_in(stack, ALICE) as alice:
        people = {
            u["userPrincipalName"]: u["id"]
            for u in owner.ask("GET", "https://graph.microsoft.com/v1.0/users").json().get("value", [])
        }
        mine = [
            e
            for e in assignments(owner, subscription)
            if e["properties"]["roleDefinitionId"].endswith(built_in_role("Owner").id)
        ]
        me = mine[0]["properties"]["principalId"]
        hers = grant(stack, ALICE, "viewer")["principalId"]
        assert people == {} or people[ALICE] == hers

        def put(who: Person, number: int, role: str, principal: str) -> None:
            body = {
                "properties": {
                    "roleDefinitionId": built_in_role(role).definition_id(SUBSCRIPTION_ID),
                    "principalId": principal,
                    "principalType": "User",
                }
            }
            who.ask(
                "PUT", f"{ARM}{subscription}/{ASSIGNMENTS}/{uuid.UUID(int=number)}", params=ARM_VERSION, json=body
            ).raise_for_status()

        put(owner, 11, "Owner", hers)
        put(owner, 12, "Contributor", me)
        kept = mine[0]["properties"]
        alice.ask("DELETE", f"{ARM}{mine[0]['id']}", params=ARM_VERSION).raise_for_status()
        try:
            done = stack.azmlflow("grant", BOB, "viewer", fails=True)
            assert "`Microsoft.Authorization/roleAssignments/write` is missing" in done.err
            assert f"next: ask {ALICE} (Owner)" in done.err
            taken = stack.azmlflow("revoke", ALICE, fails=True)
            assert "`Microsoft.Authorization/roleAssignments/delete` is missing" in taken.err
        finally:
            put(alice, 13, "Owner", kept["principalId"])
