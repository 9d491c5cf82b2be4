# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's model registry in which a model goes with the last of its versions.

"Machine Learning doesn't support deleting the entire model container. To achieve this task, delete all model versions
for a given model" (Microsoft, "Manage models registry in Azure Machine Learning with MLflow"). Its row stays, with a
mark, and so do MLflow's rows of the deleted versions: a model of that name that is made later goes on with the numbers,
so that a number that was given once means no other files later. Inferred: the page does not tell of the numbers.
"""

from __future__ import annotations

from typing import Any

from mlflow.entities.model_registry import RegisteredModel
from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModel, SqlRegisteredModelTag
from mlflow.store.model_registry.sqlalchemy_workspace_store import (
    WorkspaceAwareSqlAlchemyStore as WorkspaceAwareRegistryStore,
)
from mlflow.utils.time import get_current_time_millis
from mlflow.utils.validation import _validate_registered_model_tag
from sqlalchemy import select

from azmlflow.localazure.tracking.once import set_up_once

_MARK = "azmlflow.gone"  # reserved: no client sets or sees such a tag (`models.records`)
_GONE = (
    select(SqlRegisteredModelTag.key)
    .where(SqlRegisteredModelTag.name == SqlRegisteredModel.name)
    .where(SqlRegisteredModelTag.workspace == SqlRegisteredModel.workspace)
    .where(SqlRegisteredModelTag.key == _MARK)
    .correlate(SqlRegisteredModel)
    .exists()
)


class EmptiedModelsStore(WorkspaceAwareRegistryStore):  # type: ignore[misc, unused-ignore]
    """The model registry of `mlflow server --enable-workspaces`, in which a model goes with its last version."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        set_up_once(self)

    def create_registered_model(
        self, name: str, tags: Any = None, description: str | None = None, *rest: Any, **told: Any
    ) -> RegisteredModel:
        """Make a model, or one again whose versions were all deleted.

        Raises:
            MlflowException: RESOURCE_ALREADY_EXISTS; INVALID_PARAMETER_VALUE.
        """
        with self.ManagedSessionMaker(read_only=False) as session:
            model = self._get_query(session, SqlRegisteredModel).filter(SqlRegisteredModel.name == name).one_or_none()
            if model is not None and _is_gone(model):
                for tag in tags or ():
                    _validate_registered_model_tag(tag.key, tag.value)
                model.creation_time = model.last_updated_time = get_current_time_millis()
                model.description = description
                for tag in model.registered_model_tags:
                    session.delete(tag)
                session.flush()
                for key, value in {tag.key: tag.value for tag in tags or ()}.items():
                    session.add(self._with_workspace_field(SqlRegisteredModelTag(name=name, key=key, value=value)))
                session.flush()
                session.expire(model)
                return model.to_mlflow_entity()
        return super().create_registered_model(name, tags, description, *rest, **told)

    def delete_model_version(self, name: str, version: str | int) -> None:
        """Delete a version, and the model with its last one.

        Raises:
            MlflowException: RESOURCE_DOES_NOT_EXIST; INVALID_PARAMETER_VALUE.
        """
        super().delete_model_version(name, version)
        with self.ManagedSessionMaker(read_only=False) as session:
            left = self._get_query(session, SqlModelVersion).filter(
                SqlModelVersion.name == name, SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL
            )
            if left.first() is None:
                session.merge(self._with_workspace_field(SqlRegisteredModelTag(name=name, key=_MARK, value="")))

    def _get_registered_model(self, session: Any, name: str, eager: bool = False) -> Any:
        model = super()._get_registered_model(session, name, eager)
        if _is_gone(model):
            raise MlflowException(f"Registered Model with name={name} not found", RESOURCE_DOES_NOT_EXIST)
        return model

    def _get_search_registered_model_filter_query(self, *given: Any, **named: Any) -> Any:
        return super()._get_search_registered_model_filter_query(*given, **named).filter(~_GONE)


def _is_gone(model: Any) -> bool:
    return any(tag.key == _MARK for tag in model.registered_model_tags)
