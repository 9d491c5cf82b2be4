"""What counts as a change, where it is, and whether it replaces."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.plugin.schema.changes import changes, merge
from azmlflow.localazure.plugin.schema.types import TypeMap, catalogue
from azmlflow.localazure.plugin.schema.unknown import UNKNOWN

ACCOUNT = catalogue().types["azure-native:storage:StorageAccount"]
ASSIGNMENT = catalogue().types["azure-native:authorization:RoleAssignment"]
ENDPOINT = catalogue().types["azure-native:network:PrivateEndpoint"]
RULES = [{"iPAddressOrRange": "1"}, {"iPAddressOrRange": "2"}]
OLD: dict[str, Any] = {
    "accountName": "a",
    "resourceGroupName": "g",
    "location": "westeurope",
    "isHnsEnabled": True,
    "tags": {"one": "1", "odd key": "2"},
    "networkRuleSet": {"ipRules": RULES},
}


def _found(
    new: dict[str, Any],
    ignore: tuple[str, ...] = (),
    old: dict[str, Any] = OLD,
    state: dict[str, Any] | None = None,
    kind: TypeMap = ACCOUNT,
) -> list[tuple[str, str, bool]]:
    found = changes(kind, old, {**old, **new}, state or {}, ignore)
    return [(change.path, change.kind, change.replaces) for change in found]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ({}, []),
        ({"location": "West Europe"}, []),
        ({"resourceGroupName": "G"}, []),
        ({"__createBeforeDelete": True}, []),
        ({"accessTier": None}, []),
        ({"location": "northeurope"}, [("location", "update", True)]),
        ({"accountName": "b"}, [("accountName", "update", True)]),
        ({"accountName": UNKNOWN}, [("accountName", "update", True)]),
        ({"isHnsEnabled": False}, [("isHnsEnabled", "update", True)]),
        # An input that is fixed at creation and not named any more is left alone (pulumi-azure-native PRs 4785, 4789).
        ({"isHnsEnabled": None}, [("isHnsEnabled", "delete", False)]),
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
        # What is null is not there, at any depth.
        ({"tags": {**OLD["tags"], "two": None}}, []),
        ({"networkRuleSet": {"ipRules": [{**rule, "action": None} for rule in RULES]}}, []),
        ({"networkRuleSet": {"ipRules": RULES[:1]}}, [("networkRuleSet.ipRules[1]", "delete", False)]),
        (
            {"networkRuleSet": {"ipRules": [{"iPAddressOrRange": "9"}, RULES[1]], "bypass": None}},
            [("networkRuleSet.ipRules[0].iPAddressOrRange", "update", False)],
        ),
        ({"networkRuleSet": {"ipRules": UNKNOWN}}, [("networkRuleSet.ipRules", "update", False)]),
        # Another kind of value is another value as a whole.
        ({"tags": ["one"]}, [("tags", "update", False)]),
        ({"networkRuleSet": {"ipRules": {"0": RULES[0]}}}, [("networkRuleSet.ipRules", "update", False)]),
        ({"networkRuleSet": {"ipRules": "1"}}, [("networkRuleSet.ipRules", "update", False)]),
        ({"location": 5}, [("location", "update", True)]),
        ({"resourceGroupName": UNKNOWN}, [("resourceGroupName", "update", True)]),
        ({"tags": {**OLD["tags"], 'a"b\\c': "3"}}, [('tags["a\\"b\\\\c"]', "add", False)]),
    ],
)
def test_changes(new: dict[str, Any], expected: list[tuple[str, str, bool]]) -> None:
    assert _found(new) == expected


@pytest.mark.parametrize(("old", "new"), [("West Europe", "westeurope"), ("westeurope", "West EUROPE")])
def test_a_region_is_written_in_two_ways(old: str, new: str) -> None:
    assert _found({"location": new}, old={**OLD, "location": old}) == []


def test_a_value_that_was_of_another_kind_or_not_there() -> None:
    assert _found({"tags": ["a"]}, old={**OLD, "tags": 5}) == [("tags", "update", False)]
    without = {name: value for name, value in OLD.items() if name != "location"}
    assert _found({"location": "westeurope"}, old=without) == [("location", "add", True)]


@pytest.mark.parametrize(
    ("state", "replaces"),
    [({"isHnsEnabled": False}, False), ({"isHnsEnabled": True}, True), ({}, True)],
)
def test_a_fixed_input_that_is_added_replaces_unless_azure_has_it_so(state: dict[str, Any], replaces: bool) -> None:
    """Where Azure shows no `false`, adding one replaces (pulumi-azure-native issue 2003)."""
    old = {name: value for name, value in OLD.items() if name != "isHnsEnabled"}
    assert _found({"isHnsEnabled": False}, old=old, state=state) == [("isHnsEnabled", "add", replaces)]


@pytest.mark.parametrize(
    ("old", "state", "expected"),
    [
        ({"azureApiVersion": "2024-01-01"}, {}, []),
        ({"azureApiVersion": "2023-01-01"}, {}, [("azureApiVersion", "update", False)]),
        # Inputs of an import have none: what the state was read with counts.
        ({}, {"azureApiVersion": "2024-01-01"}, []),
        ({}, {"azureApiVersion": "2023-01-01"}, [("azureApiVersion", "update", False)]),
        ({}, {}, [("azureApiVersion", "add", False)]),
    ],
)
def test_another_api_version_is_an_update(
    old: dict[str, Any], state: dict[str, Any], expected: list[tuple[str, str, bool]]
) -> None:
    assert _found({"azureApiVersion": "2024-01-01"}, old={**OLD, **old}, state=state) == expected


def test_below_a_fixed_object_only_another_value_replaces() -> None:
    old = {"subnet": {"id": "/s/1", "routeTable": {"id": "/r/1"}}}
    new = {"subnet": {"id": "/s/2", "natGateway": {"id": "/n/1"}}}
    assert _found(new, old=old, kind=ENDPOINT) == [
        ("subnet.id", "update", True),
        ("subnet.natGateway", "add", False),
        ("subnet.routeTable", "delete", False),
    ]


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


@pytest.mark.parametrize(
    "scope", ["/subscriptions/s/resourceGroups/G", "subscriptions/S/resourceGroups/G", "/subscriptions/S"]
)
def test_a_scope_is_compared_to_the_letter(scope: str) -> None:
    old = {"scope": "/subscriptions/S/resourceGroups/G"}
    assert _found({"scope": scope}, old=old, kind=ASSIGNMENT) == [("scope", "update", True)]


def test_drift_of_what_was_no_object_is_taken_whole() -> None:
    assert merge("mine", {"a": 1}, {"a": 2}) == {"a": 2}
    assert merge({"a": 1}, [1], {"a": 2}) == {"a": 2}
    assert merge({"a": 1}, {"a": 1}, [2]) == [2]


def test_drift_is_put_onto_the_old_inputs_and_nothing_else() -> None:
    mine = {"location": "West Europe", "tags": {"a": "1"}, "createMode": "recover"}
    base = {"location": "westeurope", "tags": {"a": "1"}, "accessTier": "Hot"}
    theirs = {"location": "westeurope", "tags": {"a": "2", "b": "3"}, "accessTier": "Hot"}
    assert merge(mine, base, theirs) == {**mine, "tags": {"a": "2", "b": "3"}}
    assert merge(mine, base, {"location": "westeurope", "accessTier": "Hot"}) == {
        "location": "West Europe",
        "createMode": "recover",
    }
