"""What people call things, and how many."""

from __future__ import annotations

from datetime import timedelta

import pytest

from azmlflow.cli.frame.words import called, hanging, many, span


@pytest.mark.parametrize(
    ("arm_type", "name"),
    [
        ("Microsoft.Storage/storageAccounts", "storage account"),
        ("microsoft.operationalinsights/workspaces", "Log Analytics workspace"),
        ("Microsoft.MachineLearningServices/workspaces", "workspace"),
        ("Microsoft.Network/privateEndpoints", "privateEndpoints"),
    ],
)
def test_called(arm_type: str, name: str) -> None:
    assert called(arm_type) == name


@pytest.mark.parametrize(
    ("count", "what", "told"),
    [
        (1, "role assignment", "1 role assignment"),
        (0, "container", "0 containers"),
        (2, "Application Insights", "2 Application Insights"),
        (1, "privateEndpoints", "1 privateEndpoints"),
        (2, "managed identity", "2 managed identities"),
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
