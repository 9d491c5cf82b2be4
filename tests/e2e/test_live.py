"""`make live`, on the embedded Azure: it shows the price, asks, and removes everything after a failure too."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.estate import CHECKOUT, SCIENCE_PYTHON, make_estate

pytestmark = pytest.mark.e2e


def test_it_asks_and_removes_everything_after_a_failure(tmp_path: Path) -> None:
    estate, python = make_estate(tmp_path / "project"), tmp_path / "python"
    # A data scientist's Python in which all is well until a script runs.
    python.write_text(f'#!/bin/sh\n[ "$1" = -c ] && exec {SCIENCE_PYTHON} "$@"\nexit 3\n')
    python.chmod(0o755)
    words = (
        sys.executable,
        "-m",
        "scripts.live",
        "--cloud",
        "local",
        "--folder",
        estate.folder,
        "--python",
        python,
    )

    def live(answer: str) -> str:
        given = {"env": estate.environment, "input": answer, "capture_output": True, "text": True, "timeout": 300}
        done = subprocess.run(words, cwd=CHECKOUT, check=False, **given)  # type: ignore[call-overload]
        assert done.returncode == 1, done.stderr
        assert "a month" in done.stdout, done.stderr
        return str(done.stderr)

    assert live("yes\n").endswith("Error: nothing was made\n")
    told = live("azmlflow-live\n")
    assert "$ azmlflow up --yes" in told
    assert f"azmlflow run -- {python}" in told
    assert told.endswith("failed; all is removed\n")
    estate.azmlflow("local", "stop")
