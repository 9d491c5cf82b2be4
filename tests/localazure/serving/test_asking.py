"""One request to a process on a unix socket, whatever the process does with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from azmlflow.localazure.serving.asking import Broken, Exchange, connect

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LARGE = 4 * 1024 * 1024
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\n"


def run(folder: Path, serve: Serve, script: Callable[[Exchange], Awaitable[None]]) -> None:
    async def whole() -> None:
        over = asyncio.Event()

        async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await serve(reader, writer)
            writer.close()
            over.set()

        async with await asyncio.start_unix_server(served, str(folder / "s")):
            exchange = await connect(str(folder / "s"))
            try:
                await script(exchange)
            finally:
                exchange.close()
            await asyncio.wait_for(over.wait(), 60)

    asyncio.run(whole())


async def body(exchange: Exchange) -> bytes:
    return b"".join([chunk async for chunk in exchange.chunks()])


def test_a_whole_body_has_its_length_and_repeated_headers_stay(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(3))
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" + LENGTH + b"fo")
        await writer.drain()
        writer.write(b"ur")

    async def script(exchange: Exchange) -> None:
        await exchange.send("POST", b"/score?a=b", [(b"x-own", b"1")], b"one")
        assert exchange.status == 200
        assert [value for name, value in exchange.headers if name == b"set-cookie"] == [b"a", b"b"]
        assert await body(exchange) == b"four"

    run(tmp_path, serve, script)
    assert heard == [b"POST /score?a=b HTTP/1.1\r\nhost: deployment\r\nx-own: 1\r\ncontent-length: 3\r\n\r\none"]


def test_a_body_in_pieces_is_sent_as_it_comes(tmp_path: Path) -> None:
    first = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.wait_for(first.wait(), 60)  # it has come before there is more
        yield b"two"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert b"transfer-encoding: chunked" in (await reader.readuntil(b"\r\n\r\n")).lower()
        assert await reader.readexactly(8) == b"3\r\none\r\n"
        first.set()
        assert await reader.readexactly(13) == b"3\r\ntwo\r\n0\r\n\r\n"
        writer.write(LENGTH + b"four")

    async def script(exchange: Exchange) -> None:
        await exchange.send("POST", b"/score", [], pieces())
        assert await body(exchange) == b"four"

    run(tmp_path, serve, script)


def test_an_answer_before_the_request_is_over(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(LARGE // 65536):
            yield b"x" * 65536

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async def script(exchange: Exchange) -> None:
        try:
            await exchange.send("POST", b"/score", [], pieces())
        except Broken:
            return  # the system took the answer away with the connection
        assert exchange.status == 413

    run(tmp_path, serve, script)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200", b"not HTTP\r\n\r\n", LENGTH.replace(b"4", b"-4")])
def test_what_is_no_answer(tmp_path: Path, said: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(said)

    async def script(exchange: Exchange) -> None:
        with pytest.raises(Broken):
            await exchange.send("GET", b"/swagger.json", [], b"")

    run(tmp_path, serve, script)


def test_an_answer_that_breaks_off(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(LENGTH + b"fo")

    async def script(exchange: Exchange) -> None:
        await exchange.send("GET", b"/swagger.json", [], b"")
        with pytest.raises(Broken):
            await body(exchange)

    run(tmp_path, serve, script)


def test_where_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(Broken):
        asyncio.run(connect(str(tmp_path / "none")))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nfour", b"four"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"2\r\nto\r\n3\r\nday\r\n0\r\nSet-Cookie: late\r\n\r\n",
            b"today",
        ),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
)
def test_each_way_in_which_a_body_ends(tmp_path: Path, said: bytes, told: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for byte in said:
            writer.write(bytes([byte]))
            await writer.drain()

    async def script(exchange: Exchange) -> None:
        await exchange.send("GET", b"/swagger.json", [], b"")
        assert await body(exchange) == told
        assert not [name for name, _ in exchange.headers if name == b"set-cookie"], "a trailer is nobody's"

    run(tmp_path, serve, script)


def test_a_head_has_an_end(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b"HTTP/1.1 103 Early Hints\r\nx: " + b"y" * 1024 + b"\r\n\r\n")
                await writer.drain()

    async def script(exchange: Exchange) -> None:
        with pytest.raises(Broken):
            await exchange.send("GET", b"/swagger.json", [], b"")

    run(tmp_path, serve, script)


@pytest.mark.parametrize("header", [(b"x", b"1\r\ny: 2"), (b"x\n", b"1"), (b"x", b"1\0")])
def test_no_header_brings_another(tmp_path: Path, header: tuple[bytes, bytes]) -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        assert await reader.read() == b""

    async def script(exchange: Exchange) -> None:
        with pytest.raises(ValueError, match="head"):
            await exchange.send("GET", b"/swagger.json", [header], b"")

    run(tmp_path, serve, script)
