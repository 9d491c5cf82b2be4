"""`revoke`: the settings, the state and the cloud are all looked at, and what stands of the stack's goes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
import yaml

from azmlflow.cli.project.hold import note_path
from azmlflow.cli.pulumi.changes import Change
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.collaborators import Person
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant
from azmlflow.resourcetypes.table import token_of
from tests.cli.desk import ALICE, GROUP, OUTPUTS, SUBSCRIPTION, WORKSPACE, Desk, assignment_id

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
GRANT = Grant(ALICE.id, ALICE.type, ALICE.name, "tracker")
ROLE = PLACE.role("tracker").urn("local", "azmlflow")
ASSIGNMENT = PLACE.assignment(GRANT).urn("local", "azmlflow")
ID = assignment_id(PLACE, "tracker", ALICE.id)


def planned(urn: str, operation: str) -> Change:
    return Change(urn, "t:t:T", urn.rsplit("::", 1)[-1], operation, "planned")


@pytest.fixture
def standing(desk: Desk) -> Desk:
    """Alice is tracker, by the settings and in the cloud."""
    desk.settings(text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": [GRANT.to_config()]}}))
    desk.stand()
    desk.arm.put(ID)
    return desk


def written(desk: Desk) -> list[dict[str, Any]]:
    config = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]
    found: list[dict[str, Any]] = config.get("azmlflow:grants", [])
    return found


def test_a_revocation(standing: Desk) -> None:
    standing.stand(Resource("urn::x", "t:t:T"))
    standing.stack.planned = (planned(ASSIGNMENT, "delete"), planned(ROLE, "delete"))
    standing.stack.calls.clear()
    done = standing.run("revoke", "alice@local.test")
    assert done.code == 0
    assert "no longer tracker" in done.out
    assert written(standing) == []
    assert standing.stack.calls == ["preview", f"up {ASSIGNMENT} {ROLE}"]


def test_a_revocation_of_what_was_not_given(standing: Desk) -> None:
    done = standing.run("revoke", "alice@local.test", "viewer")
    assert done.code == 1
    assert "is not viewer by stack `local`; it is tracker" in done.err
    assert len(written(standing)) == 1


def test_a_stack_that_came_up_in_part_can_be_revoked_on(standing: Desk) -> None:
    standing.stack.held = State()
    standing.stack.calls.clear()
    standing.arm.documents.clear()
    assert standing.run("revoke", "alice@local.test").code == 0
    assert written(standing) == []
    assert standing.stack.calls == []


def test_a_principal_gone_from_the_directory_can_be_revoked(standing: Desk) -> None:
    standing.people.clear()
    standing.arm.documents.clear()
    assert standing.run("revoke", ALICE.id.upper()).code == 0
    assert written(standing) == []


def test_what_a_compute_was_granted_is_revoked_by_the_same_words(standing: Desk) -> None:
    """By a name that the settings do not hold: the compute's own, as it was typed for `grant`."""
    robot = "00000000-0000-4000-8000-0000000000b0"
    standing.arm.put(f"{PLACE.workspace_id}/computes/cpu", identity={"type": "SystemAssigned", "principalId": robot})
    standing.arm.put(assignment_id(PLACE, "tracker", robot))
    assert standing.run("grant", "compute/cpu", "tracker").code == 0
    assert [each["principalId"] for each in written(standing)] == [ALICE.id, robot]
    assert standing.run("revoke", "compute/cpu", "tracker").code == 0
    assert written(standing) == [GRANT.to_config()]


def forget_the_grant(desk: Desk) -> None:
    """As a `revoke` leaves it that was killed once it had written the settings: they say nothing of the grant."""
    desk.settings()


def test_a_revoke_that_was_killed_goes_on_where_it_stopped(standing: Desk) -> None:
    forget_the_grant(standing)
    done = standing.run("revoke", "alice@local.test")
    assert (done.code, done.out) == (0, "alice@local.test is no longer tracker\n")
    assert standing.arm.calls == [f"DELETE {ID}"]


def test_what_the_last_up_gave_is_found_by_the_name_that_it_had(standing: Desk) -> None:
    """The directory knows nobody of that name any more; the outputs of the last `up` do."""
    forget_the_grant(standing)
    standing.people.clear()
    standing.stack.held = State((), (), {**OUTPUTS, "grants": [{**GRANT.to_config(), "scope": "workspace"}]})
    assert standing.run("revoke", "alice@local.test", "tracker").code == 0
    assert standing.arm.calls == [f"DELETE {ID}"]


def test_access_ends_before_the_engine_is_asked(standing: Desk) -> None:
    """Whatever becomes of the engine, the access is gone."""
    standing.stand(Resource("urn::x", "t:t:T"))
    standing.stack.planned = (planned(ASSIGNMENT, "delete"),)
    standing.stack.fault = RuntimeError("killed")
    assert standing.run("revoke", "alice@local.test").code == 1
    assert ID.lower() not in standing.arm.documents
    standing.stack.fault = None
    assert standing.run("revoke", "alice@local.test").code == 0
    assert standing.stack.calls[-1] == f"up {ASSIGNMENT}"


def test_what_was_granted_in_another_profile_or_at_the_group_goes_too(standing: Desk) -> None:
    """The settings were changed since: what stands bears the names of then."""
    built_in = Place(SUBSCRIPTION, GROUP, WORKSPACE, None, "built-in")
    on_group = Grant(ALICE.id, ALICE.type, ALICE.name, "viewer", "group")
    ids = [built_in.assignment(GRANT).id, PLACE.assignment(on_group).id]
    for each in ids:
        standing.arm.put(each)
    assert standing.run("revoke", "alice@local.test").code == 0
    assert sorted(standing.arm.calls) == sorted(f"DELETE {each}" for each in (ID, *ids))


def test_roles_on_the_storage_account_go_although_the_settings_want_none_there_now(standing: Desk) -> None:
    account = str(OUTPUTS["storageAccount"])
    then = Place(SUBSCRIPTION, GROUP, WORKSPACE, account)
    on_storage = [each.id for each in then.assignments((GRANT,)) if each.scope == then.storage_id]
    assert on_storage
    for each in on_storage:
        standing.arm.put(each)
    assert standing.run("revoke", "alice@local.test").code == 0
    assert sorted(standing.arm.calls) == sorted(f"DELETE {each}" for each in (ID, *on_storage))


def test_a_workspace_whose_name_was_edited_since_is_looked_at_too(standing: Desk) -> None:
    forget_the_grant(standing)
    old = Place(SUBSCRIPTION, "rg-before", "mlw-before")
    outputs = {**OUTPUTS, "resourceGroup": "rg-before", "workspaceName": "mlw-before", "workspaceId": old.workspace_id}
    standing.stack.held = State((), (), outputs)
    standing.arm.documents.clear()
    standing.arm.put(old.assignment(GRANT).id)
    assert standing.run("revoke", "alice@local.test").code == 0
    assert standing.arm.calls == [f"DELETE {old.assignment(GRANT).id}"]


def test_what_other_grants_of_hers_need_stays(standing: Desk) -> None:
    """In the profile `built-in` two personas may be one role."""
    both = [GRANT.to_config(), {**GRANT.to_config(), "persona": "submitter"}]
    config = {"azmlflow:cloud": "local", "azmlflow:roleProfile": "built-in", "azmlflow:grants": both}
    standing.settings(text=yaml.safe_dump({"config": config}))
    standing.arm.documents.clear()
    standing.arm.put(Place(SUBSCRIPTION, GROUP, WORKSPACE, None, "built-in").assignment(GRANT).id)
    assert standing.run("revoke", "alice@local.test", "tracker").code == 0
    assert standing.arm.calls == []
    assert standing.run("revoke", "alice@local.test", "submitter").code == 0
    assert len(standing.arm.calls) == 1


def test_nobody_elses_assignment_is_touched_and_is_named(standing: Desk) -> None:
    """She has nothing of the stack's: nothing is to be done, and what she has by others is told."""
    forget_the_grant(standing)
    standing.arm.documents.clear()
    theirs = f"{PLACE.workspace_id}/providers/Microsoft.Authorization/roleAssignments/{UUID(int=7)}"
    role = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{UUID(int=8)}"
    given = {"principalId": ALICE.id, "roleDefinitionId": role, "scope": PLACE.workspace_id}
    standing.arm.put(theirs, properties=given)
    done = standing.run("revoke", "alice@local.test")
    assert done.code == 0
    assert "alice@local.test has nothing from stack local, in its settings or in Azure: nothing to revoke" in done.out
    assert f"somebody else assigned, and it stays: {theirs}" in done.out
    assert standing.arm.calls == []
    assert standing.stack.calls == []
    assert standing.run("revoke", "alice@local.test", "-o", "json").json()["revoked"] == []


def test_a_role_that_somebody_else_has_assigned_stays_in_azure_and_stops_nothing(standing: Desk) -> None:
    """Azure refuses to delete it: neither this nor any later `up` would come to its end."""
    role, token = PLACE.role("tracker"), token_of("Microsoft.Authorization/roleDefinitions")
    standing.stand(Resource(ROLE, token, role.id, {"roleName": "azmlflow tracker"}))
    theirs = f"{PLACE.group_id}/providers/Microsoft.Authorization/roleAssignments/{UUID(int=7)}"
    assigned = {"principalId": str(UUID(int=9)), "roleDefinitionId": role.id, "scope": PLACE.group_id}
    standing.stack.planned = (planned(ASSIGNMENT, "delete"),)
    standing.arm.put(theirs, properties=assigned)
    standing.stack.calls.clear()
    done = standing.run("revoke", "alice@local.test")
    assert done.code == 0
    assert f"role `azmlflow tracker` stays in Azure: somebody else has assigned it: {theirs}" in done.err
    assert standing.stack.calls == [f"forget {ROLE.rpartition('::')[2]}", "preview", f"up {ASSIGNMENT}"]
    assert standing.arm.calls == [f"DELETE {ID}"]


def test_the_same_revoke_again_after_one_that_was_killed_at_its_very_end(standing: Desk) -> None:
    """Its note is still there, all is done; she keeps another persona."""
    viewer = Grant(ALICE.id, ALICE.type, ALICE.name, "viewer")
    standing.settings(
        text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": [viewer.to_config()]}})
    )
    standing.arm.documents.clear()
    standing.arm.put(assignment_id(PLACE, "viewer", ALICE.id))
    words = ("revoke", "alice@local.test", "tracker")
    assert standing.run(*words).code == 1
    path = note_path(standing.project, "local")
    path.parent.mkdir(parents=True, exist_ok=True)
    note = '{"pid": 4194305, "command": "azmlflow revoke alice@local.test tracker", "since": "", "engine": 4194305}'
    path.write_text(note)
    done = standing.run(*words)
    assert done.code == 0
    assert "is not tracker by stack `local`" in done.out
    assert path.read_text() == ""  # it has come to its end now


def test_a_name_that_two_have_is_nobodys(standing: Desk) -> None:
    other = {**GRANT.to_config(), "principalId": "00000000-0000-4000-8000-0000000000a2"}
    config = {"azmlflow:cloud": "local", "azmlflow:grants": [GRANT.to_config(), other]}
    standing.settings(text=yaml.safe_dump({"config": config}))
    done = standing.run("revoke", "alice@local.test")
    assert done.code == 1
    assert f"`alice@local.test` is the name of 2 principals: {ALICE.id}, {other['principalId']}" in done.err
    assert len(written(standing)) == 2
    assert standing.run("revoke", ALICE.id).code == 0
    assert len(written(standing)) == 1


def test_somebody_unknown_is_an_error(standing: Desk) -> None:
    assert standing.run("revoke", "nobody@local.test").code == 1


def test_where_only_the_workspaces_assignments_may_be_read_the_others_are_asked_for_one_by_one(standing: Desk) -> None:
    from azmlflow.cli.azure.errors import ArmError

    on_group = Grant(ALICE.id, ALICE.type, ALICE.name, "viewer", "group")
    standing.people["robot"] = Person(ALICE.id, "User", "robot")
    standing.arm.put(PLACE.assignment(on_group).id)
    listed = standing.arm.list

    def list_(path: str) -> Any:
        if path.lower() == f"/subscriptions/{SUBSCRIPTION}/providers/microsoft.authorization/roleassignments":
            raise ArmError(403, "AuthorizationFailed", "no", path)
        if path.lower().endswith("/roleassignments"):
            return [standing.arm.documents[ID.lower()]]
        return listed(path)

    standing.arm.list = list_  # type: ignore[method-assign]
    assert standing.run("revoke", "alice@local.test").code == 0
    assert len(standing.arm.calls) == 2


def test_what_a_computes_identity_needs_too_stays(desk: Desk) -> None:
    """A tracker besides: the persona's own role goes, and that on the blobs, which its cluster needs, stays."""
    robot = "00000000-0000-4000-8000-0000000000b0"
    identity = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.ManagedIdentity"
    grant = Grant(robot, "ServicePrincipal", "robot", "tracker")
    config = {
        "azmlflow:cloud": "local",
        "azmlflow:storageAuth": "identity",
        "azmlflow:clusters": [{"name": "cpu", "identities": {f"{identity}/userAssignedIdentities/robot": robot}}],
        "azmlflow:grants": [grant.to_config()],
    }
    desk.settings(text=yaml.safe_dump({"config": config}))
    desk.stand(Resource("urn::x", "t:t:T"))
    place = Place(SUBSCRIPTION, GROUP, WORKSPACE, str(OUTPUTS["storageAccount"]))
    for each in place.assignments((grant,)):
        desk.arm.put(each.id)
    # Microsoft, "Azure built-in roles": Storage Blob Data Contributor.
    blobs = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    (shared,) = (each for each in place.assignments((grant,)) if each.role_guid == blobs)
    others = {each.id.lower() for each in place.assignments((grant,))} - {shared.id.lower()}
    done = desk.run("revoke", robot)
    assert done.code == 0, done.err
    assert {call.partition(" ")[2].lower() for call in desk.arm.calls} == others
    assert shared.id.lower() in desk.arm.documents


def test_a_role_on_a_shared_account_stays_where_another_workspace_is_the_persons_too(desk: Desk) -> None:
    shared = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/stshared"
    theirs = (
        f"/subscriptions/{SUBSCRIPTION}/resourceGroups/theirs/providers/Microsoft.MachineLearningServices/workspaces/w"
    )
    config = {
        "azmlflow:cloud": "local",
        "azmlflow:storageAuth": "identity",
        "azmlflow:storage": shared,
        "azmlflow:grants": [GRANT.to_config()],
    }
    desk.settings(text=yaml.safe_dump({"config": config}))
    desk.stand(Resource("urn::x", "t:t:T"))
    place = Place(SUBSCRIPTION, GROUP, WORKSPACE, shared)
    roles = place.assignments((GRANT,))
    for each in roles:
        desk.arm.put(each.id)
    desk.arm.put(theirs, properties={"storageAccount": shared})
    role = {"scope": theirs, "principalId": ALICE.id, "roleDefinitionId": "/x/y"}
    desk.arm.put(f"{theirs}/providers/Microsoft.Authorization/roleAssignments/t1", properties=role)
    done = desk.run("revoke", ALICE.id)
    assert done.code == 0, done.err
    beside = {each.id.lower() for each in roles if each.scope == shared}
    assert len(beside) == 2
    assert {call.partition(" ")[2].lower() for call in desk.arm.calls} == {each.id.lower() for each in roles} - beside
    assert done.err.count("stays: workspace w, which stands on the same, may rely on it") == 2
