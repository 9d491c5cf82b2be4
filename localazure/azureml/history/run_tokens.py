"""What a run token (`work.run_token`) is good for, on every request that bears one.

What it may do is the smaller of what the submitter may do and of this: read in the workspace, log to its own run and
to runs that say that they are its children, and register models. A client renews it at `.../runs/<id>/token` before it
expires.
"""

from __future__ import annotations

from typing import Any

from azmlflow.localazure.azureml.history import routes
from azmlflow.localazure.azureml.history.known_runs import local_key
from azmlflow.localazure.azureml.request.bodies import asked_of_mlflow
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.blobs.origins import RUN_ORIGIN
from azmlflow.localazure.core.collections import LOCAL_RUNS
from azmlflow.localazure.core.errors import AzureError, unauthenticated
from azmlflow.localazure.tracking.answers import body_if_any
from azmlflow.localazure.work import records
from azmlflow.localazure.work.run_token import RUN, WORKSPACE, issue
from azmlflow.rbac.operations import TRACKING, recognise

_PARENT = "mlflow.parentRunId"
_SERVICES = ("mlflow", "history", "artifact", "metric", "data", "modelregistry", "modelmanagement")
_READS = ("read_experiments", "read_runs", "search_runs", "read_artifacts", "read_models")
_MODELS = ("write_models", "register_local_model")
_ON_RUNS = ("write_run", "log_artifact")


def renew(target: WorkspaceRequest, run_id: str) -> tuple[str, int]:
    """Another token for a run that has one: for who has it now.

    Args:
        target: the request, made with the token.
        run_id: the run that the request names.

    Raises:
        AzureError: 403, the request's token is not that run's.
    """
    if run_of(target) != run_id:
        raise AzureError(403, "AuthorizationFailed", "A run's token is renewed with that token, by its run alone.")
    return issue(target.cloud, target.workspace, run_id, target.caller.principal.object_id)


def run_of(target: WorkspaceRequest) -> str | None:
    """The run that the request's token is for; None for an ordinary token."""
    found = target.caller.claims.get(RUN)
    return None if found is None else str(found)


async def check(target: WorkspaceRequest) -> None:
    """Refuse what a run token is not good for; ordinary tokens pass.

    Raises:
        AzureError: 401 when the job has ended or is no more; 403 for another workspace, run or kind of request.
        MlflowUnavailable: MLflow cannot say now whose run it is.
    """
    run_id = run_of(target)
    if run_id is None:
        return
    if target.caller.claims.get(WORKSPACE) != target.workspace_id:
        raise _refused("it is another workspace's")
    if not _runs(target, run_id):
        raise unauthenticated(f"The job '{run_id}' of the run token has ended.", code="ExpiredAuthenticationToken")
    if target.service == "history" and target.rest[-1:] == ("token",):
        return  # `renew` compares the run
    if target.service not in _SERVICES:
        raise _refused("a job may not do this")
    operation = recognise(target.request.method, target.service, "/" + "/".join(target.rest))
    name = "" if operation is None else operation.name
    if name in _READS or name in _MODELS:
        return
    if target.service in ("history", "artifact", "metric"):
        run = _addressed(target)
        if target.request.method != "GET" and (run is None or not await _is_own(target, run_id, run)):
            raise _refused(f"it is not run {run}'s")
        return
    if operation is not None:  # else Azure ML has no such thing: the service says so, and clients go on without it
        await _check_mlflow(target, name, run_id)


async def _check_mlflow(target: WorkspaceRequest, name: str, run_id: str) -> None:
    """Refuse an MLflow operation that is not on the token's own run, or a new child of it."""
    if name not in _ON_RUNS:
        raise _refused("a job may not do this")
    _, asked = await asked_of_mlflow(target)  # as tracking reads it
    body = asked if isinstance(asked, dict) else {}
    if target.rest[-2:] == ("runs", "create"):
        tags = body.get("tags")
        told = [tag for tag in tags if isinstance(tag, dict)] if isinstance(tags, list) else []
        parents = [tag.get("value") for tag in told if tag.get("key") == _PARENT]
        if not parents or any(parent != run_id for parent in parents):
            raise _refused("a job makes runs only as children of its own")
        return
    named = [body[member] for member in ("run_id", "run_uuid") if body.get(member)]
    if not named or not all(isinstance(each, str) for each in named) or len(set(named)) > 1:
        raise _refused("it names no run, or two")
    if not await _is_own(target, run_id, named[0]):
        raise _refused(f"it is not run {named[0]}'s")


def _runs(target: WorkspaceRequest, run_id: str) -> bool:
    """Whether the token's run is still at work."""
    job = records.find(target.cloud, target.id, run_id)
    if job is not None:
        return job[0]["properties"]["status"] not in records.ENDED
    local = target.cloud.store.get(LOCAL_RUNS, local_key(target.workspace_id, run_id))
    return local is not None and local["status"] not in records.ENDED


def _addressed(target: WorkspaceRequest) -> str | None:
    """The run that a path of these services is about, as they read it themselves; None for no run's."""
    rest = target.rest
    if target.service == "artifact" or rest[4:5] == ("artifacts",):
        route = routes.route_of(target)
        if route is None:
            return None
        if route.run:
            return route.run
        origin, container = route.origin
        return container.removeprefix("dcid.") if origin == RUN_ORIGIN and container.startswith("dcid.") else None
    if rest[:1] == ("runs",):
        return rest[1] if len(rest) > 1 else None
    return rest[3] if len(rest) > 3 and rest[2] == "runs" else None


async def _is_own(target: WorkspaceRequest, own: str, run_id: str) -> bool:
    """Whether a run is the job's, or says that it is a child of the job's.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    if run_id == own:
        return True
    found = await target.cloud.mlflow.request(
        "GET", f"{TRACKING}/runs/get", target.workspace_id, params={"run_id": run_id}
    )
    run = body_if_any(found)
    tags: list[dict[str, Any]] = [] if run is None else run["run"].get("data", {}).get("tags", [])
    return any(tag["key"] == _PARENT and tag["value"] == own for tag in tags)


def _refused(why: str) -> AzureError:
    return AzureError(403, "AuthorizationFailed", f"The run token is not good for this request: {why}.")
