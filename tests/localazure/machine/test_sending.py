"""What an answer is sent in: over a transport that tells what was written to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop
from starlette.responses import JSONResponse, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from azmlflow.localazure.machine.sending import Gathered, SentWhole

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
FULL = 64 * 1024


class Told(asyncio.Transport):
    """A connection's transport that tells what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[Any] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said.append(bytes(data))

    def close(self) -> None:
        self.said.append("closed")

    def abort(self) -> None:
        self.said.append("broken off")

    def is_closing(self) -> bool:
        return "closed" in self.said

    def pause_reading(self) -> None:
        """More has come than is answered."""

    resume_reading = pause_reading


def gathered(*plays: Callable[[Gathered], None]) -> list[Any]:
    """What a transport was asked for by what was done within one turn of the loop, and what after it."""

    async def scene() -> list[Any]:
        transport = Told()
        connection = Gathered(transport)
        for play in plays:
            play(connection)
        within = list(transport.said)
        await asyncio.sleep(0)
        return [within, transport.said[len(within) :]]

    return uvloop.run(scene())


def served(app: ASGIApp, sent: bytes = GET) -> list[Any]:
    """What a connection's transport was asked for in answer to what came."""

    async def scene() -> list[Any]:
        config, state, transport = uvicorn.Config(app, lifespan="off", log_config=None), ServerState(), Told()
        config.load()
        protocol = SentWhole(config, state, {})
        protocol.connection_made(transport)
        protocol.data_received(sent)
        while state.tasks:
            await asyncio.wait(state.tasks)
        protocol.connection_lost(None)
        return transport.said

    return uvloop.run(scene())


def written(*pieces: bytes | bytearray | memoryview) -> Callable[[Gathered], None]:
    """What writes pieces."""

    def play(connection: Gathered) -> None:
        for piece in pieces:
            connection.write(piece)

    return play


def test_what_is_written_within_a_turn_leaves_in_one_piece_after_it() -> None:
    assert gathered(written(b"a", bytearray(b"b"), memoryview(b"c"))) == [[], [b"abc"]]


def test_it_leaves_when_it_is_sent_and_not_twice() -> None:
    assert gathered(written(b"a", b"b"), Gathered.send, written(b"c")) == [[b"ab"], [b"c"]]


def test_much_does_not_wait_so_that_its_writer_learns_how_much_does() -> None:
    assert gathered(written(b"a", bytes(FULL), b"b")) == [[b"a" + bytes(FULL)], [b"b"]]


def test_nothing_is_lost_where_it_ends() -> None:
    assert gathered(written(b"a"), Gathered.close) == [[b"a", "closed"], []]
    assert gathered(written(b"a"), Gathered.abort) == [[b"a", "broken off"], []]


def test_an_answer_is_one_piece_head_and_body() -> None:
    (answer,) = served(JSONResponse({"a": 1}))[:-1]
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b'\r\n\r\n{"a":1}')


def test_each_of_several_requests_at_once_has_its_answer() -> None:
    said = served(JSONResponse({"a": 1}), GET + GET)
    assert b"".join(said[:-1]).count(b'\r\n\r\n{"a":1}') == 2


def test_an_answer_that_comes_slowly_is_sent_as_it_comes() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def pieces() -> Any:
            for piece in ("a", "b"):
                yield piece
                await asyncio.sleep(0)
                await asyncio.sleep(0)

        await StreamingResponse(pieces())(scope, receive, send)

    said = served(app)
    assert said[0].endswith(b"1\r\na\r\n")
    assert said[1:] == [b"1\r\nb\r\n", b"0\r\n\r\n", "closed"]
