"""A job's process as the runner sees it: its keeper (`child.py`), started and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from azmlflow.localazure.jobs import child

LOG_LIMIT = 32 * 1024 * 1024
_END_WITHIN = 15.0  # seconds that the keeper has, which itself kills after two


class JobProcess:
    """One running job; made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(
        cls, command: str, cwd: Path, environment: Mapping[str, str], log: Path, seconds: float
    ) -> JobProcess:
        """Start a shell command under a keeper.

        Args:
            command: for /bin/sh.
            cwd: where it runs.
            environment: all that it sees.
            log: the file that its output goes to.
            seconds: how long it may take; 0: as long as it likes.

        Raises:
            OSError: it cannot be started.
        """
        words = (sys.executable, "-I", "-S", child.__file__, str(log), str(LOG_LIMIT), str(seconds))
        process = await asyncio.create_subprocess_exec(
            *words,
            "/bin/sh",
            "-c",
            command,
            cwd=cwd,
            env=dict(environment),
            stdin=asyncio.subprocess.PIPE,  # held open and never written to
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        return cls(process)

    async def wait(self) -> int:
        """Its exit code."""
        return await self._process.wait()

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
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
