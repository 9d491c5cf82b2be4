"""What azmlflow tells people to type is typed: each line in a shell of a data scientist, who has azmlflow on PATH."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e.estate import CHECKOUT, SCIENCE_PYTHON, Estate, make_environment, make_estate
from tests.e2e.typed import DAY, FIRST, SETTINGS, Typed

pytestmark = pytest.mark.e2e

_TRACK = """
import mlflow
mlflow.set_experiment("typed")
with mlflow.start_run():
    mlflow.log_metric("m", 1)
print("tracked")
"""
FILES = {
    "track.py": _TRACK,
    "train.py": "import mlflow\nmlflow.get_experiment('7777')\n",
    "train.log": "mlflow.exceptions.RestException: RESOURCE_DOES_NOT_EXIST: No Experiment with id=7 exists\n",
    "people.csv": "principal,persona\nbob@local.test,viewer\n",
    "fleet.yaml": "defaults: {cloud: local, location: westeurope}\nworkspaces: {search-dev: {}}\n",
}


def programs(folder: Path) -> Path:
    """A folder with `azmlflow` alone, so that `python` is the data scientist's."""
    folder.mkdir()
    (folder / "azmlflow").symlink_to(Path(sys.executable).parent / "azmlflow")
    return folder


def as_a_user(estate: Estate, folder: Path) -> Estate:
    """The same folder at a terminal of 80 columns, with no variable that names a stack."""
    variables = {name: value for name, value in estate.environment.items() if name != "AZMLFLOW_STACK"}
    path = f"{programs(folder)}:{SCIENCE_PYTHON.parent}:{variables['PATH'].partition(':')[2]}"
    return replace(estate, environment={**variables, "PATH": path, "COLUMNS": "80"})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    """A project with a stack `local` and a data scientist's files."""
    folder = tmp_path_factory.mktemp("typed")
    estate = make_estate(folder / "project")
    for name, text in FILES.items():
        (estate.folder / name).write_text(text)
    (estate.folder / ".venv-examples").symlink_to(CHECKOUT / ".venv-examples")
    yield as_a_user(estate, folder / "bin")
    estate.azmlflow("local", "stop")


def typed(estate: Estate, row: Typed) -> None:
    words = shlex.split(row.line) if "|" not in row.line and "~" not in row.line else ["bash", "-c", row.line]
    done = estate.command(*words, fails=bool(row.code))
    assert (done.code, row.says in done.out + done.err) == (row.code, True), f"{row.line}\n{done.out}\n{done.err}"


def test_in_an_empty_folder(tmp_path: Path) -> None:
    for number, row in enumerate(FIRST):
        home = tmp_path / f"home-{number}"
        folder = tmp_path / str(number)
        folder.mkdir()
        typed(Estate(folder, make_environment(home, Path(sys.executable).parent)), row)


def test_settings(tmp_path: Path) -> None:
    estate = as_a_user(make_estate(tmp_path / "project"), tmp_path / "bin")
    for row in SETTINGS:
        typed(estate, row)


@pytest.mark.parametrize("part", DAY)
def test_a_day(desk: Estate, part: str) -> None:
    for row in DAY[part]:
        typed(desk, row)
