"""Long waits that Azure asks for are told before they begin, by each client; what cannot be waited for is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from azure.core.pipeline.transport import RequestsTransport

from azmlflow.rbac.live.azure import read_facts
from azmlflow.rbac.live.people import read_directory, read_tenant
from azmlflow.rbac.live.principals import resolve_principal
from azmlflow.rbac.live.waits import Wait
from tests.rbac.wire import ALICE, SCOPE, SUB, Credential, Wire


class Slept(BaseException):
    """Instead of sleeping."""


class Sleepless(RequestsTransport):  # type: ignore[misc]
    """Does not sleep: the first wait ends all."""

    def __init__(self, wire: Wire) -> None:
        session = requests.Session()
        session.mount("https://", wire)
        super().__init__(session=session, session_owner=False)

    def sleep(self, duration: float) -> None:
        raise Slept(duration)


class Busy(Wire):
    """Answers 429, with a Retry-After."""

    def __init__(self, after: str) -> None:
        super().__init__(lambda *_: (429, {"error": {"code": "TooManyRequests"}}))
        self.after = after

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        response = super().send(request, **options)
        response.headers["Retry-After"] = self.after
        return response


ASKED: dict[str, tuple[str, Callable[..., object]]] = {
    "facts": ("management.azure.com", lambda **told: read_facts(Credential(), SUB, SCOPE, **told)),
    "tenant": ("management.azure.com", lambda **told: read_tenant(Credential(), SUB, SCOPE, **told)),
    "names": ("graph.microsoft.com", lambda **told: read_directory(Credential(), [ALICE], **told)),
    "somebody": ("graph.microsoft.com", lambda **told: resolve_principal(Credential(), "alice", **told)),
}


@pytest.mark.parametrize("asked", ASKED)
def test_a_long_wait_is_told_before_it_begins(asked: str) -> None:
    heard: list[Wait] = []
    host, ask = ASKED[asked]
    with pytest.raises(Slept, match="3600"):
        ask(transport=Sleepless(Busy("3600")), on_wait=heard.append)
    assert set(heard) == {Wait(host, 429, 3600)}


@pytest.mark.parametrize("after", ["1", "soon", "-3", "1e999", "9" * 400, "99999999"])
def test_a_short_wait_and_one_that_says_nothing_are_not_told(after: str) -> None:
    heard: list[Wait] = []
    with pytest.raises(BaseException, match=r".*") as raised:
        read_directory(Credential(), [ALICE], transport=Sleepless(Busy(after)), on_wait=heard.append)
    assert not isinstance(raised.value, ValueError | OverflowError)
    assert heard == []


def test_nobody_need_listen() -> None:
    with pytest.raises(Slept):
        read_directory(Credential(), [ALICE], transport=Sleepless(Busy("60")))
