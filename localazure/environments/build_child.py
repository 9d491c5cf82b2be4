"""Builds one environment, a process of its own: `python -I build_child.py FOLDER PYTHON REQUIREMENTS NAME [CONDA...]`.

    FOLDER/lock         held while it is built, by this process and pip's, so that nobody clears away under a pip that
                        lives on for a moment; of two that build the same, the second waits and finds it there
    FOLDER/venv         at its final place, since a venv's scripts hold its path
    FOLDER/ready.json   written last, in one piece: without it the venv is half a one, and is built anew

The output is for the job's log. When pip fails, its index is asked for each of the CONDA names too, so that all that
are missing are told at once. Nothing but the standard library is imported.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

READY, VENV = "ready.json", "venv"
_PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input")


def main(arguments: list[str]) -> int:
    """Build it unless it is there; the exit code of what failed."""
    folder, python, requirements, name, *conda = arguments
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
        code = _run([python, "-m", "venv", str(place / VENV)], held) or _install(place, requirements, conda, held)
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


def _install(place: Path, requirements: str, conda: list[str], held: int) -> int:
    if not Path(requirements).read_bytes():
        return 0
    pip = (str(place / VENV / "bin" / "python"), *_PIP)
    # A pip.conf that says `user = true` is meant for other installations than into a venv.
    code = _run([*pip, "install", "--no-user", "--progress-bar", "off", "-r", requirements], held)
    if code:
        for each in conda:
            _run([*pip, "index", "versions", each], held, quiet=True)
    return code


def _run(words: list[str], held: int, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    return subprocess.run(words, stdin=subprocess.DEVNULL, stdout=output, pass_fds=(held,), check=False).returncode


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
