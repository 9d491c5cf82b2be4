"""`/metric/v2.0<workspace id>/runs/<run>/...`: metrics as azureml-core logs and reads them.

    POST list    the names of a run's metrics
    POST full    all values of one
    POST batch   log values

Scalars and lists of numbers are MLflow's metrics, for both kinds of clients; a value that is logged without a step gets
the step after the last one, as lists have their places. All else is kept beside (`kept_metrics`). What is over a
service limit is refused by name, in the answer that azureml-core writes to its log.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.history import kept_metrics, known_runs
from azmlflow.localazure.azureml.history.kept_metrics import KeptMetric
from azmlflow.localazure.azureml.request.answers import root_error
from azmlflow.localazure.azureml.request.bodies import json_object
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.clock import from_milliseconds, read_instant, timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import ABSENT, INVALID, body_if_any
from azmlflow.rbac.operations import TRACKING

_SCALAR, _LIST = "azureml.v1.scalar", "azureml.v1.list"
_NO_DIGITS = ("NaN", "Infinity", "-Infinity")
_MLFLOW_NAME = re.compile(r"[/\w.\- :]+")
_MLFLOW_BATCH = 250  # rows of a metric that the service takes at once


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path, no such run or metric, 400, 403.
        MlflowUnavailable: MLflow cannot answer now.
    """
    target.authorise(target.request.method, "metric", "/" + "/".join(target.rest))
    match (target.request.method, *target.rest):
        case ("POST", "runs", run_id, "list"):
            await json_object(target)
            run = await known_runs.find(target, run_id)
            columns: dict[str, Mapping[str, str]] = {name: {name: "Double"} for name in _latest(run)}
            columns |= {each.name: each.columns for each in kept_metrics.kept(target, run_id).values()}
            found = [{"metricKey": {"name": name}, "columns": columns[name]} for name in sorted(columns)]
            return JSONResponse({"value": found})
        case ("POST", "runs", run_id, "full"):
            run = await known_runs.find(target, run_id)
            return JSONResponse(await _full(target, run, await json_object(target)))
        case ("POST", "runs", run_id, "batch"):
            run = await known_runs.find(target, run_id)
            return JSONResponse({"errors": await _log(target, run, await json_object(target))})
    raise no_such_endpoint(f"{target.request.method} {target.request.url.path}")


async def _full(target: WorkspaceRequest, run: known_runs.KnownRun, body: Mapping[str, Any]) -> Document:
    name = str(body.get("metricName") or "")
    begin, end = _milliseconds(body.get("startTime"), 0.0), _milliseconds(body.get("endTime"), math.inf)
    beside = kept_metrics.kept(target, run.id).get(name)
    metric = await _of_mlflow(target, run, name) if beside is None else beside
    values = [
        {**row, "data": metric.cells(row)} for row in metric.rows if begin <= _milliseconds(row["createdUtc"], 0) <= end
    ]
    return {
        "dataContainerId": f"dcid.{run.id}",
        "name": name,
        "columns": metric.columns,
        "properties": {"uxMetricType": metric.kind},
        "value": values,
    }


async def _of_mlflow(target: WorkspaceRequest, run: known_runs.KnownRun, name: str) -> KeptMetric:
    """A metric of MLflow's, as one of azureml-core's.

    Raises:
        AzureError: 404, the run has none of this name.
        MlflowUnavailable: MLflow cannot answer now.
    """
    params = {"run_id": run.id, "metric_key": name}
    path = f"{TRACKING}/metrics/get-history"
    answer = await target.cloud.mlflow.request("GET", path, target.workspace_id, params=params)
    # A name that MLflow does not take, an empty one say, is not a metric's.
    found = body_if_any(answer, (ABSENT, INVALID))
    history = [] if found is None else found.get("metrics", [])
    if not history:
        raise AzureError(404, "UserError", f"Run {run.id} has no metric '{name}'.")
    history.sort(key=lambda each: (int(each.get("step", 0)), int(each["timestamp"])))
    rows = (
        {
            "createdUtc": timestamp(from_milliseconds(int(each["timestamp"]))),
            "step": int(each.get("step", 0)),
            "data": {name: each["value"]},
        }
        for each in history
    )
    return KeptMetric(name, _SCALAR, {name: "Double"}, tuple(rows))


async def _log(target: WorkspaceRequest, run: known_runs.KnownRun, body: Mapping[str, Any]) -> list[Document]:
    """Log what can be logged; what cannot, as azureml-core wants to be told.

    Raises:
        AzureError: 400, the body is another, or something cannot be logged and no list of that is asked for.
        MlflowUnavailable: MLflow cannot answer now.
    """
    given = body.get("values")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise bad_request("UserError", 'The body must be {"values": [<metric>, ...]}.', target="values")
    beside = kept_metrics.kept(target, run.id)
    numbers = set(_latest(run))
    steps: defaultdict[str, int] = defaultdict(int)
    steps.update({name: int(metric.get("step", 0)) + 1 for name, metric in _latest(run).items()})
    logged: list[Document] = []
    errors: list[Document] = []
    for metric in given:
        name, rows = str(metric.get("name") or ""), metric.get("value")
        try:
            _check(metric, name, rows)
            limits.METRICS.check(len(numbers | beside.keys() | {name}))
            told = [_number(name, row) for row in rows]
            if name not in beside and None not in told and _is_mlflows(name, metric):
                logged += _mlflow_rows(target, name, zip(rows, told, strict=True), steps)
                numbers.add(name)
            elif name in numbers:
                raise limits.OverLimit(f"Metric '{name}' is one of numbers: it takes no other values.")
            else:
                _keep(target, run, metric, rows)
                beside = kept_metrics.kept(target, run.id)
        except limits.OverLimit as refused:
            error = root_error({"code": "UserError", "message": str(refused)})
            errors.append({"metric": metric, "errorResponse": {"error": error}})
    if errors and body.get("reportErrors") is False:
        raise bad_request("UserError", errors[0]["errorResponse"]["error"]["message"])
    await _to_mlflow(target, run, logged)
    return errors


def _check(metric: Mapping[str, Any], name: str, rows: Any) -> None:
    """Raise `OverLimit` for a metric that the service does not take."""
    if not name:
        raise limits.OverLimit("A metric has a name.")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and isinstance(row.get("data"), dict) for row in rows
    ):
        raise limits.OverLimit(f"Metric '{name}' has no rows of values.")
    if not all(isinstance(metric.get(member) or {}, Mapping) for member in ("columns", "properties")):
        raise limits.OverLimit(f"Metric '{name}' has columns or properties that are no object.")
    limits.METRIC_NAME.check(len(name))
    limits.METRIC_BATCH.check(len(rows))
    artifact = "artifact" in [str(each).lower() for each in (metric.get("columns") or {}).values()]
    for row in rows:
        limits.METRIC_COLUMNS.check(len(row["data"]))
        for column, value in row["data"].items():
            limits.METRIC_NAME.check(len(column))
            if isinstance(value, str) and not artifact:
                limits.METRIC_VALUE.check(len(value))


def _is_mlflows(name: str, metric: Mapping[str, Any]) -> bool:
    """Whether a metric of numbers can be one of MLflow's: its names are paths (`utils/validation.py`)."""
    path = posixpath.normpath(name)
    is_name = _MLFLOW_NAME.fullmatch(name) is not None and path == name and not path.startswith((".", "/"))
    return is_name and _kind(metric) in (_SCALAR, _LIST)


def _mlflow_rows(target: WorkspaceRequest, name: str, rows: Any, steps: dict[str, int]) -> list[Document]:
    logged = []
    for row, number in rows:
        step = row["step"] if isinstance(row.get("step"), int) else steps[name]
        steps[name] = max(steps[name], step + 1)
        time = _milliseconds(row.get("createdUtc"), target.cloud.clock.now().timestamp() * 1000)
        logged.append({"key": name, "value": number, "timestamp": int(time), "step": step})
    return logged


def _keep(target: WorkspaceRequest, run: known_runs.KnownRun, metric: Mapping[str, Any], rows: list[Document]) -> None:
    now = timestamp(target.cloud.clock.now())
    told = [
        {
            "metricId": row.get("metricId") or target.cloud.ids.guid(),
            "createdUtc": row.get("createdUtc") or now,
            "step": row.get("step"),
            "data": row["data"],
        }
        for row in rows
    ]
    for row in told:
        _milliseconds(row["createdUtc"], 0)
    columns = {str(column): str(kind) for column, kind in (metric.get("columns") or {}).items()}
    for row in told:
        columns |= {column: _type(columns.get(column), value) for column, value in row["data"].items()}
    kept_metrics.keep(target, run.id, KeptMetric(str(metric["name"]), _kind(metric), columns, tuple(told)))


async def _to_mlflow(target: WorkspaceRequest, run: known_runs.KnownRun, logged: list[Document]) -> None:
    for begin in range(0, len(logged), _MLFLOW_BATCH):
        told = {"run_id": run.id, "metrics": logged[begin:][:_MLFLOW_BATCH]}
        answers.body(
            await target.cloud.mlflow.request("POST", f"{TRACKING}/runs/log-batch", target.workspace_id, json_body=told)
        )


def _kind(metric: Mapping[str, Any]) -> str:
    return str((metric.get("properties") or {}).get("uxMetricType") or _SCALAR)


def _latest(run: known_runs.KnownRun) -> dict[str, Document]:
    """The last value of each metric of a run; a job that waits has none."""
    told = (run.mlflow or {}).get("data", {}).get("metrics", [])
    return {each["key"]: each for each in told}


def _number(name: str, row: Mapping[str, Any]) -> float | None:
    """The number that an entry of a metric is, or None."""
    found = row["data"].get(name) if len(row["data"]) == 1 else None
    if isinstance(found, str) and found in _NO_DIGITS:
        return float(found)
    try:
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
    except OverflowError:  # of whole numbers there are larger ones
        return None


def _type(told: str | None, value: Any) -> str:
    """The type of a column: as it is told, unless the value is no such number, on which azureml-core would break."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if told is not None and (is_number or value in _NO_DIGITS or told.lower() not in kept_metrics.NUMBERS):
        return told
    return "double" if is_number else "bool" if isinstance(value, bool) else "string"


def _milliseconds(instant: Any, default: float) -> float:
    if not instant:
        return default
    try:
        return read_instant(str(instant)).timestamp() * 1000
    except ValueError as error:
        raise bad_request("UserError", f"'{instant}' is not an instant.") from error
