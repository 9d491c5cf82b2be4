"""What people call things, and how many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from azmlflow.cli.frame.words import called, hanging, lasting, many, span


@pytest.mark.parametrize(
    ("arm_type", "one", "several"),
    [
        ("Microsoft.Storage/storageAccounts", "storage account", "storage accounts"),
        ("microsoft.operationalinsights/workspaces", "Log Analytics workspace", "Log Analytics workspaces"),
        ("Microsoft.MachineLearningServices/workspaces", "workspace", "workspaces"),
        ("Microsoft.ManagedIdentity/userAssignedIdentities", "managed identity", "managed identities"),
        ("Microsoft.Insights/components", "Application Insights", "Application Insights"),
        ("Microsoft.Network/privateEndpoints", "private endpoint", "private endpoints"),
        ("Microsoft.KeyVault/deletedVaults", "deletedVaults", "deletedVaults"),
        ("Microsoft.Compute/disks", "disks", "disks"),
    ],
)
def test_called(arm_type: str, one: str, several: str) -> None:
    assert (called(arm_type), called(arm_type, 1), called(arm_type, 0), called(arm_type, 2)) == (
        one,
        one,
        several,
        several,
    )


@pytest.mark.parametrize(
    ("count", "what", "told"),
    [
        (1, "role assignment", "1 role assignment"),
        (0, "container", "0 containers"),
        (2, "registered model", "2 registered models"),
    ],
)
def test_many(count: int, what: str, told: str) -> None:
    assert many(count, what) == told


@pytest.mark.parametrize(
    ("time", "told"),
    [
        (timedelta(days=14, hours=23), "14d"),
        (timedelta(hours=23, minutes=59), "23h"),
        (timedelta(seconds=119), "1m"),
        (timedelta(seconds=3.9), "3s"),
    ],
)
def test_span(time: timedelta, told: str) -> None:
    assert span(time) == told


def test_only_a_terminal_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "signed in as developer@local.test (7aa670de-3d41-4e9d-8cdf-35fc40b96491)"
    assert hanging(text, 18) == text
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "60")
    assert hanging(text, 18).splitlines() == [
        "signed in as developer@local.test",
        f"{'':18}(7aa670de-3d41-4e9d-8cdf-35fc40b96491)",
    ]


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(1, "1 second"), (119, "119 seconds"), (120, "2 minutes"), (3600, "60 minutes"), (9000, "2.5 hours")],
)
def test_how_long_somebody_waits(seconds: float, told: str) -> None:
    assert lasting(seconds) == told
