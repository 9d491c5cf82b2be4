"""Reading the facts of a live cloud, over the real clients.

Shapes: Microsoft Graph v1.0 reference (list group members), Azure REST reference (role assignments, role definitions,
deny assignments: list for scope).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError

from azmlflow.rbac.evaluate import evaluate
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.live.azure import read_facts
from azmlflow.rbac.live.errors import AssignmentsForbidden
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment
from tests.rbac.wire import ALICE, BOB, NOBODY, OBJECTS, SCOPE, SUB, SUBTEAM, TEAM, Answer, Credential, Wire, forbidden

CORP = "/providers/Microsoft.Management/managementGroups/corp"
DEFINITIONS = f"/subscriptions/{SUB}/providers/Microsoft.Authorization/roleDefinitions"
MEMBERS = {TEAM: [OBJECTS[3]], SUBTEAM: [OBJECTS[0], {"@odata.type": "#microsoft.graph.group", "id": TEAM}]}


def assignment(name: str, who: str, role: str, scope: str, *, condition: str | None = None) -> dict[str, Any]:
    """A role assignment as ARM gives it."""
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}",
        "name": name,
        "type": "Microsoft.Authorization/roleAssignments",
        "properties": {
            "roleDefinitionId": f"{DEFINITIONS}/{role}",
            "principalId": who,
            "principalType": "Group" if who == TEAM else "User",
            "scope": scope,
            "condition": condition,
        },
    }


def definition(name: str, permission: dict[str, Any]) -> dict[str, Any]:
    """A role definition as ARM gives it."""
    return {
        "id": f"{DEFINITIONS}/{name}",
        "name": name,
        "properties": {"roleName": f"Role {name}", "type": "CustomRole", "permissions": [permission]},
    }


HERE = f"{SCOPE}/providers/Microsoft.Authorization"
LOCK = {
    "denyAssignmentName": "lock",
    "scope": SCOPE,
    "doNotApplyToChildScopes": True,
    "permissions": [{"actions": ["a/*"], "notActions": ["a/read"]}],
    "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
    "excludePrincipals": [{"id": TEAM, "type": "Group"}],
}
# Assignments at, above and below the group, a deny, a role that is defined elsewhere and one that is gone.
ARM: dict[str, dict[str, Any]] = {
    f"{HERE}/roleAssignments": {
        "value": [
            assignment("1", TEAM, "r1", SCOPE),
            assignment("2", BOB, "r2", CORP, condition="@Resource[x] StringEquals 'y'"),
            assignment("4", BOB, "r3", SCOPE),
        ],
        "nextLink": f"https://management.azure.com{HERE}/roleAssignments?page=2&api-version=2022-04-01",
    },
    f"{HERE}/roleAssignments?page=2": {"value": [assignment("3", BOB, "gone", f"{SCOPE}/providers/a.b/c/d")]},
    f"{HERE}/denyAssignments": {"value": [{"id": "/d1", "name": "d1", "properties": LOCK}]},
    f"{HERE}/roleDefinitions": {
        "value": [
            definition("r1", {"actions": ["a/*"]}),
            definition("r3", {"actions": ["a/read"], "condition": "c", "conditionVersion": "2.0"}),
        ]
    },
    f"{DEFINITIONS}/r2": definition("r2", {"actions": ["*"], "notActions": ["a/write"], "dataActions": ["d/*"]}),
}


def members(path: str, query: Mapping[str, str]) -> Answer:
    """A page of a group's members, one member a page."""
    of = MEMBERS[path.split("/")[-2]]
    if "$skiptoken" in query or len(of) == 1:
        return 200, {"value": of[-1:]}
    return 200, {"value": of[:1], "@odata.nextLink": f"https://{path}?$skiptoken=2"}


def cloud(method: str, path: str, query: Mapping[str, str], _: Any) -> Answer:
    """ARM and Graph, for reading only."""
    assert method == "GET"
    if path.startswith("graph.microsoft.com"):
        return members(path, query)
    path = path.removeprefix("management.azure.com") + ("?page=2" if "page" in query else "")
    if path not in ARM:
        return 404, {"error": {"code": "RoleDefinitionDoesNotExist", "message": f"not there: {path}"}}
    return 200, ARM[path]


def test_facts_are_read_whole() -> None:
    wire = Wire(cloud)
    facts = read_facts(Credential(), SUB, SCOPE, transport=wire.transport())
    assert [each.id.rpartition("/")[2] for each in facts.assignments] == ["1", "2", "4", "3"]
    assert {each.name for each in facts.definitions} == {"Role r1", "Role r2", "Role r3"}
    assert facts.memberships == {SUBTEAM: {TEAM}, ALICE: {SUBTEAM}, TEAM: {SUBTEAM}}
    assert facts.management_groups == {f"/subscriptions/{SUB}": (CORP,)}
    assert facts.unread_groups == ()
    assert facts.denies[0].permissions[0].not_actions == ("a/read",)
    # What came over the wire decides: through nested groups, under a condition, and by the deny's exclusion.
    assert evaluate(ALICE, "a/write", SCOPE, facts).allowed
    assert evaluate(ALICE, "a/write", f"{SCOPE}/providers/a.b/c/d", facts).allowed
    assert evaluate(BOB, "a/write", SCOPE, facts).cause == "denied"
    assert evaluate(BOB, "a/read", SCOPE, facts).cause == "condition"
    assert evaluate(BOB, "d/x", SCOPE, facts, data=True).cause == "condition"
    assert "Ignored: assignment" in evaluate(BOB, "x/read", f"{SCOPE}/providers/a.b/c/d", facts).reason


def read(**lists: list[dict[str, Any]]) -> tuple[Facts, Wire]:
    """The facts of a group with these lists in place of the ones above."""

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        name = path.rpartition("/")[2]
        if path == f"management.azure.com{HERE}/{name}" and name in lists:
            return 200, {"value": lists[name]}
        return cloud(method, path, query, body)

    wire = Wire(answer)
    return read_facts(Credential(), SUB, SCOPE, transport=wire.transport()), wire


def deny(name: str, **properties: Any) -> dict[str, Any]:
    """A deny assignment as ARM gives it; what it has not is null."""
    nothing = dict.fromkeys(("permissions", "principals", "excludePrincipals", "condition", "doNotApplyToChildScopes"))
    told = {**nothing, "denyAssignmentName": name, "scope": SCOPE, **properties}
    return {"id": f"/{name}", "name": name, "properties": told}


def test_a_deny_assignment_is_read_whole() -> None:
    """Azure REST reference, "Deny Assignments": every property may be null."""
    block = {"actions": ["a/*"], "notActions": ["a/b"], "dataActions": ["d/*"], "notDataActions": ["d/e"]}
    full = deny(
        "full",
        permissions=[{**block, "condition": "c1"}, {}],
        principals=[{"id": ALICE, "type": "User"}, {"id": BOB, "type": "User"}],
        excludePrincipals=[{"id": NOBODY, "type": "ServicePrincipal"}],
        condition="c2",
        doNotApplyToChildScopes=True,
    )
    empty = deny("empty", condition="", doNotApplyToChildScopes=False)
    facts, _ = read(denyAssignments=[full, empty], roleAssignments=[], roleDefinitions=[])
    whole = PermissionBlock(("a/*",), ("a/b",), ("d/*",), ("d/e",), "c1")
    assert facts.denies == (
        DenyAssignment("/full", "full", SCOPE, (ALICE, BOB), (NOBODY,), (whole, PermissionBlock()), False, "c2"),
        DenyAssignment("/empty", "empty", SCOPE, (), (), (), True, None),
    )


def test_what_a_role_and_an_assignment_leave_open_is_nothing() -> None:
    given = assignment("1", ALICE, "r1", SCOPE, condition="")
    role = definition("r1", {"actions": None, "condition": ""})
    facts, _ = read(denyAssignments=[], roleAssignments=[given], roleDefinitions=[role])
    assert facts.definitions[0].permissions == (PermissionBlock(),)
    assert facts.assignments[0].condition is None
    nothing = {**role, "properties": {**role["properties"], "permissions": None}}
    facts, _ = read(denyAssignments=[], roleAssignments=[given], roleDefinitions=[nothing])
    assert facts.definitions[0].permissions == ()


@pytest.mark.parametrize(
    ("lists", "groups"),
    [
        ({"roleAssignments": [assignment("1", TEAM, "r1", SCOPE)], "denyAssignments": []}, {TEAM, SUBTEAM}),
        ({"roleAssignments": [assignment("1", ALICE, "r1", SCOPE)], "denyAssignments": []}, set()),
        ({"denyAssignments": [deny("d", principals=[{"id": SUBTEAM, "type": "Group"}])]}, {SUBTEAM, TEAM}),
        ({"denyAssignments": [deny("d", principals=[{"id": SUBTEAM, "type": "SecurityGroup"}])]}, {SUBTEAM, TEAM}),
        ({"denyAssignments": [deny("d", excludePrincipals=[{"id": TEAM, "type": "Group"}])]}, {TEAM, SUBTEAM}),
        ({"denyAssignments": [deny("d", principals=[{"id": TEAM, "type": "User"}])]}, set()),
        ({"denyAssignments": [deny("d", principals=[{"id": None, "type": "Group"}])]}, set()),
    ],
)
def test_the_members_of_every_group_that_is_named_are_read(
    lists: dict[str, list[dict[str, Any]]], groups: set[str]
) -> None:
    _, wire = read(**{"roleAssignments": [], "roleDefinitions": [], **lists})
    asked = {each.split("/")[-2] for each in wire.asked if each.endswith("/members")}
    assert asked == groups


def test_only_definitions_that_are_not_listed_are_asked_for_one_by_one_eight_at_once() -> None:
    """GUIDs are the same in any case; one that is not assignable here is read by its own id."""
    together = threading.Barrier(8)
    others = [f"other-{number}" for number in range(8)]

    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        name = path.rpartition("/")[2]
        if name in others:
            together.wait(20)
            return 200, definition(name, {"actions": ["*"]})
        lists = {
            "roleAssignments": [assignment(role, ALICE, role, SCOPE) for role in ("R1", *others)],
            "denyAssignments": [],
            "roleDefinitions": [definition("r1", {"actions": ["a/*"]})],
        }
        return 200, {"value": lists[name]}

    wire = Wire(answer)
    facts = read_facts(Credential(), SUB, SCOPE, transport=wire.transport())
    assert [each.name for each in facts.definitions] == ["Role r1", *(f"Role {name}" for name in others)]
    one_by_one = {each for each in wire.asked if DEFINITIONS in each}
    assert one_by_one == {f"GET management.azure.com{DEFINITIONS}/{name}" for name in others}


def test_arm_and_graph_get_a_token_each() -> None:
    wire = Wire(cloud)
    read_facts(Credential(), SUB, f"{SCOPE}/", transport=wire.transport())
    assert wire.tokens == {
        "Bearer for https://management.azure.com/.default",
        "Bearer for https://graph.microsoft.com/.default",
    }
    asked = [each for each in wire.asked if each.endswith("/members")]
    assert len(asked) == 3  # two pages of one group, one of the other: groups that hold each other are read once


def test_a_group_that_may_not_be_read_is_named_not_dropped() -> None:
    def answer(method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
        return forbidden() if "graph" in path else cloud(method, path, query, body)

    facts = read_facts(Credential(), SUB, SCOPE, transport=Wire(answer).transport())
    assert facts.unread_groups == (TEAM,)
    decision = evaluate(ALICE, "a/write", SCOPE, facts)
    assert (decision.verdict, decision.cause) == ("unknown", "membership")


def test_who_may_not_read_assignments_is_told_what_to_ask_for() -> None:
    refusal = {"error": {"code": "AuthorizationFailed", "message": "The client 'bob' does not have authorization"}}
    with pytest.raises(AssignmentsForbidden, match=f"access at {SCOPE} may not be read.*bob.*ask an Owner"):
        read_facts(Credential(), SUB, SCOPE, transport=Wire(lambda *_: (403, refusal)).transport())


def test_a_scope_that_is_gone_is_not_an_empty_answer() -> None:
    gone = {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'rg' could not be found."}}
    with pytest.raises(HttpResponseError, match="could not be found"):
        read_facts(Credential(), SUB, SCOPE, transport=Wire(lambda *_: (404, gone)).transport())
