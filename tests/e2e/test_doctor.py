"""`doctor` over the embedded Azure: what it finds, what it mends, and what it stops an `up` from running into."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.estate import SCIENCE_PYTHON, Estate
from tests.e2e.many import Arm, group_id

pytestmark = pytest.mark.e2e

_SUBSCRIPTION = group_id("x").split("/resourceGroups")[0]


def checks(estate: Estate, *words: str, fails: bool = False) -> dict[str, dict[str, Any]]:
    """The checks of `azmlflow doctor`, by name."""
    answer = estate.azmlflow("doctor", "--python", str(SCIENCE_PYTHON), "-o", "json", *words, fails=fails).json()
    return {entry["name"]: entry for entry in answer["checks"]}


def test_a_subscription_that_is_not_ready(bare_estate: Estate) -> None:
    bad = {name for name, entry in checks(bare_estate).items() if entry["status"] == "failed"}
    assert bad == set()
    arm = Arm(bare_estate)
    vaults = f"{_SUBSCRIPTION}/providers/Microsoft.KeyVault"
    assert arm.ask("POST", f"{vaults}/unregister", "2022-12-01").status == 200
    stopped = bare_estate.azmlflow("up", fails=True)
    assert "not registered in the subscription: Microsoft.KeyVault" in stopped.err
    assert "-- az provider register --namespace Microsoft.KeyVault --wait" in stopped.err
    assert not arm.stands(group_id("rg-mlflow-local"), "2024-03-01")

    found = checks(bare_estate, "--fix")
    assert found["providers"]["status"] == "ok"
    assert found["plugin"]["status"] == "ok"
    assert found["packages"]["says"].startswith("MLflow 2.")


def test_a_soft_deleted_twin_is_told_before_and_down_frees_the_name(bare_estate: Estate) -> None:
    bare_estate.azmlflow("up", "--expires", "7d")
    arm = Arm(bare_estate)
    group = group_id("rg-mlflow-local")
    before = arm.ask("GET", group, "2024-03-01").body["tags"]
    assert {"azmlflow-created-on", "azmlflow-owner", "expires-on"} <= set(before)
    assert set(bare_estate.azmlflow("up", "-o", "json").json()["changes"]) == {"same"}
    assert arm.ask("GET", group, "2024-03-01").body["tags"] == before
    lock = f"{group}/providers/Microsoft.Authorization/locks/keep"
    assert arm.ask("PUT", lock, "2020-05-01", {"properties": {"level": "CanNotDelete"}}).status == 201
    assert checks(bare_estate)["locks"]["status"] == "warning"
    assert arm.ask("DELETE", lock, "2020-05-01").status in {200, 204}

    engine = bare_estate.azmlflow("env", "--engine", "--output", "json").json()["set"]
    bare_estate.command(
        "pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", "local", extra=engine
    )
    found = checks(bare_estate, fails=True)["soft-deleted"]
    assert (found["status"], found["fix"]) == ("failed", "azmlflow down --stack local")
    assert "soft-deleted" in bare_estate.azmlflow("up", fails=True).err
    bare_estate.azmlflow("down", "--yes")
    assert checks(bare_estate)["soft-deleted"]["status"] == "ok"
