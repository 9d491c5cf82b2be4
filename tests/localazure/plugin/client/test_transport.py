"""The way to Azure: what is trusted, how long is waited for a connection and an answer, and what is handed on."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from azmlflow.localazure.plugin.client import transport
from azmlflow.localazure.plugin.client.calls import Interrupted


class Inner:
    """Stands in for azure-core's transport; what it is told is written down."""

    def __init__(self, **given: Any) -> None:
        self.told: list[Any] = [given]

    def send(self, request: str, **more: Any) -> str:
        self.told.append((request, more))
        return "answer"

    def open(self) -> None:
        self.told.append("open")

    def close(self) -> None:
        self.told.append("close")


@pytest.mark.parametrize(("given", "verify"), [({}, True), ({"verify": "/ca.pem"}, "/ca.pem")])
def test_authorities_are_checked_and_no_wait_is_without_an_end(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], verify: str | bool
) -> None:
    monkeypatch.setattr(transport, "RequestsTransport", Inner)
    way: Any = transport.StoppableTransport(threading.Event(), **given)
    assert way._inner.told == [{"connection_verify": verify, "connection_timeout": 10, "read_timeout": 120}]


def test_requests_go_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "RequestsTransport", Inner)
    with transport.StoppableTransport(threading.Event()) as way:
        assert way.send("request", stream=True) == "answer"
        told = way._inner.told[1:]
        assert told == ["open", ("request", {"stream": True})]
    assert way._inner.told[-1] == "close"


def test_a_pause_ends_by_itself_or_with_the_stop() -> None:
    stopped = threading.Event()
    way = transport.StoppableTransport(stopped)
    way.sleep(0.0)
    stopped.set()
    with pytest.raises(Interrupted, match=r"^cancelled$"):
        way.sleep(3600)
    with pytest.raises(Interrupted, match=r"^cancelled$"):
        way.send(None)
