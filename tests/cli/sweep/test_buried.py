"""What `sweep` finds of groups that are gone: what is proven ours is purged, the rest is named and stays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from azmlflow.cli.sweep.buried import Buried, find_buried
from azmlflow.cli.sweep.groups import Wanted, refused
from azmlflow.cli.teardown import remove_group
from azmlflow.cli.teardown.plan import plan_group
from azmlflow.infra.plan.naming import generate
from azmlflow.infra.plan.tags import ownership
from tests.cli.door import Door, open_arm
from tests.cli.wire import answer
from tests.localazure.control import BODIES, CHAIN, COMPUTE, SUB, VAULT, WORKSPACE, Azure

ML = "Microsoft.MachineLearningServices"
NAMES = generate("mlflow", "old", "", SUB.rpartition("/")[2])
KEY_VAULT = str(NAMES.key_vault)
GROUP = f"{SUB}/resourceGroups/{NAMES.resource_group}"
OURS = ownership("azmlflow", "old")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def door(azure: Azure) -> Door:
    """Others' resources, which a workspace of ours may use, beside the group."""
    for path in CHAIN:
        if path not in (WORKSPACE, COMPUTE):
            put(azure, path, BODIES[path])
    put(azure, GROUP, {"tags": OURS})
    return Door(azure)


def put(azure: Azure, path: str, body: dict[str, Any]) -> None:
    assert azure.arm("PUT", path, {"location": "westeurope", **body}).status in (200, 201, 202)
    azure.wait()


def delete(azure: Azure, path: str) -> None:
    assert azure.arm("DELETE", path).status in (200, 202)
    azure.wait()


def vault(azure: Azure, name: str | None, tags: dict[str, str], group: str = GROUP) -> str:
    id_ = f"{group}/providers/Microsoft.KeyVault/vaults/{name}"
    put(azure, id_, {**BODIES[VAULT], "tags": tags})
    return id_


def workspace(azure: Azure, name: str, group: str = GROUP) -> str:
    id_ = f"{group}/providers/{ML}/workspaces/{name}"
    put(azure, id_, {**BODIES[WORKSPACE], "tags": OURS})
    return id_


def vaults_left(azure: Azure) -> set[str]:
    listed = azure.arm("GET", f"{SUB}/providers/Microsoft.KeyVault/deletedVaults").body["value"]
    return {entry["properties"]["vaultId"] for entry in listed}


def find(door: Door, wanted: Wanted | None = None, warn: Callable[[str], None] = pytest.fail) -> Buried:
    return find_buried(open_arm(door), wanted or Wanted(), NOW, 2, warn)


def test_a_vault_whose_name_follows_from_the_gone_groups_is_purged(azure: Azure, door: Door) -> None:
    vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    (found,) = find(door).groups
    assert (found.id, found.gone, found.stack) == (GROUP, True, "old")
    assert found.contents == {"Microsoft.KeyVault/vaults": 1}
    assert refused(open_arm(door), (found,), 1) == {GROUP: ()}
    assert remove_group(open_arm(door), found.id).left == ()
    assert vaults_left(azure) == set()
    assert find(door) == Buried()


def test_one_that_bears_our_tags_alone_is_named_and_stays(azure: Azure, door: Door) -> None:
    """A colleague's: the group's policy handed our tags down."""
    id_ = vault(azure, "kv-boris", OURS)
    delete(azure, GROUP)
    found = find(door)
    assert found.groups == ()
    (note,) = found.notes
    assert note.startswith(f"soft-deleted vaults/kv-boris of {NAMES.resource_group}, which is gone, stays: ")
    assert vaults_left(azure) == {id_}


def test_one_that_nobody_can_purge_is_named_and_no_group_to_sweep(azure: Azure, door: Door) -> None:
    id_ = vault(azure, KEY_VAULT, OURS)
    put(
        azure,
        id_,
        {**BODIES[VAULT], "properties": {**BODIES[VAULT]["properties"], "enablePurgeProtection": True}, "tags": OURS},
    )
    delete(azure, GROUP)
    found = find(door)
    assert found.groups == ()
    (note,) = found.notes
    assert note.startswith(f"key vault {KEY_VAULT}: purge protection keeps it, soft-deleted, and its name, until 20")


def test_beside_ours_it_stays(azure: Azure, door: Door) -> None:
    theirs = vault(azure, "kv-boris", OURS)
    vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    found = find(door)
    (group,) = found.groups
    assert group.contents == {"Microsoft.KeyVault/vaults": 1}
    assert len(found.notes) == 1
    remove_group(open_arm(door), group.id)
    assert vaults_left(azure) == {theirs}


@pytest.mark.parametrize("theirs", [{}, {"team": "search"}, {"azmlflow-stack": "old"}])
def test_beside_one_that_names_nobody_ours_is_purged_and_the_other_is_named(
    azure: Azure, door: Door, theirs: dict[str, str]
) -> None:
    """What a colleague put into the group does not make ours nobody's."""
    other = vault(azure, "kv-boris", theirs)
    mine = vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    (group,) = find(door).groups
    assert group.contents == {"Microsoft.KeyVault/vaults": 1}
    plan = plan_group(open_arm(door), GROUP)
    assert (set(plan.purge), str(plan.holder)) == ({mine.lower()}, "stack old of project azmlflow")
    (note,) = plan.notes
    assert note.startswith("soft-deleted vaults/kv-boris stays: it ")
    remove_group(open_arm(door), GROUP)
    assert vaults_left(azure) == {other}


@pytest.mark.parametrize("name", ["kv-anna", KEY_VAULT])
def test_of_vaults_that_name_two_stacks_both_are_named(azure: Azure, door: Door, name: str) -> None:
    """As whoever removed the group by hand, and then types `down -g`, has to know: both keep their names."""
    vault(azure, name, OURS)
    vault(azure, "kv-boris", ownership("azmlflow", "two"))
    delete(azure, GROUP)
    plan = plan_group(open_arm(door), GROUP)
    assert (plan.purge, plan.holder) == (frozenset(), None)
    assert set(plan.notes) == {
        f"soft-deleted vaults/{name} stays: it belongs to stack old of project azmlflow",
        "soft-deleted vaults/kv-boris stays: it belongs to stack two of project azmlflow",
    }


@pytest.mark.parametrize("tags", [{}, {"azmlflow-project": "azmlflow"}, {"team": "search"}])
def test_others_are_not_spoken_of(azure: Azure, door: Door, tags: dict[str, str]) -> None:
    vault(azure, KEY_VAULT, tags)
    delete(azure, GROUP)
    assert find(door) == Buried()


def test_of_a_group_that_stands_nothing_is_found(azure: Azure, door: Door) -> None:
    delete(azure, vault(azure, KEY_VAULT, OURS))
    delete(azure, workspace(azure, NAMES.workspace))
    assert find(door) == Buried()


def test_a_workspace_is_named_by_its_name_or_beside_a_vault_of_ours(azure: Azure, door: Door) -> None:
    """It has no tags, and without its group nobody purges it."""
    workspace(azure, NAMES.workspace)
    workspace(azure, "boris")
    delete(azure, GROUP)
    until = f"of {NAMES.resource_group}, which is gone, keeps its name until Azure purges it, 14 days after it went"
    assert find(door) == Buried((), (f"soft-deleted workspaces/{NAMES.workspace} {until}",))
    put(azure, GROUP, {"tags": OURS})
    vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    found = find(door)
    assert [group.id for group in found.groups] == [GROUP]
    assert set(found.notes) == {f"soft-deleted workspaces/{name} {until}" for name in (NAMES.workspace, "boris")}


def test_the_choice_is_of_the_groups_name_and_the_vaults_tags(azure: Azure, door: Door) -> None:
    vault(azure, KEY_VAULT, {**OURS, "team": "search"})
    workspace(azure, NAMES.workspace)
    delete(azure, GROUP)
    for wanted in (Wanted(name="pr-*"), Wanted(tags=(("team", "ads"),)), Wanted(expired=True)):
        assert find(door, wanted) == Buried()
    assert find(door, Wanted(older_than=timedelta(days=1))) == Buried()
    for wanted in (Wanted(name=f"{NAMES.resource_group}*"), Wanted(tags=(("team", "search"),))):
        assert len(find(door, wanted).groups) == 1


def test_where_no_workspace_can_fit_or_is_wanted_no_region_is_asked(azure: Azure, door: Door) -> None:
    asked: list[str] = []
    door.before.append(lambda _, path: asked.append(path))
    find(door, Wanted(expired=True))
    find_buried(open_arm(door), Wanted(), NOW, 2, pytest.fail, workspaces=False)
    assert not [path for path in asked if "deletedWorkspaces" in path]
    find(door, Wanted(name="rg-*"))
    assert len([path for path in asked if "deletedWorkspaces" in path]) > 1


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        (f"/{NAMES.resource_group}", f"whether resource group {GROUP} is gone is not yours to see"),
        ("/deletedVaults", f"soft-deleted key vaults of subscription {SUB.rpartition('/')[2]} are not yours to see"),
    ],
)
def test_who_may_not_see_is_told_so(azure: Azure, door: Door, closed: str, told: str) -> None:
    vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    error = {"error": {"code": "AuthorizationFailed", "message": "not for you"}}
    door.fault = lambda _number, _method, path: answer(403, error) if path.endswith(closed) else None
    heard: list[str] = []
    assert find(door, warn=heard.append) == Buried()
    assert [line.partition(":")[0] for line in heard] == [told]


@pytest.mark.parametrize("tags", [{}, {"azmlflow-project": "theirs", "azmlflow-stack": "old"}, OURS])
def test_a_group_that_somebody_made_again_is_left_alone(azure: Azure, door: Door, tags: dict[str, str]) -> None:
    """Of a group that stands, soft-deleted things are its own removal's business, whoever has it now."""
    id_ = vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    put(azure, GROUP, {"tags": tags})
    assert find(door) == Buried()
    assert vaults_left(azure) == {id_}


def test_a_vault_beside_one_of_another_stack_is_not_purged(azure: Azure, door: Door) -> None:
    """Whose the group was is not clear, then."""
    mine = vault(azure, KEY_VAULT, OURS)
    other = vault(azure, "kv-other", ownership("azmlflow", "new"))
    delete(azure, GROUP)
    found = find(door)
    assert found.groups == ()
    assert len(found.notes) == 2
    remove_group(open_arm(door), GROUP)
    assert vaults_left(azure) == {mine, other}


@pytest.mark.parametrize("properties", [None, {}, {"vaultId": 5}, {"vaultId": "/", "tags": []}, {"tags": "x"}])
def test_a_broken_entry_stops_nothing(azure: Azure, door: Door, properties: Any) -> None:
    vault(azure, KEY_VAULT, OURS)
    delete(azure, GROUP)
    told = azure.arm("GET", f"{SUB}/providers/Microsoft.KeyVault/deletedVaults").body["value"]
    broken = {"value": [{"id": f"{SUB}/x", "properties": properties}, *told]}
    door.fault = lambda _number, _method, path: answer(200, broken) if path.endswith("/deletedVaults") else None
    assert [group.id for group in find(door).groups] == [GROUP]
