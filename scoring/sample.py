"""A request that fits a model's signature, as MLflow writes signatures down.

The payload is Azure's for models that MLflow logged: `{"input_data": ...}` (Microsoft, "Deploy MLflow models to online
endpoints", "Considerations for deploying to real-time inference").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# One value of each of MLflow's types (mlflow.types.DataType, and NumPy's kinds of tensors).
_VALUES: Mapping[str, Any] = {
    "boolean": False,
    "integer": 0,
    "long": 0,
    "float": 0.0,
    "double": 0.0,
    "string": "text",
    "binary": "",
    "datetime": "2026-01-01T00:00:00",
}
_KINDS: Mapping[str, Any] = {"bool": False, "int": 0, "uint": 0, "float": 0.0, "str": "text", "object": "text"}


def sample(inputs: Sequence[Mapping[str, Any]] | None) -> dict[str, Any] | None:
    """A request that fits a signature.

    Args:
        inputs: the signature's, as MLflow's `Schema.to_dict()` gives them; None without a signature.

    Returns:
        The body, to be sent as JSON; None without a signature, or where it says what we cannot make up.
    """
    if not inputs:
        return None
    try:
        return {"input_data": _sample(inputs)}
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _sample(inputs: Sequence[Mapping[str, Any]]) -> Any:
    if "tensor-spec" in inputs[0]:
        tensors = {str(each.get("name") or ""): _tensor(each["tensor-spec"]) for each in inputs}
        return tensors[""] if set(tensors) == {""} else tensors
    row = [_value(each) for each in inputs]
    if not all(each.get("name") for each in inputs):
        return [row]
    return {"columns": [str(each["name"]) for each in inputs], "index": [0], "data": [row]}


def _value(spec: Mapping[str, Any]) -> Any:
    if spec["type"] == "array":
        return [_value(spec["items"])]
    if spec["type"] == "object":
        return {name: _value(each) for name, each in spec["properties"].items()}
    if spec["type"] == "map":
        return {"key": _value(spec["values"])}
    return _VALUES[spec["type"]]


def _tensor(spec: Mapping[str, Any]) -> Any:
    value = _KINDS[str(spec["dtype"]).rstrip("0123456789")]
    for length in reversed(spec["shape"]):
        value = [value] * (1 if length < 0 else int(length))
    return value
