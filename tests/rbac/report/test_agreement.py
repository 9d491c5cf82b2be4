"""Drift and the matrix (whose cells `--explain` explains) agree, cell by cell: one evaluator stands behind both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from azmlflow.rbac import scopes
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import DenyAssignment, RoleAssignment, RoleDefinition
from azmlflow.rbac.report.access import COLUMNS, WhoIsWho, matrix
from azmlflow.rbac.report.differences import Declared
from azmlflow.rbac.report.drift import find_drift
from azmlflow.rbac.roles import built_in_role, persona

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
ANA, BEN, EVE, TEAM, GONE, OWN = (f"{letter * 8}-0000-4000-8000-000000000001" for letter in "abcdef")
PEOPLE = WhoIsWho({who: ("User", who[:4]) for who in (ANA, BEN, EVE, TEAM, OWN)})

ROLES = {name: RoleDefinition(f"/r/{name}", name, persona(name).permissions) for name in ("viewer", "tracker")}
ROLES["owner"] = RoleDefinition("/r/owner", "Owner", built_in_role("Owner").permissions)
LESS = tuple(each for each in persona("tracker").actions if not each.endswith("/experiments/write"))
ROLES["cut"] = RoleDefinition("/r/tracker", "tracker", (PermissionBlock(LESS),))


def given(who: str, role: str, at: str = WORKSPACE, *, condition: str | None = None) -> RoleAssignment:
    return RoleAssignment(f"{at}/{who[:4]}-{role}", who, ROLES[role].id, at, condition)


def grant(who: str, name: str, at: str = WORKSPACE, *, ended: bool = False) -> Declared:
    return Declared(who, name, ((at, name),), persona(name).permissions, ended)


DENY = DenyAssignment("/d/1", "no writes", WORKSPACE, (ANA,), (), (PermissionBlock(("*/write",)),), True)

# name -> what there is, what is declared, who is in which group, what denies, the roles.
STACKS: Mapping[str, tuple[Sequence[RoleAssignment], Sequence[Declared], Mapping[str, frozenset[str]]]] = {
    "as declared": ([given(ANA, "tracker"), given(BEN, "viewer")], [grant(ANA, "tracker"), grant(BEN, "viewer")], {}),
    "nothing is there": ([], [grant(ANA, "tracker")], {}),
    "a viewer who writes": ([given(ANA, "viewer"), given(ANA, "tracker")], [grant(ANA, "viewer")], {}),
    "at the group": ([given(ANA, "tracker", GROUP)], [grant(ANA, "tracker", GROUP), grant(BEN, "viewer")], {}),
    "an owner whom nobody declared": ([given(BEN, "owner", GROUP)], [grant(ANA, "viewer")], {}),
    "through a group": ([given(TEAM, "tracker")], [grant(ANA, "tracker")], {ANA: frozenset({TEAM})}),
    "a group that is declared": ([given(TEAM, "viewer")], [grant(TEAM, "viewer")], {ANA: frozenset({TEAM})}),
    "expired": ([given(ANA, "tracker")], [grant(ANA, "tracker", ended=True)], {}),
    "expired, and another in force": (
        [given(ANA, "tracker"), given(ANA, "viewer")],
        [grant(ANA, "tracker", ended=True), grant(ANA, "viewer")],
        {},
    ),
    "under a condition": ([given(ANA, "tracker", condition="c")], [grant(ANA, "tracker")], {}),
    "from above": ([given(BEN, "owner", SUB), given(OWN, "owner", GROUP)], [], {}),
    "somebody deleted": ([given(GONE, "tracker")], [grant(GONE, "tracker")], {}),
}


@pytest.mark.parametrize("denies", [(), (DENY,)], ids=["", "denied"])
@pytest.mark.parametrize("cut", [False, True], ids=["", "cut"])
@pytest.mark.parametrize("name", STACKS)
def test_every_cell_that_is_not_as_declared_is_told(name: str, cut: bool, denies: tuple[DenyAssignment, ...]) -> None:
    there, grants, held = STACKS[name]
    roles = [ROLES["viewer"], ROLES["cut" if cut else "tracker"], ROLES["owner"]]
    agree(Facts(there, roles, denies, held, {SUB: ()}), grants)


def agree(facts: Facts, grants: Sequence[Declared]) -> None:
    """Hold drift against each cell of the matrix."""
    held = facts.memberships
    drift = find_drift(facts, WORKSPACE, GROUP, grants, PEOPLE, own=frozenset({OWN}))
    for row in matrix(facts, WORKSPACE, PEOPLE, also=[each.principal_id for each in grants]).rows:
        who = row.object_id
        reached = {who, *held.get(who, ())}
        current = [each for each in grants if not each.ended and each.principal_id in reached]
        for column, cell in zip(COLUMNS if row.cells else (), row.cells, strict=True):
            wanted = set(column.operation.actions)
            actions = {action for each in current for block in each.permissions for action in block.actions}
            declared = wanted <= actions
            told = [
                each
                for each in drift.findings
                if each.sort == "missing" and each.principal_id in reached and column.operation.name in each.operations
            ]
            if declared and cell.verdict != "allowed":
                # A member of a declared group who alone is denied is nobody's grant.
                own = any(each.principal_id == who and wanted <= _actions(each) for each in current)
                assert told or not own, (who, column.operation.name, cell.decision)
            if not declared and cell.verdict == "allowed":
                # Several assignments may open it together: one of them is told, or all that is not declared is above.
                above = any(
                    not scopes.contains(GROUP, each.scope) for each in facts.assignments if each.principal_id in reached
                )
                opened = [
                    each
                    for each in drift.findings
                    if each.sort != "missing"
                    and each.principal_id in reached
                    and (column.operation.name in each.operations or each.sort == "orphaned")
                ]
                assert above or who == OWN or opened, (who, column.operation.name, cell.decision)
            if declared and cell.verdict == "allowed":
                assert not [each for each in told if each.principal_id == who], (who, column.operation.name)


def _actions(grant: Declared) -> set[str]:
    return {action for block in grant.permissions for action in block.actions}


def test_a_deny_assignment_is_told_with_who_can_lift_it() -> None:
    facts = Facts([given(ANA, "tracker")], list(ROLES.values())[:3], (DENY,), {}, {SUB: ()})
    (found,) = find_drift(facts, WORKSPACE, GROUP, [grant(ANA, "tracker")], PEOPLE).findings
    assert (found.sort, found.what) == (
        "missing",
        "aaaa is declared tracker, but deny assignment 'no writes' takes it away",
    )
    assert found.next == "ask who made it to lift the deny assignment /d/1; no role helps"
    assert "write_run" in found.operations
    assert "read_runs" not in found.operations
