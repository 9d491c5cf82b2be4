# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's tracking store with experiments that are archived, as Azure Machine Learning has it, rather than deleted.

"Attempting to write to an archived experiment will create a new active experiment with the same name. An archived
experiment can be restored [...] as long as there is not another active experiment with the same name"
(azureml-core 1.61, `Experiment.archive`). That MLflow's deletion is the same act is inferred: the page "Query & compare
experiments and runs with MLflow" calls MLflow's deleted experiments archived.

MLflow's table wants names to be unique, deleted experiments included, so an archived one whose name is taken is kept
under a name with a mark, which nobody is shown.
"""

from __future__ import annotations

from typing import Any

from flask import has_request_context, request
from mlflow.entities import Experiment, ViewType
from mlflow.entities.lifecycle_stage import LifecycleStage
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_ALREADY_EXISTS
from mlflow.store.tracking.dbmodels.models import SqlExperiment

from azmlflow.localazure.tracking.limits import LimitedStore

FOR_GOOD_HEADER = "X-AZMLFLOW-FOR-GOOD"  # as in `server`
_MARK = "\x1f"  # the ASCII unit separator: in no name that a person types


class ArchivingStore(LimitedStore):
    """The store of `mlflow server --enable-workspaces`, in which a name is free once its experiment is archived."""

    def create_experiment(self, name: str, artifact_location: str | None = None, tags: Any = None) -> str:
        """Make an experiment.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS, an active one has the name; INVALID_PARAMETER_VALUE.
        """
        with self._refusing(), self.ManagedSessionMaker(read_only=False) as session:
            holder = self._holder(session, name)
            if holder is not None and holder.lifecycle_stage == LifecycleStage.ACTIVE:
                raise _taken(name)
            if holder is not None:
                _set_aside(session, holder)
        return super().create_experiment(name, artifact_location, tags)

    def delete_experiment(self, experiment_id: str) -> None:
        """Archive an experiment, or remove it for good where the embedded Azure says so: SDK v1 deletes empty ones.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST.
        """
        super().delete_experiment(experiment_id)
        if has_request_context() and request.headers.get(FOR_GOOD_HEADER):
            self._hard_delete_experiment(experiment_id)

    def restore_experiment(self, experiment_id: str) -> None:
        """Make an archived experiment active again, under its name.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS, an active one has its name; RESOURCE_DOES_NOT_EXIST.
        """
        with self._refusing(), self.ManagedSessionMaker(read_only=False) as session:
            archived = self._get_experiment(session, experiment_id, ViewType.DELETED_ONLY)
            name = _name(archived)
            holder = self._holder(session, name)
            if holder is not None and holder.experiment_id != archived.experiment_id:
                if holder.lifecycle_stage == LifecycleStage.ACTIVE:
                    raise _taken(name)
                _set_aside(session, holder)
            archived.name = name
        super().restore_experiment(experiment_id)

    def _holder(self, session: Any, name: str) -> Any:
        """The experiment that has a name in the table, or None."""
        return self._get_query(session, SqlExperiment).filter(SqlExperiment.name == name).one_or_none()


def hide_marks() -> None:
    """Have experiments shown under their own names, wherever MLflow's server shows them."""
    kept: Any = SqlExperiment
    shown = kept.to_mlflow_entity

    def to_mlflow_entity(self: Any, *given: Any, **named: Any) -> Experiment:
        experiment = shown(self, *given, **named)
        experiment._name = _name(self)
        return experiment

    kept.to_mlflow_entity = to_mlflow_entity


def _name(experiment: Any) -> str:
    archived = experiment.lifecycle_stage != LifecycleStage.ACTIVE
    return experiment.name.partition(_MARK)[0] if archived else experiment.name


def _set_aside(session: Any, experiment: Any) -> None:
    experiment.name = f"{experiment.name}{_MARK}{experiment.experiment_id}"
    session.flush()  # before another takes the name


def _taken(name: str) -> MlflowException:
    return MlflowException(f"Experiment '{name}' already exists.", RESOURCE_ALREADY_EXISTS)
