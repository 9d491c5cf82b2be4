"""The stack's grants as `access --drift` compares them: all of them, by the roles that the settings call for."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import yaml

from azmlflow.cli.access import declared
from azmlflow.cli.access.grants import planned_place
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.report.differences import Declared
from tests.cli.desk import ALICE, GROUP, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk, FakeArm

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
THEIRS = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/roleAssignments/{uuid.UUID(int=7)}"
# Microsoft, "Azure built-in roles".
DATA_SCIENTIST = "f6c7c914-8db3-469d-8ca1-694a8f32e121"  # AzureML Data Scientist
BLOB_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"  # Storage Blob Data Contributor
FILE_CONTRIBUTOR = "69566ab7-960f-475b-8e7c-b3118f30c6bd"  # Storage File Data Privileged Contributor
SUBMIT = "Microsoft.MachineLearningServices/workspaces/jobs/write"


def grant(persona: str = "tracker", **more: Any) -> dict[str, Any]:
    return {"principalId": ALICE.id, "principalType": "User", "displayName": ALICE.name, "persona": persona, **more}


def session_of(desk: Desk, *grants: dict[str, Any], **settings: object) -> tuple[Session, Place]:
    config: dict[str, object] = {"azmlflow:cloud": "local", "azmlflow:grants": [*grants]}
    config |= {f"azmlflow:{name}": value for name, value in settings.items()}
    desk.settings(text=yaml.safe_dump({"config": config}))
    desk.stand()
    session = open_session(Invocation(connect=desk.connect))
    return session, planned_place(session, session.stack())


def actions(found: Declared) -> set[str]:
    return {action for block in found.permissions for action in block.actions}


def test_an_ended_grant_and_one_that_relies_on_anothers_assignment_are_declared_too(desk: Desk) -> None:
    role = PLACE.role_guid("tracker")
    session, where = session_of(desk, grant(until="2020-01-31"), grant("viewer", adopted={role: THEIRS.upper()}))
    first, second = declared.of(session, where)
    assert (first.persona, first.ended, first.adopted) == ("tracker", True, frozenset())
    assert first.roles == ((WORKSPACE_ID, role),)
    assert (second.persona, second.ended, second.adopted) == ("viewer", False, frozenset({THEIRS.lower()}))
    assert second.roles == ((WORKSPACE_ID, PLACE.role_guid("viewer")),)


def test_in_the_built_in_profile_the_nearest_role_is_what_should_be_there(desk: Desk) -> None:
    (found,) = declared.of(*session_of(desk, grant(), roleProfile="built-in"))
    assert found.roles == ((WORKSPACE_ID, DATA_SCIENTIST),)
    assert "Microsoft.MachineLearningServices/workspaces/*/write" in actions(found)


@pytest.mark.parametrize(("strict", "submits"), [(False, True), (True, False)])
def test_a_strict_tracker_should_not_submit(desk: Desk, strict: bool, submits: bool) -> None:
    (found,) = declared.of(*session_of(desk, grant(), strictTracker=strict))
    assert (SUBMIT in actions(found)) is submits


def test_on_the_account_grants_have_roles_only_where_datastores_are_opened_as_the_caller(desk: Desk) -> None:
    assert declared.on_storage(*session_of(desk, grant())) == ()
    session, where = session_of(desk, grant(), storageAuth="identity")
    (found,) = declared.on_storage(session, where)
    assert set(found.roles) == {(where.storage_id, BLOB_CONTRIBUTOR), (where.storage_id, FILE_CONTRIBUTOR)}
    assert [each.roles for each in declared.of(session, where)] == [((WORKSPACE_ID, PLACE.role_guid("tracker")),)]


def test_a_role_on_the_account_that_somebody_else_gave_is_declared_too(desk: Desk) -> None:
    session, where = session_of(desk, grant(adopted={BLOB_CONTRIBUTOR: THEIRS}), storageAuth="identity")
    (found,) = declared.on_storage(session, where)
    assert set(found.roles) == {(where.storage_id, BLOB_CONTRIBUTOR), (where.storage_id, FILE_CONTRIBUTOR)}


def test_whom_azure_itself_gives_roles_is_the_workspaces_own_identity() -> None:
    arm = FakeArm()
    assert declared.own_identities(arm.open(), WORKSPACE_ID) == frozenset()
    arm.put(WORKSPACE_ID, identity={"type": "SystemAssigned", "principalId": ALICE.id.upper()})
    assert declared.own_identities(arm.open(), WORKSPACE_ID) == {ALICE.id}
    arm.put(WORKSPACE_ID, identity={"type": "UserAssigned", "userAssignedIdentities": {}})
    assert declared.own_identities(arm.open(), WORKSPACE_ID) == frozenset()


def test_of_each_assignment_the_page_is_told_personas_and_the_last_end(desk: Desk) -> None:
    session, where = session_of(
        desk,
        grant("tracker", until="2999-01-31"),
        grant("viewer", until="2998-01-31"),
        grant("submitter"),
        storageAuth="identity",
    )
    told = {(each["scope"], each["role"]): (each["persona"], each["until"]) for each in declared.by_assignment(session)}
    at = WORKSPACE_ID.lower()
    assert told[at, PLACE.role_guid("tracker")] == ("tracker", "2999-01-31")
    assert told[at, PLACE.role_guid("viewer")] == ("viewer", "2998-01-31")
    # Two of the grants call for this one, and one of them has no end.
    assert told[str(where.storage_id).lower(), BLOB_CONTRIBUTOR] == ("tracker+submitter", "")
    assert {each["principal_id"] for each in declared.by_assignment(session)} == {ALICE.id}


def test_what_several_grants_call_for_ends_with_the_last_of_them(desk: Desk) -> None:
    ends = [grant("tracker", until="2998-12-31"), grant("submitter", until="2999-01-01")]
    session, where = session_of(desk, *ends, storageAuth="identity")
    told = {each["scope"]: each["until"] for each in declared.by_assignment(session) if "storage" in each["scope"]}
    assert told == {str(where.storage_id).lower(): "2999-01-01"}
