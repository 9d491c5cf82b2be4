"""A job's process as the runner sees it: its keeper (`child.py`), started and ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from azmlflow.localazure.keeper import child

LOG_LIMIT = 32 * 1024 * 1024
_END_WITHIN = 15.0  # seconds that the keeper has, which itself kills after two


@dataclass(frozen=True)
class Keeping:
    """How a command is kept.

    Attributes:
        log: the file that its output goes to.
        folder: the job's folder, whose size counts.
        seconds, memory, disk: how long it may take and how many bytes it may have; 0: any.
        user: the user and group that it runs as; None: ours.
        seen: folders that it shall see although they lie where that user cannot go.
        log_limit: bytes of its output that are kept.
    """

    log: str
    folder: str
    seconds: float = 0
    memory: int = 0
    disk: int = 0
    user: int | None = None
    seen: tuple[str, ...] = ()
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


class JobProcess:
    """One running job; made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, command: str, cwd: Path, environment: Mapping[str, str], keeping: Keeping) -> JobProcess:
        """Start a shell command under a keeper.

        Args:
            command: for /bin/sh.
            cwd: where it runs.
            environment: all that it sees.
            keeping: how it is kept.

        Raises:
            OSError: it cannot be started.
        """
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", child.__file__, json.dumps(asdict(keeping))),
            *("/bin/sh", "-c", command),
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,  # held open and never written to
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return cls(process)

    async def wait(self) -> Ended:
        """How it ended."""
        assert self._process.stdout is not None
        told = (await self._process.stdout.read()).decode()
        asked = told == child.ASKED
        return Ended(await self._process.wait(), "" if asked else told, asked)

    def end(self) -> None:
        """Ask the keeper to end everything; `wait` tells when it has."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def close(self) -> None:
        """End everything, and wait until it has ended; the keeper too if it does not."""
        self.end()
        try:
            async with asyncio.timeout(_END_WITHIN):
                await self._process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):  # it has ended just now
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
