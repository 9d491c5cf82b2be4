"""`local repair` tells each part, mends what is damaged, and throws nothing away."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import repair
from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.pulumi.deployment import fault_of, read_checkpoint
from azmlflow.cli.pulumi.failures import failed
from azmlflow.localazure.process import daemon
from tests.cli.desk import Desk

URN = "urn:pulumi:local::azmlflow::azure-native:resources:ResourceGroup::group"
GOOD: dict[str, Any] = {
    "version": 3,
    "checkpoint": {"latest": {"resources": [{"urn": URN, "type": "t", "custom": True}]}},
}
BAD_STATES = {
    "empty": b"",
    "junk": b"{",
    "half": json.dumps(GOOD).encode()[:60],
    "null": b"null",
    "list": b"[]",
    "deep": b"[" * 100_000,
    "no-text": b"\xff\xfe",
    "no-checkpoint": b'{"version": 3}',
    "resources": b'{"checkpoint": {"latest": {"resources": {}}}}',
    "entry": b'{"checkpoint": {"latest": {"resources": [null]}}}',
    "nameless": b'{"checkpoint": {"latest": {"resources": [{"type": "t"}]}}}',
    "pending": b'{"checkpoint": {"latest": {"pending_operations": [{"resource": 5}]}}}',
}


def salt(passphrase: str) -> str:
    """As Pulumi writes it (pkg/secrets/passphrase; sdk/go/common/resource/config/crypt.go)."""
    seed, nonce = b"8 bytes!", b"twelve bytes"
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), seed, 1_000_000, 32)
    text = AESGCM(key).encrypt(nonce, b"pulumi", None)
    return ":".join(
        ("v1", base64.b64encode(seed).decode(), "v1", *(base64.b64encode(x).decode() for x in (nonce, text)))
    )


@pytest.fixture
def state(desk: Desk) -> Iterator[Path]:
    """Where Pulumi keeps the state of the desk's local stack."""
    desk.settings(text="config:\n  azmlflow:cloud: local\n")
    path = desk.root / ".azmlflow" / "backend" / ".pulumi" / "stacks" / "azmlflow" / "local.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(GOOD))
    yield path
    daemon.reset(desk.project.local)


def test_what_is_whole_is_said_to_be(desk: Desk, state: Path) -> None:
    desk.project.local.mkdir(parents=True)
    done = desk.run("local", "repair")
    assert (done.code, done.out.splitlines()[-1]) == (0, "all of it is whole")
    assert f"✓ Pulumi's state of stack {state.stem}" in done.out
    assert all(each["whole"] for each in desk.run("local", "repair", "-o", "json").json())


@pytest.mark.parametrize("content", BAD_STATES.values(), ids=BAD_STATES)
def test_a_damaged_state_is_told_and_pulumis_own_copy_takes_its_place(desk: Desk, state: Path, content: bytes) -> None:
    state.write_bytes(content)
    with pytest.raises(CliError, match="cannot be read") as told:
        read_checkpoint(state)
    assert str(told.value.next).startswith("azmlflow local repair")
    state.with_name("local.json.bak").write_text(json.dumps(GOOD))
    (found,) = [each for each in desk.run("local", "repair", "-o", "json").json() if not each["whole"]]
    assert Path(found["kept"]).read_bytes() == content
    assert "Pulumi's own copy" in found["done"]
    assert json.loads(state.read_text()) == GOOD
    assert fault_of(state) is None


def test_without_a_good_copy_a_new_state_begins_and_nothing_is_thrown_away(desk: Desk, state: Path) -> None:
    state.write_bytes(b"null")
    state.with_name("local.json.bak").write_bytes(b"{")
    (found,) = [each for each in desk.run("local", "repair", "-o", "json").json() if not each["whole"]]
    assert "azmlflow up" in found["done"]
    assert not state.exists()
    kept = Path(found["kept"]).parent
    assert {each.name: each.read_bytes() for each in kept.iterdir()} == {"local.json": b"null", "local.json.bak": b"{"}


def test_the_passphrase_of_another_state_is_seen_and_the_state_kept(desk: Desk, state: Path) -> None:
    desk.project.passphrase.write_text("first\n")
    desk.settings(text=f"encryptionsalt: {salt('first')}\nconfig:\n  azmlflow:cloud: local\n")
    assert all(each["whole"] for each in desk.run("local", "repair", "-o", "json").json())
    assert repair.opens(desk.project, "local")
    desk.project.passphrase.write_text("another\n")
    (found,) = [each for each in desk.run("local", "repair", "-o", "json").json() if not each["whole"]]
    assert (found["part"], found["fault"]) == ("the passphrase", "it does not open the state of local")
    assert json.loads(next(Path(found["kept"]).rglob("local.json")).read_text()) == GOOD
    assert not state.exists()
    assert "encryptionsalt" not in (desk.root / "Pulumi.local.yaml").read_text()


def test_the_engine_that_meets_another_passphrase_leads_to_it() -> None:
    said = "error: could not create secrets manager: incorrect passphrase, please set PULUMI_CONFIG_PASSPHRASE"
    fault = failed("local", Outcome(), said, "azmlflow up --stack local")
    assert str(fault.next).startswith("azmlflow local repair")


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("ports.json", '{"proxy": "a", "identity": "b", "ui": "c"}', "the list of ports"),
        ("ports.json", '{"proxy": 20001, "identity": 20001, "ui": 20001}', "the list of ports"),
        ("ports.json", "null", "the list of ports"),
        ("secrets.json", '{"proxy": 1, "identity": 2}', "the secrets"),
        ("secrets.json", "", "the secrets"),
        ("signing.pem", "x", "the key of tokens"),
        ("faults.json", "{", "the list of faults"),
        ("faults.json", "[5]", "the list of faults"),
        ("faults.json", '[{"method": 1, "path": 2}]', "the list of faults"),
        ("job-limits.json", "{", "the limits of jobs"),
        ("job-limits.json", '{"memory": "much"}', "the limits of jobs"),
        ("azure.db", "junk" * 5000, "the database of resources, people and access"),
        ("mlflow/mlflow.db", "junk" * 5000, "MLflow's database"),
        ("blobs", "x", "the folder of files"),
    ],
)
def test_each_damaged_file_is_told_at_the_start_and_kept_by_the_repair(
    desk: Desk, state: Path, name: str, content: str, part: str
) -> None:
    file = desk.project.local / name
    file.parent.mkdir(parents=True)
    file.write_text(content)
    started = desk.run("local", "start")
    assert started.code == 1
    assert "next: azmlflow local repair" in started.err
    assert "unexpected" not in started.err
    (found,) = [each for each in desk.run("local", "repair", "-o", "json").json() if not each["whole"]]
    assert found["part"] == part
    assert Path(found["kept"]).read_text() == content
    assert desk.run("local", "repair").out.splitlines()[-1] == "all of it is whole"
    assert state.exists()


def test_a_log_that_is_a_folder(desk: Desk, state: Path) -> None:
    (desk.project.local / "daemon.log").mkdir(parents=True)
    assert "the log cannot be used: it is a folder" in desk.run("local", "start").err
    assert desk.run("local", "repair").code == 0
    assert not (desk.project.local / "daemon.log").exists()
    assert state.exists()


def test_a_settings_file_that_cannot_be_read_is_told_before_anything_is_stopped_or_mended(
    desk: Desk, state: Path
) -> None:
    """What stopped for nothing would stay stopped."""
    ports = desk.project.local / "ports.json"
    ports.parent.mkdir(parents=True)
    ports.write_text("null")
    other = desk.root / "Pulumi.other.yaml"
    other.write_text("config: [")
    done = desk.run("local", "repair")
    assert (done.code, ports.read_text()) == (1, "null")
    assert "Pulumi.other.yaml" in done.err
    other.unlink()
    (found,) = [each for each in desk.run("local", "repair", "-o", "json").json() if not each["whole"]]
    assert found["part"] == "the list of ports"
    assert state.exists()
