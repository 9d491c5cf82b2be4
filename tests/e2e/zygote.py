"""Starts commands by forking a process that has imported azmlflow already: the same command, two seconds sooner.

`python -m tests.e2e.zygote SOCKET` reads a JSON line a command from standard input, and answers two: its process id,
and, when it has ended, its exit code. One command at a time. An embedded Azure that a command starts is forked too, by
who listens at the socket (`clouds.py`), and so is a script that the data scientist's Python is to run, by who listens
beside it (`scientist.py`).
"""

from __future__ import annotations

import atexit
import functools
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any
from unittest import mock

from tests.e2e import scientist
from tests.e2e.forked import forking

Said = tuple[int, str, str]
_IMPORTED_WITHIN = 120.0  # seconds, on a machine that has other things to do
_SCIENTIST = "scientist"  # the socket's name
# For who wants a process that is a script's.
_ASK = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests.e2e.scientist import run
sys.exit(run(Path(sys.argv[2]), sys.argv[3:], dict(os.environ)) % 256)
"""
_ENDED_WITHIN = 600.0  # more than any command takes that is waited for without an end of its own


@functools.cache
def zygote() -> Zygote:
    """The one of this process; it ends with it."""
    made = Zygote()
    atexit.register(made.close)
    return made


class Zygote:
    """The forking process, as tests see it.

    Attributes:
        clouds: the socket of who forks embedded Azures.
    """

    def __init__(self) -> None:
        self._said = tempfile.TemporaryDirectory(prefix="said-")
        self._scientist: subprocess.Popen[bytes] | None = None
        self.clouds = Path(self._said.name) / "clouds"
        with self._listening("clouds") as listener:
            self._clouds = self._started("clouds", listener.fileno())
        self._process = self._started("zygote", self.clouds)

    def run(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        within: float,
        python: Path | None = None,
    ) -> Said:
        """Run `azmlflow WORDS` to its end; killed if that takes longer than so many seconds.

        Args:
            words: the command.
            folder: where it runs.
            environment: its variables.
            within: seconds.
            python: a script that it runs by this interpreter, the same at each call, is forked.
        """
        if python is not None and self._scientist is None:
            with self._listening(_SCIENTIST) as listener:
                self._scientist = self._started("scientist", listener.fileno(), python)
        pid = self.start(words, folder, environment, python)
        if not self.has_ended(within):
            os.killpg(pid, signal.SIGKILL)
        return self.end()

    def start(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], python: Path | None = None
    ) -> int:
        """Begin `azmlflow WORDS` in a folder, in a session of its own; its process id."""
        asked = {
            "words": words,
            "folder": str(folder),
            "environment": dict(environment),
            "said": self._said.name,
            "python": str(python or ""),
        }
        self._pipe(self._process.stdin).write(json.dumps(asked).encode() + b"\n")
        return int(self._answer(_IMPORTED_WITHIN)["pid"])

    def has_ended(self, within: float) -> bool:
        """Whether the command has ended by itself, or does in so many seconds."""
        return bool(select.select([self._pipe(self._process.stdout)], [], [], within)[0])

    def end(self) -> Said:
        """Wait for the command; its exit code, or the signal as a negative number, and what it said on each stream."""
        code = int(self._answer(_ENDED_WITHIN)["code"])
        out, err = ((Path(self._said.name) / name).read_text(encoding="utf-8") for name in ("out", "err"))
        return code, out, err

    def close(self) -> None:
        """End the forking processes."""
        for process in filter(None, (self._process, self._clouds, self._scientist)):
            self._pipe(process.stdin).close()
            process.wait(60)
            self._pipe(process.stdout).close()
        self._said.cleanup()

    def _listening(self, name: str) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(Path(self._said.name) / name))
        listener.listen()
        return listener

    @staticmethod
    def _started(name: str, given: int | Path, python: str | Path = sys.executable) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(python), "-m", f"tests.e2e.{name}", str(given)],
            pass_fds=[given] if isinstance(given, int) else [],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # so that `has_ended` sees all that is there
            cwd=Path(__file__).parents[2],
        )

    def _answer(self, within: float) -> dict[str, Any]:
        assert self.has_ended(within), f"the process that starts commands says nothing for {within} s"
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
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for target, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(Path(asked["said"]) / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), target)
    from azmlflow.cli import main

    if asked["python"]:
        _fork_scripts(asked["python"], Path(asked["said"]) / _SCIENTIST)
    code = main.run(asked["words"])
    sys.stdout.flush()
    return code


def _fork_scripts(python: str, place: Path) -> None:
    """Have scripts that this process would run by an interpreter forked by who listens at a socket."""
    from azmlflow.cli.frame import launch
    from azmlflow.cli.proof import child

    def execve(path: str, words: list[str], environment: dict[str, str]) -> None:
        if path != python or not words[1:] or not words[1].endswith(".py"):
            os.execve(path, words, environment)
        code = scientist.run(place, words[1:], environment)
        if code < 0:
            os.kill(os.getpid(), -code)
        os._exit(code)

    def popen(words: list[str], **options: Any) -> subprocess.Popen[Any]:
        if words[0] == python:
            words = [sys.executable, "-c", _ASK, str(Path(__file__).parents[2]), str(place), *words[1:]]
        return subprocess.Popen(words, **options)

    mock.patch.object(launch, "os", types.SimpleNamespace(**{**vars(os), "execve": execve})).start()
    mock.patch.object(child, "subprocess", types.SimpleNamespace(**{**vars(subprocess), "Popen": popen})).start()


def _answer(document: dict[str, int]) -> None:
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def main(clouds: Path) -> None:
    """Fork for each line, until there are no more."""
    import azure.identity
    import azure.mgmt.authorization
    import pulumi.automation
    import requests

    import azmlflow.cli.azure.by_id
    import azmlflow.cli.azure.connection
    import azmlflow.cli.commands.access.grant
    import azmlflow.cli.commands.access.revoke
    import azmlflow.cli.commands.stack.down
    import azmlflow.cli.commands.stack.up
    import azmlflow.cli.pulumi.engine_stack
    import azmlflow.cli.wiring
    import azmlflow.infra.__main__
    import azmlflow.infra.rehearsal
    import azmlflow.localazure.plugin.attached
    import azmlflow.localazure.plugin.client.client
    import azmlflow.localazure.plugin.client.identity
    import azmlflow.localazure.plugin.client.transport
    import azmlflow.localazure.process.daemon
    import azmlflow.localazure.process.starting
    import azmlflow.rbac.live.principals

    assert azure.identity and pulumi.automation and requests and azmlflow
    starting = azmlflow.localazure.process.starting
    mock.patch.object(starting, "subprocess", forking("azmlflow.localazure.process.serve", clouds)).start()
    gc.freeze()  # what is imported is no garbage: no command need look through it
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
    main(Path(sys.argv[1]))
