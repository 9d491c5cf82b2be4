"""The search for registered models.

Microsoft, "Manage models registry in Azure Machine Learning with MLflow", its table of supported capabilities: models
are searched by name; not with `LIKE` and `ILIKE`, and not by tag. The words are the service's
(Azure/azure-sdk-for-python#42155). What models are ordered by: `localazure.tracking.searches`.

MLflow's clients from 2.22 on add a condition of their own to every search, by which prompts are left out. That issue
tells that the service has refused it; then no such client can list models, as the page shows it. It is taken here: the
request is one and the same, whether a person wrote the condition or the client.
"""

from __future__ import annotations

from azmlflow.localazure.azureml.searches import clauses
from azmlflow.localazure.azureml.searches.clauses import ATTRIBUTE, TAG, Comparison

_OPERATORS = ("=", "!=", "IN", "NOT IN")
_PROMPTS = "mlflow.prompt.is_prompt"


def check(text: str) -> None:
    """Refuse a filter that Azure Machine Learning does not take.

    Raises:
        AzureError: 400.
    """
    for each in clauses.comparisons(text):
        if not _of_the_client(each) and (each.key.entity != ATTRIBUTE or each.operator not in _OPERATORS):
            raise clauses.unsupported(text)


def _of_the_client(comparison: Comparison) -> bool:
    key = comparison.key
    return (key.entity, key.name, comparison.operator, comparison.plain) == (TAG, _PROMPTS, "!=", "true")
