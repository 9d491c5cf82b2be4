"""Which Python jobs run with: the setting, else the one that `azmlflow run` was last given, else azmlflow's own.

No environment is built and no image is pulled: whatever a job's environment says, it runs with an interpreter that is
here, and its log says which.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from azmlflow.localazure.folder import write_private

SETTING = "AZMLFLOW_JOB_PYTHON"
_NOTE = "job-python"


def remember(state: Path, words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Note the interpreter of a command line that begins with one: `python train.py`.

    Args:
        state: the state folder.
        words: the command line.
        environment: where its first word is looked up.
    """
    if not words or not Path(words[0]).name.startswith("python"):
        return
    found = shutil.which(words[0], path=environment.get("PATH"))
    if found is not None:  # absolute, but not resolved: a venv's python is a link to another
        write_private(state / _NOTE, str(Path.cwd() / found).encode())


def interpreter(state: Path, base: Mapping[str, str]) -> Path:
    """The interpreter for jobs.

    Args:
        state: the state folder.
        base: the embedded Azure's own environment.
    """
    noted = state / _NOTE
    told = base.get(SETTING) or (noted.read_text(encoding="utf-8") if noted.exists() else "")
    return Path(told) if told and Path(told).is_file() else Path(sys.executable)
