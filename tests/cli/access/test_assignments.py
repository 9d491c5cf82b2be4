"""What Azure has before a grant: adoption, the subscription's limit, the right to assign, names that are taken."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

import pytest

from azmlflow.cli.access import assignments
from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.live.errors import DirectoryForbidden
from azmlflow.rbac.roles import built_in_role, custom_role_name
from tests.cli.desk import ALICE, GROUP, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, FakeArm
from tests.cli.wire import Credential, Wire

ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
DEFINITIONS = "providers/Microsoft.Authorization/roleDefinitions"
PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
GRANT = Grant(ALICE.id, "User", ALICE.name, "viewer")
(MINE,) = PLACE.assignments((GRANT,))
THEIRS = f"{WORKSPACE_ID}/{ASSIGNMENTS}/{uuid.UUID(int=7)}"
NOBODY = assignments.Listing((), None)


@pytest.fixture
def arm() -> FakeArm:
    return FakeArm()


def put(arm: FakeArm, id_: str = THEIRS, **changed: Any) -> None:
    given = {"principalId": ALICE.id.upper(), "roleDefinitionId": MINE.role_definition_id, "scope": WORKSPACE_ID}
    arm.put(id_, properties={**given, **changed})


def test_the_same_under_another_name_is_adopted(arm: FakeArm) -> None:
    put(arm)
    (found,) = assignments.adopt(arm.open(), PLACE, (GRANT,), assignments.read(arm.open(), PLACE))
    assert found.adopted == {MINE.role_guid: THEIRS}
    assert PLACE.assignments((found,)) == ()
    assert PLACE.assignments((found,), adopted=True) == (MINE,)


@pytest.mark.parametrize(
    "changed",
    [
        {"scope": f"/subscriptions/{SUBSCRIPTION}"},
        {"principalId": str(uuid.UUID(int=3))},
        {"roleDefinitionId": built_in_role("Reader").definition_id(SUBSCRIPTION)},
        {"condition": "@Resource[x] StringEquals 'y'"},
    ],
)
def test_what_is_not_just_the_same_is_not(arm: FakeArm, changed: dict[str, str]) -> None:
    put(arm, **changed)
    assert assignments.adopt(arm.open(), PLACE, (GRANT,), assignments.read(arm.open(), PLACE)) == (GRANT,)


def test_our_own_is_not_adopted(arm: FakeArm) -> None:
    put(arm, MINE.id)
    assert assignments.adopt(arm.open(), PLACE, (GRANT,), assignments.read(arm.open(), PLACE)) == (GRANT,)


def test_one_that_went_between_the_list_and_the_second_look_is_not_there(arm: FakeArm) -> None:
    put(arm)
    listing = assignments.read(arm.open(), PLACE)
    arm.documents.clear()
    assert assignments.adopt(arm.open(), PLACE, (GRANT,), listing) == (GRANT,)


def test_an_adopted_one_that_is_gone_becomes_ours(arm: FakeArm) -> None:
    put(arm)
    (adopted,) = assignments.adopt(arm.open(), PLACE, (GRANT,), assignments.read(arm.open(), PLACE))
    assert assignments.release(arm.open(), (adopted,)) == (adopted,)
    arm.documents.clear()
    assert assignments.release(arm.open(), (adopted,)) == (GRANT,)


def test_storage_roles_that_somebody_gave_are_adopted_for_every_grant_that_needs_them(arm: FakeArm) -> None:
    place = Place(SUBSCRIPTION, GROUP, WORKSPACE, "st1")
    grants = (GRANT, Grant(ALICE.id, "User", ALICE.name, "viewer", "group"))
    blob = next(
        each for each in place.assignments(grants) if each.role_guid == built_in_role("Storage Blob Data Reader").id
    )
    put(
        arm,
        f"{blob.scope}/{ASSIGNMENTS}/{uuid.UUID(int=8)}",
        scope=blob.scope,
        roleDefinitionId=blob.role_definition_id,
    )
    first, second = assignments.adopt(arm.open(), place, grants, assignments.read(arm.open(), place))
    assert first.adopted == second.adopted != {}
    assert blob.key not in {each.key for each in place.assignments((first, GRANT))}


def test_what_another_stack_gave_on_a_shared_account_is_its_own_by_whatever_name() -> None:
    arm = FakeArm()
    shared = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shared/providers/Microsoft.Storage/storageAccounts/st"
    place = Place(SUBSCRIPTION, GROUP, WORKSPACE, shared)
    blob = next(each for each in place.assignments((GRANT,)) if each.scope == shared)

    def adopted(description: str) -> bool:
        given = {"scope": shared, "roleDefinitionId": blob.role_definition_id, "description": description}
        put(arm, blob.id, **given)
        listing = assignments.read(arm.open(), place)
        (found,) = assignments.adopt(arm.open(), place, (GRANT,), listing, "azmlflow stack dev of project ours")
        return bool(found.adopted)

    assert adopted("Artifacts, azmlflow stack prod of project theirs")
    assert not adopted("Artifacts, azmlflow stack dev of project ours")
    assert not adopted("somebody wrote this")
    assert not adopted("")


class Hidden(FakeArm):
    """The subscription's assignments may not be read; the workspace's may."""

    def list(self, path: str) -> Iterable[dict[str, Any]]:
        if path == f"/subscriptions/{SUBSCRIPTION}/{ASSIGNMENTS}":
            raise ArmError(403, "AuthorizationFailed", "no", path)
        return super().list(path)


def test_who_may_read_the_workspaces_only_still_adopts_and_counts_nothing() -> None:
    arm = Hidden()
    put(arm)
    listing = assignments.read(arm.open(), PLACE)
    assert listing.counted is None
    assert assignments.adopt(arm.open(), PLACE, (GRANT,), listing)[0].adopted
    assignments.check_room(listing, (MINE,), pytest.fail)


def test_only_assignments_within_the_subscription_count(arm: FakeArm) -> None:
    put(arm)
    put(arm, f"/{ASSIGNMENTS}/{uuid.UUID(int=1)}", scope="/")
    put(
        arm,
        f"/providers/Microsoft.Management/managementGroups/m/{ASSIGNMENTS}/{uuid.UUID(int=2)}",
        scope="/providers/Microsoft.Management/managementGroups/m",
    )
    assert assignments.read(arm.open(), PLACE).counted == 1


@pytest.mark.parametrize(("there", "outcome"), [(3899, "quiet"), (3900, "warned"), (3999, "warned"), (4000, "refused")])
def test_the_limit_is_said_before_it_is_hit(there: int, outcome: str) -> None:
    listing, warnings = assignments.Listing((), there), list[str]()
    if outcome == "refused":
        with pytest.raises(CliError, match="has 4000 of 4000 role assignments, and this needs 1 more"):
            assignments.check_room(listing, (MINE,), warnings.append)
    else:
        assignments.check_room(listing, (MINE,), warnings.append)
    assert [f"{there + 1} of 4000" in each for each in warnings] == ([True] if outcome == "warned" else [])


def test_what_is_there_already_takes_no_room(arm: FakeArm) -> None:
    put(arm, f"{WORKSPACE_ID}/{ASSIGNMENTS}/{MINE.guid.upper()}")
    full = replace(assignments.read(arm.open(), PLACE), counted=4000)
    assignments.check_room(full, (MINE,), pytest.fail)


def test_a_taken_name_is_told_with_its_holder(arm: FakeArm) -> None:
    other = f"{PLACE.group_id}/{DEFINITIONS}/{uuid.UUID(int=9)}"
    arm.put(other, properties={"roleName": custom_role_name("viewer", PLACE.group_id).upper()})
    with pytest.raises(CliError, match="unique in a tenant") as caught:
        assignments.check_names(arm.open(), PLACE, (GRANT,))
    assert caught.value.where == other
    assignments.check_names(arm.open(), Place(SUBSCRIPTION, GROUP, WORKSPACE, None, "built-in"), (GRANT,))
    arm.documents.clear()
    arm.put(
        f"{PLACE.group_id}/{DEFINITIONS}/{PLACE.role_guid('viewer')}",
        properties={"roleName": custom_role_name("viewer", PLACE.group_id)},
    )
    assignments.check_names(arm.open(), PLACE, (GRANT,))


def test_the_directory_of_roles_is_asked_for_the_name_alone(arm: FakeArm) -> None:
    asked = list[str]()

    def respond(request: Any) -> Any:
        asked.append(unquote_plus(request.url))
        return arm.respond(request)

    assignments.check_names(ResourceManager(Wire(respond), Credential()), PLACE, (GRANT, GRANT))
    (one,) = asked
    assert f"roleName eq '{custom_role_name('viewer', PLACE.group_id)}'" in one


def contributor(arm: FakeArm) -> None:
    """The caller is a Contributor at the workspace; Alice is Owner of the subscription."""
    not_actions = ["Microsoft.Authorization/*/Write", "Microsoft.Authorization/*/Delete"]
    arm.put(f"{WORKSPACE_ID}/providers/Microsoft.Authorization/permissions/1", actions=["*"], notActions=not_actions)
    owner = built_in_role("Owner").definition_id(SUBSCRIPTION)
    arm.put(owner, properties={"roleName": "Owner", "permissions": [{"actions": ["*"]}]})
    subscription = f"/subscriptions/{SUBSCRIPTION}"
    put(arm, f"{subscription}/{ASSIGNMENTS}/{uuid.UUID(int=5)}", scope=subscription, roleDefinitionId=owner)


def test_who_may_not_assign_is_told_who_could(arm: FakeArm) -> None:
    contributor(arm)
    needs = [(assignments.MAY_ASSIGN, WORKSPACE_ID)]
    with pytest.raises(CliError, match="roleAssignments/write` is missing") as caught:
        assignments.check_right(arm.open(), assignments.read(arm.open(), PLACE), needs, lambda _: ALICE.name)
    assert caught.value.where == WORKSPACE_ID
    assert caught.value.next == f"ask {ALICE.name} (Owner)"
    with pytest.raises(CliError) as caught:
        assignments.check_right(arm.open(), NOBODY, needs, str)
    assert caught.value.next == "ask an Owner or a User Access Administrator of the subscription"


def test_only_who_has_the_action_there_could_help(arm: FakeArm) -> None:
    """Neither one elsewhere, nor one whose role is gone or excludes the action; each once, under the first role."""
    contributor(arm)
    subscription = f"/subscriptions/{SUBSCRIPTION}"
    user_admin = built_in_role("User Access Administrator").definition_id(SUBSCRIPTION)
    helper = built_in_role("Contributor").definition_id(SUBSCRIPTION)
    arm.put(user_admin, properties={"roleName": "User Access Administrator", "permissions": [{"actions": ["*"]}]})
    excluded = {"actions": ["*"], "notActions": ["Microsoft.Authorization/*/Write"]}
    arm.put(helper, properties={"roleName": "Contributor", "permissions": [excluded]})
    gone = built_in_role("Reader").definition_id(SUBSCRIPTION)
    bob, carol, dora, eve = (str(uuid.UUID(int=n)) for n in (21, 22, 23, 24))
    rows = (
        (0, f"{subscription}/resourceGroups/elsewhere", user_admin, bob),
        (1, subscription, gone, carol),
        (2, subscription, helper, dora),
        (3, WORKSPACE_ID, user_admin, eve),
        (4, WORKSPACE_ID, user_admin, ALICE.id),
    )
    for number, scope, role, who in rows:
        given = {"scope": scope, "roleDefinitionId": role, "principalId": who}
        put(arm, f"{scope}/{ASSIGNMENTS}/{uuid.UUID(int=100 + number)}", **given)
    entries = sorted(assignments.read(arm.open(), PLACE).entries, key=lambda each: str(each.name))
    needs = [(assignments.MAY_ASSIGN, WORKSPACE_ID)]
    with pytest.raises(CliError) as caught:
        assignments.check_right(arm.open(), assignments.Listing(tuple(entries), None), needs, str)
    could = f"{ALICE.id.upper()} (Owner); {eve} (User Access Administrator); {ALICE.id} (User Access Administrator)"
    assert caught.value.next == f"ask {could}"


def test_an_owner_may(arm: FakeArm) -> None:
    assignments.check_right(arm.open(), NOBODY, [(assignments.MAY_DEFINE, PLACE.group_id)], str)


def test_a_name_that_the_directory_does_not_tell_is_the_id() -> None:
    def find(_: str) -> str:
        raise DirectoryForbidden("no")

    assert assignments.namer(find)(ALICE.id) == ALICE.id
    assert assignments.namer(lambda _: "")(ALICE.id) == ALICE.id
    assert assignments.namer(lambda _: "Alice")(ALICE.id) == "Alice"
