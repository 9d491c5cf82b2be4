"""Metrics of SDK v1 as MLflow has none: texts, truth values, rows, tables, and images and the like by their artifacts.

Each batch of a metric's rows is a document of the workspace, so that a metric grows without being written anew. What
azureml-core needs to read one: its columns and their types, the kind of metric, and a cell for each column in each row
(azureml-core 1.61, `core/_metrics.py`, `InlineMetric.get_cells_from_metric_v2_dto`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from azmlflow.localazure.azureml.history.known_runs import local_key
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.core.collections import SDK1_METRICS
from azmlflow.localazure.core.store import Document

NUMBERS = ("int", "float", "double")


@dataclass(frozen=True)
class KeptMetric:
    """One metric, with all its rows.

    Attributes:
        name: its name.
        kind: azureml-core's `uxMetricType`.
        columns: their names and types.
        rows: in the order in which they were logged: `{"metricId", "createdUtc", "step", "data"}`.
    """

    name: str
    kind: str
    columns: Mapping[str, str]
    rows: tuple[Document, ...]

    def cells(self, row: Document) -> Document:
        """A row's data with a cell for each column: one that it has not is not a number, or nothing."""
        return {name: row["data"].get(name, _missing(kind)) for name, kind in self.columns.items()}


def kept(target: WorkspaceRequest, run_id: str) -> dict[str, KeptMetric]:
    """The metrics of a run, by name."""
    found: dict[str, KeptMetric] = {}
    for _, document in target.cloud.store.scan(SDK1_METRICS, f"{local_key(target.workspace_id, run_id)}/"):
        before = found.get(document["name"])
        found[document["name"]] = KeptMetric(
            document["name"],
            document["kind"],
            _joined(before.columns if before else {}, document["columns"]),
            (*(before.rows if before else ()), *document["rows"]),
        )
    return found


def keep(target: WorkspaceRequest, run_id: str, metric: KeptMetric) -> None:
    """Add the rows of a metric to what is kept of it."""
    head = f"{local_key(target.workspace_id, run_id)}/{quote(metric.name, safe='')}/"
    store = target.cloud.store
    told = {"name": metric.name, "kind": metric.kind, "columns": dict(metric.columns), "rows": list(metric.rows)}
    with store.transaction():
        number = sum(1 for _ in store.scan(SDK1_METRICS, head))
        store.put(SDK1_METRICS, f"{head}{number:09}", told)


def _joined(before: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The columns of both; one that was of another type holds what both are."""
    joined = dict(before)
    for name, kind in given.items():
        known = joined.setdefault(name, kind)
        if known.lower() != kind.lower():
            numbers = known.lower() in NUMBERS and kind.lower() in NUMBERS
            joined[name] = "double" if numbers else "string"
    return joined


def _missing(kind: str) -> Any:
    return "NaN" if kind.lower() in NUMBERS else None
