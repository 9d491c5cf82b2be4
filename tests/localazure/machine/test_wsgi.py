"""A WSGI application behind ASGI: what it is told, and what becomes of what it says."""

from __future__ import annotations

import asyncio
import contextvars
import json
import threading
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from starlette.types import Message

from azmlflow.localazure.machine.wsgi import Application, Wsgi

LEFT: contextvars.ContextVar[str] = contextvars.ContextVar("left", default="nothing")


def _tell(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    told = {
        name: environ.get(name) for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "HTTP_X_MLFLOW_WORKSPACE")
    }
    told["body"] = environ["wsgi.input"].read().decode()
    told["left"] = LEFT.get()
    LEFT.set("something")
    start("404 NOT FOUND", [("Content-Type", "application/json"), ("X-A", "1"), ("X-A", "2")])
    text = json.dumps(told)
    return [text[:5].encode(), text[5:].encode()]


def asked(wsgi: Wsgi, *requests: tuple[str, str, bytes]) -> list[httpx.Response]:
    """The answers to requests, one after the other: method, path with query, body."""

    async def scene() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Application(wsgi, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            headers = {"X-MLFLOW-WORKSPACE": "ws"}
            return [await client.request(verb, path, content=body, headers=headers) for verb, path, body in requests]

    return asyncio.run(scene())


def test_a_request_reaches_it_and_its_answer_comes_back_whole() -> None:
    (answer,) = asked(_tell, ("POST", "/a%20b?c=d", b"hi"))
    assert (answer.status_code, answer.headers.get_list("x-a")) == (404, ["1", "2"])
    assert answer.json() == {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/a b",
        "QUERY_STRING": "c=d",
        "HTTP_X_MLFLOW_WORKSPACE": "ws",
        "body": "hi",
        "left": "nothing",
    }


def test_what_one_request_leaves_in_its_context_is_not_the_next_ones() -> None:
    answers = asked(_tell, *[("GET", "/", b"")] * 2)
    assert [answer.json()["left"] for answer in answers] == ["nothing", "nothing"]


def told_in(*pieces: Message) -> list[Message]:
    """What is answered to a body that comes in these pieces."""
    left, said = list(pieces), []

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/", "query_string": b"", "http_version": "1.1", "headers": [],
    }  # fmt: skip
    asyncio.run(Application(_tell, 1)(scope, receive, send))
    return said


def test_a_body_that_comes_in_pieces_is_read_to_its_end() -> None:
    first = {"type": "http.request", "body": b"a", "more_body": True}
    said = told_in(first, {"type": "http.request", "body": b"b"})
    assert json.loads(said[1]["body"])["body"] == "ab"
    assert len(said) == 2


def test_a_body_that_is_broken_off_is_no_request() -> None:
    """Its beginning alone might be a body too."""
    assert told_in({"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}) == []


def test_a_fault_of_its_is_not_an_answer() -> None:
    def broken(_: dict[str, Any], __: Any) -> Iterable[bytes]:
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        asked(broken, ("GET", "/", b""))


def test_requests_are_answered_side_by_side_while_others_wait() -> None:
    meeting = threading.Barrier(2, timeout=30)

    def meets(_: dict[str, Any], start: Any) -> Iterable[bytes]:
        meeting.wait()
        start("200 OK", [])
        return [b"met"]

    async def scene() -> list[str]:
        transport = httpx.ASGITransport(Application(meets, 2))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [answer.text for answer in await asyncio.gather(client.get("/"), client.get("/"))]

    assert asyncio.run(scene()) == ["met", "met"]
