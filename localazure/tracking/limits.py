# mypy: disable-error-code="no-untyped-call, no-any-return"
"""MLflow's tracking store with the sizes that Azure Machine Learning takes (`core.service_limits`).

Asked here and not before the request is passed on, because what a run has already counts: 150 parameters may be logged
once, not twice. Nothing of a request is kept that is refused. The million rows of one metric are not counted: counting
them would slow down each value that is logged, and so would counting a run's metrics once more for each.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from mlflow.entities import ExperimentTag, Metric, Param, Run, RunInfo, RunTag
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INVALID_PARAMETER_VALUE
from mlflow.store.tracking.dbmodels.models import SqlExperimentTag, SqlLatestMetric, SqlParam, SqlTag
from mlflow.store.tracking.sqlalchemy_workspace_store import WorkspaceAwareSqlAlchemyStore
from sqlalchemy import select

from azmlflow.localazure.core import service_limits as limits
from azmlflow.localazure.core.service_limits import Limit, Pairs
from azmlflow.localazure.tracking.once import set_up_once

_RUNS = 1000  # whose metrics' names are remembered


class LimitedStore(WorkspaceAwareSqlAlchemyStore):  # type: ignore[misc, unused-ignore]
    """The store of `mlflow server --enable-workspaces`, which refuses what is over a service limit.

    Every method raises:
        MlflowException: INVALID_PARAMETER_VALUE, in the service's words.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        self._one_at_a_time = threading.RLock()  # counted and kept, before the next request is counted
        self._counted: dict[str, set[str]] = {}  # run id -> names of its metrics
        super().__init__(*given, **named)
        set_up_once(self)

    def create_experiment(
        self, name: str, artifact_location: str | None = None, tags: Iterable[ExperimentTag] | None = None
    ) -> str:
        with self._refusing():
            limits.EXPERIMENT_NAME.check(len(name or ""))
            _check_pairs(limits.EXPERIMENT_TAGS, limits.EXPERIMENT_DESCRIPTION, tags or (), ())
        return super().create_experiment(name, artifact_location, tags)

    def set_experiment_tag(self, experiment_id: str, tag: ExperimentTag) -> None:
        with self._refusing():
            before = self._names(SqlExperimentTag, SqlExperimentTag.experiment_id == experiment_id)
            _check_pairs(limits.EXPERIMENT_TAGS, limits.EXPERIMENT_DESCRIPTION, [tag], before)
            super().set_experiment_tag(experiment_id, tag)

    def create_run(
        self, experiment_id: str, user_id: str, start_time: int, tags: Iterable[RunTag] | None, run_name: str
    ) -> Run:
        with self._refusing():
            limits.RUN_NAME.check(len(run_name or ""))
            _check_tags(tags or (), ())
        return super().create_run(experiment_id, user_id, start_time, tags, run_name)

    def update_run_info(self, run_id: str, run_status: Any, end_time: int | None, run_name: str | None) -> RunInfo:
        with self._refusing():
            limits.RUN_NAME.check(len(run_name or ""))
        return super().update_run_info(run_id, run_status, end_time, run_name)

    def log_metric(self, run_id: str, metric: Metric) -> None:
        with self._refusing():
            self._check_metrics(run_id, [metric])
            super().log_metric(run_id, metric)

    def log_param(self, run_id: str, param: Param) -> None:
        with self._refusing():
            self._check_params(run_id, [param])
            super().log_param(run_id, param)

    def set_tag(self, run_id: str, tag: RunTag) -> None:
        with self._refusing():
            self._check_run_tags(run_id, [tag])
            super().set_tag(run_id, tag)

    def log_batch(self, run_id: str, metrics: list[Metric], params: list[Param], tags: list[RunTag]) -> None:
        with self._refusing():
            rows = Counter(metric.key for metric in metrics)
            limits.METRIC_BATCH.check(max(rows.values(), default=0))
            self._check_metrics(run_id, metrics)
            self._check_params(run_id, params)
            self._check_run_tags(run_id, tags)
            super().log_batch(run_id, metrics, params, tags)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        with self._one_at_a_time:
            try:
                yield
            except limits.OverLimit as over:
                raise MlflowException(str(over), INVALID_PARAMETER_VALUE) from over

    def _check_metrics(self, run_id: str, metrics: list[Metric]) -> None:
        if not metrics:
            return
        names = {metric.key or "" for metric in metrics}
        # All of them are names that were counted already, so there are no more by these. Names that a run has lost
        # since (it was removed, and another has its id) let no more pass than were counted then.
        if names <= self._counted.get(run_id, set()):
            return
        for name in names:
            limits.METRIC_NAME.check(len(name))
        there = self._names(SqlLatestMetric, SqlLatestMetric.run_uuid == run_id)
        limits.METRICS.check(len(names | there))
        self._counted[run_id] = there
        if len(self._counted) > _RUNS:
            self._counted.pop(next(iter(self._counted)))

    def _check_params(self, run_id: str, params: list[Param]) -> None:
        if params:
            names = {param.key for param in params} | self._names(SqlParam, SqlParam.run_uuid == run_id)
            limits.PARAMETERS.check(len(names))

    def _check_run_tags(self, run_id: str, tags: list[RunTag]) -> None:
        if tags:
            _check_tags(tags, self._names(SqlTag, SqlTag.run_uuid == run_id))

    def _names(self, kind: Any, of: Any) -> set[str]:
        with self.ManagedSessionMaker() as session:
            return set(session.execute(select(kind.key).where(of)).scalars())


def _check_tags(tags: Iterable[RunTag], before: Iterable[str]) -> None:
    limits.RUN_NAME.check(max((len(tag.value or "") for tag in tags if tag.key == limits.NAME_TAG), default=0))
    _check_pairs(limits.RUN_TAGS, limits.RUN_DESCRIPTION, tags, before)


def _check_pairs(pairs: Pairs, description: Limit, tags: Iterable[Any], before: Iterable[str]) -> None:
    """Check tags that are to be set, of which the description is one for MLflow and a field of its own for Azure."""
    told = {tag.key or "": tag.value or "" for tag in tags}
    description.check(len(told.get(limits.DESCRIPTION_TAG, "")))
    own = (limits.DESCRIPTION_TAG, limits.NAME_TAG)
    pairs.check((name, value) for name, value in told.items() if name not in own)
    pairs.count.check(len((told.keys() | set(before)) - set(own)))
