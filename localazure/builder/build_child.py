"""Builds one environment, a process of its own: `python -I build_child.py FOLDER PYTHON REQUIREMENTS SPEC NAME
[CONDA...]`.

    FOLDER/lock         held while it is built, by this process and pip's, so that nobody clears away under a pip that
                        lives on for a moment; of two that build the same, the second waits and finds it there
    FOLDER/venv         at its final place, since a venv's scripts hold its path
    FOLDER/ready.json   written last, in one piece: without it the venv is half a one, and is built anew

With a SPEC (`keeper.process.Keeping`), another user owns the venv while it is built, and venv and pip run as that user,
each under a keeper of its own (`keeper/child.py`) that leaves no process behind; then the venv is ours again, and
everybody may read it.

The output is for the job's log. When pip fails, its index is asked for each of the CONDA names too, so that all that
are missing are told at once. Nothing but the standard library is imported.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY, VENV = "ready.json", "venv"
_KEEPER = Path(__file__).parents[1] / "keeper" / "child.py"
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


def main(arguments: list[str]) -> int:
    """Build it unless it is there; the exit code of what failed."""
    folder, python, requirements, spec, name, *conda = arguments
    os.umask(0o022)  # whichever user a job runs as reads it
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    with _lock(place / "lock", name) as held:
        if (place / READY).exists() and (place / VENV / "bin" / "python").exists():
            return 0
        (place / READY).unlink(missing_ok=True)
        started = time.monotonic()
        count = len(Path(requirements).read_text(encoding="utf-8").splitlines())
        _say(f"building environment {name}, for the first time on this machine: {count} packages and what they need")
        shutil.rmtree(place / VENV, ignore_errors=True)
        builder = Builder(held, json.loads(spec) if spec else None)
        builder.own(place / VENV)
        code = builder.run([python, "-m", "venv", str(place / VENV)]) or _install(builder, place, requirements, conda)
        if not code:
            builder.give_back(place / VENV)
        if code:
            shutil.rmtree(place / VENV, ignore_errors=True)
            return code
        seconds = time.monotonic() - started
        written = place / f".{READY}"
        told = {"name": name, "python": python, "seconds": round(seconds, 1)}
        written.write_text(json.dumps(told), encoding="utf-8")
        written.replace(place / READY)
        _say(f"environment {name} is built: {seconds:.1f} s")
        return 0


class Builder:
    """Whoever runs venv and pip.

    Args:
        held: the lock's descriptor, which they hold too.
        spec: how they are kept, where they are another user; else None.
    """

    def __init__(self, held: int, spec: dict[str, Any] | None) -> None:
        self._held, self._spec = held, spec

    def run(self, words: list[str], quiet: bool = False) -> int:
        """Run a command to its end; its exit code."""
        if self._spec is None:
            output = subprocess.DEVNULL if quiet else None
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, stdout=output, pass_fds=(self._held,), check=False
            )  # fmt: skip
            return done.returncode
        spec = json.dumps({**self._spec, "log": os.devnull if quiet else self._spec["log"]})
        keeper = [sys.executable, "-I", "-S", str(_KEEPER), spec, *words]
        with subprocess.Popen(
            keeper, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, pass_fds=(self._held,)
        ) as process:  # fmt: skip
            return process.wait()

    def own(self, folder: Path) -> None:
        """Make a folder that is theirs."""
        if self._spec is not None:
            folder.mkdir()
            os.chown(folder, self._spec["user"], self._spec["user"])

    def give_back(self, folder: Path) -> None:
        """Make what they own below a folder ours, for everybody to read and nobody else to change."""
        if self._spec is None:
            return
        for path, inner, names in os.walk(folder, topdown=False):
            for each in (*(Path(path, name) for name in (*inner, *names)), Path(path)):
                found = each.lstat()
                if found.st_uid != self._spec["user"]:
                    continue  # a hard link to somebody else's file, or done
                os.chown(each, os.getuid(), os.getgid(), follow_symlinks=False)
                if not stat.S_ISLNK(found.st_mode):
                    more = 0o555 if found.st_mode & 0o100 else 0o444
                    each.chmod((found.st_mode & 0o755) | more)


def _install(builder: Builder, place: Path, requirements: str, conda: list[str]) -> int:
    if not Path(requirements).read_bytes():
        return 0
    pip = [str(place / VENV / "bin" / "python"), *_PIP]
    # A pip.conf that says `user = true` is meant for other installations than into a venv.
    code = builder.run([*pip, "install", "--no-user", "--progress-bar", "off", "-r", requirements])
    if code:
        for each in conda:
            builder.run([*pip, "index", "versions", each], quiet=True)
    return code


def _say(line: str) -> None:
    sys.stdout.write(f"[azmlflow] {line}\n")
    sys.stdout.flush()


@contextlib.contextmanager
def _lock(path: Path, name: str) -> Iterator[int]:
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say(f"another job is building environment {name}: waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
