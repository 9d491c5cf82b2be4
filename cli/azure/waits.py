"""What people are told of a long wait that Azure asks for: who asks, for how long, and what can be done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from azmlflow.cli.frame.words import Say, lasting

if TYPE_CHECKING:
    from azmlflow.rbac.live.waits import Wait

_CALLED = {"management.azure.com": "Azure Resource Manager", "graph.microsoft.com": "Microsoft Graph"}
_NEARLY = 5.0  # seconds; many requests side by side are asked to wait for about the same


class Waits:
    """Tells of waits, once of those that end about together.

    Args:
        say: hears the sentence.
        clock: seconds, monotonic.
        now: the time of day.
    """

    def __init__(
        self,
        say: Say,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._say, self._clock, self._now = say, clock, now
        self._lock, self._ends = threading.Lock(), -_NEARLY

    def __call__(self, wait: Wait) -> None:
        """A wait begins."""
        ends = self._clock() + wait.seconds
        with self._lock:
            if ends <= self._ends + _NEARLY:
                return
            self._ends = ends
        until = self._now() + timedelta(seconds=wait.seconds)
        self._say(
            f"{_CALLED.get(wait.host, wait.host)} asks us to wait {lasting(wait.seconds)}, until {until:%H:%M:%S}, "
            f"before it answers (status {wait.status}). Ctrl-C ends the command; typed again, it goes on from here"
        )
