from __future__ import annotations

import pytest

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.process.seed import seed
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
