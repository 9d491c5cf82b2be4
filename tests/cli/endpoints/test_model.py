"""What a deployment needs to know of a model, and a request that fits its signature."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.endpoints.model import Model, read

CONDA = """
channels: [conda-forge]
dependencies:
- python=3.11.7
- pip<=23.2.1
- pip:
  - mlflow==2.22.5
  - pandas==2.3.3
name: mlflow-env
"""


def tensor(kind: str, *shape: int, **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": kind, "shape": list(shape)}, **more}


def column(kind: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, **({"name": name} if name else {}), "required": True, **more}


def test_what_a_model_needs() -> None:
    found = read("wine", "3", {"mlflow": "2.22.5", "inputs": None, "conda": CONDA})
    assert found == Model("wine", "3", "2.22.5", None, ("mlflow==2.22.5", "pandas==2.3.3"), "3.11.7")
    assert (found.major, found.sample()) == (2, None)


@pytest.mark.parametrize(
    "conda",
    [None, "", ":", "- a", "dependencies: 3", "dependencies: [python=3.11, pip, numpy=1.26, pip: [mlflow]]"],
)
def test_what_pip_cannot_tell_of(conda: str | None) -> None:
    found = read("wine", "3", {"mlflow": None, "inputs": None, "conda": conda})
    assert (found.packages, found.major) == (None, None)


@pytest.mark.parametrize(
    ("inputs", "sample"),
    [
        (
            [column("double", "age"), column("string", "name"), column("boolean", "old"), column("long", "count")],
            {"columns": ["age", "name", "old", "count"], "index": [0], "data": [[0.0, "text", False, 0]]},
        ),
        (
            [column("datetime", "at"), column("array", "many", items={"type": "float"})],
            {"columns": ["at", "many"], "index": [0], "data": [["2026-01-01T00:00:00", [0.0]]]},
        ),
        (
            [column("object", "who", properties={"name": {"type": "string", "required": True}})],
            {"columns": ["who"], "index": [0], "data": [[{"name": "text"}]]},
        ),
        ([column("double"), column("double")], [[0.0, 0.0]]),
        ([tensor("float64", -1, 2)], [[0.0, 0.0]]),
        ([tensor("int64", -1, name="a"), tensor("bool", -1, name="b")], {"a": [0], "b": [False]}),
    ],
)
def test_a_request_that_fits_the_signature(inputs: list[dict[str, Any]], sample: Any) -> None:
    assert Model("wine", "1", inputs=inputs).sample() == {"input_data": sample}


@pytest.mark.parametrize("inputs", [[{"type": "any", "name": "x"}], [column("array", "x")], [tensor("complex64", 1)]])
def test_a_signature_of_which_no_request_can_be_made_up(inputs: list[dict[str, Any]]) -> None:
    assert Model("wine", "1", inputs=inputs).sample() is None
