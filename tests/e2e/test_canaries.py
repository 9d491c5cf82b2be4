"""Secrets that are planted, and those that the cloud makes, are in no state, output, log, error text or config.json."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.localazure.core.store import Store
from azmlflow.localazure.front.faults import FaultRule, write_faults
from tests.e2e.estate import LONG, Done, Estate, make_estate, processes_of
from tests.e2e.many import Arm

pytestmark = pytest.mark.e2e

PLANTED = {
    "AZURE_CLIENT_SECRET": "canary-client-secret-5f1c0a",
    "ARM_CLIENT_SECRET": "canary-arm-secret-88e2b1",
    "PULUMI_ACCESS_TOKEN": "pul-canary0123456789abcdef",
    "MLFLOW_TRACKING_TOKEN": "canary-tracking-token-7d31",
}
IN_SETTINGS = "canary-in-a-setting-91ab"
# What may hold secrets: the embedded Azure's own memory and keys, for this user alone (0600 in a 0700 folder).
KEEPERS = ("azure.db", "secrets.json", "signing.pem", "sas.key", "leaf.key", "mlflow", "blobs")


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    made = make_estate(tmp_path_factory.mktemp("canaries") / "project")
    estate = Estate(made.folder, {**made.environment, **PLANTED})
    yield estate
    estate.azmlflow("local", "stop")


def test_no_secret_leaves_its_place(planted: Estate) -> None:
    local = planted.folder / ".azmlflow" / "local"
    told: list[Done] = [
        planted.azmlflow("up"),
        planted.azmlflow("up", "--output", "json"),
        planted.azmlflow("grant", "alice@local.test", "tracker"),
        planted.azmlflow("status", "--output", "json"),
        planted.azmlflow("preview", "--output", "json"),
        planted.azmlflow("config", "--output", "json"),
        planted.azmlflow("local", "status", "--output", "json"),
        planted.azmlflow("local", "logs", "--lines", "100000"),
        planted.azmlflow("down", "--dry-run", "--output", "json"),
    ]
    secrets = secrets_of(local)
    assert len(secrets) > len(PLANTED) + 4
    write_faults(local, (FaultRule("DELETE", "/resourceGroups/[^/]+$", "after", 1, "failed"),))
    told.append(planted.azmlflow("down", "--yes", "--output", "json"))
    assert "fault strikes: operation " in (local / "daemon.log").read_text(encoding="utf-8")
    settings = planted.folder / "Pulumi.local.yaml"
    kept = settings.read_text()
    settings.write_text(f"{kept.rstrip()}\n  azmlflow:storage-key: {IN_SETTINGS}\n")
    told.append(planted.azmlflow("up", fails=True))
    settings.write_text(kept)
    texts = {f"output {number}": f"{done.out}\n{done.err}".encode() for number, done in enumerate(told)}
    texts |= {str(path): path.read_bytes() for path in files(planted.folder)}
    found = [(where, what) for where, text in texts.items() for what, secret in secrets.items() if holds(text, secret)]
    assert found == []


def test_no_secret_is_in_the_state_of_a_standing_stack(planted: Estate) -> None:
    planted.azmlflow("up")
    secrets = secrets_of(planted.folder / ".azmlflow" / "local")
    checked = list(files(planted.folder))
    assert any(path.name == "local.json" and "stacks" in path.parts for path in checked)
    assert (planted.folder / ".azureml" / "config.json") in checked
    assert found_of(planted, secrets) == []


def test_what_a_job_is_handed_stays_with_its_process(planted: Estate) -> None:
    """Its run token and its variables: while it runs, after it was cancelled, and in what people are shown of it."""
    outputs = planted.outputs()
    job = f"{outputs['workspaceId']}/jobs/canary-1"
    body = {
        "jobType": "Command",
        "command": "echo at work; sleep 600",
        "computeId": f"{outputs['workspaceId']}/computes/{outputs['clusters'][0]['name']}",
    }
    cloud = Arm(planted)
    cloud.put(job, "2024-10-01", {"properties": body})
    until = time.monotonic() + LONG
    while not (handed := handed_to("canary-1")):
        assert time.monotonic() < until
        assert cloud.ask("GET", job, "2024-10-01").body["properties"]["status"] not in {"Failed", "Completed"}
    assert "MLFLOW_TRACKING_TOKEN" in handed
    running = found_of(planted, handed)
    refused = planted.azmlflow("down", "--yes", fails=True)
    assert "running jobs: canary-1" in refused.err
    told = [refused, planted.azmlflow("down", "--yes", "--cancel-jobs"), planted.azmlflow("local", "logs")]
    shown = [
        what for done in told for what, secret in handed.items() if holds(f"{done.out}{done.err}".encode(), secret)
    ]
    assert (running, found_of(planted, handed), shown) == ([], [], [])


def handed_to(job: str) -> dict[str, str]:
    """The secrets among the variables of a job's processes; none where none runs."""
    return {
        name: value
        for variables in processes_of(job).values()
        for name, value in variables.items()
        if any(word in name for word in ("TOKEN", "SECRET", "HEADER")) and len(value) > 15
    }


def found_of(estate: Estate, secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Which file has which of the secrets."""
    return [
        (str(path), what)
        for path in files(estate.folder)
        for what, secret in secrets.items()
        if holds(path.read_bytes(), secret)
    ]


def secrets_of(local: Path) -> dict[str, str]:
    """Everything that is secret in this cloud, by what it is."""
    found = {**PLANTED, "setting": IN_SETTINGS}
    found |= {f"folder {name}": text for name, text in json.loads((local / "secrets.json").read_text()).items()}
    store = Store(local / "azure.db")
    try:
        for key, document in store.scan("secrets"):
            texts = [text for value in document.values() for text in (value if isinstance(value, list) else [value])]
            found |= {
                f"{key} {number}": text for number, text in enumerate(texts) if isinstance(text, str) and len(text) > 15
            }
        for key, document in store.scan("resources"):
            properties = document.get("properties", {})
            for name in ("InstrumentationKey", "ConnectionString"):
                if properties.get(name):
                    found[f"{key} {name}"] = str(properties[name])
    finally:
        store.close()
    return found


def files(folder: Path) -> Iterator[Path]:
    """All that was written, but for what keeps the cloud's own secrets."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        keeper = (
            len(inside) > 2
            and inside[:2] == (".azmlflow", "local")
            and any(inside[2].startswith(name) for name in KEEPERS)
        )
        linked = inside[0] in {"infra", "engine", "Pulumi.yaml"}
        if path.is_file() and not keeper and not linked:
            yield path


def holds(text: bytes, secret: str) -> bool:
    """Whether a text has the secret, plain or in base64."""
    return secret.encode() in text or base64.b64encode(secret.encode()) in text
