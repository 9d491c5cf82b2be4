# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's stores as this server has them: with the service's limits (`limits`), archived experiments (`experiments`),
models that go with their last version (`emptied`), its searches (`searches`), and one thing more: a run's id and a
model version's number may be chosen beforehand.

A job and its MLflow run have one id, and Azure ML's clients choose the job's; azure-ai-ml also says which version of a
model it makes. MLflow's REST API cannot be told either, so they come in a header of the embedded Azure's own request;
what clients send as headers never gets here. Registered for `sqlite` in the MLflow server's process by MLflow's own
registries of stores (`child`).

MLflow's column of run ids is VARCHAR(32), and the clients' names of jobs are longer: SQLite keeps them whole, another
database would not, so these stores are registered for `sqlite` alone.
"""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request
from mlflow.entities import Run, RunInputs, RunStatus, RunTag, SourceType
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.entities.model_registry import ModelVersion
from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlModelVersionTag
from mlflow.store.tracking.dbmodels.models import SqlRun, SqlTag
from mlflow.utils.mlflow_tags import MLFLOW_RUN_NAME
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import _validate_model_version_tag

from azmlflow.localazure.tracking import searches
from azmlflow.localazure.tracking.emptied import EmptiedModelsStore
from azmlflow.localazure.tracking.experiments import ArchivingStore, hide_marks
from azmlflow.localazure.tracking.once import KnownWorkspaces
from azmlflow.localazure.tracking.reading import refuse_what_cannot_be_read

RUN_ID_HEADER, MODEL_VERSION_HEADER = "X-AZMLFLOW-RUN-ID", "X-AZMLFLOW-MODEL-VERSION"


class ChosenIdStore(ArchivingStore):
    """The store of `mlflow server --enable-workspaces`, which takes a run's id from the header if there is one."""

    def create_run(self, experiment_id: str, user_id: str, start_time: int, tags: Any, run_name: str) -> Run:
        """Make a run, as MLflow's own store does; only the id may be given, which is a job's that is to run.

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
                status=RunStatus.to_string(RunStatus.SCHEDULED),  # the job waits; its start makes it RUNNING
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


class ChosenVersionStore(EmptiedModelsStore):
    """The model registry of `mlflow server --enable-workspaces`, which takes a version's number from the header."""

    @classmethod
    def _parse_search_registered_models_order_by(cls, order_by_list: list[str] | None) -> list[Any]:
        return searches.model_order(order_by_list)

    def create_model_version(self, name: str, source: str, *rest: Any, **told: Any) -> ModelVersion:
        """Make a model version, as MLflow's own store does; only the number may be given.

        MLflow keeps the row of a deleted version, so that it never gives the number again; who chooses the number may.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS, the model has that version.
        """
        chosen = request.headers.get(MODEL_VERSION_HEADER) if has_request_context() else None
        if not chosen:
            return super().create_model_version(name, source, *rest, **told)
        kept = {tag.key: tag.value for tag in told.get("tags") or ()}
        for key, value in kept.items():
            _validate_model_version_tag(key, value)
        version, now = int(chosen), get_current_time_millis()
        with self.ManagedSessionMaker(read_only=False) as session:
            model = self._get_registered_model(session, name)
            there = self._get_query(session, SqlModelVersion).filter_by(name=name, version=version).first()
            if there is not None and there.current_stage != STAGE_DELETED_INTERNAL:
                raise MlflowException(f"Model {name} has a version {version}.", RESOURCE_ALREADY_EXISTS)
            if there is not None:
                self._get_query(session, SqlModelVersionTag).filter_by(name=name, version=version).delete()
                session.delete(there)
                session.flush()
            made = self._with_workspace_field(
                SqlModelVersion(
                    name=name,
                    version=version,
                    creation_time=now,
                    last_updated_time=now,
                    source=source,
                    storage_location=source,
                    run_id=told.get("run_id"),
                    run_link=told.get("run_link"),
                    description=told.get("description"),
                )
            )
            made.model_version_tags = [
                self._with_workspace_field(SqlModelVersionTag(name=name, version=version, key=key, value=value))
                for key, value in kept.items()
            ]
            model.last_updated_time = now
            session.add_all([model, made])
            session.flush()
            return self._populate_model_version_aliases(session, name, made.to_mlflow_entity())


def register() -> None:
    """Have MLflow's server use these stores for its database."""
    from mlflow.server import handlers
    from mlflow.tracking._workspace import registry

    searches.add_duration()
    hide_marks()
    refuse_what_cannot_be_read()
    handlers._tracking_store_registry.register("sqlite", _make)
    handlers._model_registry_store_registry.register("sqlite", _make_registry)
    registry._get_workspace_store_registry().register("sqlite", KnownWorkspaces)


def _make(store_uri: str, artifact_uri: str | None = None, **_: Any) -> ChosenIdStore:
    return ChosenIdStore(store_uri, artifact_uri)


def _make_registry(store_uri: str) -> ChosenVersionStore:
    return ChosenVersionStore(store_uri)
