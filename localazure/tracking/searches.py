# mypy: disable-error-code="no-untyped-call, no-any-return"
"""What Azure Machine Learning's searches have beyond MLflow's own: a run's duration, and the orders of models.

Microsoft, "Query & compare experiments and runs with MLflow": "`attributes.duration` isn't present in MLflow OSS, but
provided in Azure Machine Learning for convenience", in milliseconds; "Manage models registry in Azure Machine Learning
with MLflow": models are ordered by `name`, `version`, `creation_timestamp` or `last_updated_timestamp`. Inferred: a run
that has not ended has no duration, and a model's version is its latest one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlflow.entities.model_registry.model_version_stages import STAGE_DELETED_INTERNAL
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.model_registry.dbmodels.models import SqlModelVersion, SqlRegisteredModel
from mlflow.store.tracking.dbmodels.models import SqlRun
from mlflow.utils.search_utils import SearchUtils
from sqlalchemy import func, select
from sqlalchemy.ext.hybrid import hybrid_property

DURATION = "duration"
_LATEST = (
    select(func.max(SqlModelVersion.version))
    .where(SqlModelVersion.name == SqlRegisteredModel.name)
    .where(SqlModelVersion.workspace == SqlRegisteredModel.workspace)
    .where(SqlModelVersion.current_stage != STAGE_DELETED_INTERNAL)
    .correlate(SqlRegisteredModel)
    .scalar_subquery()
)
_MODEL_ORDERS: dict[str, Any] = {
    "name": SqlRegisteredModel.name,
    "version": _LATEST,
    "creation_timestamp": SqlRegisteredModel.creation_time,
    "last_updated_timestamp": SqlRegisteredModel.last_updated_time,
    "timestamp": SqlRegisteredModel.last_updated_time,  # MLflow's own
}


def add_duration() -> None:
    """Let runs be filtered and ordered by `attributes.duration`."""
    SqlRun.duration = hybrid_property(lambda run: run.end_time - run.start_time)
    for names in (
        SearchUtils.VALID_SEARCH_ATTRIBUTE_KEYS,
        SearchUtils.VALID_ORDER_BY_ATTRIBUTE_KEYS,
        SearchUtils.NUMERIC_ATTRIBUTES,
    ):
        names.add(DURATION)


def model_order(clauses: Iterable[str] | None) -> list[Any]:
    """What to order registered models by; last by name.

    Args:
        clauses: as clients write them, `<key>` or `<key> ASC` or `<key> DESC`.

    Raises:
        MlflowException: INVALID_PARAMETER_VALUE, there is no such key or direction, or one is named twice.
    """
    order: list[Any] = []
    keys: list[str] = []
    for clause in clauses or ():
        key, *direction = clause.replace("`", "").split()[:3] or [""]
        if key not in _MODEL_ORDERS or [each.lower() for each in direction] not in ([], ["asc"], ["desc"]):
            raise MlflowException(
                f"Models cannot be ordered by '{clause}', but by {', '.join(_MODEL_ORDERS)}, each with ASC or DESC.",
                INVALID_PARAMETER_VALUE,
            )
        if key in keys:
            raise MlflowException(f"'{key}' is named twice in order_by.", INVALID_PARAMETER_VALUE)
        keys.append(key)
        field = _MODEL_ORDERS[key]
        order.append(field.desc() if direction and direction[0].lower() == "desc" else field.asc())
    return order if "name" in keys else [*order, SqlRegisteredModel.name.asc()]
