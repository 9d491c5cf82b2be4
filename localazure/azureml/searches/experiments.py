"""The search for experiments.

Microsoft, "Query & compare experiments and runs with MLflow": by ids (`experiment_id IN (...)`), by tags, and
`creation_time > {seconds}`. That the example's seconds are meant, and MLflow's milliseconds are taken too, is inferred.
"""

from __future__ import annotations

from azmlflow.localazure.azureml.searches import clauses
from azmlflow.localazure.azureml.searches.clauses import ATTRIBUTE, Comparison
from azmlflow.localazure.azureml.searches.runs import milliseconds

_INSTANTS = ("creation_time", "last_update_time")


def filtered(text: str) -> str:
    """A filter as MLflow takes it.

    Raises:
        AzureError: 400, it cannot be read.
    """
    return " AND ".join(_spelt(each).text for each in clauses.comparisons(text))


def _spelt(comparison: Comparison) -> Comparison:
    if comparison.key.entity == ATTRIBUTE and comparison.key.name in _INSTANTS:
        return Comparison(comparison.key, comparison.operator, milliseconds(comparison))
    return comparison
