"""A data scientist's day with unmodified clients: track, look, register; and who is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from azmlflow.cli.why.reading import recognise
from tests.e2e.estate import EXAMPLES, Estate

pytestmark = pytest.mark.e2e

ERRORS = Path(__file__).parent / "scripts" / "errors.py"
ALICE, BOB, REGISTRAR = "alice@local.test", "bob@local.test", "rita@local.test"

ROUND_TRIP = """
import hashlib, pathlib, sys, tempfile
import mlflow
from azureml.core import Workspace

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("round_trip")
folder = pathlib.Path(tempfile.mkdtemp())
block = hashlib.sha256(b"azmlflow").digest() * 32768
files = {"empty.bin": b"", "one.bin": b"x", "deep/folder/large ä.bin": block * 70}
for name, content in files.items():
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
with mlflow.start_run() as run:
    mlflow.log_artifacts(str(folder), "files")
back = pathlib.Path(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="files"))
for name, content in files.items():
    assert (back / name).read_bytes() == content, name
print("equal:", ", ".join(f"{name} {len(content)}" for name, content in files.items()))
"""


@pytest.fixture(scope="module")
def people(estate: Estate) -> Estate:
    """The shared estate, with a tracker, a viewer and a registrar in it."""
    estate.azmlflow("local", "user", "add", REGISTRAR)
    estate.azmlflow("grant", ALICE, "tracker")
    estate.azmlflow("grant", BOB, "viewer")
    estate.azmlflow("grant", REGISTRAR, "registrar")
    return estate


@pytest.mark.parametrize("script", ["track_with_uri.py", "track_with_sdk_v2.py"])
def test_a_tracker_tracks_with_each_client(people: Estate, script: str) -> None:
    done = people.science(ALICE, EXAMPLES / script)
    assert "is tracked" in done.out


def test_a_viewer_sees_what_the_tracker_logged(people: Estate) -> None:
    tracked = people.science(ALICE, EXAMPLES / "track_local_run.py")
    assert "is tracked" in tracked.out
    done = people.science(BOB, EXAMPLES / "view_runs.py")
    assert "loss: 0.9, 0.5, 0.3" in done.out
    assert "notes.txt: logged by examples/track_local_run.py" in done.out


def test_a_viewer_may_not_track_and_is_told_what_is_missing(people: Estate, tmp_path: Path) -> None:
    said = tmp_path / "said.json"
    people.science(BOB, ERRORS, "viewer", str(said))
    hidden, told = json.loads(said.read_text()).values()
    assert BOB in told
    assert "Microsoft.MachineLearningServices/workspaces/experiments/write" in told
    assert people.outputs()["workspaceId"] in told
    assert recognise(hidden)[0].record.name == "set_experiment does not say why it failed"


def test_artifacts_of_every_size_come_back_equal(people: Estate, tmp_path: Path) -> None:
    script = tmp_path / "round_trip.py"
    script.write_text(ROUND_TRIP)
    done = people.science(ALICE, script)
    assert f"empty.bin 0, one.bin 1, deep/folder/large ä.bin {70 * 2**20}" in done.out


def test_a_model_is_logged_by_a_tracker_and_registered_by_a_registrar_only(people: Estate) -> None:
    people.science(ALICE, EXAMPLES / "register_model.py", "log")
    refused = people.science(ALICE, EXAMPLES / "register_model.py", "register", fails=True)
    assert "workspaces/models/write" in refused.out + refused.err
    done = people.science(REGISTRAR, EXAMPLES / "register_model.py", "register")
    assert "iris version 1 is registered, loads, and scores 0.9" in done.out
