"""Faults by rule, for tests: never on unless `faults.json` stands in the state folder.

A rule says which request (method, a pattern searched in its path, which of those that match), when (before the work,
after the work but before the answer, or once the answer is out) and what. Each strikes once. The file is read anew when
it changes, and counting then begins anew.

    429 500 503   that answer, with Retry-After where Azure sends it; after the work, the work is done all the same
    word          503 whose Retry-After is a word
    reset         the connection breaks off
    html half types entries empty      200, and no answer of Azure's: a page, half of one, other types, nothing
    redirect foreign      to another host: by Location, by nextLink
    failed        the operation that the request starts ends Failed; a group's deletion half-way
    slow          `seconds` pass first
    pause         the request waits while `faults.paused` stands, so that a test can kill who asked
    kill          the embedded Azure ends as by `kill -9`

Each strike is a line of the log, `fault strikes: ...`, and so is each operation that is made to end Failed: a request
that starts none cannot be failed so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from azmlflow.localazure.core.collections import RUNNING_OPERATIONS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.machine.errors import UnreadableFile
from azmlflow.localazure.machine.private import read_json, unreadable, write_private

if TYPE_CHECKING:  # commands read the rules, and serve nothing
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from azmlflow.localazure.cloud.cloud import Cloud

FILE, PAUSED = "faults.json", "faults.paused"
When = Literal["before", "after", "answered"]
What = Literal[
    "429",
    "500",
    "503",
    "reset",
    "failed",
    "slow",
    "pause",
    "kill",
    "word",
    "html",
    "half",
    "types",
    "entries",
    "empty",
    "redirect",
    "foreign",
]
WHENS: tuple[str, ...] = get_args(When)
WHATS: tuple[str, ...] = get_args(What)
_CODES = {"429": "TooManyRequests", "500": "InternalServerError", "503": "ServiceUnavailable"}
_ELSEWHERE = "https://elsewhere.invalid/x"
# Answers that are not Azure's, as what stands between may give them: status, headers, content.
MANGLED: Mapping[str, tuple[int, Mapping[str, str], bytes]] = {
    "word": (503, {"Retry-After": "soon"}, b"{}"),
    "html": (200, {"Content-Type": "text/html"}, b"<html><body>Sign in to go on</body></html>"),
    "half": (200, {}, b'{"value": [{"id": '),
    "types": (200, {}, b'{"value": "x", "id": 5, "name": [], "tags": [1], "properties": []}'),
    "entries": (200, {}, b'{"value": [null, 5, {}], "id": "x", "properties": {"provisioningState": 5}}'),
    "empty": (200, {}, b""),
    "redirect": (302, {"Location": _ELSEWHERE}, b""),
    "foreign": (200, {}, b'{"value": [], "nextLink": "%s", "@odata.nextLink": "%s"}' % (2 * (_ELSEWHERE.encode(),))),
}
_log = logging.getLogger("azmlflow.local")
_LOOK = 0.02  # seconds between two looks at whether a pause is over


@dataclass(frozen=True)
class FaultRule:
    """One rule.

    Attributes:
        method: HTTP method it is for; `*` for any.
        path: pattern searched in the request's path, case-insensitive.
        when: `before` the work, `after` it with the answer lost, or once it is `answered`.
        nth: which of the matching requests it strikes, from 1.
        what: see above.
        seconds: of `slow`, and what Retry-After says.
    """

    method: str
    path: str
    when: When = "before"
    nth: int = 1
    what: What = "kill"
    seconds: float = 1.0

    @property
    def sound(self) -> bool:
        """Whether it can be struck by at all."""
        texts = all(isinstance(each, str) for each in (self.method, self.path, self.when, self.what))
        numbers = isinstance(self.nth, int) and isinstance(self.seconds, int | float)
        return texts and numbers and self.when in WHENS and self.what in WHATS and _is_pattern(self.path)

    def matches(self, method: str, path: str) -> bool:
        """Whether it is for such a request."""
        return self.method in {"*", method} and re.search(self.path, path, re.IGNORECASE) is not None


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


def read_faults(state: Path) -> tuple[FaultRule, ...]:
    """The rules in a state folder; none where there is no file.

    Raises:
        UnreadableFile: they are not what `write_faults` wrote.
    """
    file = state / FILE
    try:
        rules = tuple(FaultRule(**rule) for rule in read_json(file)) if file.exists() else ()
    except TypeError as error:
        raise unreadable(file) from error
    if not all(rule.sound for rule in rules):
        raise unreadable(file)
    return rules


def write_faults(state: Path, faults: tuple[FaultRule, ...]) -> None:
    """Put rules into a state folder, in place of those that are there; none takes the file away."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    if faults:
        write_private(state / FILE, json.dumps([asdict(fault) for fault in faults]).encode())
    else:
        (state / FILE).unlink(missing_ok=True)


def kill_this_process() -> None:
    """End at once, as by `kill -9`."""
    os.kill(os.getpid(), signal.SIGKILL)


class FaultLayer:
    """Strikes by the rules in the state folder as they are now; without a file, one look for it is all it does."""

    def __init__(self, app: ASGIApp, cloud: Cloud) -> None:
        self._app, self._cloud = app, cloud
        self._stamp: tuple[int, int] | None = None
        self._current: ASGIApp = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            found = (self._cloud.state / FILE).stat()
            stamp = (found.st_mtime_ns, found.st_ino)
        except FileNotFoundError:
            stamp = None
        if stamp != self._stamp:
            try:
                rules = read_faults(self._cloud.state)
            except UnreadableFile as error:  # told until it is mended: without its rules a test would pass for nothing
                # With a status that no client of ours sends again: it stays so until somebody mends it.
                told = AzureError(507, "FaultsUnreadable", f"{error.what}. Next: azmlflow local faults clear")
                from starlette.responses import JSONResponse

                await JSONResponse(told.body(), told.status)(scope, receive, send)
                return
            self._current = FaultMiddleware(self._app, rules, cloud=self._cloud) if rules else self._app
            self._stamp = stamp
        await self._current(scope, receive, send)


class FaultMiddleware:
    """Strikes the requests that the rules name.

    Args:
        app: what answers.
        faults: the rules.
        strike: what `kill` does; tests put something gentler.
        cloud: where operations run that shall fail.
    """

    def __init__(
        self,
        app: ASGIApp,
        faults: tuple[FaultRule, ...],
        strike: Callable[[], None] = kill_this_process,
        cloud: Cloud | None = None,
    ) -> None:
        self._app, self._strike, self._cloud = app, strike, cloud
        self._left = {fault: fault.nth for fault in faults}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for fault in self._struck(scope) if scope["type"] == "http" else ():
            _log.info("fault strikes: %s %s %s %r", fault.what, fault.when, scope["method"], scope["path"])
            await self._act(fault, scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _act(self, fault: FaultRule, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.what == "failed":
            await self._app(scope, receive, self._failing(scope["path"].lower(), send))
            return
        if fault.when == "answered":
            await self._app(scope, receive, send)
            await self._happen(fault, scope, receive, send)
            return
        if fault.when == "before":
            if await self._happen(fault, scope, receive, send):
                await self._app(scope, receive, send)
            return
        answer: list[Message] = []

        async def keep(message: Message) -> None:
            answer.append(message)

        await self._app(scope, receive, keep)
        if await self._happen(fault, scope, receive, send):
            for message in answer:
                await send(message)

    async def _happen(self, fault: FaultRule, scope: Scope, receive: Receive, send: Send) -> bool:
        """Let it happen; whether the request goes on afterwards."""
        from starlette.responses import JSONResponse, Response

        match fault.what:
            case "kill":
                self._strike()
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "pause":
                await self._pause()
            case "reset":
                await _break_off(scope, receive)
                return False
            case what if what in MANGLED:
                status, told, content = MANGLED[what]
                await Response(content, status, {"Content-Type": "application/json", **told})(scope, receive, send)
                return False
            case _:
                headers = {} if fault.what == "500" else {"Retry-After": f"{fault.seconds:.0f}"}
                error = AzureError(int(fault.what), _CODES[fault.what], "A fault was asked for.", headers=headers)
                await JSONResponse(error.body(), error.status, error.headers)(scope, receive, send)
                return False
        return True

    def _failing(self, path: str, send: Send) -> Send:
        """A `send` that marks what a request at a path in lower case has started, so that it ends Failed."""
        store = self._cloud.store if self._cloud else None
        before = {key for key, _ in store.scan(RUNNING_OPERATIONS)} if store else set()

        async def marking(message: Message) -> None:
            if store is not None and message["type"] == "http.response.start":
                # Another may start one in the same moment: this request's is named by its answer, or at its path.
                named = b" ".join(value for _, value in message["headers"]).decode("latin-1")
                for key, operation in list(store.scan(RUNNING_OPERATIONS)):
                    if key not in before and (key in named or operation["target"].lower() == path):
                        store.put(RUNNING_OPERATIONS, key, {**operation, "fails": True})
                        _log.info("fault strikes: operation %s will fail", key)
            await send(message)

        return marking

    async def _pause(self) -> None:
        if self._cloud is None:
            return
        mark = self._cloud.state / PAUSED
        mark.touch()
        while mark.exists():
            await asyncio.sleep(_LOOK)

    def _struck(self, scope: Scope) -> list[FaultRule]:
        struck: list[FaultRule] = []
        for fault, left in list(self._left.items()):
            if fault.matches(scope["method"], scope["path"]):
                self._left[fault] = left - 1
                if left == 1:
                    struck.append(fault)
        return struck


async def _break_off(scope: Scope, receive: Receive) -> None:
    """End the connection without an answer; where there is no server, raise, which is all that a client would see."""
    server = getattr(scope.get("state", {}).get("send"), "__self__", None)
    transport = getattr(server, "transport", None)
    if transport is None:
        raise ConnectionResetError("a fault was asked for")
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
