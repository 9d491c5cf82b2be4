"""A command of a job or a build as the embedded Azure sees it: started under the job's keeper, waited for, ended."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from azmlflow.localazure.machine.errors import LocalError

LOG_LIMIT = 32 * 1024 * 1024
_END_WITHIN = 15.0  # seconds that the keeper has, which itself kills after two


@dataclass(frozen=True)
class Keeping:
    """How a command is kept.

    Attributes:
        log: the name of the file in the job's folder that its output goes to; empty: nowhere.
        seconds, memory, disk: how long it may take and how many bytes it may have; 0: any.
        seen: folders that it shall see although they lie where the job's user cannot go.
        own: folders outside of the job's that it may write to.
        log_limit: bytes of its output that are kept.
    """

    log: str = ""
    seconds: float = 0
    memory: int = 0
    disk: int = 0
    seen: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    log_limit: int = LOG_LIMIT


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        code: its exit code.
        passed: the limit that it passed (`time`, `memory`, `disk`), or an empty text.
        asked: whether it was ended because we asked for it, and not by itself.
    """

    code: int
    passed: str
    asked: bool


class Endable(Protocol):
    """What runs and may be asked to end: a command, or a building of several."""

    def end(self) -> None:
        """Ask it to end."""


class CannotStart(LocalError):
    """A command was not started, since it would have had more rights than its job, or cannot be."""


class JobProcess:
    """One running command.

    Args:
        alive: the descriptor whose end the keeper waits for; ours to close.
        result: what the keeper tells at its end.
        pipe: what `result` is read from.
    """

    def __init__(self, alive: int, result: asyncio.StreamReader, pipe: asyncio.ReadTransport) -> None:
        self._alive, self._result, self._pipe = alive, result, pipe
        self._told: bytes | None = None
        self._reading = asyncio.Lock()

    async def wait(self) -> Ended:
        """How it ended.

        Raises:
            CannotStart: it never ran.
        """
        told = json.loads(await self._read() or b'{"refused": "its keeper ended"}')
        if "refused" in told:
            raise CannotStart(f"The job was not started: {told['refused']}.")
        return Ended(told["code"], told["passed"], told["asked"])

    def end(self) -> None:
        """Ask the keeper to end everything; `wait` tells when it has."""
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1

    async def close(self) -> None:
        """End everything, and wait until it has ended; what has not then, `Place.close` ends."""
        self.end()
        try:
            async with asyncio.timeout(_END_WITHIN):
                await self._read()
        except TimeoutError:
            pass
        finally:
            self._pipe.close()

    async def _read(self) -> bytes:
        async with self._reading:
            if self._told is None:
                self._told = await self._result.read()
        return self._told


def written(command: str, cwd: str, environment: Mapping[str, str]) -> int:
    """A file, which has no name, that says what a command is: only the command's own process reads it.

    Raises:
        LocalError: a variable or the command is not text for a process.
    """
    told = json.dumps({"command": command, "cwd": cwd, "environment": dict(environment)}).encode()
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("command")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    view = memoryview(told)
    while view:
        view = view[os.write(descriptor, view) :]
    return descriptor
