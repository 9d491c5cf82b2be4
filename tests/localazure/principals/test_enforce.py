from __future__ import annotations

import pytest

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.principals.enforce import Caller, permission_block
from azmlflow.localazure.process.seed import seed
from azmlflow.rbac.patterns import PermissionBlock
from tests.localazure.control import ALICE, BOB, DEVELOPER, RG, SUB, Azure

READ = "Microsoft.Resources/subscriptions/resourceGroups/read"


def test_the_developer_is_owner_by_a_stored_assignment(azure: Azure) -> None:
    decision = azure.cloud.enforcer.decide(azure.who(DEVELOPER).object_id, READ, RG)
    assert (decision.allowed, decision.role, decision.assigned_at) == (True, "Owner", SUB)


def test_seeding_again_adds_nothing(azure: Azure) -> None:
    before = {name: list(azure.cloud.store.scan(name)) for name in ("principals", "assignments", "members")}
    seed(azure.cloud)
    assert {name: list(azure.cloud.store.scan(name)) for name in before} == before


def test_a_refusal_names_caller_action_and_scope(azure: Azure) -> None:
    alice = azure.who(ALICE)
    with pytest.raises(AzureError) as refusal:
        azure.cloud.enforcer.require(Caller(alice), READ, RG)
    assert refusal.value.status == 403
    assert all(text in refusal.value.message for text in (ALICE, alice.object_id, READ, RG))


def test_groups_count_transitively_and_facts_follow_the_directory(azure: Azure) -> None:
    directory, enforcer = azure.cloud.directory, azure.cloud.enforcer
    team, wider = directory.add_group("team"), directory.add_group("wider")
    directory.add_member(wider.object_id, team.object_id)
    role = azure.arm("GET", f"{SUB}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'")
    name = "11111111-1111-4111-8111-111111111111"
    properties = {"principalId": wider.object_id, "roleDefinitionId": role.body["value"][0]["id"]}
    body = {"properties": properties}
    assert azure.arm("PUT", f"{SUB}/providers/Microsoft.Authorization/roleAssignments/{name}", body).status == 201
    alice = azure.who(ALICE)
    assert not enforcer.decide(alice.object_id, READ, RG).allowed
    directory.add_member(team.object_id, alice.object_id)
    assert enforcer.decide(alice.object_id, READ, RG).through == wider.object_id
    directory.remove_member(team.object_id, alice.object_id)
    assert not enforcer.decide(alice.object_id, READ, RG).allowed


def test_an_assignment_is_in_force_after_it_has_propagated(slow_azure: Azure) -> None:
    slow_azure.make(RG)
    id_ = slow_azure.assign(ALICE, "Reader", RG)
    assert slow_azure.arm("GET", RG, who=ALICE).status == 403
    slow_azure.clock.advance(19)
    assert slow_azure.arm("GET", RG, who=ALICE).status == 403
    slow_azure.clock.advance(1)
    assert slow_azure.arm("GET", RG, who=ALICE).status == 200
    assert slow_azure.arm("DELETE", id_).status == 200
    assert slow_azure.arm("GET", RG, who=ALICE).status == 403


def test_an_assignment_to_somebody_removed_grants_nobody(azure: Azure) -> None:
    azure.make(RG)
    id_ = azure.assign(ALICE, "Reader", RG)
    azure.cloud.directory.remove(azure.who(ALICE).object_id)
    azure.cloud.directory.add_user(ALICE)
    assert azure.arm("GET", id_).status == 200
    assert azure.arm("GET", RG, who=ALICE).status == 403


def test_assigned_within_sees_roles_above_and_below(azure: Azure) -> None:
    azure.make(RG)
    azure.assign(ALICE, "Reader", RG)
    enforcer = azure.cloud.enforcer
    assert enforcer.assigned_within(azure.who(ALICE).object_id, SUB)
    assert not enforcer.assigned_within(azure.who(BOB).object_id, SUB)
    assert not enforcer.assigned_within(azure.who(ALICE).object_id, f"{SUB}/resourceGroups/rg10")


BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
ACCOUNTS = "Microsoft.Storage/storageAccounts"


def define(azure: Azure, **block: object) -> str:
    """A custom role with one block of permissions; its id."""
    id_ = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/22222222-2222-4222-8222-222222222222"
    properties = {"roleName": "odd", "type": "CustomRole", "permissions": [block], "assignableScopes": [SUB]}
    assert azure.arm("PUT", id_, {"properties": properties}, api="2022-04-01").status == 201
    return id_


def hand(azure: Azure, role: str, scope: str, who: str = ALICE, **more: str) -> None:
    name = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    properties = {"roleDefinitionId": role, "principalId": azure.who(who).object_id.upper(), **more}
    assert azure.arm("PUT", name, {"properties": properties}, api="2022-04-01").status == 201


def test_all_four_lists_of_a_custom_role_count(azure: Azure) -> None:
    role = define(
        azure,
        actions=[f"{ACCOUNTS}/*"],
        notActions=[f"{ACCOUNTS}/delete"],
        dataActions=[f"{BLOBS}/*"],
        notDataActions=[f"{BLOBS}/write"],
    )
    hand(azure, role, SUB)
    enforcer, alice = azure.cloud.enforcer, azure.who(ALICE).object_id
    asked = (
        (f"{ACCOUNTS}/read", False, True),
        (f"{ACCOUNTS}/delete", False, False),
        (f"{BLOBS}/read", True, True),
        (f"{BLOBS}/write", True, False),
        (f"{ACCOUNTS}/read", True, False),  # of the other plane
        ("Microsoft.KeyVault/vaults/read", False, False),
    )
    for action, data, allowed in asked:
        assert enforcer.decide(alice, action, RG, data).allowed is allowed, action
        assert (enforcer.why_not(alice, action, RG, data) is None) is allowed, action
        if allowed:
            enforcer.require(Caller(azure.who(ALICE)), action, RG, data)
            assert enforcer.decide(alice, action, RG, data).role == "odd"
        else:
            with pytest.raises(AzureError):
                enforcer.require(Caller(azure.who(ALICE)), action, RG, data)


def test_a_role_that_changes_and_a_role_without_lists(azure: Azure) -> None:
    hand(azure, define(azure, actions=[f"{ACCOUNTS}/*"]), SUB)
    enforcer, alice = azure.cloud.enforcer, azure.who(ALICE).object_id
    assert enforcer.decide(alice, f"{ACCOUNTS}/read", RG).allowed
    again = {
        "roleName": "odd",
        "type": "CustomRole",
        "permissions": [{"actions": []}],
        "assignableScopes": [SUB],
    }
    id_ = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/22222222-2222-4222-8222-222222222222"
    assert azure.arm("PUT", id_, {"properties": again}, api="2022-04-01").status in (200, 201)
    assert not enforcer.decide(alice, f"{ACCOUNTS}/read", RG).allowed


def test_a_condition_opens_nothing(azure: Azure) -> None:
    role = define(azure, actions=["*/read"], dataActions=[f"{BLOBS}/*"])
    hand(azure, role, SUB, condition="@Resource[a] StringEquals 'b'", conditionVersion="2.0")
    decision = azure.cloud.enforcer.decide(azure.who(ALICE).object_id, f"{BLOBS}/read", RG, data=True)
    assert (decision.verdict, decision.cause) == ("unknown", "condition")


def test_permissions_are_of_the_roles_at_and_above_a_scope_and_of_ones_groups(azure: Azure) -> None:
    azure.make(RG)
    directory, enforcer = azure.cloud.directory, azure.cloud.enforcer
    hand(azure, define(azure, actions=[f"{ACCOUNTS}/read"]), RG)
    alice, bob = azure.who(ALICE).object_id, azure.who(BOB).object_id

    def actions(who: str, scope: str) -> set[str]:
        return {each for block in enforcer.permissions(who, scope) for each in block.actions}

    assert actions(alice, RG) == {f"{ACCOUNTS}/read"}
    assert actions(alice, f"{RG}/providers/Microsoft.KeyVault/vaults/kv") == {f"{ACCOUNTS}/read"}
    assert actions(alice, SUB) == set()
    assert actions(bob, RG) == set()
    azure.assign(BOB, "Reader", SUB)
    assert actions(bob, RG) == {"*/read"}
    assert actions(alice, RG) == {f"{ACCOUNTS}/read"}
    team = directory.add_group("team")
    directory.add_member(team.object_id, alice)
    assert actions(team.object_id, RG) == set()


def test_who_has_a_role_above_has_one_within(azure: Azure) -> None:
    azure.assign(BOB, "Reader", SUB)
    assert azure.cloud.enforcer.assigned_within(azure.who(BOB).object_id, RG)


def test_each_assignment_comes_into_force_at_its_own_time(slow_azure: Azure) -> None:
    enforcer, bob = slow_azure.cloud.enforcer, slow_azure.who(BOB).object_id
    slow_azure.make(RG)
    slow_azure.assign(BOB, "Reader", RG)
    slow_azure.clock.advance(10)
    slow_azure.assign(BOB, "Contributor", RG)
    write = "Microsoft.Resources/subscriptions/resourceGroups/write"
    assert not enforcer.decide(bob, READ, RG).allowed
    slow_azure.clock.advance(10)
    assert (enforcer.decide(bob, READ, RG).allowed, enforcer.decide(bob, write, RG).allowed) == (True, False)
    slow_azure.clock.advance(10)
    assert enforcer.decide(bob, write, RG).allowed


def test_a_reason_calls_people_by_name_and_who_is_gone_by_id(azure: Azure) -> None:
    enforcer, alice = azure.cloud.enforcer, azure.who(ALICE)
    assert str(enforcer.why_not(alice.object_id, READ, RG)).startswith(f"{ALICE} may not {READ}: ")
    nobody = "33333333-3333-4333-8333-333333333333"
    assert str(enforcer.why_not(nobody, READ, RG)).startswith(f"{nobody} may not {READ}: ")


def test_a_block_of_permissions_in_arms_spelling() -> None:
    whole = {"actions": ["a"], "notActions": ["b"], "dataActions": ["c"], "notDataActions": ["d"], "condition": "e"}
    assert permission_block(whole) == PermissionBlock(("a",), ("b",), ("c",), ("d",), "e")
    assert permission_block({"actions": None}) == PermissionBlock((), (), (), (), None)
