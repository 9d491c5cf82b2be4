"""ARM as commands see it, over an embedded Azure in this process: real requests, retries and waits, no sleeping.

The clock of that Azure moves when a command waits; `before` and `after` let a test do something when a request comes,
such as what another person might.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.transport import HttpTransport

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.localazure.arm.due import apply_due
from tests.cli.wire import Credential, Response, answer
from tests.localazure.control import DEVELOPER, Azure

Watcher = Callable[[str, str], None]


class Door(HttpTransport[Any, Any]):
    """Carries requests to an embedded Azure, as its developer or another, and counts them."""

    def __init__(self, azure: Azure, who: str = DEVELOPER) -> None:
        self.azure, self.who = azure, who
        self.calls: list[str] = []
        self.before: list[Watcher] = []
        self.fault: Callable[[int, str, str], Response | None] | None = None
        self.lost: Callable[[int, str, str], bool] | None = None
        self.slept = 0.0

    def send(self, request: Any, **_: Any) -> Response:
        response = self._send(request)
        response.request = request
        return response

    def _send(self, request: Any) -> Response:
        split = urlsplit(request.url)
        path = split.path
        for watch in list(self.before):
            watch(request.method, path)
        number = len(self.calls)
        self.calls.append(f"{request.method} {path}{'?' + split.query if 'api-version' not in split.query else ''}")
        if self.fault is not None and (struck := self.fault(number, request.method, path)) is not None:
            return struck
        content = getattr(request, "content", None) or b""
        content = content.encode() if isinstance(content, str) else content
        came = self.azure.send(split.netloc, request.method, f"{path}?{split.query}", content, self.who)
        if self.lost is not None and self.lost(number, request.method, path):
            raise ServiceResponseError("the connection was reset")
        return answer(came.status, came.body, came.headers)

    def sleep(self, duration: float) -> None:
        """Time passes in the cloud, not here."""
        self.slept += duration
        self.azure.clock.advance(duration)
        apply_due(self.azure.cloud)

    def open(self) -> None:
        pass

    def close(self) -> None:
        pass

    def __enter__(self) -> Door:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def open_arm(door: Door, longest: float = 3600) -> ResourceManager:
    """What commands ask of Resource Manager, through a door."""
    return ResourceManager(door, Credential(), longest, lambda: door.slept)
