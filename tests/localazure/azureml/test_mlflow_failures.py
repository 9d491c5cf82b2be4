"""An MLflow that is down or fails is told to whoever asks for what it holds: never an empty list, a 404, a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from azmlflow.localazure.core.collections import LOCAL_RUNS
from tests.localazure.azureml.conftest import DataPlane
from tests.localazure.azureml.test_execution import SUBMIT, definition, local
from tests.localazure.azureml.test_metrics import metric
from tests.localazure.azureml.test_runs_v1 import EVENT, job
from tests.localazure.azureml.test_snapshots import ONE
from tests.localazure.control import WORKSPACE
from tests.localazure.failures import FAILURES

RUN = "/experiments/e1/runs/r1"


@dataclass(frozen=True)
class Asked:
    """A request, and the call of MLflow's that fails while it is answered."""

    call: str
    method: str
    service: str
    path: str
    body: Any = None


ASKED = (
    Asked("experiments/get-by-name", "GET", "history", "/experiments/e1"),
    Asked("experiments/get", "GET", "history", "/experimentids/1"),
    Asked("runs/get", "GET", "history", RUN),
    Asked("experiments/get", "GET", "history", "/experiments/e2/runs/r1"),
    Asked("experiments/search", "POST", "history", "/experiments:query", {}),
    Asked("experiments/set-experiment-tag", "PATCH", "history", "/experimentids/1", {"tags": {"a": "b"}}),
    Asked("experiments/delete", "PATCH", "history", "/experimentids/1", {"archive": True}),
    Asked("runs/search", "DELETE", "history", "/experimentids/1"),
    Asked("runs/get", "GET", "history", "/runs/r1"),
    Asked("runs/get", "GET", "history", "/runs/job1"),
    Asked("experiments/get-by-name", "GET", "history", "/runs/job1"),
    Asked("runs/get", "GET", "history", f"{RUN}/artifacts"),
    Asked("runs/get", "GET", "artifact", "/artifacts/ExperimentRun/dcid.r1"),
    Asked("runs/get", "POST", "history", "/rundata", {"runId": "r1"}),
    Asked("experiments/get", "GET", "history", f"{RUN}/children"),
    Asked("runs/search", "GET", "history", f"{RUN}/children"),
    Asked("runs/search", "POST", "history", "/experiments/e1/runs:query", {}),
    Asked("runs/log-batch", "PATCH", "history", RUN, {"tags": {"a": "b"}}),
    Asked("runs/update", "PATCH", "history", RUN, {"displayName": "other"}),
    Asked("runs/update", "POST", "history", f"{RUN}/events", {"name": f"{EVENT}Completed"}),
    Asked("runs/get", "POST", "metric", "/runs/r1/list", {}),
    Asked("metrics/get-history", "POST", "metric", "/runs/r1/full", {"metricName": "loss"}),
    Asked("runs/log-batch", "POST", "metric", "/runs/r1/batch", {"values": [metric("loss", 0.5)]}),
    Asked("experiments/get-by-name", "POST", "execution", SUBMIT, definition()),
    Asked("runs/get", "POST", "execution", SUBMIT, definition()),
)


@pytest.fixture
def filled(plane: DataPlane) -> DataPlane:
    """With two experiments, a run and a job that waits."""
    plane.experiment()
    plane.experiment("e2")
    plane.plain_run("r1")
    job(plane, "job1")
    return plane


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("asked", ASKED, ids=lambda each: f"{each.method} {each.path} {each.call}")
def test_it_is_503_and_may_be_asked_again(filled: DataPlane, asked: Asked, failure: str) -> None:
    filled.mlflow.fails[asked.call] = FAILURES[failure]()
    answer = filled.ask(asked.method, asked.service, asked.path, asked.body)
    assert answer.status_code == 503, answer.text
    told = answer.json()
    assert (told["error_code"], told["error"]["code"]) == ("TEMPORARILY_UNAVAILABLE", "ServiceUnavailable")
    assert "MLflow" in told["message"]
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("failure", FAILURES)
def test_an_id_that_cannot_be_looked_up_is_not_free(filled: DataPlane, failure: str) -> None:
    filled.mlflow.fails["runs/get"] = FAILURES[failure]()
    assert filled.ask("POST", "execution", SUBMIT, definition(None)).status_code == 503
    assert filled.azure.arm("GET", f"{WORKSPACE}/jobs/run1").status == 404, "no job was made"
    filled.mlflow.fails.clear()
    filled.plain_run("run1")
    assert filled.ask("POST", "execution", SUBMIT, definition(ONE)).status_code == 409


@pytest.mark.parametrize("failure", FAILURES)
def test_a_local_run_that_mlflow_fails_to_make_is_handed_out_when_it_is_asked_for_again(
    plane: DataPlane, failure: str
) -> None:
    plane.experiment()
    plane.mlflow.fails["runs/create"] = FAILURES[failure]()
    assert local(plane).status_code == 503
    plane.mlflow.fails.clear()
    assert local(plane).status_code == 200


@pytest.mark.parametrize("failure", FAILURES)
def test_a_run_tokens_child_is_not_refused_because_mlflow_fails(filled: DataPlane, failure: str) -> None:
    filled.plain_run("child", **{"mlflow.parentRunId": "job1"})
    told = {"run_id": "child", "tags": [{"key": "a", "value": "b"}]}
    path, claims = "/api/2.0/mlflow/runs/log-batch", filled.run_claims("job1")
    filled.mlflow.fails["runs/get"] = FAILURES[failure]()
    assert filled.ask("POST", "mlflow", path, told, claims=claims).status_code == 503
    filled.mlflow.fails.clear()
    assert filled.ask("POST", "mlflow", path, told, claims=claims).status_code == 200


@pytest.mark.parametrize("failure", FAILURES)
def test_a_local_run_ends_only_once_mlflow_knows(plane: DataPlane, failure: str) -> None:
    """Else its token would be over before whoever runs it could say so again."""
    plane.experiment()
    assert local(plane).status_code == 200
    ended = ("POST", "history", "/experimentids/1/runs/here/events", {"name": f"{EVENT}Completed"})
    claims = plane.run_claims("here")
    plane.mlflow.fails["runs/update"] = FAILURES[failure]()
    assert plane.ask(*ended, claims=claims).status_code == 503
    plane.mlflow.fails.clear()
    assert plane.ask(*ended, claims=claims).status_code == 200
    assert plane.mlflow.runs[plane.workspace_id, "here"]["info"]["status"] == "FINISHED"
    record = plane.cloud.store.get(LOCAL_RUNS, f"{plane.workspace_id}/here")
    assert record is not None
    assert record["status"] == "Completed"


REFUSED = {"error_code": "INVALID_PARAMETER_VALUE", "message": "'tags[0].key' exceeds the maximum length"}


def test_tags_that_mlflow_refuses_are_told_and_not_kept(filled: DataPlane) -> None:
    filled.plain_run("job1")
    filled.mlflow.fails["runs/log-batch"] = httpx.Response(400, json=REFUSED)
    changes = {"tags": {"long": "1"}, "properties": {"p": "1"}}
    assert "exceeds" in filled.refused(400, "PATCH", "history", "/experiments/e1/runs/job1", changes)
    told = filled.azure.arm("GET", f"{WORKSPACE}/jobs/job1").body["properties"]
    assert (told["tags"], told["properties"]) == ({"kind": "job"}, {})


def test_metrics_that_mlflow_refuses_are_told_in_its_words(filled: DataPlane) -> None:
    filled.mlflow.fails["runs/log-batch"] = httpx.Response(400, json=REFUSED)
    assert "exceeds" in filled.refused(400, "POST", "metric", "/runs/r1/batch", {"values": [metric("a", 1)]})


def test_an_id_that_mlflow_cannot_have_is_nobodys(filled: DataPlane) -> None:
    invalid = {"error_code": "INVALID_PARAMETER_VALUE", "message": "Invalid experiment ID 'abc'."}
    filled.mlflow.fails["experiments/get"] = httpx.Response(400, json=invalid)
    assert "was not found" in filled.refused(404, "GET", "history", "/experimentids/abc")


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (FAILURES["failed"], 500, "INTERNAL_ERROR"),  # MLflow's clients know MLflow's words
        (FAILURES["page"], 503, "TEMPORARILY_UNAVAILABLE"),
        (FAILURES["no JSON"], 503, "TEMPORARILY_UNAVAILABLE"),
        (FAILURES["away"], 503, "TEMPORARILY_UNAVAILABLE"),
        (lambda: httpx.Response(404, text="<title>404 Not Found</title>"), 404, "ENDPOINT_NOT_FOUND"),
    ],
)
def test_mlflows_own_clients_are_told_too(filled: DataPlane, answer: Callable[[], Any], status: int, code: str) -> None:
    filled.mlflow.fails["runs/log-batch"] = answer()
    logged = filled.ask("POST", "mlflow", "/api/2.0/mlflow/runs/log-batch-async", {"run_id": "r1", "metrics": []})
    assert (logged.status_code, logged.json()["error_code"]) == (status, code)
    filled.mlflow.fails["runs/get"] = answer()
    found = filled.ask("GET", "mlflow", "/api/2.0/mlflow/runs/get?run_id=r1")
    assert (found.status_code, found.json()["error_code"]) == (status, code)
