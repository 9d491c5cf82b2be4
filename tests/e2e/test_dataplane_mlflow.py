"""The real MLflow server: that it starts, keeps workspaces apart, keeps what it was told, and ends with its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import MlflowAnswer, MlflowUnavailable
from azmlflow.localazure.tracking.server import MlflowServer
from azmlflow.rbac.operations import TRACKING
from tests.localazure.registry import RegistryMlflow, walk

pytestmark = pytest.mark.e2e
OURS, THEIRS = "0f0e0d0c-0000-4000-8000-000000000001", "0f0e0d0c-0000-4000-8000-000000000002"


@dataclass
class Running:
    """A started server, and the event loop that it belongs to."""

    server: MlflowServer
    runner: asyncio.Runner

    def ask(self, method: str, call: str, body: Any = None, workspace: str = OURS, **params: str) -> MlflowAnswer:
        request = self.server.request(method, f"{TRACKING}/{call}", workspace, params=params, json_body=body)
        return self.runner.run(request)


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with asyncio.Runner() as runner:
        server = MlflowServer(tmp_path_factory.mktemp("state"))
        runner.run(server.start())
        try:
            yield Running(server, runner)
        finally:
            runner.run(server.stop())


@pytest.fixture(scope="module")
def run(mlflow: Running) -> tuple[str, str]:
    """An experiment and a run of ours."""
    experiment = mlflow.ask("POST", "experiments/create", {"name": "ours"}).json()["experiment_id"]
    made = mlflow.ask("POST", "runs/create", {"experiment_id": experiment, "start_time": 1}).json()
    return experiment, made["run"]["info"]["run_id"]


def test_nothing_of_a_run_tells_of_this_machine(mlflow: Running, run: tuple[str, str]) -> None:
    told = mlflow.ask("GET", "runs/get", run_id=run[1]).json()["run"]["info"]["artifact_uri"]
    assert told.startswith("azureml://")


def test_the_registry_answers_as_its_stand_in_does_in_other_tests(mlflow: Running) -> None:
    real = mlflow.runner.run(walk(mlflow.server.request, OURS))
    assert real == asyncio.run(walk(RegistryMlflow().request, OURS))
    assert [status for _, status, _ in real].count(200) > 15


def test_what_the_real_server_says_is_read_as_it_is_meant(mlflow: Running, run: tuple[str, str]) -> None:
    """What is not there, what it does not take, what is there already, and a page of its own instead of an answer."""
    assert answers.body_if_any(mlflow.ask("GET", "runs/get", run_id="none")) is None
    assert answers.body_if_any(mlflow.ask("GET", "experiments/get-by-name", experiment_name="none")) is None
    number = mlflow.ask("GET", "experiments/get", experiment_id="abc")
    assert answers.body_if_any(number, (answers.ABSENT, answers.INVALID)) is None
    with pytest.raises(AzureError, match="valid integer") as invalid:
        answers.body(number)
    with pytest.raises(AzureError, match="already exists") as there:
        answers.body(mlflow.ask("POST", "experiments/create", {"name": "ours"}))
    assert (invalid.value.status, there.value.status) == (400, 409)
    with pytest.raises(MlflowUnavailable, match="404"):
        answers.body(mlflow.ask("GET", "nothing/of-the-kind"))
    assert mlflow.runner.run(mlflow.server.experiment(OURS, "ours")) == run[0]
    with pytest.raises(AzureError, match=r"FieldName=ExperimentDto\.Name/Length, Limit=256, Size=501"):
        mlflow.runner.run(mlflow.server.experiment(OURS, "x" * 501))


def test_another_workspace_has_neither_the_run_nor_the_experiment(mlflow: Running, run: tuple[str, str]) -> None:
    experiment, run_id = run
    metric = {"key": "m", "value": 1.0, "timestamp": 1}
    for method, call, body, params in (
        ("GET", "runs/get", None, {"run_id": run_id}),
        ("GET", "metrics/get-history", None, {"run_id": run_id, "metric_key": "m"}),
        ("GET", "experiments/get", None, {"experiment_id": experiment}),
        ("GET", "experiments/get-by-name", None, {"experiment_name": "ours"}),
        ("POST", "runs/create", {"experiment_id": experiment}, {}),
        ("POST", "runs/update", {"run_id": run_id, "status": "FAILED"}, {}),
        ("POST", "runs/delete", {"run_id": run_id}, {}),
        ("POST", "runs/log-metric", {"run_id": run_id, **metric}, {}),
        ("POST", "runs/log-parameter", {"run_id": run_id, "key": "p", "value": "1"}, {}),
        ("POST", "runs/log-batch", {"run_id": run_id, "metrics": [metric]}, {}),
        ("POST", "runs/set-tag", {"run_id": run_id, "key": "t", "value": "1"}, {}),
        ("POST", "experiments/delete", {"experiment_id": experiment}, {}),
        ("POST", "experiments/update", {"experiment_id": experiment, "new_name": "theirs"}, {}),
        ("POST", "experiments/set-experiment-tag", {"experiment_id": experiment, "key": "t", "value": "1"}, {}),
    ):
        refused = mlflow.ask(method, call, body, THEIRS, **params)
        assert (refused.status_code, refused.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST"), call
    found = mlflow.ask("POST", "runs/search", {"experiment_ids": [experiment]}, THEIRS).json()
    assert found.get("runs", []) == []
    data = mlflow.ask("GET", "runs/get", run_id=run_id).json()["run"]
    assert (data["info"]["status"], data["data"].get("metrics", [])) == ("RUNNING", [])


def test_both_workspaces_may_have_a_model_of_the_same_name(mlflow: Running) -> None:
    for workspace in (OURS, THEIRS):
        assert mlflow.ask("POST", "registered-models/create", {"name": "model"}, workspace).status_code == 200
    mlflow.ask("DELETE", "registered-models/delete", {"name": "model"}, THEIRS)
    assert mlflow.ask("GET", "registered-models/get", name="model").status_code == 200


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("azureml://westeurope.api.azureml.ms/mlflow/v2.0/subscriptions/s/experiments/1/runs/r/artifacts/model", 200),
        ("azureml://artifacts/LocalUpload/c1/model", 200),
        ("azureml://jobs/r/outputs/artifacts/paths/model/", 200),
        ("azureml://artifacts/../../etc", 400),
        ("file:///etc", 400),
        ("/etc", 400),
        ("mlflow-artifacts:/1/r/artifacts", 400),
    ],
)
def test_sources_of_a_model_version(mlflow: Running, source: str, status: int) -> None:
    mlflow.ask("POST", "registered-models/create", {"name": "sources"})
    made = mlflow.ask("POST", "model-versions/create", {"name": "sources", "source": source})
    assert made.status_code == status, made.text


def test_requests_together_all_get_their_answer(mlflow: Running, run: tuple[str, str]) -> None:
    async def together() -> list[MlflowAnswer]:
        body = {"run_id": run[1], "timestamp": 1, "value": 1.0}
        calls = (
            mlflow.server.request("POST", f"{TRACKING}/runs/log-metric", OURS, json_body={**body, "key": f"m{number}"})
            for number in range(40)
        )
        return await asyncio.gather(*calls)

    assert {answer.status_code for answer in mlflow.runner.run(together())} == {200}
    logged = mlflow.ask("GET", "runs/get", run_id=run[1]).json()["run"]["data"]["metrics"]
    assert len(logged) == 40


def test_a_killed_server_comes_back_with_all_it_was_told(mlflow: Running, run: tuple[str, str]) -> None:
    mlflow.ask("POST", "runs/set-tag", {"run_id": run[1], "key": "kept", "value": "yes"})
    killed = mlflow.server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    for _ in range(2):  # the request that meets the end is refused; the next starts the server again
        try:
            told = mlflow.ask("GET", "runs/get", run_id=run[1])
            break
        except MlflowUnavailable as unavailable:
            assert unavailable.retry_after == 1
    tags = {tag["key"]: tag["value"] for tag in told.json()["run"]["data"]["tags"]}
    assert tags["kept"] == "yes"
    assert mlflow.server.pid not in (killed, None)


def test_a_forgotten_workspace_leaves_nothing(mlflow: Running) -> None:
    gone = "0f0e0d0c-0000-4000-8000-000000000003"
    mlflow.ask("POST", "experiments/create", {"name": "x"}, gone)
    mlflow.server.forget(gone)
    found = mlflow.ask("POST", "experiments/search", {"max_results": 10}, gone).json()
    assert found.get("experiments", []) == []


def test_the_default_experiment_is_each_workspaces_own(mlflow: Running) -> None:
    ids = {mlflow.runner.run(mlflow.server.default_experiment(workspace, make=True)) for workspace in (OURS, THEIRS)}
    assert len(ids) == 2
    assert None not in ids


def test_the_server_ends_when_its_parent_does(tmp_path: Path) -> None:
    """However the parent ends, `kill -9` included, the system closes its end of the pipe."""
    with socket.socket(socket.AF_UNIX) as listener:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "azmlflow.localazure.tracking.child", str(listener.fileno())],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
        )
        assert child.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=30) == 0
