"""Faults by rule, for tests: never on unless `faults.json` stands in the state folder when the embedded Azure starts.

A rule says which request (method, a pattern searched in its path, the how-manieth that matches), when (before the
work, after the work but before the answer, or once the answer is out) and what. Each strikes once.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

FILE = "faults.json"


@dataclass(frozen=True)
class Fault:
    """One rule.

    Attributes:
        method: HTTP method it is for.
        path: pattern searched in the request's path, case-insensitive.
        when: `before` the work, `after` it with the answer lost, or once it is `answered`.
        nth: which of the matching requests it strikes, from 1.
        what: `kill` ends the process as `kill -9` does.
    """

    method: str
    path: str
    when: Literal["before", "after", "answered"]
    nth: int = 1
    what: Literal["kill"] = "kill"


def read_faults(state: Path) -> tuple[Fault, ...]:
    """The rules in a state folder; none where there is no file."""
    file = state / FILE
    return tuple(Fault(**rule) for rule in json.loads(file.read_text())) if file.exists() else ()


def write_faults(state: Path, faults: tuple[Fault, ...]) -> None:
    """Put rules into a state folder; the next start reads them."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    (state / FILE).write_text(json.dumps([vars(fault) for fault in faults]))


def kill_this_process() -> None:
    """End at once, as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


class FaultMiddleware:
    """Strikes the requests that the rules name.

    Args:
        app: what answers.
        faults: the rules.
        strike: what a fault does; tests put something gentler.
    """

    def __init__(self, app: ASGIApp, faults: tuple[Fault, ...], strike: Callable[[], None] = kill_this_process) -> None:
        self._app, self._strike = app, strike
        self._left = {fault: fault.nth for fault in faults}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        struck = self._struck(scope) if scope["type"] == "http" else set()
        if "before" in struck:
            self._strike()

        async def answer(message: Message) -> None:
            if "after" in struck:
                self._strike()
            await send(message)

        await self._app(scope, receive, answer)
        if "answered" in struck:
            self._strike()

    def _struck(self, scope: Scope) -> set[str]:
        struck: set[str] = set()
        for fault, left in list(self._left.items()):
            if fault.method == scope["method"] and re.search(fault.path, scope["path"], re.IGNORECASE):
                self._left[fault] = left - 1
                if left == 1:
                    struck.add(fault.when)
        return struck
