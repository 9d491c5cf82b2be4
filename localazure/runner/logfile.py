"""A job's log: a file that its keeper and the embedded Azure write to, and a blob that is kept up with it."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.runner import files

_FIRST, _LATER = 0.1, 0.3  # seconds between two looks, until there is something and afterwards
_log = logging.getLogger("azmlflow.local")
_BYTES_A_SECOND = 5_000_000  # a long log is looked at less often, since its blob is written anew each time


class LogFile:
    """The log of a job that has begun; kept up with until `close`. Only from the event loop's own thread.

    Args:
        cloud: the embedded Azure.
        address: the log's blob.
        path: the file, which is made.
    """

    def __init__(self, cloud: Cloud, address: Address, path: Path) -> None:
        self.path = path
        self._cloud, self._address = cloud, address
        self._kept: int | None = None
        path.touch(mode=0o600)
        self._task = asyncio.get_running_loop().create_task(self._follow())

    def say(self, line: str) -> None:
        """Write a line of the embedded Azure's own."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"[azmlflow] {line}\n")

    async def close(self) -> None:
        """Keep what was written last.

        Raises:
            AzureError, OSError: it cannot be kept.
        """
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)  # it ends by that alone
        await self._keep()

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(max(_LATER if self._kept else _FIRST, (self._kept or 0) / _BYTES_A_SECOND))
            try:
                await self._keep()
            except Exception as error:  # noqa: BLE001 - tried again at the next look, and `close` tells what stays
                _log.info("%s cannot be kept now: %s", self.path, error)

    async def _keep(self) -> None:
        size = self.path.stat().st_size
        if size != self._kept:
            await files.keep(self._cloud, self._address, self.path)
            self._kept = size
