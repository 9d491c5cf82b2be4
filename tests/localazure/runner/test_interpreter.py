"""Which Python jobs run with."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.runner.interpreter import SETTING, interpreter, remember


def _python(folder: Path) -> Path:
    path = folder / "python3"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def test_azmlflows_own_where_nothing_else_is_known(tmp_path: Path) -> None:
    assert interpreter(tmp_path, {}) == Path(sys.executable)


def test_the_one_that_a_command_line_began_with(tmp_path: Path) -> None:
    python = _python(tmp_path)
    remember(tmp_path, ["python3", "train.py"], {"PATH": str(tmp_path)})
    remember(tmp_path, ["mlflow", "run"], {"PATH": str(tmp_path)})
    assert interpreter(tmp_path, {}) == python


def test_a_setting_that_names_no_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    """Jobs would run with another Python than was asked for."""
    with pytest.raises(LocalError, match="AZMLFLOW_JOB_PYTHON") as told:
        interpreter(tmp_path, {SETTING: "/nowhere/python"})
    assert told.value.where == "/nowhere/python"


def test_one_that_a_command_line_began_with_and_that_is_gone_is_azmlflows_own(tmp_path: Path) -> None:
    python = _python(tmp_path)
    remember(tmp_path, ["python3", "train.py"], {"PATH": str(tmp_path)})
    python.unlink()
    assert interpreter(tmp_path, {}) == Path(sys.executable)


def test_the_setting_wins(tmp_path: Path) -> None:
    python = _python(tmp_path)
    remember(tmp_path, [sys.executable], {})
    assert interpreter(tmp_path, {SETTING: str(python)}) == python
