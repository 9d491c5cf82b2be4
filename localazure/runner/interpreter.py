"""Which Python a job runs with: the venv of its environment, else the one that jobs have anyway.

That is the setting AZMLFLOW_JOB_PYTHON, else the interpreter that `azmlflow run` was last given, else azmlflow's own;
an environment that is only an image, or that its user manages, asks for no packages and has it. `prepare` is the one
place where a job's environment is looked at.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from azmlflow.localazure.builder.build import ensure, environments_folder
from azmlflow.localazure.builder.plan import plan
from azmlflow.localazure.builder.pythons import find as pythons
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.environments.specification import Specification
from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import Endable
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.private import write_private

SETTING = "AZMLFLOW_JOB_PYTHON"
_NOTE = "job-python"


@dataclass(frozen=True)
class Chosen:
    """The interpreter of a job, and the folders that have to be shown to it so that it starts."""

    python: Path
    seen: tuple[str, ...]


class Log(Protocol):
    """A log that the building of an environment and we write to."""

    @property
    def path(self) -> Path:
        """Its file, in the job's folder."""

    def say(self, line: str) -> None:
        """Write a line of the embedded Azure's own."""


async def prepare(
    cloud: Cloud, wanted: Specification, place: Place, log: Log, *, started: Callable[[Endable], None], users: Users
) -> Chosen:
    """The interpreter that a job is to run with, or a deployment, made ready.

    Args:
        cloud: the embedded Azure.
        wanted: what its environment asks for.
        place: the job's.
        log: the job's log, which clients see at once.
        started: told of the building of the environment, which may be ended.
        users: whom jobs run as.

    Raises:
        UnusableEnvironment: no job can run in its environment here.
        CannotStart: the job's user cannot start it.
        LocalError: the setting names no interpreter.
    """
    given = interpreter(cloud.state, os.environ)
    if not wanted.built:
        for note in wanted.notes:
            log.say(f"environment {wanted.name}: {note}")
        own = Path(wanted.interpreter or "")
        # It is of the submitter's choice: asked whether it starts as the job's user, and by nobody else.
        if own.is_absolute() and await users.starts(place, own):
            chosen = Chosen(own, ())
        else:
            chosen = Chosen(given, await users.lay_open(place, given, given))
        log.say(f"environment {wanted.name} asks for no packages: its Python is {chosen.python}")
        return chosen
    made = plan(wanted, await asyncio.to_thread(pythons, os.environ, given))
    for note in made.notes:
        log.say(f"environment {made.name}: {note}")
    cache = environments_folder(os.environ)
    python = await ensure(made, cache, place, log.path, started=started, users=users)
    seen = await users.lay_open(place, python, made.python.path, venv=python.parents[1])
    log.say(f"environment {made.name}: its Python is {python}")
    return Chosen(python, seen)


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

    Raises:
        LocalError: the setting names no file.
    """
    chosen, noted = base.get(SETTING), state / _NOTE
    if chosen:
        if not Path(chosen).is_file():
            raise LocalError(f"{SETTING} names no file", where=chosen, next=f"unset {SETTING}, or name an interpreter")
        return Path(chosen)
    # One that was only noted may go, as venvs do; the job's log says which it runs with.
    told = noted.read_text(encoding="utf-8") if noted.exists() else ""
    return Path(told) if told and Path(told).is_file() else Path(sys.executable)
