"""The short memory of many removals: who is served from it, and when it forgets."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.azure.sharing import LASTING, Memory
from azmlflow.cli.teardown import remove_group
from azmlflow.infra.plan.tags import ownership
from azmlflow.rbac.roles import custom_role_guid
from tests.cli.desk import SUBSCRIPTION, FakeArm
from tests.cli.door import Door, open_arm
from tests.localazure.control import BODIES, RG, SUB, Azure

SCOPE = f"/subscriptions/{SUBSCRIPTION}"
PLACE = f"{SCOPE}/providers"
ROLES = f"{PLACE}/Microsoft.Authorization/roleDefinitions"
VAULTS = f"{PLACE}/Microsoft.KeyVault/deletedVaults"


class Counted(FakeArm):
    """Resource Manager in memory that writes down what is listed."""

    def listed(self) -> list[str]:
        return [call for call in self.calls if call.startswith("LIST")]

    def list(self, path: str) -> Iterable[dict[str, Any]]:
        self.calls.append(f"LIST {path.rsplit('/', 1)[-1]}")
        return super().list(path)


def sharing(inner: FakeArm, memory: Memory | None = None) -> ResourceManager:
    return inner.open().sharing(memory or Memory())


def test_one_answer_serves_all_for_a_while() -> None:
    time = [0.0]
    inner = Counted()
    arm = sharing(inner, Memory(2.0, lambda: time[0]))
    for _ in range(3):
        assert arm.role_assignments(SCOPE) == arm.list(VAULTS) == arm.locks(SCOPE) == arm.custom_roles(SCOPE) == ()
        assert arm.list(f"{PLACE}/Microsoft.MachineLearningServices/workspaces") == ()
    asked = ["LIST roleAssignments", "LIST deletedVaults", "LIST locks", "LIST roleDefinitions", "LIST workspaces"]
    assert inner.calls == asked
    time[0] = 2.5
    arm.role_assignments(SCOPE)
    assert inner.calls[5:] == ["LIST roleAssignments"]


def test_without_a_memory_everything_is_asked() -> None:
    inner = Counted()
    arm = inner.open().apart()
    for _ in range(2):
        arm.role_assignments(SCOPE)
    assert inner.calls == ["LIST roleAssignments"] * 2


def test_what_is_deleted_is_forgotten_at_once() -> None:
    inner = Counted()
    inner.put(f"{ROLES}/g1")
    arm = sharing(inner)
    assert arm.custom_roles(SCOPE)
    assert arm.delete(f"{ROLES}/g1")
    assert not arm.custom_roles(SCOPE)
    inner.put(f"{VAULTS}/v1")
    assert arm.list(VAULTS)
    arm.post(f"{VAULTS}/v1", "purge")
    assert not arm.list(VAULTS)


def test_what_went_while_somebody_waited_is_forgotten() -> None:
    inner = Counted()
    inner.put(f"{VAULTS}/v1")
    arm = sharing(inner)
    operation = arm.begin_delete(f"{VAULTS}/v1")
    assert operation is not None
    assert arm.list(VAULTS)
    operation.wait()
    assert not arm.list(VAULTS)


def test_a_removal_forgets_what_it_deletes_itself_and_not_what_others_do() -> None:
    inner = Counted()
    for name in ("v1", "v2"):
        inner.put(f"{VAULTS}/{name}")
    arm = sharing(inner)
    one, other = arm.apart(), arm.apart()
    assert len(one.list(VAULTS)) == 2
    one.post(f"{VAULTS}/v1", "purge")
    assert len(other.list(VAULTS)) == 2
    assert inner.listed() == ["LIST deletedVaults"]
    assert len(one.list(VAULTS)) == 1
    assert len(other.list(VAULTS)) == 1
    assert inner.listed() == ["LIST deletedVaults"] * 2


def test_a_bound_comes_with_a_memory_of_its_own_whatever_was_deleted_before() -> None:
    inner = Counted()
    inner.put(f"{VAULTS}/v1")
    arm = sharing(inner)
    for _ in range(3):
        arm.post(f"{VAULTS}/v1", "purge")
    bounded = arm.within(60.0)
    assert bounded.list(VAULTS) == bounded.list(VAULTS) == ()
    assert inner.listed() == ["LIST deletedVaults"]


def test_who_begins_with_a_bound_or_ends_it_asks_anew() -> None:
    inner = Counted()
    arm = sharing(inner)
    arm.list(VAULTS)
    bounded = arm.within(60.0)
    bounded.list(VAULTS)
    bounded.within(None).list(VAULTS)
    assert inner.listed() == ["LIST deletedVaults"] * 3


def test_what_was_gone_before_it_could_be_deleted_is_forgotten_too() -> None:
    inner = Counted()
    inner.put(f"{VAULTS}/v1")
    arm = sharing(inner)
    assert arm.list(VAULTS)
    inner.documents.clear()  # somebody else was first
    assert not arm.delete(f"{VAULTS}/v1")
    assert not arm.list(VAULTS)


def test_an_answer_that_a_deletion_overtook_is_not_kept() -> None:
    inner = Counted()
    arm = sharing(inner)
    inner.put(f"{VAULTS}/v1")

    class Overtaken(Counted):
        def list(self, path: str) -> Iterable[dict[str, Any]]:
            listed = list(super().list(path))
            arm.post(f"{VAULTS}/v1", "purge")
            return listed

    inner.__class__ = Overtaken
    assert arm.list(VAULTS)
    assert not arm.list(VAULTS)


def test_everything_else_is_asked_each_time() -> None:
    inner = Counted()
    arm = sharing(inner)
    group = f"{SCOPE}/resourceGroups/rg"
    inner.put(group)
    inner.answers[f"{PLACE}/Microsoft.KeyVault/checkNameAvailability"] = {}
    for _ in range(2):
        assert arm.group(group)
        arm.role_assignments(group)
        arm.locks(group)
        arm.list(VAULTS, {"a": "b"})
        arm.ask(f"{PLACE}/Microsoft.KeyVault/checkNameAvailability", {})
        arm.now()
    assert inner.calls == ["LIST roleAssignments", "LIST locks", "LIST deletedVaults", "LIST tenants"] * 2
    assert len(inner.asked) == 2


def test_one_answer_serves_all_who_deleted_before_it_was_asked_for() -> None:
    """A list is under way; things are deleted; all who come then share the next one, not one each."""
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Counted):
        def list(self, path: str) -> Iterable[dict[str, Any]]:
            entries = list(super().list(path))
            asked.set()
            go_on.wait(10)
            return entries

    inner = Slow()
    for name in ("v1", "v2"):
        inner.put(f"{VAULTS}/{name}")
    arm = sharing(inner)
    with ThreadPoolExecutor() as pool:
        early = pool.submit(lambda: arm.list(VAULTS))
        asked.wait(10)
        for name in ("v1", "v2"):
            arm.post(f"{VAULTS}/{name}", "purge")
        late = [pool.submit(lambda: arm.list(VAULTS)) for _ in range(5)]
        go_on.set()
        assert len(early.result(10)) == 2
        assert [each.result(10) for each in late] == [()] * 5
    assert inner.listed() == ["LIST deletedVaults"] * 2


@pytest.mark.parametrize("many", [False, True])
def test_a_role_of_ours_goes_with_its_group_however_many_removals_there_are(azure: Azure, many: bool) -> None:
    """It can be assigned in the group only, where the list of a subscription's roles does not show it unasked."""
    azure.arm("PUT", RG, {**BODIES[RG], "tags": ownership("azmlflow", "old")})
    role = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{custom_role_guid('tracker', RG)}"
    properties = {"roleName": "Ours", "permissions": [{"actions": ["*/read"]}], "assignableScopes": [RG]}
    assert azure.arm("PUT", role, {"properties": properties}, api="2022-04-01").status == 201
    azure.wait()
    arm = open_arm(Door(azure))
    report = remove_group(arm.sharing(Memory()) if many else arm, RG)
    assert report.left == ()
    assert azure.arm("GET", role, api="2022-04-01").status == 404


def test_what_lasts_serves_for_longer_and_whatever_is_deleted_here() -> None:
    now, asked = [0.0], []

    def ask() -> tuple[int, ...]:
        asked.append(now[0])
        return (len(asked),)

    memory = Memory(clock=lambda: now[0])
    assert memory.once("/a", ask, lasting=True) == (1,)
    memory.forget()
    now[0] = LASTING
    assert memory.once("/a", ask, lasting=True) == (1,)
    now[0] = LASTING + 1
    assert memory.once("/a", ask, lasting=True) == (2,)
