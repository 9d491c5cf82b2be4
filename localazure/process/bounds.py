"""What keeps one that floods it from taking the process's descriptors, and the disk by its log."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

LOG_LIMIT = 10 * 1024 * 1024  # bytes
_DESCRIPTORS = 65536
_SILENCE = 10.0  # seconds between two lines that say the same
_log = logging.getLogger("azmlflow.local")


def raise_descriptors() -> None:
    """Have as many descriptors as this user may: a thousand idle connections of somebody else's take a thousand."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS says no to more than it has
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Complaints:
    """What asyncio has to say of a fault that nobody awaits; of a connection that cannot be taken, once in a while.

    It says so at each of them, hundreds of times a second while there is no descriptor left.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._said = clock, -_SILENCE

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """As `asyncio.AbstractEventLoop.set_exception_handler` wants it."""
        if not str(context.get("message", "")).startswith("socket.accept()"):
            loop.default_exception_handler(context)
        elif self._clock() - self._said >= _SILENCE:
            self._said = self._clock()
            _log.error("connections wait: there is no file descriptor left (%s)", context.get("exception"))


def cut_log(path: Path, limit: int = LOG_LIMIT) -> None:
    """Put a log that has grown too long aside, in place of the one before, and begin it anew; if it is ours at all."""
    try:
        if path.stat().st_size <= limit or path.stat().st_ino != os.fstat(sys.stderr.fileno()).st_ino:
            return
        shutil.copyfile(path, path.with_suffix(".log.1"))
        os.truncate(path, 0)  # it is appended to: the next line is its first
    except (OSError, ValueError) as error:
        _log.warning("the log cannot be cut: %s", error)
