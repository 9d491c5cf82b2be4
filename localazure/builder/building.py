"""One building of an environment: its lock, and its commands one after the other, each under the job's keeper."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import JobProcess, Keeping

_LOOK = 0.2  # seconds between two looks at a lock that another job holds


class Ended(Exception):
    """The building was asked to end."""


class Building:
    """A building under way, which may be ended.

    Args:
        place: the job's, whose user runs the commands.
        log: the job's log.
        variables: what the commands see.
        keeping: how they are kept.
    """

    def __init__(self, place: Place, log: Path, variables: Mapping[str, str], keeping: Keeping) -> None:
        self._place, self._log, self._variables, self._keeping = place, log, variables, keeping
        self._process: JobProcess | None = None
        self._over = asyncio.Event()

    def end(self) -> None:
        """Ask it to end."""
        self._over.set()
        if self._process is not None:
            self._process.end()

    def see(self, variables: Mapping[str, str]) -> None:
        """Have the commands that come now see other variables."""
        self._variables = variables

    def say(self, line: str) -> None:
        """Write a line of the embedded Azure's own into the job's log."""
        with self._log.open("a", encoding="utf-8") as file:
            file.write(f"[azmlflow] {line}\n")

    async def run(self, command: str) -> int:
        """Run a command to its end; its exit code.

        Raises:
            Ended: the building was asked to end.
            CannotStart: it would have more rights than the job's user.
        """
        if self._over.is_set():
            raise Ended
        self._process = await self._place.start(command, self._place.folder, self._variables, self._keeping)
        try:
            if self._over.is_set():
                self._process.end()
            ended = await self._process.wait()
        finally:
            await self._process.close()
            self._process = None
        if ended.asked:
            raise Ended
        return ended.code

    @contextlib.asynccontextmanager
    async def locked(self, path: Path, name: str) -> AsyncIterator[None]:
        """Hold a lock file: of two that build the same, the second waits. The keeper holds it too.

        Raises:
            Ended: the building was asked to end while it waited.
        """
        with path.open("a") as file:
            told = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not told:
                        self.say(f"another job is building environment {name}: waiting for it")
                        told = True
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK):
                        await self._over.wait()
                        raise Ended
            await self._place.hold(file.fileno())
            try:
                yield
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)  # for the keeper's copy of the descriptor too
