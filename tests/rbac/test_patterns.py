"""Wildcards: Microsoft, "Understand Azure role definitions" (Actions format), and the built-in roles that need more."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azmlflow.rbac.patterns import Match, PermissionBlock, match, permits


@pytest.mark.parametrize(
    ("pattern", "action", "expected"),
    [
        # Microsoft: "The wildcard character (*) grants access to all actions that match the string"; Owner's `*`.
        ("*", "Microsoft.Storage/storageAccounts/read", False),
        # Microsoft's examples: `*/read`, `Microsoft.Compute/*`, `Microsoft.Network/*/read` of the role definition page.
        ("*/read", "Microsoft.Storage/storageAccounts/read", False),
        ("*/read", "Microsoft.Storage/storageAccounts/write", None),
        ("Microsoft.Compute/*", "Microsoft.Compute/virtualMachines/start/action", False),
        ("Microsoft.Compute/*", "Microsoft.ComputeX/virtualMachines/start/action", None),
        # `*` crosses `/`.
        ("Microsoft.Network/*/read", "Microsoft.Network/a/b/c/read", False),
        # Anywhere, within a segment too: Microsoft's `Microsoft.CostManagement/exports/run*`-like patterns.
        ("Microsoft.CostManagement/exports/r*/action", "Microsoft.CostManagement/exports/run/action", False),
        ("Microsoft.CostManagement/exports/r*/action", "Microsoft.CostManagement/exports/write/action", None),
        # Case does not matter.
        ("MICROSOFT.storage/*/Read", "microsoft.Storage/storageAccounts/rEAD", False),
        # Without wildcard the whole has to be equal; a dot is a dot.
        ("Microsoft.Storage/read", "Microsoft.Storage/read", False),
        ("Microsoft.Storage/read", "MicrosoftxStorage/read", None),
        ("Microsoft.Storage/read", "Microsoft.Storage/readall", None),
        ("Microsoft.Storage/read", "xMicrosoft.Storage/read", None),
        # No segment between slashes: Managed Identity Operator's `userAssignedIdentities/*/read` reads the identity.
        ("M.ManagedIdentity/userAssignedIdentities/*/read", "M.ManagedIdentity/userAssignedIdentities/read", True),
        ("M.ManagedIdentity/userAssignedIdentities/*/read", "M.ManagedIdentity/userAssignedIdentities/x/read", False),
        ("a/*/*/b", "a/b", True),
        # One wildcard of several is enough: another need not stand between slashes.
        ("*/workspaces/*/read", "M.MachineLearningServices/workspaces/read", True),
        ("M.Storage/*/blobs/r*", "M.Storage/blobs/read", True),
        ("a/*/*/b", "a/x/b", True),
        ("a/*/*/b", "a/x/y/b", False),
        # Only between slashes: an end wildcard needs its slash, a wildcard inside a word needs both its sides.
        ("a/b/*", "a/b", None),
        ("a/x*/b", "a/b", None),
        ("a/*x/b", "a/b", None),
        ("*/read", "read", None),
        ("a/**/b", "a/b", None),
        ("a/**/b", "a//b", False),
        # The two ends may not overlap by more than that slash.
        ("abc*bcd", "abcd", None),
        ("a/*/a", "a/a", True),
        ("ab/*/b/b", "ab/b", None),
        ("*a*a*", "a", None),
        ("*a*a*", "xaya", False),
    ],
)
def test_match(pattern: str, action: str, expected: bool | None) -> None:
    assert match(pattern, action) is expected


def test_many_wildcards_are_matched_in_linear_time() -> None:
    # A backtracking matcher takes this to the power of the number of wildcards and never ends.
    assert match("a*" * 60 + "b", "a" * 5000) is None
    assert match("/*/" * 60 + "b", "/" * 5000) is None


@settings(derandomize=True, max_examples=500)
@given(st.text("ab/*", max_size=8), st.text("ab/", max_size=10))
def test_match_agrees_with_the_rule_as_a_regular_expression(pattern: str, action: str) -> None:
    plain = re.escape(pattern).replace(r"\*", ".*")
    # Between slashes the wildcard may go, together with one of them.
    loose = re.sub(r"(?<=/)\\\*/", "(?:.*/)?", re.escape(pattern)).replace(r"\*", ".*")
    expected = False if re.fullmatch(plain, action) else True if re.fullmatch(loose, action) else None
    assert match(pattern, action) is expected


def test_permits_takes_each_block_alone() -> None:
    first = PermissionBlock(actions=("a/*",), not_actions=("a/write",))
    assert permits([first], "a/read", False) == (Match("a/*", False), None)
    assert permits([first], "a/write", False) == (None, Match("a/write", False))
    second = PermissionBlock(actions=("a/write",))
    assert permits([first, second], "a/write", False)[0] == Match("a/write", False)


def test_permits_prefers_what_is_plain_among_blocks() -> None:
    # Azure grants the sum of the blocks whatever their order; which one is told must not hang on it either.
    exact, longer = PermissionBlock(actions=("a/b",)), PermissionBlock(actions=("a/b*",))
    by_all = PermissionBlock(actions=("*",), not_actions=("a/*",))
    by_name = PermissionBlock(actions=("*",), not_actions=("a/b",))
    for granting, excluding in (((exact, longer), (by_all, by_name)), ((longer, exact), (by_name, by_all))):
        assert permits(granting, "a/b", False) == (Match("a/b", False), None)
        assert permits(excluding, "a/b", False) == (None, Match("a/b", False))


def test_permits_prefers_what_is_plain() -> None:
    block = PermissionBlock(actions=("*", "a/*/b", "a/b", "a/*"))
    assert permits([block], "a/b", False)[0] == Match("a/b", False)
    assert permits([PermissionBlock(actions=("a/*/b", "*"))], "a/b", False)[0] == Match("*", False)
    assert permits([PermissionBlock(actions=("a/*", "a/b/*", "*"))], "a/b/c", False)[0] == Match("a/b/*", False)
    # A marked match needs one wildcard between slashes, not all of them.
    assert permits([PermissionBlock(actions=("*/b/*/c",))], "a/b/c", False)[0] == Match("*/b/*/c", True)
    conditional = PermissionBlock(actions=("a/b",), condition="@Resource[x] StringEquals 'y'")
    assert permits([conditional, PermissionBlock(actions=("*",))], "a/b", False)[0] == Match("*", False)
    assert permits([conditional], "a/b", False)[0] == Match("a/b", False, conditional=True)
