"""Runs a user's command in this process's place: same process id, terminal, signals and exit code."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

from azmlflow.cli.frame.errors import CliError


def execute(command: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the command.

    Raises:
        CliError: there is no such command, or it may not be run.
    """
    name = command[0]
    path = shutil.which(name, path=environment.get("PATH"))
    if path is None:
        raise CliError(f"no command `{name}` on PATH", next=f"ls -l {name}" if "/" in name else f"type {name}")
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(path, list(command), dict(environment))
    except OSError as fault:
        raise CliError(f"`{name}` cannot be run: {fault.strerror}", where=path, next=f"file {path}") from fault
