"""Which Python jobs run with."""

from __future__ import annotations

import sys
from pathlib import Path

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


def test_the_setting_wins(tmp_path: Path) -> None:
    python = _python(tmp_path)
    remember(tmp_path, [sys.executable], {})
    assert interpreter(tmp_path, {SETTING: str(python)}) == python
