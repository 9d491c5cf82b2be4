"""`doctor` over the embedded Azure: what it finds, what it mends, and what it stops an `up` from running into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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


def test_the_state_and_its_secrets_are_asked_before_azure(bare_estate: Estate) -> None:
    """With the real engine, a stack on Azure, and nobody signed in."""
    bare_estate.azmlflow("init", "prod", "--cloud", "azure", "--location", "westeurope")
    folder = bare_estate.folder / "backend"
    folder.mkdir()
    backend = {"PULUMI_BACKEND_URL": f"file://{folder}"}

    def failed(**variables: str) -> tuple[str, str]:
        answer = bare_estate.command("azmlflow", "doctor", "-s", "prod", "-o", "json", fails=True, extra=variables)
        (entry,) = (each for each in answer.json()["checks"] if each["status"] == "failed")
        return entry["name"], entry["says"]

    assert failed()[0] == "backend"
    assert failed(PULUMI_BACKEND_URL=f"file://{folder}/gone")[1].endswith("no such file or directory")
    with keyed(bare_estate.folder / "Pulumi.prod.yaml"):
        assert failed(**backend)[0] == "credentials"
        told = bare_estate.command("azmlflow", "up", "-s", "prod", fails=True, extra=backend).err
        assert "nobody is signed in" in told or "the key that encrypts the stack's secrets does not answer" in told
    assert failed(**backend) == ("secrets", "a new state would be under a passphrase, and none is set")
    right, wrong = ({"PULUMI_CONFIG_PASSPHRASE": word, **backend} for word in ("right", "wrong"))
    bare_estate.command("pulumi", "stack", "init", "prod", extra={**engine_of(bare_estate), **right})
    assert failed(**wrong) == ("secrets", "the stack's secrets are under another passphrase than the one that is set")
    assert failed(**right)[0] == "credentials"
    (bare_estate.folder / "Pulumi.prod.yaml").unlink()


@contextmanager
def keyed(path: Path) -> Iterator[None]:
    """The stack's secrets are to be under a key of a vault, which is not there."""
    before = path.read_text()
    path.write_text(f"secretsprovider: azurekeyvault://kv-none.vault.azure.net/keys/state\n{before}")
    yield
    path.write_text(before)


def engine_of(estate: Estate) -> dict[str, str]:
    """The variables by which a shell finds the engine."""
    found: dict[str, str] = estate.azmlflow("env", "--engine", "--output", "json").json()["set"]
    return found


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

    destroy = ("destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", "local")
    bare_estate.command("pulumi", *destroy, extra=engine_of(bare_estate))
    found = checks(bare_estate, fails=True)["soft-deleted"]
    assert (found["status"], found["fix"]) == ("failed", "azmlflow down --stack local")
    assert "soft-deleted" in bare_estate.azmlflow("up", fails=True).err
    bare_estate.azmlflow("down", "--yes")
    assert checks(bare_estate)["soft-deleted"]["status"] == "ok"
