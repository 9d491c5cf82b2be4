"""A registered model as a deployment sees it: what it needs, and a request that fits its signature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from azmlflow.scoring.sample import sample


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
        return sample(self.inputs)


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
