"""Runs a user's command: in this process's place, or, where somebody looks on, as its child.

In its place: same process id, terminal, signals and exit code. As a child at a terminal, so that something can be said
when it failed: what the terminal sends (Ctrl-C, Ctrl-Z) reaches both, what is sent to this process alone is passed on.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from azmlflow.cli.frame.errors import CliError

_PASSED_ON = ("SIGTERM", "SIGHUP")
_FROM_THE_TERMINAL = ("SIGINT", "SIGQUIT")


def execute(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Become the command; at a terminal, run it and give its exit code (128 and the signal that ended it).

    Raises:
        CliError: there is no such command, or it may not be run.
    """
    name = command[0]
    path = shutil.which(name, path=environment.get("PATH"))
    if path is None:
        near = "" if "/" in name else _near(name, environment.get("PATH", ""))
        hint = f"; did you mean `{near}`?" if near else ""
        next_ = (
            f"azmlflow run -- {shlex.join([near, *command[1:]])}" if near else "echo $PATH    (it is in none of these)"
        )
        raise CliError(f"no command `{name}` on PATH{hint}", next=f"ls -l {name}" if "/" in name else next_)
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        # On Windows execve ends this process, and the shell goes on, before the command has ended.
        if sys.stderr.isatty() or sys.platform == "win32":
            return _attended(path, command, environment)
        os.execve(path, list(command), dict(environment))
    except OSError as fault:
        raise CliError(f"`{name}` cannot be run: {fault.strerror}", where=path, next=f"file {path}") from fault


def _near(name: str, path: str) -> str:
    """The command on a path whose name is nearest to one that is not there; empty if none is near."""
    found: set[str] = set()
    for folder in path.split(os.pathsep):
        with contextlib.suppress(OSError):
            found.update(each.name for each in Path(folder or ".").iterdir())
    near = difflib.get_close_matches(name, sorted(found), n=3, cutoff=0.75)
    return next((each for each in near if shutil.which(each, path=path)), "")


def _attended(path: str, command: Sequence[str], environment: Mapping[str, str]) -> int:
    children: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, _frame: FrameType | None) -> None:
        for child in children:
            child.send_signal(number)

    def leave(_number: int, _frame: FrameType | None) -> None:
        """The command has heard it too, and decides."""

    before = {
        number: signal.signal(number, handler)
        for names, handler in ((_PASSED_ON, pass_on), (_FROM_THE_TERMINAL, leave))
        for name in names
        if (number := getattr(signal, name, None)) is not None
    }
    try:
        children.append(subprocess.Popen(list(command), executable=path, env=dict(environment)))
        code = children[0].wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
