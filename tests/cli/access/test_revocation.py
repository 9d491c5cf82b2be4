"""What the last `up` gave, as its outputs tell it, and whom a word means among the grants."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from azmlflow.cli.access import assignments, people, revocation
from azmlflow.cli.access.grants import planned_place
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.collaborators import Person
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.live import principals
from azmlflow.rbac.live.principals import Grantee
from tests.cli.desk import OUTPUTS, WORKSPACE, WORKSPACE_ID, Desk

ALICE, BOB = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000b1"


def test_the_grants_of_the_last_up() -> None:
    whole = {
        "principalId": ALICE,
        "principalType": "Group",
        "displayName": "team",
        "persona": "tracker",
        "scope": "group",
        "until": "2027-01-31",
        "assignmentId": "/x",
    }
    least = {"principalId": BOB, "persona": "viewer", "scope": None, "until": ""}
    assert revocation.of_last_up({"grants": [whole, least, "no grant"]}) == (
        Grant(ALICE, "Group", "team", "tracker", "group", date(2027, 1, 31)),
        Grant(BOB, "", "", "viewer", "workspace", None),
    )
    assert revocation.of_last_up({}) == revocation.of_last_up({"grants": None}) == ()


def test_whom_a_word_means() -> None:
    alice, again = Grant(ALICE, "User", "Ann", "viewer"), Grant(ALICE.upper(), "User", "Ann", "tracker")
    assert revocation.called((alice, again), ALICE.upper()) is not None
    found = revocation.called((alice, again), "Ann")
    assert found is not None
    assert found.principal_id.lower() == ALICE
    assert revocation.called((alice,), "Bob") is None
    with pytest.raises(CliError) as caught:
        revocation.called((Grant(BOB, "User", "Ann", "viewer"), alice), "Ann")
    assert caught.value.what == f"`Ann` is the name of 2 principals: {ALICE}, {BOB}"
    assert caught.value.next == f"azmlflow revoke {ALICE}    (one of them)"


def test_what_the_directory_tells_of_a_principal_is_what_a_grant_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def resolve(credential: object, name: str, *, kind: str | None, on_wait: object) -> Grantee:
        assert credential is not None
        asked.extend((name, kind, on_wait))
        return Grantee(ALICE, "Group", "team")

    monkeypatch.setattr(principals, "resolve_principal", resolve)
    assert people.find("team", "Group", print) == Person(ALICE, "Group", "team")
    assert asked == ["team", "Group", print]


def test_a_role_on_the_account_alone_makes_nobody_a_persona(desk: Desk) -> None:
    """Several personas have it: what a `revoke` that was stopped half-way left stands, and is no grant of any."""
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:storageAuth: identity\n")
    desk.stand()
    session = open_session(Invocation(connect=desk.connect))
    state = session.stack().state()
    where = planned_place(session, session.stack())
    tracker = Grant(ALICE, "User", "alice@local.test", "tracker")
    blob = next(each for each in where.assignments((tracker,)) if each.scope == where.storage_id)
    given = {"principalId": ALICE, "roleDefinitionId": blob.role_definition_id, "scope": blob.scope}
    desk.arm.put(blob.id, properties=given)
    theirs = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/roleAssignments/{UUID(int=7)}"
    desk.arm.put(theirs, properties={**given, "principalId": ALICE.upper(), "scope": WORKSPACE_ID})
    desk.arm.put(f"{theirs[:-1]}8", properties={**given, "principalId": BOB, "scope": WORKSPACE_ID})
    arm = desk.arm.open()
    had = revocation.look(
        session,
        arm,
        revocation.Places.of(session, where, state.outputs),
        assignments.read(arm, where),
        known=(Grant(BOB, "User", "bob", "viewer"),),
        who=tracker,
    )
    assert had.grants == ()
    assert [each.id for each in had.standing] == [blob.id]
    assert had.others == (theirs,)


def test_a_grant_may_stand_on_the_account_of_the_last_up_too_and_under_a_computes_name(desk: Desk) -> None:
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:storageAuth: identity\n")
    session = open_session(Invocation(connect=desk.connect))
    where = planned_place(session, session.stack())
    tracker = Grant(ALICE, "User", "alice@local.test", "tracker")
    places = revocation.Places.of(session, where, {**OUTPUTS, "storageAccount": "stthen"})
    scopes = {each.scope.rpartition("/")[2] for each in places.assignments((tracker,))}
    assert scopes == {WORKSPACE, str(OUTPUTS["storageAccount"]), "stthen"}
    names = [each.rpartition("::")[2] for each in places.urns((tracker,), "local", "azmlflow")]
    blob = next(each for each in where.assignments((tracker,)) if each.scope == where.storage_id)
    assert blob.name.startswith("grant-")
    assert {blob.name, f"identity-{blob.name.removeprefix('grant-')}"} <= {*names}
    assert len(names) == len({*names})


def test_what_another_stack_made_under_the_same_name_is_not_ours(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    session = open_session(Invocation(connect=desk.connect))
    where = planned_place(session, session.stack())
    tracker = Grant(ALICE, "User", "alice@local.test", "tracker")
    (one,) = where.assignments((tracker,))
    places = revocation.Places.of(session, where, {})

    def standing(description: str) -> int:
        given = {"principalId": ALICE, "roleDefinitionId": one.role_definition_id, "scope": one.scope}
        desk.arm.put(one.id, properties={**given, "description": description})
        listing = assignments.read(desk.arm.open(), where)
        had = revocation.look(session, desk.arm.open(), places, listing, known=(), who=tracker)
        return len(had.standing)

    assert standing("tracker, azmlflow stack other of project theirs") == 0
    assert standing("tracker, azmlflow stack local of project azmlflow") == 1
