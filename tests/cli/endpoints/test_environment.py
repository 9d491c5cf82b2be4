"""Whether the packages of a model fit each other, by what pip says; a script of the test's stands for pip."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from azmlflow.cli.endpoints import environment
from azmlflow.cli.endpoints.model import Model
from azmlflow.cli.frame.errors import CliError

MODEL = Model("wine", "1", packages=("mlflow==2.22.5", "pandas==3.1.1"), python="3.11.7")


def pip(folder: Path, code: int, said: str = "") -> str:
    """An interpreter whose pip says this, and notes how it was asked."""
    path = folder / "python"
    note = f"import pathlib, sys; pathlib.Path({str(folder / 'asked')!r}).write_text(' '.join(sys.argv[1:]))"
    path.write_text(f"#!{sys.executable}\n{note}\nsys.stderr.write({said!r}); sys.exit({code})\n")
    path.chmod(0o755)
    return str(path)


def test_packages_that_fit(tmp_path: Path) -> None:
    assert environment.check(pip(tmp_path, 0, "WARNING: old"), MODEL, {}) is None
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith("-m pip install --dry-run --ignore-installed")
    assert "--python-version 3.11 --only-binary :all: mlflow==2.22.5 pandas==3.1.1 azureml-inference-server" in asked


def test_packages_that_do_not(tmp_path: Path) -> None:
    said = (
        "INFO: pip looks\nERROR: Cannot install mlflow==2.22.5 and pandas==3.1.1\nERROR: ResolutionImpossible: help\n"
    )
    with pytest.raises(CliError) as caught:
        environment.check(pip(tmp_path, 1, said), MODEL, {})
    assert caught.value.what == (
        "the environment of wine:1 cannot be built: Cannot install mlflow==2.22.5 and pandas==3.1.1 "
        "ResolutionImpossible: help"
    )


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("WARNING: Retrying: NewConnectionError\nERROR: No matching distribution", "the package index does not answer"),
        ("python: No module named pip\n", "pip did not answer: exit code 1"),
    ],
)
def test_what_is_not_known(tmp_path: Path, said: str, why: str) -> None:
    assert environment.check(pip(tmp_path, 1, said), MODEL, {}) == why


def test_where_pip_is_not_asked(tmp_path: Path) -> None:
    assert environment.check("none", Model("wine", "1"), {}) == "it has no conda.yaml"
    asks_more = environment.check("none", Model("wine", "1", python="3.11"), {})
    assert asks_more == "its conda.yaml asks for more than pip can tell of"
    assert environment.check(str(tmp_path / "none"), MODEL, {}) == "pip did not answer: FileNotFoundError"
