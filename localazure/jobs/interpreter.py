"""Which Python jobs run with: the setting, else the one that `azmlflow run` was last given, else azmlflow's own.

No environment is built and no image is pulled: whatever a job's environment says, it runs with an interpreter that is
here, and its log says which. `prepare` is the one place where a job's environment is looked at.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.folder import write_private
from azmlflow.localazure.store import Document

SETTING = "AZMLFLOW_JOB_PYTHON"
_NOTE = "job-python"


async def prepare(cloud: Cloud, _workspace: Document, job: Document, say: Callable[[str], None]) -> Path:
    """The interpreter that a job is to run with, made ready.

    Args:
        cloud: the embedded Azure.
        _workspace: the workspace's document.
        job: the job's; `environmentId` names its environment.
        say: writes a line into the job's log, which clients see at once.
    """
    found = interpreter(cloud.state, os.environ)
    wanted = job["properties"]["environmentId"].rpartition("/environments/")[2] or "none"
    say(f"environment {wanted} is not built on this machine: the job runs with {found}")
    return found


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
