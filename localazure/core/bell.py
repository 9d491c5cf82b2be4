"""A bell: rung by requests that change jobs, heard by the runner."""

from __future__ import annotations

import asyncio


class Bell:
    """Wakes one waiter; a ring while nobody waits is heard by the next."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something about jobs changed. Only from the event loop's own thread."""
        self._rung.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Until it rings, or the time is over."""
        try:
            async with asyncio.timeout(seconds):
                await self._rung.wait()
        except TimeoutError:
            return
        self._rung.clear()
