"""What clients of the history service change of runs: tags, properties and the name shown; and events, which end them.

A job's state is its runner's: an event can only ask that it be cancelled. The state of a local run is told by whoever
runs it, and that of a plain MLflow run may be ended by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.arm import inside
from azmlflow.localazure.azureml.history.known_runs import KnownRun, local_key
from azmlflow.localazure.azureml.history.run_dto import properties
from azmlflow.localazure.azureml.request.bodies import member, text_map
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.collections import LOCAL_RUNS
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.resources import find
from azmlflow.rbac.operations import TRACKING

_EVENT = "Microsoft.MachineLearning.Run."
# The states that events bring, in Azure ML's words and in MLflow's.
_ENDS = {"Completed": "FINISHED", "Failed": "FAILED", "Canceled": "KILLED"}
_CANCELS = ("Canceled", "CancelRequested")


async def patch(target: WorkspaceRequest, run: KnownRun, body: Mapping[str, Any]) -> None:
    """Add tags and properties to a run, or name it anew; what else the body holds is the run's own to say.

    Raises:
        AzureError: 400, tags or properties are no texts; 409, a property has another value already: they never change.
    """
    tags, added = text_map("tags", body.get("tags")), text_map("properties", body.get("properties"))
    name = body.get("displayName") or body.get("name")
    before = properties(run)
    changed = next((key for key, value in added.items() if before.get(key, value) != value), None)
    if changed is not None:
        raise conflict("UserError", f"The property '{changed}' of run {run.id} has a value; properties never change.")
    _keep(target, run, {**before, **added}, tags, name)
    if run.mlflow is None:
        return
    ask, workspace = target.cloud.mlflow.request, target.workspace_id
    if tags:
        told = [{"key": key, "value": value} for key, value in tags.items()]
        await ask("POST", f"{TRACKING}/runs/log-batch", workspace, json_body={"run_id": run.id, "tags": told})
    if name:
        await ask("POST", f"{TRACKING}/runs/update", workspace, json_body={"run_id": run.id, "run_name": str(name)})


async def event(target: WorkspaceRequest, run: KnownRun, body: Mapping[str, Any]) -> None:
    """Take note of an event.

    Raises:
        AzureError: 400, it is none that is known; 403, the caller may not cancel jobs; 409, it is not for this run.
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
        await _end(target, run, "Canceled" if kind in _CANCELS else kind)
    elif kind != "Start":
        raise bad_request("UserError", f"The event '{name}' is not known.", target="name")


def _keep(target: WorkspaceRequest, run: KnownRun, kept: dict[str, str], tags: dict[str, str], name: Any) -> None:
    """Keep what MLflow's runs have not where the run's own kind keeps it."""
    if run.job is not None:
        job = find.resource(target.cloud, run.job["id"])  # as it is now: its runner may have changed its state
        if job is not None:
            told = job["properties"]
            told |= {"properties": kept, "tags": {**told["tags"], **tags}}
            told["displayName"] = str(name or told["displayName"])
            find.keep(target.cloud, job)
    else:
        key = local_key(target.workspace_id, run.id)
        if run.local is not None:
            target.cloud.store.put(LOCAL_RUNS, key, {**run.local, "properties": kept})
        elif kept:
            raise conflict("UserError", f"Run {run.id} is a run of MLflow's, which has tags and no properties.")


def _note_error(target: WorkspaceRequest, run: KnownRun, data: Any) -> None:
    told = member(data, "ErrorResponse") if isinstance(data, dict) else None
    inner = member(told, "error") if isinstance(told, dict) else None
    message = str(member(inner, "message") or "") if isinstance(inner, dict) else ""
    if run.local is not None and message:
        store = target.cloud.store
        store.put(LOCAL_RUNS, local_key(target.workspace_id, run.id), {**run.local, "error": message})


def _cancel_job(target: WorkspaceRequest, run: KnownRun) -> None:
    inside.post(target.cloud, target.caller, f"{target.id}/jobs/{run.id}/cancel")


async def _end(target: WorkspaceRequest, run: KnownRun, state: str) -> None:
    if run.job is not None:
        raise conflict("UserError", f"Run {run.id} is a job: it ends when its command does, or when it is cancelled.")
    if run.local is not None:
        if run.local["status"] in _ENDS and run.local["status"] != state:
            raise conflict("UserError", f"Run {run.id} has ended ({run.local['status']}).")
        store = target.cloud.store
        store.put(LOCAL_RUNS, local_key(target.workspace_id, run.id), {**run.local, "status": state})
    body = {
        "run_id": run.id,
        "status": _ENDS[state],
        "end_time": int(target.cloud.clock.now().timestamp() * 1000),
    }
    answer = await target.cloud.mlflow.request("POST", f"{TRACKING}/runs/update", target.workspace_id, json_body=body)
    if not answer.is_success:
        raise AzureError(400, "UserError", str(answer.json().get("message", "MLflow did not end the run.")))
