"""What clients of the history service change of runs: tags, properties and the name shown; and events, which end them.

A job's state is its runner's: an event can only ask that it be cancelled. The state of a local run is told by whoever
runs it, and that of a plain MLflow run may be ended by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from azmlflow.localazure.arm import inside
from azmlflow.localazure.azureml.history.known_runs import KnownRun, local_key
from azmlflow.localazure.azureml.history.run_dto import properties
from azmlflow.localazure.azureml.request.bodies import member, text_map
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.clock import read_instant
from azmlflow.localazure.core.collections import LOCAL_RUNS
from azmlflow.localazure.core.errors import bad_request, conflict
from azmlflow.localazure.resources import find
from azmlflow.localazure.tracking import answers
from azmlflow.rbac.operations import TRACKING

_EVENT = "Microsoft.MachineLearning.Run."
# The states that events bring, in Azure ML's words and in MLflow's.
_ENDS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
_CANCELS = ("Canceled", "CancelRequested")


async def patch(target: WorkspaceRequest, run: KnownRun, body: Mapping[str, Any]) -> None:
    """Add tags and properties to a run, describe it, or name it anew; what else the body holds is the run's own to say.

    MLflow comes first: what it refuses is kept nowhere else, and what it could not be told may be told again.

    Raises:
        AzureError: 400, tags or properties are no texts, over a service limit, or MLflow does not take them; 409, a
            property has another value already, since they never change, or the run is one of those that have none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    if body.get("runId") not in (None, run.id):
        raise bad_request("UserError", f"'runId' is '{body['runId']}', and the run {run.id}.", target="runId")
    tags, added = text_map("tags", body.get("tags"), null=""), text_map("properties", body.get("properties"))
    if body.get("description") is not None:
        tags[limits.DESCRIPTION_TAG] = str(body["description"])
    name = body.get("displayName") or body.get("name")
    before = properties(run)
    hidden = body.get("hidden")
    if hidden is not None and not isinstance(hidden, bool):
        raise bad_request("UserError", "'hidden' must be true or false.", target="hidden")
    if hidden and run.job is None:
        raise bad_request(
            "UserError", f"Run {run.id} is not a job: jobs alone are archived ('hidden').", target="hidden"
        )
    _check_sizes({**run.tags, **tags}, {**before, **added}, str(name or ""))
    changed = next((key for key, value in added.items() if before.get(key, value) != value), None)
    if changed is not None:
        raise conflict("UserError", f"The property '{changed}' of run {run.id} has a value; properties never change.")
    if added and run.job is None and run.local is None:
        raise conflict("UserError", f"Run {run.id} is a run of MLflow's, which has tags and no properties.")
    if run.mlflow is not None and tags:
        await _tell(target, run, "log-batch", {"tags": [{"key": key, "value": value} for key, value in tags.items()]})
    if run.mlflow is not None and name:
        await _tell(target, run, "update", {"run_name": str(name)})
    _keep(target, run, {**before, **added}, tags, name)
    if hidden is not None:
        _hide(target, run, hidden)


async def delete_tags(target: WorkspaceRequest, run: KnownRun, names: Any) -> None:
    """Remove tags from a run; what is not there needs no removing.

    Raises:
        AzureError: 400, they are no names, or MLflow does not take the change.
        MlflowUnavailable: MLflow cannot answer now.
    """
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise bad_request("UserError", 'The body must be ["<name of a tag>", ...].', target="tags")
    for name in dict.fromkeys(names):
        if run.mlflow is not None and name in run.tags:
            await _tell(target, run, "delete-tag", {"key": name})
    job = find.resource(target.cloud, run.job["id"]) if run.job is not None else None
    if job is not None:
        told = job["properties"]
        told["tags"] = {name: value for name, value in told["tags"].items() if name not in names}
        find.keep(target.cloud, job)


async def event(target: WorkspaceRequest, run: KnownRun, body: Mapping[str, Any]) -> None:
    """Take note of an event.

    Raises:
        AzureError: 400, it is none that is known; 403, the caller may not cancel jobs; 409, it is not for this run.
        MlflowUnavailable: MLflow cannot answer now.
    """
    name = str(member(body, "name") or "")
    if not name.startswith(_EVENT):
        raise bad_request("UserError", f"The event '{name}' is not known.", target="name")
    kind = name.removeprefix(_EVENT)
    if kind == "Error":
        _note_error(target, run, member(body, "data"))
    elif kind in _CANCELS and run.job is not None:
        _cancel_job(target, run)
    elif kind in (*_ENDS, "CancelRequested"):
        await _end(target, run, "Canceled" if kind in _CANCELS else kind, _instant(target, body))
    elif kind != "Start":
        raise bad_request("UserError", f"The event '{name}' is not known.", target="name")


def _check_sizes(tags: Mapping[str, str], kept: Mapping[str, str], name: str) -> None:
    """Refuse what is over a service limit.

    Raises:
        AzureError: 400.
    """
    own = (limits.DESCRIPTION_TAG, limits.NAME_TAG)
    told = {key: value for key, value in tags.items() if key not in own}
    try:
        limits.RUN_NAME.check(len(name))
        limits.RUN_DESCRIPTION.check(len(tags.get(limits.DESCRIPTION_TAG, "")))
        for pairs, given in ((limits.RUN_TAGS, told), (limits.RUN_PROPERTIES, kept)):
            pairs.count.check(len(given))
            pairs.check(given.items())
    except limits.OverLimit as over:
        raise bad_request("ValidationError", str(over)) from over


def _keep(target: WorkspaceRequest, run: KnownRun, kept: dict[str, str], tags: dict[str, str], name: Any) -> None:
    """Keep what MLflow's runs have not where the run's own kind keeps it."""
    if run.job is not None:
        job = find.resource(target.cloud, run.job["id"])  # as it is now: its runner may have changed its state
        if job is not None:
            told = job["properties"]
            told |= {"properties": kept, "tags": {**told["tags"], **tags}}
            told["displayName"] = str(name or told["displayName"])
            told["description"] = told["tags"].pop(limits.DESCRIPTION_TAG, told.get("description"))
            find.keep(target.cloud, job)
    elif run.local is not None:
        key = local_key(target.workspace_id, run.id)
        target.cloud.store.put(LOCAL_RUNS, key, {**run.local, "properties": kept})


def _hide(target: WorkspaceRequest, run: KnownRun, hidden: bool) -> None:
    """Archive a job, or bring it back: `hidden` is run history's word for it (azure-ai-ml 1.35, `archive`)."""
    job = find.resource(target.cloud, run.job["id"]) if run.job is not None else None
    if job is not None:
        job["properties"]["isArchived"] = hidden
        find.keep(target.cloud, job)


def _note_error(target: WorkspaceRequest, run: KnownRun, data: Any) -> None:
    told = member(data, "ErrorResponse") if isinstance(data, dict) else None
    inner = member(told, "error") if isinstance(told, dict) else None
    message = str(member(inner, "message") or "") if isinstance(inner, dict) else ""
    if run.local is not None and message:
        store = target.cloud.store
        store.put(LOCAL_RUNS, local_key(target.workspace_id, run.id), {**run.local, "error": message})


def _cancel_job(target: WorkspaceRequest, run: KnownRun) -> None:
    inside.post(target.cloud, target.caller, f"{target.id}/jobs/{run.id}/cancel")


def _instant(target: WorkspaceRequest, body: Mapping[str, Any]) -> datetime:
    """When what an event tells has happened: as it says, else now.

    Raises:
        AzureError: 400, it tells what is no instant.
    """
    data = member(body, "data")
    told = (member(data, "EndTime") if isinstance(data, dict) else None) or member(body, "timestamp")
    try:
        return read_instant(str(told)) if told else target.cloud.clock.now()
    except ValueError as error:
        raise bad_request("UserError", f"'{told}' is not an instant.", target="timestamp") from error


async def _end(target: WorkspaceRequest, run: KnownRun, state: str, at: datetime) -> None:
    if run.job is not None:
        raise conflict("UserError", f"Run {run.id} is a job: it ends when its command does, or when it is cancelled.")
    if run.local is not None and run.local["status"] in _ENDS and run.local["status"] != state:
        raise conflict("UserError", f"Run {run.id} has ended ({run.local['status']}).")
    # MLflow first: once the record says that it has ended, the run's token is over and could not tell again.
    await _tell(target, run, "update", {"status": _ENDS[state], "end_time": int(at.timestamp() * 1000)})
    if run.local is not None:
        store = target.cloud.store
        store.put(LOCAL_RUNS, local_key(target.workspace_id, run.id), {**run.local, "status": state})


async def _tell(target: WorkspaceRequest, run: KnownRun, call: str, told: Mapping[str, Any]) -> None:
    """Have MLflow change a run.

    Raises:
        AzureError: MLflow refuses, in its words.
        MlflowUnavailable: MLflow cannot answer now.
    """
    mlflow, path = target.cloud.mlflow, f"{TRACKING}/runs/{call}"
    answers.body(await mlflow.request("POST", path, target.workspace_id, json_body={"run_id": run.id, **told}))
