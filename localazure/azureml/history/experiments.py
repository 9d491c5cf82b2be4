"""Experiments in the history service: MLflow's experiments, as azureml-core asks for them by name or id."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from azmlflow.localazure.azureml.history.known_runs import experiment_named, experiment_numbered
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.store import Document


async def get(target: WorkspaceRequest, name: str) -> dict[str, Any]:
    """An experiment by its name.

    Raises:
        AzureError: 404, there is none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    return _dto(await experiment_named(target, name))


async def get_by_id(target: WorkspaceRequest, experiment_id: str) -> dict[str, Any]:
    """An experiment by its id.

    Raises:
        AzureError: 404, there is none.
        MlflowUnavailable: MLflow cannot answer now.
    """
    return _dto(await experiment_numbered(target, experiment_id))


async def create(target: WorkspaceRequest, name: str) -> dict[str, Any]:
    """Make an experiment; the one of that name if it is there.

    Raises:
        AzureError: 400, MLflow does not take the name.
        MlflowUnavailable: MLflow cannot answer now.
    """
    await target.cloud.mlflow.experiment(target.workspace_id, name)
    return await get(target, name)


def _dto(experiment: Document) -> dict[str, Any]:
    tags = {tag["key"]: tag["value"] for tag in experiment.get("tags", [])}
    told = {
        "experimentId": str(experiment["experiment_id"]),
        "name": experiment["name"],
        "description": tags.get("mlflow.note.content"),
        "createdUtc": _instant(experiment.get("creation_time")),
        "tags": tags,
    }
    return {key: value for key, value in told.items() if value is not None}


def _instant(milliseconds: Any) -> str | None:
    return timestamp(datetime.fromtimestamp(int(milliseconds) / 1000, UTC)) if milliseconds else None
