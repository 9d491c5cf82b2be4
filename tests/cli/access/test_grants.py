"""The application of grants: how long Azure is given to learn of somebody, which roles are taken over, what is said."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml

from azmlflow.cli.access import assignments, grants
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import differences
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant
from tests.cli.desk import ALICE, GROUP, OUTPUTS, SUBSCRIPTION, WORKSPACE, Desk

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
SHARED = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/st"
URN = "urn:pulumi:local::azmlflow::t:t:T::role"


def session_of(
    desk: Desk, *given: dict[str, Any], sleep: Callable[[float], None] = lambda _: None, **settings: object
) -> Session:
    """The session of a stack whose settings have these grants."""
    config: dict[str, object] = {"azmlflow:cloud": "local", "azmlflow:grants": [*given]}
    config |= {f"azmlflow:{name}": value for name, value in settings.items()}
    desk.settings(text=yaml.safe_dump({"config": config}))
    return open_session(Invocation(connect=lambda: replace(desk.connect(), sleep=sleep)))


def entry(persona: str = "tracker", **more: Any) -> dict[str, Any]:
    return {"principalId": ALICE.id, "principalType": "User", "displayName": ALICE.name, "persona": persona, **more}


def tried(desk: Desk, monkeypatch: pytest.MonkeyPatch, fault: str) -> list[float]:
    """The pauses between the tries of an update that never succeeds."""
    slept = list[float]()
    session = session_of(desk, sleep=slept.append)
    monkeypatch.setattr(differences, "differing", lambda *_: frozenset((URN,)))
    desk.stack.fault = CliError(fault)
    with pytest.raises(CliError, match=fault):
        grants.apply(session, desk.stack, (URN,))
    assert desk.stack.calls == [f"up {URN}"] * (len(slept) + 1)
    return slept


def test_azure_is_given_five_minutes_to_learn_of_a_principal(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slept = tried(desk, monkeypatch, "Code=PrincipalNotFound")
    assert slept[:7] == [2.0, 3.0, 4.5, 6.75, 10.125, 15.1875, 22.78125]
    # 64.34375 so far; the ninth of thirty seconds ends beyond 300.
    assert slept[7:] == [30.0] * 8
    assert sum(slept[:-1]) < 300 <= sum(slept)


def test_another_failure_is_none_that_a_wait_would_help(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tried(desk, monkeypatch, "Code=Conflict") == []


def test_what_a_built_in_role_lacks_is_said_only_of_one_that_lacks_something(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    grants.warn_of_built_in(session_of(desk).invocation, ["operator", "viewer", "operator"])
    first, second = capsys.readouterr().err.split("viewer is")
    assert first.count("operator is the built-in role `AzureML Compute Operator` here") == 1
    assert "it lacks Microsoft.MachineLearningServices/workspaces/read" in " ".join(first.split())
    assert "lacks" not in second


def test_only_a_role_that_the_state_has_not_is_taken_over(desk: Desk) -> None:
    session = session_of(desk)
    tracker, viewer = PLACE.role("tracker"), PLACE.role("viewer")
    desk.arm.put(tracker.id)
    desk.arm.put(viewer.id)
    desk.stack.held = State((Resource(viewer.urn("local", "azmlflow"), viewer.type, viewer.id),), (), OUTPUTS)
    wanted = [Grant(ALICE.id, "User", ALICE.name, each) for each in ("tracker", "viewer")]
    grants.take_over_roles(session, desk.stack, PLACE, wanted)
    (found,) = desk.stack.imported
    assert (found.id, found.name, found.type) == (tracker.id, tracker.name, tracker.type)
    # The component of which it is a part, in this project.
    assert found.parent == tracker.parent_urn("local", "azmlflow")
    assert found.parent.startswith("urn:pulumi:local::azmlflow::azmlflow:index:")


def test_only_an_ended_grant_that_an_up_had_given_is_said_to_go(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    session = session_of(desk, entry(until="2020-01-31"), entry("viewer", until="2020-02-29"), entry("operator"))
    given = [{"principalId": ALICE.id, "persona": name, "scope": "workspace"} for name in ("viewer", "operator")]
    grants.tell_before_up(session, State((), (), {**OUTPUTS, "grants": given}))
    told = " ".join(capsys.readouterr().err.split())
    assert told.count("is no longer") == 1
    assert "alice@local.test is no longer viewer: the grant's last day was 2020-02-29" in told


def test_before_anything_stands_azure_is_asked_only_of_grants_on_a_given_account(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There a person may have another stack's roles already, under the name that ours would have."""
    shared: dict[str, Any] = {"storageAuth": "identity", "storage": SHARED}
    place = replace(PLACE, storage_account=SHARED)
    blob = next(each for each in place.assignments((_grant(),)) if each.scope == SHARED)
    theirs = f"{SHARED}/providers/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=7)}"
    properties = {"principalId": ALICE.id, "roleDefinitionId": blob.role_definition_id, "scope": SHARED}
    desk.arm.put(theirs, properties=properties)
    session = session_of(desk, entry(), **shared)
    (found,) = grants.adopt_and_release(session, desk.stack, State()).settings().grants
    assert found.adopted == {blob.role_guid: theirs}
    monkeypatch.setattr(desk.arm, "respond", lambda request: pytest.fail(request.url))
    for nothing in (session_of(desk, **shared), session_of(desk, entry(), storageAuth="identity")):
        assert grants.adopt_and_release(nothing, desk.stack, State()) is nothing


def test_a_grant_is_made_when_all_of_its_assignments_are(desk: Desk) -> None:
    session = session_of(desk, entry(), storageAuth="identity")
    where = grants.planned_place(session, desk.stack)
    at_workspace, blob, *rest = where.assignments((_grant(),))
    assert at_workspace.scope != blob.scope
    made = [Resource(each.planned().urn("local", "azmlflow"), "t") for each in (at_workspace, *rest)]
    theirs = f"{blob.scope}/providers/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=7)}"
    properties = {"principalId": ALICE.id, "roleDefinitionId": blob.role_definition_id, "scope": blob.scope}
    desk.arm.put(theirs, properties=properties)
    (found,) = grants.adopt_and_release(session, desk.stack, State(tuple(made), (), OUTPUTS)).settings().grants
    assert found.adopted == {blob.role_guid: theirs}


def _grant() -> Grant:
    return Grant(ALICE.id, "User", ALICE.name, "tracker")


def test_an_up_that_a_full_subscription_would_refuse_is_refused_before(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = session_of(desk, entry())
    theirs = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=7)}"
    properties = {
        "principalId": str(uuid.UUID(int=3)),
        "roleDefinitionId": "/r",
        "scope": f"/subscriptions/{SUBSCRIPTION}",
    }
    desk.arm.put(theirs, properties=properties)
    monkeypatch.setattr(assignments, "LIMIT", 1)
    with pytest.raises(CliError, match="has 1 of 1 role assignments, and this needs 1 more"):
        grants.adopt_and_release(session, desk.stack, State((), (), OUTPUTS))
