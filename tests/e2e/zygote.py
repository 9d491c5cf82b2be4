"""Starts commands by forking a process that has imported azmlflow already: the same command, a second sooner.

`python -m tests.e2e.zygote` reads a JSON line a command from standard input, and answers two: its process id, and,
when it has ended, its exit code. One command at a time.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import IO, Any


class Zygote:
    """The forking process, as tests see it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder, self._environment = folder, environment
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that `has_ended` sees all that is there
            cwd=Path(__file__).parents[2],
        )

    def start(self, *words: str) -> int:
        """Begin `azmlflow WORDS` in the folder, in a session of its own; its process id."""
        asked = {"words": words, "folder": str(self._folder), "environment": self._environment}
        self._pipe(self._process.stdin).write(json.dumps(asked).encode() + b"\n")
        return int(self._answer()["pid"])

    def has_ended(self, within: float) -> bool:
        """Whether the command has ended by itself, or does in so many seconds."""
        return bool(select.select([self._pipe(self._process.stdout)], [], [], within)[0])

    def end(self) -> tuple[int, str]:
        """Wait for the command; its exit code, or the signal as a negative number, and what it said."""
        code = int(self._answer()["code"])
        return code, (self._folder / "said").read_text(encoding="utf-8")

    def close(self) -> None:
        """End the forking process."""
        self._pipe(self._process.stdin).close()
        self._process.wait(10)
        self._pipe(self._process.stdout).close()

    def _answer(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self._pipe(self._process.stdout).readline())
        return answer

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None
        return pipe


def _run(asked: dict[str, Any]) -> int:
    """The command, in the forked process."""
    os.setsid()
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    nothing, said = os.open(os.devnull, os.O_RDWR), os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for target, source in ((0, nothing), (1, said), (2, said)):
        os.dup2(source, target)
    from azmlflow.cli import main

    code = main.run(asked["words"])
    sys.stdout.flush()
    return code


def _answer(document: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Fork for each line, until there are no more."""
    import azure.identity
    import pulumi.automation
    import requests

    import azmlflow.cli.commands.down
    import azmlflow.cli.commands.up
    import azmlflow.cli.stack
    import azmlflow.infra.__main__
    import azmlflow.localazure.daemon

    assert azure.identity and pulumi.automation and requests and azmlflow
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _run(json.loads(line))
            finally:
                os._exit(code)
        _answer({"pid": pid})
        _, status = os.waitpid(pid, 0)
        _answer({"code": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
