# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's tracking store with one thing more: a run may be made with an id that was chosen beforehand.

A job and its MLflow run have one id, and Azure ML's clients choose the job's. MLflow's REST API cannot be told a run's
id, so it comes in a header of the embedded Azure's own request; what clients send as headers never gets here.
Registered for `sqlite` in the MLflow server's process by MLflow's own registry of stores (`mlflow_child`).
"""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request
from mlflow.entities import Run, RunInputs, RunStatus, RunTag, SourceType
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.uri import append_to_uri_path

RUN_ID_HEADER = "X-AZMLFLOW-RUN-ID"


class ChosenIdStore(WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc, unused-ignore]
    """The store of `mlflow server --enable-workspaces`, which takes a run's id from the header if there is one."""

    def create_run(self, experiment_id: str, user_id: str, start_time: int, tags: Any, run_name: str) -> Run:
        """Make a run, as MLflow's own store does; only the id may be given.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS, a run has that id.
        """
        run_id = request.headers.get(RUN_ID_HEADER) if has_request_context() else None
        if not run_id:
            return super().create_run(experiment_id, user_id, start_time, tags, run_name)
        with self.ManagedSessionMaker(read_only=False) as session:
            experiment = self.get_experiment(experiment_id)
            self._check_experiment_is_active(experiment)
            if session.get(SqlRun, run_id) is not None:
                raise MlflowException(f"A run with id {run_id} exists.", RESOURCE_ALREADY_EXISTS)
            kept = {tag.key: tag.value for tag in tags or ()} | {MLFLOW_RUN_NAME: run_name or run_id}
            run = SqlRun(
                name=kept[MLFLOW_RUN_NAME],
                artifact_uri=append_to_uri_path(experiment.artifact_location, run_id, self.ARTIFACTS_FOLDER_NAME),
                run_uuid=run_id,
                experiment_id=experiment_id,
                source_type=SourceType.to_string(SourceType.UNKNOWN),
                source_name="",
                entry_point_name="",
                user_id=user_id,
                status=RunStatus.to_string(RunStatus.RUNNING),
                start_time=start_time,
                end_time=None,
                deleted_time=None,
                source_version="",
                lifecycle_stage=LifecycleStage.ACTIVE,
            )
            run.tags = [SqlTag(key=tag.key, value=tag.value) for tag in (RunTag(*pair) for pair in kept.items())]
            session.add(run)
            made = run.to_mlflow_entity()
            return Run(made.info, made.data, RunInputs(dataset_inputs=[]))


def register() -> None:
    """Have MLflow's server use this store for its database."""
    from mlflow.server import handlers

    handlers._tracking_store_registry.register("sqlite", _make)


def _make(store_uri: str, artifact_uri: str | None = None, **_: Any) -> ChosenIdStore:
    return ChosenIdStore(store_uri, artifact_uri)
