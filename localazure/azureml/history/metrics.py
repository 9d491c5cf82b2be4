"""`/metric/v2.0<workspace id>/runs/<run>/...`: metrics as azureml-core logs and reads them, kept as MLflow's own.

    POST list    the names of a run's metrics
    POST full    all values of one
    POST batch   log values

MLflow's metrics are numbers, so what azureml-core calls scalars and lists of numbers is kept; tables, images and texts
are refused, each by name, in the answer that azureml-core writes to its log. A value that is logged without a step
gets the step after the last one, as lists have their places.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import JSONResponse, Response

from azmlflow.localazure.azureml.history import known_runs
from azmlflow.localazure.azureml.request.bodies import json_object
from azmlflow.localazure.azureml.request.target import WorkspaceRequest, no_such_endpoint
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import ABSENT, INVALID, body_if_any
from azmlflow.rbac.operations import TRACKING

_SCALAR, _LIST = "azureml.v1.scalar", "azureml.v1.list"
_MLFLOW_BATCH = 1000  # metrics that MLflow takes at once


async def answer(target: WorkspaceRequest) -> Response:
    """Answer a request to the service.

    Raises:
        AzureError: 404 for another path, no such run or metric, 400, 403.
        MlflowUnavailable: MLflow cannot answer now.
    """
    target.authorise(target.request.method, "metric", "/" + "/".join(target.rest))
    match (target.request.method, *target.rest):
        case ("POST", "runs", run_id, "list"):
            run = await known_runs.find(target, run_id)
            found = [{"metricKey": {"name": name}, "columns": {name: "Double"}} for name in sorted(_latest(run))]
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
    params = {"run_id": run.id, "metric_key": name}
    path = f"{TRACKING}/metrics/get-history"
    answer = await target.cloud.mlflow.request("GET", path, target.workspace_id, params=params)
    # A name that MLflow does not take, an empty one say, is no metric's.
    found = body_if_any(answer, (ABSENT, INVALID))
    history = [] if found is None else found.get("metrics", [])
    if not history:
        raise AzureError(404, "UserError", f"Run {run.id} has no metric '{name}'.")
    begin, end = _milliseconds(body.get("startTime"), 0.0), _milliseconds(body.get("endTime"), math.inf)
    values = [
        {
            "createdUtc": timestamp(datetime.fromtimestamp(int(each["timestamp"]) / 1000, UTC)),
            "step": int(each.get("step", 0)),
            "data": {name: each["value"]},
        }
        for each in sorted(history, key=lambda each: (int(each.get("step", 0)), int(each["timestamp"])))
        if begin <= int(each["timestamp"]) <= end
    ]
    return {
        "dataContainerId": f"dcid.{run.id}",
        "name": name,
        "columns": {name: "Double"},
        "properties": {"uxMetricType": _SCALAR},
        "value": values,
    }


async def _log(target: WorkspaceRequest, run: known_runs.KnownRun, body: Mapping[str, Any]) -> list[Document]:
    """Log what can be logged; what cannot, as azureml-core wants to be told."""
    given = body.get("values")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise bad_request("UserError", 'The body must be {"values": [<metric>, ...]}.', target="values")
    steps: defaultdict[str, int] = defaultdict(int)
    steps.update({name: int(metric.get("step", 0)) + 1 for name, metric in _latest(run).items()})
    logged: list[Document] = []
    errors: list[Document] = []
    for metric in given:
        name, values = str(metric.get("name") or ""), metric.get("value")
        numbers = [_number(name, each) for each in values] if isinstance(values, list) else [None]
        kind = (metric.get("properties") or {}).get("uxMetricType")
        if kind not in (_SCALAR, _LIST, None) or None in numbers:
            message = f"Metric '{name}' is not of numbers: the embedded Azure keeps MLflow's metrics, which are."
            errors.append({"metric": metric, "errorResponse": {"error": {"code": "UserError", "message": message}}})
            continue
        for each, number in zip(values, numbers, strict=True):
            step = each["step"] if isinstance(each.get("step"), int) else steps[name]
            steps[name] = max(steps[name], step + 1)
            time = _milliseconds(each.get("createdUtc"), target.cloud.clock.now().timestamp() * 1000)
            logged.append({"key": name, "value": number, "timestamp": int(time), "step": step})
    for begin in range(0, len(logged), _MLFLOW_BATCH):
        told = {"run_id": run.id, "metrics": logged[begin:][:_MLFLOW_BATCH]}
        answers.body(
            await target.cloud.mlflow.request("POST", f"{TRACKING}/runs/log-batch", target.workspace_id, json_body=told)
        )
    return errors


def _latest(run: known_runs.KnownRun) -> dict[str, Document]:
    """The last value of each metric of a run; a job that waits has none."""
    told = (run.mlflow or {}).get("data", {}).get("metrics", [])
    return {each["key"]: each for each in told}


def _number(name: str, value: Any) -> float | None:
    """The number that an entry of a metric is, or None."""
    data = value.get("data") if isinstance(value, dict) else None
    found = data.get(name) if isinstance(data, dict) else None
    if isinstance(found, str) and found in ("NaN", "Infinity", "-Infinity"):
        return float(found)
    return float(found) if isinstance(found, int | float) else None


def _milliseconds(instant: Any, default: float) -> float:
    if not instant:
        return default
    try:
        return datetime.fromisoformat(str(instant)).timestamp() * 1000
    except ValueError as error:
        raise bad_request("UserError", f"'{instant}' is no instant.") from error
