"""Names, kind by kind, from Azure's naming rules."""

from __future__ import annotations

import pytest

from azmlflow.localazure.kinds import BY_TYPE

_CASES = {
    "Microsoft.MachineLearningServices/workspaces": (
        ("abc", "A_b-9", "9ws", "a" * 33),
        ("ab", "-ab", "_ab", "a" * 34, "a b", "a.b"),
    ),
    "Microsoft.MachineLearningServices/workspaces/computes": (
        ("cpu", "cpu-cluster", "gpu-a1", "a" * 24, "gpu1", "gpu-1a"),
        ("gpu-1", "gpu-x-12", "ab", "1gpu", "a" * 25, "a_b"),
    ),
    # Azure/azure-rest-api-specs, Managed Network Settings Rule, stable/2025-12-01.
    "Microsoft.MachineLearningServices/workspaces/outboundRules": (
        ("abc", "p_y-p", "9abc", "a" * 33),
        ("ab", "-abc", "_abc", "a" * 34, "pypi.org", "a b"),
    ),
    "Microsoft.Storage/storageAccounts": (("abc", "a1b2", "a" * 24), ("ab", "a" * 25, "Abc", "a-b")),
    "Microsoft.KeyVault/vaults": (
        ("abc", "a-b", "A1-b", "a" * 24),
        ("ab", "1ab", "a--b", "ab-", "a" * 25, "a_b"),
    ),
    "Microsoft.Resources/resourceGroups": (
        ("a", "a.b", "(x)_y-z", "a" * 90, "grüppe"),
        ("a.", "a" * 91, "a b", "a/b", "a*"),
    ),
    "Microsoft.OperationalInsights/workspaces": (("abcd", "a-b9", "a" * 63), ("abc", "-abc", "abc-", "a" * 64, "a_bc")),
    "Microsoft.Insights/components": (("a", "a.b(c)", "a" * 260), ("a.", "a" * 261, "a?b")),
}


@pytest.mark.parametrize(("type_", "name"), [(type_, name) for type_, (good, _) in _CASES.items() for name in good])
def test_allowed(type_: str, name: str) -> None:
    assert BY_TYPE[type_.lower()].name.fits(name)


@pytest.mark.parametrize(("type_", "name"), [(type_, name) for type_, (_, bad) in _CASES.items() for name in bad])
def test_refused(type_: str, name: str) -> None:
    assert not BY_TYPE[type_.lower()].name.fits(name)
    assert not BY_TYPE[type_.lower()].name.fits("good\n")
