"""The search for runs.

Microsoft, "Query & compare experiments and runs with MLflow", its examples, its table of states and its support matrix:

- "Using `order_by` with expressions containing `metrics.*`, `params.*`, or `tags.*` [...] isn't currently supported";
- filters by metrics with special characters (escaped), `!=` for tags, and `OR` are not;
- `attributes.status` is told in the page's words, `Failed`;
- "For the key `attributes`, values should always be strings and hence encoded between quotes", numbers as well;
- `attributes.duration` and `attributes.creation_time` are there; the example gives the latter in seconds.

"Operator '...' not supported for key type '...'" is the service's (Azure/azure-sdk-for-python#41453). Filters by
datasets are not supported (MicrosoftDocs/azure-docs#124209). Inferred: whether a parameter or tag is there (`IS NULL`),
which MLflow 3 asks, is not either; a number above what seconds come to is one of milliseconds, as MLflow's are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from azmlflow.localazure.azureml.searches import clauses
from azmlflow.localazure.azureml.searches.clauses import ATTRIBUTE, DATASET, METRIC, PARAMETER, TAG, Comparison, Key
from azmlflow.localazure.core.errors import AzureError, bad_request

_NULL = ("IS NULL", "IS NOT NULL")
_REFUSED = {METRIC: _NULL, PARAMETER: _NULL, TAG: ("!=", *_NULL)}
_NUMBERS = ("start_time", "end_time", "created", "Created", "duration")
_CREATED = "creation_time"
_MOST_SECONDS = 10**11  # the year 5138; in milliseconds, 1973
_PLAIN_NAME = re.compile(r"[\w.]+")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def filtered(text: str) -> str:
    """A filter as MLflow takes it.

    Raises:
        AzureError: 400, Azure Machine Learning does not take it.
    """
    found = clauses.comparisons(text)
    return " AND ".join(_spelt(each, text).text for each in found)


def ordered(order: Iterable[str]) -> list[str]:
    """What to order by as MLflow takes it.

    Raises:
        AzureError: 400, Azure Machine Learning does not order by it.
    """
    found = []
    for each in order:
        key, direction = clauses.order(each)
        if key.entity != ATTRIBUTE:
            raise bad_request(
                "UserError", f"Order by '{each}' is not supported: runs are ordered by their attributes only."
            )
        found.append(f"{_named(key).text} {direction}".strip())
    return found


def milliseconds(comparison: Comparison) -> str:
    """The instant that a comparison is with, in MLflow's milliseconds.

    Raises:
        AzureError: 400, it is with no number.
    """
    number = _number(comparison)
    return str(int(float(number) * 1000)) if float(number) < _MOST_SECONDS else number


def _spelt(comparison: Comparison, text: str) -> Comparison:
    """A comparison as MLflow takes it."""
    key, operator = comparison.key, comparison.operator
    if key.entity == DATASET or operator in _REFUSED.get(key.entity, ()):
        raise _not_supported(operator, key)
    if key.entity == METRIC and key.escaped and _PLAIN_NAME.fullmatch(key.name) is None:
        raise clauses.unsupported(text)
    if key.entity != ATTRIBUTE:
        return comparison
    if key.name == "status":
        # One word for one state, whoever writes it how; MLflow has them in capitals.
        return replace(comparison, value=comparison.value.upper())
    if key.name == _CREATED:
        return Comparison(_named(key), operator, milliseconds(comparison))
    return replace(comparison, value=_number(comparison)) if key.name in _NUMBERS else comparison


def _number(comparison: Comparison) -> str:
    """The number that a comparison is with, without the quotes that the page asks for."""
    number = comparison.plain
    if _NUMBER.fullmatch(number) is None:
        raise bad_request("UserError", f"'{number}' is not a number: '{comparison.key.text}' is compared with numbers.")
    return number


def _named(key: Key) -> Key:
    """An attribute under MLflow's name for it."""
    return clauses.key("attributes.start_time") if key.name == _CREATED else key


def _not_supported(operator: str, key: Key) -> AzureError:
    return bad_request("UserError", f"Operator '{operator}' not supported for key type '{key.entity}'.")
