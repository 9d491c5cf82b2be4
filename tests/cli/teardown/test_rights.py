"""Rights as people have them: all are asked for before anything goes for good, and a group's owner can remove it."""

from __future__ import annotations

from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project
from azmlflow.cli.pulumi.deployment import Resource as Entry
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.teardown import Removal, plan_group, remove_group
from azmlflow.cli.teardown.estate import Estate
from azmlflow.cli.teardown.stack import destroy
from azmlflow.infra.plan import naming
from azmlflow.infra.plan.tags import ownership, record
from azmlflow.rbac.roles import custom_role_guid
from tests.cli.desk import FakeStack
from tests.cli.door import Door, open_arm
from tests.localazure.control import ALICE, BOB, BODIES, CHAIN, COMPUTE, RG, SUB, VAULT, WORKSPACE, Azure

OURS = {**ownership("azmlflow", "old"), **record(CHAIN)}
ROLE = f"{RG}/providers/Microsoft.Authorization/roleDefinitions/{custom_role_guid('viewer', RG)}"


@pytest.fixture
def stands(azure: Azure) -> Azure:
    """Our workspace, with a grant to Alice."""
    for path in CHAIN:
        tags = {} if path == COMPUTE else {"tags": OURS}
        assert azure.arm("PUT", path, {**BODIES[path], **tags}).status in (200, 201, 202)
        azure.wait()
    role = {
        "roleName": "azmlflow viewer (rg1)",
        "type": "CustomRole",
        "permissions": [{"actions": ["*/read"]}],
        "assignableScopes": [RG],
    }
    assert azure.arm("PUT", ROLE, {"properties": role}, api="2022-04-01").status == 201
    grant = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{azure.cloud.ids.guid()}"
    given = {"roleDefinitionId": ROLE, "principalId": azure.who(ALICE).object_id}
    assert azure.arm("PUT", grant, {"properties": given}, api="2022-04-01").status == 201
    return azure


def test_who_may_not_take_grants_away_is_told_before_anything_goes(stands: Azure) -> None:
    stands.assign(BOB, "Contributor", SUB)
    door = Door(stands, BOB)
    with pytest.raises(CliError) as told:
        remove_group(open_arm(door), RG)
    assert "you lack Microsoft.Authorization/roleAssignments/delete" in told.value.what
    assert "Microsoft.Authorization/roleDefinitions/delete" in told.value.what
    assert "Owner" in str(told.value.next)
    assert [call for call in door.calls if not call.startswith("GET")] == []
    assert stands.arm("GET", WORKSPACE).status == 200


def test_where_nothing_was_granted_a_contributor_may_remove_all(stands: Azure) -> None:
    listed = stands.arm("GET", f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments", api="2022-04-01")
    ours = [each["id"] for each in listed.body["value"] if each["properties"]["scope"].lower() == WORKSPACE.lower()]
    for id_ in (*ours, ROLE):
        assert stands.arm("DELETE", id_, api="2022-04-01").status == 200
    stands.assign(BOB, "Contributor", SUB)
    assert remove_group(open_arm(Door(stands, BOB)), RG).left == ()
    assert stands.arm("GET", RG).status == 404


def test_the_owner_of_the_group_alone_removes_it_and_is_told_what_stays(stands: Azure) -> None:
    stands.assign(BOB, "Owner", RG)
    arm = open_arm(Door(stands, BOB))
    plan = plan_group(arm, RG)
    assert plan.refusals == ()
    notes = " ".join(plan.notes)
    assert "key vault kv-one stays, soft-deleted" in notes
    assert "you may not see soft-deleted key vaults" in notes
    assert "you may not see all other groups of the subscription" in notes
    report = remove_group(arm, RG, plan=plan)
    assert [(each.kind, each.name) for each in report.left] == [("key vault", "kv-one")]
    assert (report.left[0].where, report.left[0].why) == (VAULT.lower(), "soft-deleted, and not yours to purge")
    assert report.left[0].way.startswith("az keyvault purge --name kv-one    (typed by an owner of the subscription")
    assert stands.arm("GET", RG).status == 404
    assert stands.arm("GET", ROLE, api="2022-04-01").status == 404
    assert [document["document"]["id"] for _, document in stands.cloud.store.scan("deleted")] == [VAULT]
    # An owner of the subscription takes up the rest; the vault bears the record of itself.
    assert remove_group(open_arm(Door(stands)), RG).left == ()
    assert list(stands.cloud.store.scan("deleted")) == []


def test_a_right_to_purge_that_is_lacking_is_told_before(stands: Azure) -> None:
    guid = stands.cloud.ids.guid()
    role = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{guid}"
    without = {"actions": ["*"], "notActions": ["Microsoft.KeyVault/locations/deletedVaults/purge/action"]}
    properties = {"roleName": "no purge", "type": "CustomRole", "permissions": [without], "assignableScopes": [SUB]}
    assert stands.arm("PUT", role, {"properties": properties}, api="2022-04-01").status == 201
    given = {"roleDefinitionId": role, "principalId": stands.who(BOB).object_id}
    assignment = f"{SUB}/providers/Microsoft.Authorization/roleAssignments/{stands.cloud.ids.guid()}"
    assert stands.arm("PUT", assignment, {"properties": given}, api="2022-04-01").status == 201
    arm = open_arm(Door(stands, BOB))
    plan = plan_group(arm, RG)
    assert any("deletedVaults/purge/action" in note for note in plan.notes)
    report = remove_group(arm, RG, plan=plan)
    (left,) = report.left
    assert (left.told(), left.way.split("    ")[0]) == (
        "key vault kv-one: soft-deleted, and not yours to purge",
        "az keyvault purge --name kv-one",
    )
    assert left.where.endswith("/locations/westeurope/deletedVaults/kv-one")


def test_the_engine_is_not_asked_for_what_its_caller_cannot_see_to_be_gone(stands: Azure, tmp_path: Path) -> None:
    """Azure refuses even to say that the group is gone, and the engine would fail at it."""
    stands.assign(BOB, "Owner", RG)
    arm = open_arm(Door(stands, BOB))
    outside = f"{RG}2/providers/Microsoft.Storage/storageAccounts/st2"
    held = [Entry(f"urn::{number}", "t", id_) for number, id_ in enumerate((RG, VAULT, WORKSPACE, ROLE, outside))]
    pulumi = FakeStack(there=True, held=State(tuple(held)))
    names = naming.generate("mlflow", "old", "", SUB.rsplit("/", 1)[-1])
    estate = Estate(Project(tmp_path, "azmlflow"), pulumi, SUB.rsplit("/", 1)[-1], names, "westeurope", pulumi.held)
    removal = Removal(arm, plan_group(arm, RG), estate)
    remove_group(arm, RG, plan=removal.plan)
    assert removal.fate() == "hidden"
    assert destroy(removal)
    assert pulumi.calls == ["forget 0 1 2 3", "destroy"]
