"""What a deployment needs to know of a model, and a request that fits its signature."""

from __future__ import annotations

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


def test_a_sample_is_made_of_its_signature() -> None:
    found = read("wine", "3", {"mlflow": None, "conda": None, "inputs": [{"type": "double", "name": "age"}]})
    assert found.sample() == {"input_data": {"columns": ["age"], "index": [0], "data": [[0.0]]}}
