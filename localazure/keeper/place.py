"""A job's place as the embedded Azure sees it: its folder and its user, and the keeper of both, who is asked for all
that happens there."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

from azmlflow.localazure.keeper import porter
from azmlflow.localazure.keeper.process import CannotStart, JobProcess, Keeping, written

_CLOSE_WITHIN = 60.0  # seconds that the end of all processes and files is waited for; the keeper goes on after that
_LONGEST = 1 << 21  # bytes of a porter's line
_log = logging.getLogger("azmlflow.local")


class Place:
    """One job's place; `Users.open` makes it.

    Attributes:
        folder: the job's folder.
        user: the number of its user; None: ours.
        private: whether its commands have namespaces of their own.
    """

    def __init__(self, keeper: socket.socket) -> None:
        self._keeper = keeper
        keeper.setblocking(False)
        self._asking = asyncio.Lock()
        self.folder, self.private = Path(), False
        self.user: int | None = None

    async def open(self, name: str, own: Sequence[str]) -> None:
        """Have the job's user and folder made.

        Args:
            name: the folder's.
            own: names of folders in it that are the job's to write to.

        Raises:
            CannotStart: the job would have more rights than a user of its own, or none can be had.
        """
        told = await self.ask({"do": "open", "name": name, "own": list(own)})
        self.folder, self.user, self.private = Path(told["folder"]), told["user"], told["private"]

    async def start(self, command: str, cwd: Path, environment: Mapping[str, str], keeping: Keeping) -> JobProcess:
        """Start a shell command, as the job's user.

        Args:
            command: for /bin/sh.
            cwd: where it runs.
            environment: all that it sees; nobody but the command's own process reads it.
            keeping: how it is kept.

        Raises:
            CannotStart: it would have more rights than its job, or cannot be started.
        """
        data = written(command, str(cwd), environment)
        asked, alive = os.pipe()
        result, result_end = os.pipe()
        words = asdict(keeping)
        limits = {name: words.pop(name) for name in ("seconds", "memory", "disk", "log_limit")}
        try:
            await self.ask({"do": "start", "limits": limits, **words}, data, asked, result_end)
        except BaseException:
            os.close(alive)
            os.close(result)
            raise
        finally:
            for descriptor in (data, asked, result_end):
                os.close(descriptor)
        reader = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(result, "rb")
        )
        return JobProcess(alive, reader, pipe)

    async def porter(self) -> Porter:
        """A porter, to be used by `async with`.

        Raises:
            CannotStart: there is none to be had.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            await self.ask({"do": "move"}, theirs.fileno())
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_LONGEST)
        return Porter(reader, writer)

    async def hold(self, lock: int) -> None:
        """Have the keeper hold a lock (flock) with us: should we end, until all processes of the job have ended."""
        await self.ask({"do": "hold"}, lock)

    async def lend(self, venv: Path) -> None:
        """Make the folder of an environment anew, for the job's user to fill."""
        await self.ask({"do": "lend", "path": str(venv)})

    async def take_back(self, venv: Path) -> None:
        """Make a lent folder ours with all in it, for everybody to read and nobody else to change.

        Raises:
            CannotStart: it holds what cannot become ours.
        """
        await self.ask({"do": "take", "path": str(venv)})

    async def discard(self, venv: Path) -> None:
        """Remove the folder of an environment that came to nothing."""
        await self.ask({"do": "discard", "path": str(venv)})

    async def close(self) -> None:
        """End all that still runs there, and remove the folder; what stays all the same is told in the log, since what
        the job came to does not depend on it."""
        try:
            async with asyncio.timeout(_CLOSE_WITHIN):
                left = (await self.ask({"do": "close"}))["left"]
        except (CannotStart, TimeoutError):
            left = True
        finally:
            self._keeper.close()
        if left:
            _log.warning("%s could not be removed whole", self.folder)

    async def ask(self, request: dict[str, Any], *descriptors: int) -> dict[str, Any]:
        """Ask the keeper; its answer.

        Raises:
            CannotStart: it refuses, or has ended.
        """
        loop, told = asyncio.get_running_loop(), b""
        async with self._asking:
            try:
                socket.send_fds(self._keeper, [json.dumps(request).encode() + b"\n"], list(descriptors))
                while not told.endswith(b"\n"):
                    if not (data := await loop.sock_recv(self._keeper, 1 << 16)):
                        raise ConnectionResetError
                    told += data
            except OSError as error:
                raise CannotStart("The job was not started: its keeper has ended.") from error
        answer: dict[str, Any] = json.loads(told)
        if "refused" in answer:
            raise CannotStart(f"The job was not started: {answer['refused']}.")
        return answer


class Porter:
    """Moves files into a job's folder and out of it, by a process of the job's user; what that says is looked at as
    what a stranger says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def __aenter__(self) -> Porter:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()

    async def make(self, parts: Sequence[str]) -> None:
        """Make a folder.

        Args:
            parts: the names that lead to it from the job's folder.

        Raises:
            OSError: it cannot be made, or its name leads elsewhere.
        """
        await self._ask({"make": list(parts)})
        await self._answer(parts)

    async def empty(self, parts: Sequence[str]) -> None:
        """Remove all that is in a folder.

        Raises:
            OSError: something stays, or its name leads elsewhere.
        """
        await self._ask({"empty": list(parts)})
        await self._answer(parts)

    async def put(self, parts: Sequence[str], content: AsyncIterator[bytes], *, runs: bool = False) -> None:
        """Make a new file, and the folders above it.

        Args:
            parts: the names that lead to it from the job's folder.
            content: what is in it.
            runs: whether it is one to run.

        Raises:
            OSError: it cannot be made, or its name leads elsewhere.
        """
        await self._ask({"put": list(parts), "runs": runs})
        async for data in content:
            for start in range(0, len(data), porter.CHUNK):
                self._writer.write(porter.framed(data[start : start + porter.CHUNK]))
                await self._writer.drain()
        self._writer.write(porter.framed(b""))
        await self._answer(parts)

    async def show(self, parts: Sequence[str]) -> AsyncIterator[tuple[list[str], AsyncIterator[bytes]]]:
        """The file of this name, or all files below the folder: the names that lead to each from there, and its
        content, which is to be read before the next one.

        Raises:
            OSError: they cannot be read.
        """
        await self._ask({"show": list(parts)})
        while (told := await self._answer(parts)).get("file") is not None:
            inner = told["file"]
            if not isinstance(inner, list) or not all(map(porter.is_part, inner)):
                raise OSError(0, "the names of a job's files are not valid", "/".join(parts))
            content = self._chunks()
            yield inner, content
            async for _ in content:
                pass

    async def _ask(self, request: dict[str, Any]) -> None:
        self._writer.write(json.dumps(request).encode() + b"\n")
        try:
            await self._writer.drain()
        except OSError as error:
            raise OSError(error.errno, "the process that moves a job's files has ended") from error

    async def _answer(self, parts: Sequence[str]) -> dict[str, Any]:
        try:
            told = json.loads(await self._reader.readuntil(b"\n"))
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError) as error:
            raise OSError(0, "the process that moves a job's files has ended", "/".join(parts)) from error
        if not isinstance(told, dict) or "error" in told:
            why, number = (told.get("error"), told.get("errno")) if isinstance(told, dict) else ("no answer", 0)
            raise OSError(number if isinstance(number, int) else 0, str(why), "/".join(parts))
        return told

    async def _chunks(self) -> AsyncIterator[bytes]:
        while True:
            length = int(await self._reader.readexactly(8), 16)
            if not 0 <= length <= porter.CHUNK:
                raise OSError(0, "a job's file is told in another way than is agreed")
            if length == 0:
                return
            yield await self._reader.readexactly(length)


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Content that is in memory, as one that is streamed: for `Porter.put`, say."""
    yield data
