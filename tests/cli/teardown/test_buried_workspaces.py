"""Soft-deleted workspaces of a group that goes without a stack, as `sweep` and `down --resource-group` remove it."""

from __future__ import annotations

import pytest

from azmlflow.cli.teardown import inventory, plan_group, remove_group
from azmlflow.cli.teardown.uses import Sight
from azmlflow.infra.plan.naming import generate
from azmlflow.infra.plan.tags import ownership
from tests.cli.door import Door, open_arm
from tests.localazure.control import BODIES, CHAIN, COMPUTE, RG, SUB, WORKSPACE, Azure

ML = "Microsoft.MachineLearningServices"
NAMES = generate("mlflow", "old", "", SUB.rpartition("/")[2])
GROUP = f"{SUB}/resourceGroups/{NAMES.resource_group}"
PLACE = f"{SUB}/providers/{ML}/locations/westeurope/deletedWorkspaces"


@pytest.fixture
def door(azure: Azure) -> Door:
    """A group of ours, empty but for its tags, beside others' resources, which its workspaces used."""
    for path in CHAIN:
        if path not in (WORKSPACE, COMPUTE):
            put(azure, path, BODIES[path])
    put(azure, GROUP, {"tags": ownership("azmlflow", "old")})
    return Door(azure)


def put(azure: Azure, path: str, body: dict[str, object]) -> None:
    assert azure.arm("PUT", path, {"location": "westeurope", **body}).status in (200, 201, 202)
    azure.wait()


def bury(azure: Azure, name: str, group: str = GROUP) -> str:
    """A workspace, deleted by hand and not purged; gives the id that it had."""
    id_ = f"{group}/providers/{ML}/workspaces/{name}"
    put(azure, id_, BODIES[WORKSPACE])
    assert azure.arm("DELETE", id_).status in (200, 202)
    azure.wait()
    return id_


def soft_deleted(azure: Azure) -> set[str]:
    return {entry["properties"]["workspaceId"] for entry in azure.arm("GET", PLACE).body["value"]}


def test_one_whose_name_follows_from_the_groups_is_told_and_purged(azure: Azure, door: Door) -> None:
    id_ = bury(azure, NAMES.workspace)
    assert soft_deleted(azure) == {id_}
    plan = plan_group(open_arm(door), GROUP)
    assert plan.buried_workspaces == (id_,)
    removed = remove_group(open_arm(door), GROUP)
    assert removed.left == ()
    assert soft_deleted(azure) == set()
    put(azure, GROUP, {})
    put(azure, id_, BODIES[WORKSPACE])  # its name is free


def test_one_that_nothing_proves_is_named_and_stays(azure: Azure, door: Door) -> None:
    id_ = bury(azure, "boris")
    plan = plan_group(open_arm(door), GROUP)
    assert plan.buried_workspaces == ()
    assert [note for note in plan.notes if "workspaces/boris stays" in note]
    remove_group(open_arm(door), GROUP)
    assert soft_deleted(azure) == {id_}


@pytest.mark.parametrize("group", [RG, f"{GROUP}0"])
def test_one_of_another_group_stays(azure: Azure, door: Door, group: str) -> None:
    if group != RG:
        put(azure, group, {})
    id_ = bury(azure, NAMES.workspace, group)
    assert plan_group(open_arm(door), GROUP).buried_workspaces == ()
    remove_group(open_arm(door), GROUP)
    assert soft_deleted(azure) == {id_}


def test_it_goes_before_the_group_does(azure: Azure, door: Door) -> None:
    id_ = bury(azure, NAMES.workspace)
    told: list[tuple[str, str]] = []
    door.before.append(lambda method, path: told.append((method, path)))
    remove_group(open_arm(door), GROUP)
    assert told.index(("DELETE", id_)) < told.index(("DELETE", GROUP))


def test_of_a_group_that_is_gone_they_are_found_in_every_region(azure: Azure, door: Door) -> None:
    """Azure lists them by region, and the group's went with it."""
    id_ = bury(azure, "boris")
    assert azure.arm("DELETE", GROUP).status == 202
    azure.wait()
    assert azure.arm("GET", GROUP).status == 404
    asked: list[str] = []
    door.before.append(lambda _, path: asked.append(path))
    found = inventory.read_buried_of_gone(open_arm(door), GROUP, Sight())
    assert found == (id_,)
    assert len([path for path in asked if path.endswith("/deletedWorkspaces")]) > 1
    assert inventory.read_buried_of_gone(open_arm(door), f"{GROUP}0", Sight()) == ()
