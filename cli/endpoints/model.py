"""A registered model as a deployment sees it: what it needs, and a request that fits its signature.

The payload is Azure's for models that MLflow logged: `{"input_data": ...}` (Microsoft, "Deploy MLflow models to online
endpoints", "Considerations for deploying to real-time inference").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

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


@dataclass(frozen=True)
class Model:
    """A version of a registered model.

    Attributes:
        name, version: which.
        mlflow: the MLflow that logged it; empty if it does not say.
        inputs: its signature's; None without a signature.
        packages: what its conda.yaml asks pip for; None where it asks for more than pip and Python, or there is none.
        python: the Python that it asks for; empty if none.
    """

    name: str
    version: str
    mlflow: str = ""
    inputs: Sequence[Mapping[str, Any]] | None = None
    packages: tuple[str, ...] | None = None
    python: str = ""

    @property
    def major(self) -> int | None:
        """The first number of the MLflow that logged it."""
        first = self.mlflow.partition(".")[0]
        return int(first) if first.isdecimal() else None

    def sample(self) -> dict[str, Any] | None:
        """A request that fits its signature; None without one, or where it says what we cannot make up."""
        if not self.inputs:
            return None
        try:
            return {"input_data": _sample(self.inputs)}
        except (KeyError, TypeError, ValueError):
            return None


def read(name: str, version: str, told: Mapping[str, Any]) -> Model:
    """A model from what `look` told of it."""
    packages, python = _needs(told.get("conda"))
    return Model(name, version, str(told.get("mlflow") or ""), told.get("inputs"), packages, python)


def _needs(conda: str | None) -> tuple[tuple[str, ...] | None, str]:
    try:
        document = yaml.safe_load(conda) if conda else None
    except yaml.YAMLError:
        document = None
    dependencies = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(dependencies, list):
        return None, ""
    packages: list[str] | None = []
    python = ""
    for each in dependencies:
        if isinstance(each, dict) and packages is not None:
            packages += [str(one) for one in each.get("pip") or ()]
        elif str(each).startswith("python"):
            python = str(each).removeprefix("python").strip("=<> ")
        elif not str(each).startswith("pip"):
            packages = None  # only conda knows it
    return None if packages is None else tuple(packages), python


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
