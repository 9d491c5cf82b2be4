"""What counts as a change, where it is, and whether it replaces."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.schema.changes import changes, merge
from azmlflow.localazure.plugin.schema.types import catalogue
from azmlflow.localazure.plugin.schema.values import UNKNOWN

ACCOUNT = catalogue().types["azure-native:storage:StorageAccount"]
ASSIGNMENT = catalogue().types["azure-native:authorization:RoleAssignment"]
OLD: dict[str, Any] = {
    "accountName": "a",
    "resourceGroupName": "g",
    "location": "westeurope",
    "isHnsEnabled": True,
    "tags": {"one": "1", "odd key": "2"},
    "networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1"}, {"iPAddressOrRange": "2"}]},
}


def _found(new: dict[str, Any], ignore: tuple[str, ...] = (), old: dict[str, Any] = OLD) -> list[tuple[str, str, bool]]:
    return [(change.path, change.kind, change.replaces) for change in changes(ACCOUNT, old, {**old, **new}, ignore)]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({}, []),
        ({"location": "West Europe"}, []),
        ({"azureApiVersion": "2099-01-01", "__createBeforeDelete": True}, []),
        ({"accessTier": None}, []),
        ({"location": "northeurope"}, [("location", "update", True)]),
        ({"accountName": "b"}, [("accountName", "update", True)]),
        ({"accountName": UNKNOWN}, [("accountName", "update", True)]),
        ({"isHnsEnabled": False}, [("isHnsEnabled", "update", True)]),
        ({"isHnsEnabled": None}, [("isHnsEnabled", "delete", True)]),
        ({"accessTier": "Hot"}, [("accessTier", "add", False)]),
        ({"tags": None}, [("tags", "delete", False)]),
        (
            {"tags": {"one": "x", "two": "y"}},
            [('tags["odd key"]', "delete", False), ("tags.one", "update", False), ("tags.two", "add", False)],
        ),
        (
            {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "1"}, {"iPAddressOrRange": "9"}, {}]}},
            [
                ("networkRuleSet.ipRules[1].iPAddressOrRange", "update", False),
                ("networkRuleSet.ipRules[2]", "add", False),
            ],
        ),
        ({"networkRuleSet": UNKNOWN}, [("networkRuleSet", "update", False)]),
    ],
)
def test_changes(new: dict[str, Any], expected: list[tuple[str, str, bool]]) -> None:
    assert _found(new) == expected


def test_a_switch_that_an_import_shows_as_off_is_no_change_to_a_program_that_leaves_it_out() -> None:
    imported = {**OLD, "isHnsEnabled": False}
    assert _found({"isHnsEnabled": None}, old=imported) == [("isHnsEnabled", "delete", False)]


@pytest.mark.parametrize(
    ("ignore", "left"),
    [
        (("tags",), ["accessTier"]),
        (("tags.one",), ["accessTier", 'tags["odd key"]']),
        (('tags["odd key"]', "accessTier"), ["tags.one"]),
        (("tags.*", "tags[*]"), ["accessTier", 'tags["odd key"]'][:1]),
        (("tag",), ["accessTier", 'tags["odd key"]', "tags.one"]),
    ],
)
def test_ignored_changes(ignore: tuple[str, ...], left: list[str]) -> None:
    new = {"tags": {"one": "x", "odd key": "y"}, "accessTier": "Hot"}
    assert [path for path, _, _ in _found(new, ignore)] == left


def test_a_scope_is_an_arm_id_without_case_or_outer_slashes() -> None:
    old, new = {"scope": "/subscriptions/S/resourceGroups/G"}, {"scope": "subscriptions/s/resourcegroups/g/"}
    assert changes(ASSIGNMENT, old, new) == []
    (change,) = changes(ASSIGNMENT, old, {"scope": "/subscriptions/S"})
    assert change.replaces and change.top == "scope"


def test_drift_is_put_onto_the_old_inputs_and_nothing_else() -> None:
    mine = {"location": "West Europe", "tags": {"a": "1"}, "createMode": "recover"}
    base = {"location": "westeurope", "tags": {"a": "1"}, "accessTier": "Hot"}
    theirs = {"location": "westeurope", "tags": {"a": "2", "b": "3"}, "accessTier": "Hot"}
    assert merge(mine, base, theirs) == {**mine, "tags": {"a": "2", "b": "3"}}
    assert merge(mine, base, {"location": "westeurope", "accessTier": "Hot"}) == {
        "location": "West Europe",
        "createMode": "recover",
    }
