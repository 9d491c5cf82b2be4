"""The short memory of many removals: who is served from it, and when it forgets."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azmlflow.cli.azure.sharing import SharingArm
from tests.cli.desk import SUBSCRIPTION, FakeArm

PLACE = f"/subscriptions/{SUBSCRIPTION}/providers"
ASSIGNMENTS = f"{PLACE}/Microsoft.Authorization/roleAssignments"
ROLES = f"{PLACE}/Microsoft.Authorization/roleDefinitions"
VAULTS = f"{PLACE}/Microsoft.KeyVault/deletedVaults"


class Counted(FakeArm):
    """ARM in memory that writes down what is listed."""

    def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        self.calls.append(f"LIST {path.rsplit('/', 1)[-1]}")
        yield from super().list(path, version, query)


def test_one_answer_serves_all_for_a_while() -> None:
    time = [0.0]
    inner = Counted()
    arm = SharingArm(inner, 2.0, lambda: time[0])
    for _ in range(3):
        assert list(arm.list(ASSIGNMENTS, "v")) == list(arm.list(VAULTS, "v")) == []
    assert inner.calls == ["LIST roleAssignments", "LIST deletedVaults"]
    time[0] = 2.5
    list(arm.list(ASSIGNMENTS, "v"))
    assert inner.calls[2:] == ["LIST roleAssignments"]


def test_role_definitions_are_looked_up_in_one_list() -> None:
    inner = Counted()
    inner.put(f"{ROLES}/G1")
    arm = SharingArm(inner)
    assert [arm.get(f"{ROLES}/{name}", "v") is not None for name in ("g1", "g2", "g11")] == [True, False, False]
    assert inner.calls == ["LIST roleDefinitions"]


def test_what_is_deleted_is_forgotten_at_once() -> None:
    inner = Counted()
    inner.put(f"{ROLES}/g1")
    arm = SharingArm(inner)
    assert arm.get(f"{ROLES}/g1", "v")
    assert arm.delete(f"{ROLES}/g1", "v")
    assert arm.get(f"{ROLES}/g1", "v") is None
    inner.put(f"{VAULTS}/v1")
    assert list(arm.list(VAULTS, "v"))
    arm.post(f"{VAULTS}/v1/purge", "v")
    assert not list(arm.list(VAULTS, "v"))
    inner.put(f"{VAULTS}/v1")
    wait = arm.begin(f"{VAULTS}/v1", "v")
    assert wait is not None
    wait(None)
    assert not list(arm.list(VAULTS, "v"))


def test_a_removal_forgets_what_it_deletes_itself_and_not_what_others_do() -> None:
    inner = Counted()
    for name in ("v1", "v2"):
        inner.put(f"{VAULTS}/{name}")
    arm = SharingArm(inner)
    one, other = arm.apart(), arm.apart()
    assert len(list(one.list(VAULTS, "v"))) == 2
    one.post(f"{VAULTS}/v1/purge", "v")
    assert len(list(other.list(VAULTS, "v"))) == 2
    assert [call for call in inner.calls if call.startswith("LIST")] == ["LIST deletedVaults"]
    assert len(list(one.list(VAULTS, "v"))) == 1
    assert len(list(other.list(VAULTS, "v"))) == 1
    assert [call for call in inner.calls if call.startswith("LIST")] == ["LIST deletedVaults"] * 2


def test_a_bound_comes_with_a_memory_of_its_own_whatever_was_deleted_before() -> None:
    inner = Counted()
    inner.put(f"{VAULTS}/v1")
    arm = SharingArm(inner)
    for _ in range(3):
        arm.post(f"{VAULTS}/v1/purge", "v")
    bounded = arm.within(60.0)
    assert list(bounded.list(VAULTS, "v")) == list(bounded.list(VAULTS, "v")) == []
    assert [call for call in inner.calls if call.startswith("LIST")] == ["LIST deletedVaults"]


def test_an_answer_that_a_deletion_overtook_is_not_kept() -> None:
    inner = Counted()
    arm = SharingArm(inner)
    inner.put(f"{VAULTS}/v1")

    class Overtaken(Counted):
        def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
            yield from list(super().list(path, version, query))
            arm.post(f"{VAULTS}/v1/purge", "v")

    inner.__class__ = Overtaken
    assert list(arm.list(VAULTS, "v"))
    assert not list(arm.list(VAULTS, "v"))


def test_everything_else_is_asked_each_time() -> None:
    inner = Counted()
    arm = SharingArm(inner)
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg"
    inner.put(group)
    for _ in range(2):
        assert arm.get(group, "v")
        list(arm.list(f"{group}/providers/Microsoft.Authorization/roleAssignments", "v"))
        arm.ask("/x", "v", {})
        arm.now()
    assert inner.calls == ["LIST roleAssignments"] * 2
    assert inner.asked == [("/x", {})] * 2


def test_one_answer_serves_all_who_deleted_before_it_was_asked_for() -> None:
    """A list is under way; things are deleted; all who come then share the next one, not one each."""
    asked, go_on = threading.Event(), threading.Event()

    class Slow(Counted):
        def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
            entries = list(super().list(path, version, query))
            asked.set()
            go_on.wait(10)
            yield from entries

    inner = Slow()
    for name in ("v1", "v2"):
        inner.put(f"{VAULTS}/{name}")
    arm = SharingArm(inner)
    with ThreadPoolExecutor() as pool:
        early = pool.submit(lambda: list(arm.list(VAULTS, "v")))
        asked.wait(10)
        for name in ("v1", "v2"):
            arm.post(f"{VAULTS}/{name}/purge", "v")
        late = [pool.submit(lambda: list(arm.list(VAULTS, "v"))) for _ in range(5)]
        go_on.set()
        assert len(early.result(10)) == 2
        assert [each.result(10) for each in late] == [[]] * 5
    assert [call for call in inner.calls if call.startswith("LIST")] == ["LIST deletedVaults"] * 2
