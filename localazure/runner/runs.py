"""A job's MLflow run: made while the job waits, begun and ended with it.

Its id is the job's name. What MLflow refuses is the job's reason or, once the job has run, is left at that: a client
has deleted the run, or ended it. An MLflow that cannot answer now is asked again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import JOB_RECORDS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.service_limits import DESCRIPTION_TAG
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources import find
from azmlflow.localazure.tracking import answers
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.work import records
from azmlflow.rbac.operations import TRACKING

_MLFLOW_STATES = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
_PARENT = "mlflow.parentRunId"
_log = logging.getLogger("azmlflow.local")


class CannotRun(Exception):
    """The job fails before its process; the message is its reason."""


def documents(cloud: Cloud, key: str) -> tuple[Document, Document, Document]:
    """A job's document, its record, and its workspace's document.

    Args:
        cloud: the embedded Azure.
        key: the job's.

    Raises:
        CannotRun: one of them is no more.
    """
    found = _documents(cloud, key)
    if found is None:
        raise CannotRun("The job or its workspace was deleted.")
    return found


async def open_run(cloud: Cloud, key: str) -> None:
    """Make the run of a job unless it is made; the job's record notes its experiment.

    Args:
        cloud: the embedded Azure.
        key: the job's.

    Raises:
        CannotRun: MLflow refuses, or the job is no more.
        MlflowUnavailable: MLflow cannot answer now.
    """
    job, record, workspace = documents(cloud, key)
    if record.get("experiment"):
        return
    records.note(cloud, key, run_of=workspace["properties"]["workspaceId"])  # whatever becomes of the request
    owner = cloud.directory.get(record["owner"])
    own = {"mlflow.user": owner.name if owner else record["owner"], "azureml.jobtype": "command"}
    try:
        experiment = await _make(cloud, workspace, job, own)
    except AzureError as error:
        raise CannotRun(f"MLflow did not make the run: {error.message}") from error
    records.note(cloud, key, experiment=experiment)


async def begin_run(cloud: Cloud, workspace: Document, run_id: str, over: asyncio.Event) -> None:
    """Tell MLflow that a run, until now SCHEDULED, is RUNNING, until it hears it or the job is over; its end is told
    in any case.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        run_id: the run's id.
        over: set when the job's process has ended.
    """
    while not over.is_set():
        try:
            await _update(cloud, workspace, {"run_id": run_id, "status": "RUNNING"})
            return
        except AzureError as error:
            _log.info("run %s: %s", run_id, error)
            return
        except MlflowUnavailable as error:
            _log.info("run %s: %s", run_id, error)
            with contextlib.suppress(TimeoutError):  # it is asked again
                async with asyncio.timeout(error.retry_after):
                    await over.wait()


async def end_run(cloud: Cloud, key: str, state: str) -> None:
    """End the run of a job that has ended, or is about to; `is_unclosed` until MLflow has heard it.

    Args:
        cloud: the embedded Azure.
        key: the job's.
        state: in which it ends, one of `records.ENDED`.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = _documents(cloud, key)
    if found is None:
        return
    job, record, workspace = found
    if not record.get("experiment") or record.get("closed"):
        return
    now = cloud.clock.now()
    told = {"run_id": job["name"], "status": _MLFLOW_STATES[state], "end_time": int(now.timestamp() * 1000)}
    try:
        await _update(cloud, workspace, told)
    except AzureError as error:
        _log.info("run %s: %s", job["name"], error)
    records.note(cloud, key, closed=timestamp(now))


async def tell(cloud: Cloud, key: str) -> None:
    """Tell MLflow what it is still to hear of a job's run: that it was changed, or that the job was deleted.

    Args:
        cloud: the embedded Azure.
        key: the job's.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    told = records.untold(cloud).get(key)
    if told is None:
        return
    run = {"run_id": told["run"]}
    changes: list[tuple[str, dict[str, Any]]] = []
    if told["tags"]:
        changes.append(("log-batch", {"tags": [{"key": name, "value": each} for name, each in told["tags"].items()]}))
    if told["name"]:
        changes.append(("update", {"run_name": told["name"]}))
    if told["state"]:
        end = int(cloud.clock.now().timestamp() * 1000)
        changes.append(("update", {"status": _MLFLOW_STATES[told["state"]], "end_time": end}))
    for call, change in changes:
        path = f"{TRACKING}/runs/{call}"
        try:
            answers.body(await cloud.mlflow.request("POST", path, told["workspace"], json_body={**run, **change}))
        except AzureError as error:
            _log.info("run %s: %s", told["run"], error)
    records.is_told(cloud, key, told)


def is_unclosed(cloud: Cloud, key: str) -> bool:
    """Whether a job has ended and MLflow has not heard it.

    Args:
        cloud: the embedded Azure.
        key: the job's.
    """
    record = cloud.store.get(JOB_RECORDS, key)
    ended = records.status(cloud, key) in records.ENDED
    return ended and record is not None and bool(record.get("experiment")) and not record.get("closed")


async def _make(cloud: Cloud, workspace: Document, job: Document, own: dict[str, str]) -> str:
    """Make a run; the id of its experiment.

    Raises:
        AzureError: MLflow refuses.
        MlflowUnavailable: MLflow cannot answer now.
    """
    workspace_id, properties = workspace["properties"]["workspaceId"], job["properties"]
    experiment: str = await cloud.mlflow.experiment(workspace_id, properties["experimentName"])
    tags = {**own, **properties["tags"]}
    if properties.get("description"):
        tags[DESCRIPTION_TAG] = properties["description"]
    if properties.get("parentJobName"):
        tags[_PARENT] = properties["parentJobName"]
    told = {
        "experiment_id": experiment,
        "run_name": properties["displayName"],
        "start_time": int(cloud.clock.now().timestamp() * 1000),
        "tags": [{"key": name, "value": value} for name, value in tags.items()],
    }
    made = await cloud.mlflow.request(
        "POST", f"{TRACKING}/runs/create", workspace_id, json_body=told, run_id=job["name"]
    )
    if answers.error_code(made) != answers.EXISTS or not await _is_own(cloud, workspace_id, job["name"], own):
        answers.body(made)
    return experiment


async def _is_own(cloud: Cloud, workspace_id: str, run_id: str, own: dict[str, str]) -> bool:
    """Whether the run that is there is the job's, made by a request whose answer was lost, and by nobody else."""
    asked = await cloud.mlflow.request("GET", f"{TRACKING}/runs/get", workspace_id, params={"run_id": run_id})
    found = answers.body_if_any(asked)
    if found is None:
        return False
    tags = {tag["key"]: tag["value"] for tag in found["run"].get("data", {}).get("tags", [])}
    return found["run"]["info"]["status"] == "SCHEDULED" and own.items() <= tags.items()


async def _update(cloud: Cloud, workspace: Document, told: dict[str, Any]) -> None:
    workspace_id = workspace["properties"]["workspaceId"]
    answers.body(await cloud.mlflow.request("POST", f"{TRACKING}/runs/update", workspace_id, json_body=told))


def _documents(cloud: Cloud, key: str) -> tuple[Document, Document, Document] | None:
    job, record = find.resource(cloud, key), cloud.store.get(JOB_RECORDS, key)
    workspace = find.resource(cloud, key.rpartition("/jobs/")[0])
    return None if job is None or record is None or workspace is None else (job, record, workspace)
