"""Each finding of drift word by word: who, what, where, and the command that mends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from azmlflow.rbac.facts import Facts
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.report.differences import Declared, Finding
from azmlflow.rbac.report.drift import find_drift, merged

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/mlw"
ML = "Microsoft.MachineLearningServices/workspaces"
ANA, BEN, GONE = (f"{letter * 8}-0000-4000-8000-000000000001" for letter in "abc")
PEOPLE = WhoIsWho({ANA: ("User", "ana@x.com"), BEN: ("User", "Ben@x.com")})

VIEWS = (f"{ML}/read", f"{ML}/experiments/read")
VIEWER = RoleDefinition("/r/guid-viewer", "Viewer", (PermissionBlock(VIEWS),))
WRITER = RoleDefinition("/r/guid-writer", "Writer", (PermissionBlock((*VIEWS, f"{ML}/experiments/write")),))
ROLES = (VIEWER, WRITER)


def given(who: str, role: str, at: str = WORKSPACE, condition: str | None = None, name: str = "1") -> RoleAssignment:
    return RoleAssignment(f"/a/{name}", who, f"/r/guid-{role}", at, condition)


def declared(who: str, role: RoleDefinition = VIEWER, at: str = WORKSPACE, *, ended: bool = False) -> Declared:
    persona, guid = role.name.lower(), role.id.removeprefix("/r/")
    return Declared(who, persona, ((at, guid),), role.permissions, ended)


def findings(*there: RoleAssignment, grants: tuple[Declared, ...] = ()) -> tuple[Finding, ...]:
    facts = Facts(there, ROLES, management_groups={SUB: ()})
    return find_drift(facts, WORKSPACE, GROUP, grants, PEOPLE).findings


def missing(what: str, operations: tuple[str, ...] = (), scope: str = WORKSPACE) -> Finding:
    return Finding("missing", ANA, "ana@x.com", what, "azmlflow up", scope=scope, operations=operations)


def of(sort: str, who: str, what: str, next_: str | None = None, **more: object) -> Finding:
    """A finding about the assignment `/a/1` of the viewer at the workspace, unless `more` says otherwise."""
    told = {"assignment": "/a/1", "role": "Viewer", "scope": WORKSPACE, "operations": (), **more}
    command = next_ or f"az role assignment delete --ids {told['assignment']}"
    return Finding(sort, who, PEOPLE.name(who), what, command, **told)  # type: ignore[arg-type]


VIEWED = ("open_workspace", "read_experiments")


def test_no_assignment_at_all() -> None:
    lost = f"ana@x.com is declared viewer, but no role assignment gives 'Viewer' at {WORKSPACE}"
    assert findings(grants=(declared(ANA),)) == (missing(lost, VIEWED),)
    # Under somebody else's name, at another scope, or of another role it is not the one that was declared.
    for other in (given(BEN, "viewer"), given(ANA, "viewer", f"{WORKSPACE}/computes/c"), given(ANA, "writer", SUB)):
        assert missing(lost, () if other.principal_id == ANA and other.scope == SUB else VIEWED) in findings(
            other, grants=(declared(ANA),)
        )


def test_the_scope_of_a_grant_is_read_in_any_case() -> None:
    there = (given(ANA.upper(), "viewer", WORKSPACE.upper()),)
    assert findings(*there, grants=(declared(ANA),)) == ()


def test_a_role_that_is_gone() -> None:
    facts = Facts((), (), management_groups={SUB: ()})
    (found,) = find_drift(facts, WORKSPACE, GROUP, [declared(ANA)], PEOPLE).findings
    assert found == missing("ana@x.com is declared viewer, but no role assignment gives it", VIEWED)


def test_one_that_holds_under_no_condition_is_enough() -> None:
    conditional = given(ANA, "viewer", condition="c")
    what = "ana@x.com is declared viewer, but has it under a condition only"
    command = "az role assignment delete --ids /a/1 && azmlflow up"
    assert findings(conditional, grants=(declared(ANA),)) == (replace(missing(what, VIEWED), next=command),)
    assert findings(conditional, given(ANA, "viewer", name="2"), grants=(declared(ANA),)) == ()


def test_a_role_that_lost_actions() -> None:
    wanted = Declared(ANA, "writer", ((WORKSPACE, "guid-viewer"),), (PermissionBlock((f"{ML}/*",)),))
    (found,) = findings(given(ANA, "viewer"), grants=(wanted,))
    assert found.what.startswith(
        f"ana@x.com is declared writer, but its role does not allow Microsoft.MachineLearningServices/workspaces/"
        f"assets/stage/write, {ML}/computes/delete, "
    )
    assert {*found.operations} & {"stage_models", *VIEWED} == {"stage_models"}


def test_somebody_who_is_granted_nothing() -> None:
    what = f"Ben@x.com has 'Viewer' at {WORKSPACE}: not declared"
    assert findings(given(BEN, "viewer")) == (of("undeclared", BEN, what, operations=VIEWED),)


def test_a_grant_that_has_ended_is_taken_back_by_up() -> None:
    what = f"ana@x.com has 'Viewer' at {WORKSPACE}: its grant as viewer has ended"
    ended = declared(ANA, ended=True)
    assert findings(given(ANA, "viewer"), grants=(ended,)) == (
        of("expired", ANA, what, "azmlflow up", operations=VIEWED),
    )
    # Nor does another grant of hers, which is in force, make it a wider one.
    (both,) = findings(given(ANA, "viewer"), given(ANA, "writer", name="2"), grants=(ended, declared(ANA, WRITER)))
    assert (both.sort, both.next, both.assignment) == ("expired", "azmlflow up", "/a/1")
    # One that somebody else made and that it relied on is not taken by any `up`.
    relied = replace(ended, adopted=frozenset({"/a/1"}))
    (theirs,) = findings(given(ANA, "viewer"), grants=(relied,))
    assert (theirs.sort, theirs.next) == ("expired", "az role assignment delete --ids /a/1")
    # Another role than the grant's own is not ours to take.
    (other,) = findings(given(ANA, "writer"), grants=(ended,))
    assert (other.what.endswith(": not declared"), other.next) == (True, "az role assignment delete --ids /a/1")
    # And nobody is told that an ended grant is not there.
    assert findings(grants=(ended,)) == ()


def test_a_role_that_cannot_be_read() -> None:
    what = f"Ben@x.com has 'guid-lost' at {WORKSPACE}: a role that cannot be read"
    assert findings(given(BEN, "lost")) == (of("undeclared", BEN, what, role="guid-lost"),)


def test_more_than_a_grant_allows() -> None:
    extra = f"'Writer' at {WORKSPACE} also allows {ML}/experiments/write"
    more: dict[str, Any] = {"assignment": "/a/2", "role": "Writer", "operations": ("write_experiment",)}
    there = (given(ANA, "viewer"), given(ANA, "writer", name="2"))
    told = of("wider", ANA, f"ana@x.com is declared viewer; {extra}", **more)
    assert findings(*there, grants=(declared(ANA),)) == (told,)
    # All that somebody is declared counts, in whatever order.
    other = Declared(ANA, "absent", ((WORKSPACE, "guid-viewer"),), ())
    told = of("wider", ANA, f"ana@x.com is declared absent, viewer; {extra}", **more)
    assert findings(*there, grants=(declared(ANA), other)) == (told,)


def test_a_role_of_ours_that_allows_more_is_mended_by_up() -> None:
    grant = Declared(ANA, "viewer", ((WORKSPACE.upper(), "guid-writer"),), VIEWER.permissions)
    what = f"ana@x.com is declared viewer; 'Writer' at {WORKSPACE} also allows {ML}/experiments/write"
    assert findings(given(ANA, "writer"), grants=(grant,)) == (
        of("wider", ANA, what, "azmlflow up", role="Writer", operations=("write_experiment",)),
    )


def test_a_grant_that_reaches_from_above_its_scope() -> None:
    there = (given(ANA, "viewer"), given(ANA, "viewer", GROUP, name="2"))
    what = f"ana@x.com is declared viewer at {WORKSPACE}; 'Viewer' reaches from {GROUP}"
    assert findings(*there, grants=(declared(ANA),)) == (of("wider", ANA, what, assignment="/a/2", scope=GROUP),)
    # One grant at the group covers it, whatever else is declared.
    assert findings(*there, grants=(declared(ANA), declared(ANA, VIEWER, GROUP))) == ()


def test_somebody_who_is_deleted() -> None:
    left = f"{GONE} has 'Viewer' at {WORKSPACE}, left over from a principal that is deleted"
    assert findings(given(GONE, "viewer")) == (of("orphaned", GONE, left),)
    (_, orphan) = findings(given(GONE, "viewer", condition="c"), grants=(declared(GONE),))
    assert orphan == of("orphaned", GONE, left, f"azmlflow revoke {GONE}")


def test_an_assignment_that_does_not_reach_the_workspace_is_nothing() -> None:
    assert findings(given(BEN, "viewer", f"{GROUP}/providers/a.b/c/d")) == ()
    assert findings(given(BEN, "viewer", f"{WORKSPACE}/computes/c")) == ()


def test_findings_stand_in_the_order_of_their_sorts_then_by_name() -> None:
    there = (
        given(GONE, "viewer", name="1"),
        given(ANA, "writer", name="2"),
        given(ANA, "viewer", name="4"),
        given(BEN, "writer", name="3"),
        given(BEN, "viewer", name="0"),
    )
    grants = (declared(ANA), declared("dddddddd-0000-4000-8000-000000000001"))
    found = findings(*there, grants=grants)
    assert [(each.sort, each.assignment) for each in found] == [
        ("missing", None),
        ("undeclared", "/a/0"),
        ("undeclared", "/a/3"),
        ("wider", "/a/2"),
        ("orphaned", "/a/1"),
    ]


@pytest.mark.parametrize("names", [("ana", "Ben", "carol"), ("Ana", "ben", "Carol")])
def test_names_are_ordered_in_any_case(names: tuple[str, ...]) -> None:
    people = WhoIsWho({who: ("User", name) for who, name in zip((GONE, BEN, ANA), names, strict=True)})
    facts = Facts([given(who, "viewer", name=who[0]) for who in (ANA, BEN, GONE)], ROLES, management_groups={SUB: ()})
    found = find_drift(facts, WORKSPACE, GROUP, (), people)
    assert [each.name for each in found.findings] == list(names)
    assert [each.name for each in merged([found, found]).findings] == list(names)


def test_what_is_outside_and_unchecked_says_so() -> None:
    facts = Facts([given(BEN, "viewer", SUB), given(ANA, "viewer", name="2")], ROLES, management_groups={SUB: ()})
    found = find_drift(facts, WORKSPACE, GROUP, (), WhoIsWho({}, readable=False), own=frozenset({ANA}))
    assert found.findings == ()
    assert found.outside == (
        f"{ANA} has 'Viewer' at {WORKSPACE}: the workspace's own identity, given by Azure",
        f"{BEN} has 'Viewer' at {SUB}",
    )
    assert found.unchecked == (
        "whether principals are deleted: needs User.Read.All, GroupMember.Read.All, Application.Read.All",
    )
