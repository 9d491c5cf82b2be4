"""The runs of a workspace as the history service knows them: jobs, local runs, and plain MLflow runs.

A run may be known to MLflow (it was started), as a job (it was submitted to a cluster), as a local run (a client runs
it, `local_runs`), or as more than one of these, always by one id. A job that was just submitted is not yet MLflow's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.collections import LOCAL_RUNS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.tracking.answers import ABSENT, INVALID, body, body_if_any
from azmlflow.localazure.work import records
from azmlflow.rbac.operations import TRACKING

_PAGE = 1000


@dataclass(frozen=True)
class KnownRun:
    """One run, and what is known of it.

    Attributes:
        id: its id.
        experiment_id: its experiment's id in MLflow; "" for a waiting job whose experiment is not made yet.
        mlflow: MLflow's own view of it, `{"info": ..., "data": ...}`, if it was started.
        job: the job's ARM document, if it is one.
        record: the job's record beside it.
        local: the local run's record, if it is one.
    """

    id: str
    experiment_id: str
    mlflow: Document | None = None
    job: Document | None = None
    record: Document | None = None
    local: Document | None = None

    @property
    def has_artifacts(self) -> bool:
        """Whether what is kept under its id is its own. A job is given no artifacts before MLflow has made its run,
        which it does not where another workspace has one of this id; and workspaces may share a storage account."""
        return self.mlflow is not None

    @property
    def tags(self) -> dict[str, str]:
        """Its tags: MLflow's, once it is known there."""
        if self.mlflow is not None:
            return {tag["key"]: tag["value"] for tag in self.mlflow.get("data", {}).get("tags", [])}
        return {} if self.job is None else dict(self.job["properties"]["tags"])


async def find(target: WorkspaceRequest, run_id: str, experiment: str | None = None) -> KnownRun:
    """A run of the workspace.

    Args:
        target: the request.
        run_id: the run's id.
        experiment: id or name of the experiment that the request says it belongs to.

    Raises:
        AzureError: 404 unless the workspace has it, in that experiment.
        MlflowUnavailable: MLflow cannot answer now.
    """
    mlflow = await of_mlflow(target, run_id)
    job = records.find(target.cloud, target.id, run_id)
    local = target.cloud.store.get(LOCAL_RUNS, local_key(target.workspace_id, run_id))
    if mlflow is None and job is None:
        raise AzureError(404, "UserError", f"Run {run_id} was not found in the workspace.")
    experiment_id = "" if mlflow is None else str(mlflow["info"]["experiment_id"])
    if mlflow is None and job is not None:
        experiment_id = await experiment_id_of(target, job[0]["properties"]["experimentName"]) or ""
    names = (None, experiment_id, job[0]["properties"]["experimentName"] if job else None)
    if experiment not in names and experiment != await _experiment_name(target, experiment_id):
        raise AzureError(404, "UserError", f"Run {run_id} was not found in experiment {experiment}.")
    document, record = job or (None, None)
    return KnownRun(run_id, experiment_id, mlflow, document, record, local)


async def _experiment_name(target: WorkspaceRequest, experiment_id: str) -> str | None:
    """An experiment's name, archived or not: by its name alone another might be found, which is active."""
    found = await _asked(target, "experiments/get", experiment_id=experiment_id) if experiment_id else None
    return None if found is None else str(found["experiment"]["name"])


async def of_mlflow(target: WorkspaceRequest, run_id: str) -> Document | None:
    """MLflow's view of a run of the workspace, `{"info": ..., "data": ...}`; None if MLflow has none of this id.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await _asked(target, "runs/get", run_id=run_id)
    return None if found is None else dict(found["run"])


async def in_experiment(target: WorkspaceRequest, experiment: Document) -> list[KnownRun]:
    """All runs of an experiment, in no order; with it MLflow archives its runs.

    Args:
        target: the request.
        experiment: MLflow's view of it.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    experiment_id, runs = experiment["experiment_id"], list[Document]()
    view = {"run_view_type": "ALL"} if is_archived(experiment) else {}
    page: str | None = ""
    while page is not None:
        next_page = {"page_token": page} if page else {}
        asked = {"experiment_ids": [experiment_id], "max_results": _PAGE, **view, **next_page}
        answer = await target.cloud.mlflow.request(
            "POST", f"{TRACKING}/runs/search", target.workspace_id, json_body=asked
        )
        found = body(answer)
        runs += found.get("runs", [])
        page = found.get("next_page_token") or None
    jobs = {
        document["name"]: (document, record)
        for key, document, record in records.jobs(target.cloud)
        if key.startswith(f"{target.id}/".lower()) and document["properties"]["experimentName"] == experiment["name"]
    }
    store, known = target.cloud.store, []
    for run in runs:
        run_id = run["info"]["run_id"]
        local = store.get(LOCAL_RUNS, local_key(target.workspace_id, run_id))
        document, record = jobs.pop(run_id, (None, None))
        known.append(KnownRun(run_id, experiment_id, run, document, record, local))
    waiting = ((name, job) for name, job in jobs.items() if job[1].get("experiment") is None)
    return known + [KnownRun(name, experiment_id, None, *job) for name, job in waiting]


def is_archived(experiment: Document) -> bool:
    """Whether an experiment, as MLflow shows it, is archived: MLflow calls it deleted."""
    return experiment.get("lifecycle_stage") == "deleted"


async def experiment_named(target: WorkspaceRequest, name: str) -> Document:
    """MLflow's view of an experiment.

    Raises:
        AzureError: 404, the workspace has none of this name.
        MlflowUnavailable: MLflow cannot answer now.
    """
    return _experiment(name, await _asked(target, "experiments/get-by-name", experiment_name=name))


async def experiment_numbered(target: WorkspaceRequest, experiment_id: str) -> Document:
    """MLflow's view of an experiment.

    Raises:
        AzureError: 404, the workspace has none of this id.
        MlflowUnavailable: MLflow cannot answer now.
    """
    return _experiment(experiment_id, await _asked(target, "experiments/get", experiment_id=experiment_id))


async def experiment_id_of(target: WorkspaceRequest, name: str) -> str | None:
    """The id of the experiment of a name, or None.

    Raises:
        MlflowUnavailable: MLflow cannot answer now.
    """
    found = await _asked(target, "experiments/get-by-name", experiment_name=name)
    return None if found is None else str(found["experiment"]["experiment_id"])


def local_key(workspace_id: str, run_id: str) -> str:
    """The store's key of a local run."""
    return f"{workspace_id}/{run_id}".lower()


def _experiment(asked: str, found: Document | None) -> Document:
    if found is None:
        raise AzureError(404, "UserError", f"Experiment {asked} was not found in the workspace.")
    return dict(found["experiment"])


async def _asked(target: WorkspaceRequest, call: str, **params: str) -> dict[str, Any] | None:
    """What MLflow says to a GET of one thing by its id or name; None when there is no such thing: a value that MLflow
    does not take, such as an experiment's id that is not a number, is nobody's."""
    answer = await target.cloud.mlflow.request("GET", f"{TRACKING}/{call}", target.workspace_id, params=params)
    return body_if_any(answer, (ABSENT, INVALID))
