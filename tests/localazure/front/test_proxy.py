"""The loopback proxy over real sockets: who gets in, what goes where, and how connections end."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from azmlflow.localazure.front import proxy as proxy_module
from azmlflow.localazure.front.arrivals import Arrivals
from azmlflow.localazure.front.proxy import Proxy
from azmlflow.localazure.front.upstream import Streams, Upstream, upstream_from
from azmlflow.reach.records import INTERNET, Origin
from tests.waits import played

SECRET = "5" * 64
AZURE = "management.azure.com:443"


def credential(user: str = "azmlflow", password: str = SECRET) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


@dataclass
class Setting:
    """A proxy with the embedded Azure behind it; `azure` counts who came there."""

    proxy: Proxy
    port: int
    azure: list[str] = field(default_factory=list)

    async def connect(self, target: str, *headers: str, early: bytes = b"") -> tuple[int, str, Streams]:
        """Send a CONNECT with our credential; the answer's status, its headers, and the streams after them."""
        return await self.request(f"CONNECT {target}", f"Proxy-Authorization: {credential()}", *headers, early=early)

    async def request(self, line: str, *headers: str, early: bytes = b"") -> tuple[int, str, Streams]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{line} HTTP/1.1", "Host: somewhere", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + early)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        return int(head.split()[1]), head, (reader, writer)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Plain(Arrivals):
    """In place of the TLS application: a handler, without TLS."""

    def __init__(self, handler: Handler) -> None:
        self._handler, self.seen, self._tasks = handler, list[str](), set[asyncio.Task[None]]()

    async def take(self, client: socket.socket, origin: Origin) -> None:
        assert origin == INTERNET
        self.seen.append("came")
        task = asyncio.create_task(self._handle(*await asyncio.open_connection(sock=client)))
        self._tasks.add(task)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._handler(reader, writer)
        finally:
            writer.close()


@asynccontextmanager
async def setting(azure: Handler = echo, upstream: Upstream | None = None) -> AsyncIterator[Setting]:
    arrivals = Plain(azure)
    proxy = Proxy(SECRET, arrivals, upstream)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = asyncio.create_task(proxy.serve(listener))
        try:
            yield Setting(proxy, listener.getsockname()[1], arrivals.seen)
        finally:
            door.cancel()
            await proxy.close()
            await asyncio.gather(door, *arrivals._tasks, return_exceptions=True)
            assert not proxy._open


@asynccontextmanager
async def listening(handler: Handler) -> AsyncIterator[int]:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def shut(*writers: asyncio.StreamWriter) -> None:
    for writer in writers:
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (f"Proxy-Authorization: {credential(password='wrong')}",),
        (f"Proxy-Authorization: {credential(user='other')}",),
        (f"Proxy-Authorization: {credential(password='')}",),
        (f"Proxy-Authorization: Bearer {SECRET}",),
        (f"Proxy-Authorization: Basic {SECRET}",),
        ("Proxy-Authorization: Basic %%%",),
        (f"Authorization: {credential()}",),
        # Which of two says where the request comes from?
        (f"Proxy-Authorization: {credential(password='wrong')}", f"Proxy-Authorization: {credential()}"),
        (f"Proxy-Authorization: {credential()}", f"Proxy-Authorization: {credential()}"),
    ],
)
def test_nobody_gets_in_without_the_credential(headers: tuple[str, ...]) -> None:
    async def scene() -> None:
        async with setting() as here:
            status, head, (reader, writer) = await here.request(f"CONNECT {AZURE}", *headers)
            assert status == 407
            assert 'proxy-authenticate: basic realm="azmlflow"' in head.lower()
            assert b"azmlflow run" in await reader.read()  # and the connection ends
            assert not here.azure
            await shut(writer)

    played(scene())


@pytest.mark.parametrize(
    "target",
    [
        AZURE,
        "MANAGEMENT.azure.com.:443",
        "account.blob.core.windows.net:443",
        "account.queue.core.windows.net:443",  # not emulated, and still never the real one
        "westeurope.api.azureml.ms:443",
        "portal.azure.com:443",
    ],
)
def test_azures_names_come_here(target: str) -> None:
    async def scene() -> None:
        async with setting() as here:
            status, _, (reader, writer) = await here.connect(target)
            assert status == 200
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert here.azure == ["came"]
            await shut(writer)

    played(scene())


def test_what_is_sent_with_the_request_is_not_lost() -> None:
    async def scene() -> None:
        async with setting() as here:
            _, _, (reader, writer) = await here.connect(AZURE, early=b"early")
            writer.write(b" and late")
            assert await reader.readexactly(14) == b"early and late"
            await shut(writer)

    played(scene())


def test_other_names_pass_straight_through() -> None:
    async def scene() -> None:
        async with setting() as here, listening(echo) as port:
            status, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            assert status == 200
            writer.write(b"hello")
            assert await reader.readexactly(5) == b"hello"
            assert not here.azure
            await shut(writer)

    played(scene())


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("GET http://example.org/", 405, "CONNECT (https) only"),
        ("POST http://management.azure.com/", 405, "CONNECT (https) only"),
        ("CONNECT server.database.windows.net:1433", 403, "port 443 only"),
        ("CONNECT management.azure.com", 400, "host:port"),
        ("CONNECT management.azure.com:", 400, "host:port"),
        ("CONNECT management.azure.com:x", 400, "host:port"),
        ("CONNECT management.azure.com:99999", 400, "host:port"),
        ("CONNECT user@management.azure.com:443", 400, "host:port"),
        ("CONNECT :443", 400, "host:port"),
        ("CONNECT a..b:443", 502, "cannot be reached"),
    ],
)
def test_what_it_does_not_carry_is_refused_in_words(line: str, status: int, told: str) -> None:
    async def scene() -> None:
        async with setting() as here:
            answered, head, (reader, writer) = await here.request(line, f"Proxy-Authorization: {credential()}")
            assert answered == status
            assert told in (await reader.read()).decode()
            assert (status == 405) is ("allow: connect" in head.lower())
            assert not here.azure
            await shut(writer)

    played(scene())


def test_what_cannot_be_reached_is_a_502() -> None:
    async def scene() -> None:
        async with listening(echo) as port:
            pass
        async with setting() as here:
            status, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            assert status == 502
            assert f"127.0.0.1:{port} cannot be reached" in (await reader.read()).decode()
            await shut(writer)

    played(scene())


def test_garbage_and_endless_headers_are_refused() -> None:
    async def scene() -> None:
        async with setting() as here:
            for sent, status in (
                (b"\x16\x03\x01\x02\x00\r\n\r\n", b"400"),
                (b"GET / HTTP/1.1\r\na: " + b"x" * 40000, b"431"),
            ):
                reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
                writer.write(sent)
                assert (await reader.readline()).split()[1] == status
                await shut(writer)

    played(scene())


def test_a_client_that_says_nothing_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "_HEADERS_WITHIN", 0.01)

    async def scene() -> None:
        async with setting() as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            assert (await reader.readline()).split()[1] == b"408"
            await reader.read()
            await shut(writer)

    played(scene())


def test_a_half_closed_connection_still_answers() -> None:
    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.read()  # until the client has said all
        writer.write(asked[::-1])
        writer.close()

    async def scene() -> None:
        async with setting() as here, listening(answer_at_the_end) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            writer.write(b"abc")
            writer.write_eof()
            assert await reader.read() == b"cba"
            await shut(writer)

    played(scene())


def test_a_half_closed_connection_does_not_stay_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy_module, "_HALF_OPEN_FOR", 0.01)

    async def scene() -> None:
        told = asyncio.Event()

        async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            await told.wait()
            writer.close()

        async with setting() as here, listening(never_answer) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            writer.write_eof()
            assert await reader.read() == b""
            told.set()
            await shut(writer)

    played(scene())


def test_the_far_ends_end_reaches_the_client() -> None:
    async def bye(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def scene() -> None:
        async with setting() as here, listening(bye) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            assert await reader.read() == b"bye"
            await shut(writer)

    played(scene())


def test_the_clients_abrupt_end_reaches_the_far_end() -> None:
    async def scene() -> None:
        gone = asyncio.Event()

        async def watch(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"x")
            await reader.read()
            gone.set()
            writer.close()

        async with setting() as here, listening(watch) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            await reader.readexactly(1)
            writer.transport.abort()
            await gone.wait()

    played(scene())


def test_megabytes_pass_unchanged() -> None:
    content = os.urandom(8 * 1024 * 1024)

    async def scene() -> None:
        async with setting() as here, listening(echo) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")

            async def send() -> None:
                writer.write(content)
                await writer.drain()
                writer.write_eof()

            received, _ = await asyncio.gather(reader.read(), send())
            assert received == content
            await shut(writer)

    played(scene())


def test_closing_ends_what_is_open() -> None:
    async def scene() -> None:
        async with setting() as here, listening(echo) as port:
            _, _, (reader, writer) = await here.connect(f"127.0.0.1:{port}")
            await here.proxy.close()
            assert await reader.read() == b""
            await shut(writer)

    played(scene())


def users_proxy(seen: list[bytes], answer: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        await echo(reader, writer)

    return handler


def test_other_names_go_through_the_users_own_proxy() -> None:
    async def scene() -> None:
        seen: list[bytes] = []
        async with listening(users_proxy(seen, b"HTTP/1.1 200 OK\r\n\r\nfirst")) as port:
            upstream = upstream_from({"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{port}"})
            async with setting(upstream=upstream) as here:
                status, head, (reader, writer) = await here.connect("pypi.example:443")
                assert status == 200
                assert await reader.readexactly(5) == b"first"
                writer.write(b"second")
                assert await reader.readexactly(6) == b"second"
                await shut(writer)
                assert not here.azure
                status, _, (_, writer) = await here.connect(AZURE)
                assert (status, here.azure) == (200, ["came"])
                await shut(writer)
        assert len(seen) == 1
        assert seen[0].startswith(b"CONNECT pypi.example:443 HTTP/1.1\r\n")
        expected = base64.b64encode(b"me:p@ss")
        assert (
            b"Proxy-Authorization: Basic " + expected in seen[0] or b"proxy-authorization: Basic " + expected in seen[0]
        )
        assert SECRET.encode() not in seen[0]
        assert "p@ss" not in head

    played(scene())


@pytest.mark.parametrize("answer", [b"HTTP/1.1 403 Forbidden\r\n\r\n", b"SSH-2.0-x\r\n\r\n", b""])
def test_the_users_own_proxys_refusal_is_a_502(answer: bytes) -> None:
    async def scene() -> None:
        async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            writer.close()

        async with listening(handler) as port, setting(upstream=Upstream("127.0.0.1", port)) as here:
            status, _, (reader, writer) = await here.connect("pypi.example:443")
            assert status == 502
            assert "HTTPS_PROXY" in (await reader.read()).decode()
            await shut(writer)

    played(scene())


@pytest.mark.parametrize(
    ("entry", "host", "carried"),
    [
        ("", "example.org", True),
        ("*", "example.org", False),
        ("example.org", "example.org", False),
        ("example.org", "a.example.org", False),
        (".example.org", "a.example.org", False),
        ("*.example.org", "a.example.org", False),
        ("example.org:443", "example.org", False),
        ("example.org", "notexample.org", True),
        ("EXAMPLE.org", "Example.ORG.", False),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.0.0.0/8", "example.org", True),
        ("::1", "::1", False),
        ("other.org, example.org", "example.org", False),
    ],
)
def test_no_proxy_is_honoured(entry: str, host: str, carried: bool) -> None:
    upstream = upstream_from({"https_proxy": "proxy.example:3128", "NO_PROXY": entry})
    assert upstream is not None
    assert (upstream.host, upstream.port) == ("proxy.example", 3128)
    assert upstream.carries(host) is carried


def test_the_users_proxy_is_read_from_the_environment() -> None:
    assert upstream_from({}) is None
    assert upstream_from({"HTTPS_PROXY": ""}) is None
    secure = upstream_from({"HTTPS_PROXY": "https://u@proxy.example"})
    assert secure == Upstream("proxy.example", 443, tls=True, credential="u:")
    assert "u:" not in repr(secure)
    with pytest.raises(ValueError, match="socks5"):
        upstream_from({"HTTPS_PROXY": "socks5://127.0.0.1:1080"})
