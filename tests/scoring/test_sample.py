"""A request that fits a model's signature."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.scoring.sample import sample


def tensor(kind: str, *shape: int, **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": kind, "shape": list(shape)}, **more}


def column(kind: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, **({"name": name} if name else {}), "required": True, **more}


@pytest.mark.parametrize(
    ("inputs", "made"),
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
def test_a_request_that_fits_the_signature(inputs: list[dict[str, Any]], made: Any) -> None:
    assert sample(inputs) == {"input_data": made}


@pytest.mark.parametrize(
    "inputs", [[{"type": "any", "name": "x"}], [column("array", "x")], [tensor("complex64", 1)], None, [], [1]]
)
def test_a_signature_of_which_no_request_can_be_made_up(inputs: Any) -> None:
    assert sample(inputs) is None
