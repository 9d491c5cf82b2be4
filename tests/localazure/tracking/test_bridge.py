"""A WSGI application behind the bridge: what it is told, what it answers, and what requests do not share."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpx
import pytest

from azmlflow.localazure.tracking.bridge import Bridge

Start = Callable[[str, list[tuple[str, str]]], Any]


def asked(application: Any, *requests: tuple[str, str, dict[str, Any]]) -> list[httpx.Response]:
    """The answers to requests, one after the other."""

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Bridge(application))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [await client.request(method, url, **options) for method, url, options in requests]

    return asyncio.run(ask())


def test_an_application_is_told_the_request_and_its_answer_comes_back() -> None:
    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        told = {name: value for name, value in environ.items() if isinstance(value, str)}
        told["body"] = environ["wsgi.input"].read().decode()
        start("201 CREATED", [("Content-Type", "application/json"), ("X-Twice", "1"), ("X-Twice", "2")])
        content = json.dumps(told).encode()
        return [content[:10], content[10:]]

    headers = [("X-One", "a"), ("X-One", "b"), ("Content-Type", "text/plain")]
    (answer,) = asked(application, ("POST", "/a%20b/%C3%A9?q=1&q=%2F", {"content": b"told", "headers": headers}))
    assert (answer.status_code, answer.headers.get_list("x-twice")) == (201, ["1", "2"])
    told = answer.json()
    assert (told["REQUEST_METHOD"], told["PATH_INFO"].encode("latin-1").decode()) == ("POST", "/a b/é")
    assert (told["QUERY_STRING"], told["body"], told["CONTENT_LENGTH"]) == ("q=1&q=%2F", "told", "4")
    assert (told["HTTP_X_ONE"], told["CONTENT_TYPE"], told["HTTP_HOST"]) == ("a,b", "text/plain", "localhost")


def test_what_a_request_left_in_its_context_is_not_the_next_ones() -> None:
    workspace: contextvars.ContextVar[str] = contextvars.ContextVar("workspace", default="none")
    threads: set[int] = set()

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        found = workspace.get()
        workspace.set(environ["PATH_INFO"])
        threads.add(threading.get_ident())
        start("200 OK", [])
        return [found.encode()]

    answers = asked(application, ("GET", "/one", {}), ("GET", "/two", {}))
    assert len(threads) == 1, "else this proves nothing"
    assert [answer.text for answer in answers] == ["none", "none"]


def test_an_answer_is_closed_and_a_fault_is_its_requests_alone() -> None:
    closed: list[str] = []

    class Pieces:
        def __init__(self, path: str) -> None:
            self._path = path

        def __iter__(self) -> Any:
            if self._path == "/fault":
                raise ZeroDivisionError
            return iter([b"good"])

        def close(self) -> None:
            closed.append(self._path)

    def application(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        start("200 OK", [])
        return Pieces(environ["PATH_INFO"])

    with pytest.raises(ZeroDivisionError):  # uvicorn answers 500 and writes it to its log
        asked(application, ("GET", "/fault", {}))
    assert asked(application, ("GET", "/", {}))[0].text == "good"
    assert closed == ["/fault", "/"]


def test_a_request_whose_client_leaves_is_not_begun() -> None:
    def application(_environ: dict[str, Any], _start: Start) -> Iterable[bytes]:
        pytest.fail("half of a request is none")

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(_message: Any) -> None:
        pytest.fail("there is nobody to answer")

    messages: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"half", "more_body": True},
        {"type": "http.disconnect"},
    ]
    asyncio.run(Bridge(application)({"type": "http"}, receive, send))
    assert messages == []
