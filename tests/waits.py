"""Waits that come to an end: a process that never says what a test waits for fails that test within a minute."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

WITHIN = 60.0  # on a machine that has other things to do


@contextlib.contextmanager
def bounded(process: subprocess.Popen[Any], within: float = WITHIN) -> Iterator[None]:
    """Kill a process, with what it has started, if what is done inside takes longer; reading from it then ends.

    Args:
        process: started in a session of its own.
        within: seconds.
    """
    over = threading.Event()

    def end() -> None:
        over.set()
        with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
            os.killpg(process.pid, signal.SIGKILL)

    timer = threading.Timer(within, end)
    timer.start()
    try:
        yield
    except Exception as error:
        if over.is_set():
            pytest.fail(f"{process.args!r} was killed: not in {within} s, and then {error!r}")
        raise
    finally:
        timer.cancel()
    if over.is_set():
        pytest.fail(f"{process.args!r} was killed: not in {within} s")


def lines_of(fifo: Path, count: int, within: float = WITHIN) -> list[str]:
    """The first lines that somebody writes to a named pipe, which may not be open for writing yet."""
    descriptor, said, until = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK), b"", time.monotonic() + within
    try:
        while said.count(b"\n") < count:
            if time.monotonic() > until:
                pytest.fail(f"{fifo} holds {said.decode()!r} after {within} s, not {count} lines")
            if select.select([descriptor], [], [], 0.1)[0]:
                said += os.read(descriptor, 4096)
    finally:
        os.close(descriptor)
    return said.decode().splitlines()


def played(scene: Coroutine[Any, Any, None], within: float = WITHIN) -> None:
    """Run a scene to its end, which it has to have in so many seconds."""
    asyncio.run(asyncio.wait_for(scene, within))
