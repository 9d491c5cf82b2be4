"""Nothing of a request to the data plane is dropped in silence: what its handler has no use for is refused."""

from __future__ import annotations

from typing import Any

import pytest
from scripts import mlflow_members

from azmlflow.localazure.azureml.request.members import ROWS
from azmlflow.rbac.operations import OPERATIONS, TRACKING
from tests.localazure.azureml.conftest import DataPlane
from tests.localazure.azureml.test_handlers import BY_METHOD, HANDLERS

R1 = "/experiments/e1/runs/r1"
ASKED = [
    *((key[1].split()[0], *row[:3]) for key, row in HANDLERS.items()),
    *((method, *row[:3]) for rows in BY_METHOD.values() for method, row in rows.items()),
    ("GET", "history", f"{R1}/artifacts", None),
    ("POST", "history", f"{R1}/artifacts/batch/metadata", {"paths": [{"path": "a"}]}),
    ("GET", "history", f"{R1}/artifacts/contentinfo?path=a", None),
    ("POST", "artifact", "/artifacts/LocalUpload/u1/batch/metadata", {"paths": [{"path": "a"}]}),
    ("GET", "artifact", "/artifacts/ExperimentRun/dcid.r1/contentinfo?path=a", None),
    ("GET", "modelmanagement", "/services", None),
    ("GET", "modelmanagement", "/services/wine", None),
    ("POST", "data", "/dataversion/batchGetResolvedUris", {"values": []}),
    ("POST", "modelregistry", "/models/batchGetResolvedUris", {"values": []}),
]
WHOLE = ("execution", "environment")  # whose bodies have a reader of their own, or are kept as they are


def version(path: str) -> str | None:
    return "v1.0" if path.endswith("latest/metadata") else None


@pytest.mark.parametrize("asked", ASKED, ids=lambda each: " ".join(each[:3]))
def test_what_a_handler_has_no_use_for_is_refused(plane: DataPlane, asked: tuple[str, str, str, Any]) -> None:
    method, service, path, body = asked
    plane.experiment("e1")
    plane.plain_run("r1")
    if service == "modelmanagement":
        plane.use(plane.azure.mlflow)
    before = list(plane.cloud.store.scan("resources", ""))
    sep = "&" if "?" in path else "?"
    told = plane.refused(400, method, service, f"{path}{sep}madeUp=1", body, version=version(path))
    assert told == "The embedded Azure does nothing with the query parameter 'madeup'."
    if method in ("POST", "PATCH", "PUT") and service not in WHOLE and not isinstance(body, list):
        sent = {**(body or {}), "madeUp": "x"}
        told = plane.refused(400, method, service, path, sent, version=version(path))
        assert told == "The embedded Azure does nothing with 'madeUp'."
    assert list(plane.cloud.store.scan("resources", "")) == before


@pytest.mark.parametrize(
    "asked",
    [
        ("POST", "metric", "/runs/r1/batch", {"values": [{"name": "m", "schemaId": "s"}]}, "values.schemaId"),
        ("POST", "metric", "/runs/r1/batch", {"values": [{"name": "m", "value": [{"at": 1}]}]}, "values.value.at"),
        ("POST", "metric", "/runs/r1/list", {"continuationToken": "2"}, "continuationToken"),
        ("PATCH", "history", R1, {"tags": {"a": "b"}, "primaryMetricName": "m"}, "primaryMetricName"),
        ("PATCH", "history", R1, {"inputDatasets": [{}]}, "inputDatasets"),
        ("POST", "modelmanagement", "/assets", {"artifacts": [{"prefix": "a/b/c", "id": "x"}]}, "artifacts.id"),
        ("POST", "modelmanagement", "/models", {"name": "m", "unpack": True}, "unpack"),
        (
            "POST",
            "history",
            f"{R1}/artifacts/batch/metadata",
            {"paths": [{"path": "a", "tags": {"a": 1}}]},
            "paths.tags",
        ),
    ],
)
def test_one_inside_is_named(plane: DataPlane, asked: tuple[str, str, str, Any, str]) -> None:
    *words, where = asked
    plane.experiment("e1")
    plane.plain_run("r1")
    assert plane.refused(400, *words) == f"The embedded Azure does nothing with '{where}'."


def test_what_says_nothing_may_be_sent_and_what_is_not_the_run_s_may_not(plane: DataPlane) -> None:
    plane.experiment("e1")
    plane.plain_run("r1")
    nothing: dict[str, Any] = {
        "runId": "r1",
        "scriptName": None,
        "heartbeatEnabled": False,
        "inputDatasets": [],
        "options": {},
    }
    assert plane.good("PATCH", "history", R1, {**nothing, "Tags": {"a": "b"}})["tags"]["a"] == "b"
    both = {"tags": {"a": "b"}, "Tags": {"a": "c"}}
    assert "'Tags' in two spellings" in plane.refused(400, "PATCH", "history", R1, both)
    assert "'runId' is 'r2'" in plane.refused(400, "PATCH", "history", R1, {"runId": "r2"})


def test_a_run_ends_when_its_event_says(plane: DataPlane) -> None:
    plane.experiment("e1")
    plane.plain_run("r1")
    told = {
        "name": "Microsoft.MachineLearning.Run.Completed",
        "data": {"RunId": "r1", "EndTime": "2026-01-01T00:10:00Z"},
    }
    plane.good("POST", "history", "/experiments/e1/runs/r1/events", told)
    assert plane.good("GET", "history", "/runs/r1")["endTimeUtc"].startswith("2026-01-01T00:10:00")
    told["data"] = {"EndTime": "soon"}
    assert plane.refused(400, "POST", "history", f"{R1}/events", told) == "'soon' is not an instant."


def test_web_services_of_sdk_v1_are_asked_for_as_mlflows_client_does(plane: DataPlane) -> None:
    assert plane.good("GET", "modelmanagement", "/services?computeType=ACI&expand=true") == {"value": []}
    assert "NoSuchService" in plane.refused(404, "GET", "modelmanagement", "/services/wine?expand=true")


def test_each_row_is_of_a_handler() -> None:
    paths = [(method, f"{service}/{path.partition('?')[0].strip('/')}") for method, service, path, _ in ASKED]
    reached = {next((each.path for each in ROWS if each.fits(*path)), "") for path in paths}
    assert {each.path for each in ROWS} - reached == set()


async def fails(*_words: Any, **_options: Any) -> Any:
    raise AssertionError("MLflow is asked")


MLFLOW = sorted({(each.method, each.path) for op in OPERATIONS for each in op.requests if each.service == "mlflow"})


@pytest.mark.parametrize(("method", "path"), MLFLOW, ids=" ".join)
def test_what_mlflow_has_not_is_refused(plane: DataPlane, method: str, path: str) -> None:
    plane.mlflow.request = fails  # type: ignore[method-assign]
    for words in ((f"{path}?made_up=1", None), (path, {"made_up": 1}), (path, {"madeUp": 1})):
        told = plane.refused(400, method, "mlflow", *words, version="v2.0")
        assert told.startswith("The embedded Azure does nothing with "), told
        assert "'made" in told


def test_one_inside_of_mlflow_s_is_refused_and_its_own_are_not(plane: DataPlane) -> None:
    plane.experiment("e1")
    plane.plain_run("r1")
    path = f"{TRACKING}/runs/log-batch"
    metric = {"key": "m", "value": 1.0, "timestamp": 1, "step": 0}
    told = plane.refused(400, "POST", "mlflow", path, {"run_id": "r1", "metrics": [{**metric, "unit": "s"}]})
    assert told == "The embedded Azure does nothing with 'metrics.unit'."
    plane.good("POST", "mlflow", path, {"runId": "r1", "metrics": [metric], "params": [], "tags": []})


def test_the_table_is_what_mlflow_describes() -> None:
    assert mlflow_members.FILE.read_text(encoding="utf-8") == mlflow_members.written(), (
        "python -m scripts.mlflow_members"
    )
