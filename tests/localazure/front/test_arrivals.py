"""Connections to the TLS application, over real sockets: through the proxy to one that tells what it was told."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import uvicorn
import uvloop
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.clients.proxy_credential import credential
from azmlflow.localazure.core.clock import SystemClock
from azmlflow.localazure.front import authority
from azmlflow.localazure.front.arrivals import Arrivals
from azmlflow.localazure.front.proxy import Proxy
from azmlflow.localazure.machine.folder import Folder
from azmlflow.reach.records import INTERNET, Origin

SECRET = "5" * 64
NETWORK = Origin("network", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v")
HOST = "management.azure.com"
POST = f"POST /a%20b?c=d HTTP/1.1\r\nHost: {HOST}\r\n"


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope, receive)
    body = (await request.body()).decode()
    names = [name.decode() for name, _ in scope["headers"]]
    told = {"origin": str(request.state.origin), "path": scope["raw_path"].decode(), "names": names, "body": body}
    await JSONResponse(told)(scope, receive, send)


@asynccontextmanager
async def _serving(path: Path) -> AsyncIterator[tuple[int, Path]]:
    folder = Folder.at(path)
    authority.ensure(folder, SystemClock())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder.leaf, folder.leaf_key)
    server = uvicorn.Server(uvicorn.Config(_tell, http="httptools", ws="none", lifespan="off", log_config=None))
    proxy = Proxy(SECRET, Arrivals(server, context))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        door = asyncio.create_task(proxy.serve(listener))
        try:
            yield listener.getsockname()[1], folder.ca
        finally:
            door.cancel()
            await proxy.close()
            for connection in list(server.server_state.connections):
                connection.shutdown()


async def _said(port: int, ca: Path, sent: bytes, origin: Origin = INTERNET) -> bytes:
    """All that the application says to what somebody with an origin's credential sends."""
    basic = base64.b64encode(":".join(credential(SECRET, origin)).encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic {basic}\r\n\r\n".encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    await writer.start_tls(ssl.create_default_context(cafile=str(ca)), server_hostname=HOST)
    found = b""
    with suppress(OSError):
        writer.write(sent)
        found = await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return found


def _play(tmp_path: Path, sent: bytes, origin: Origin = INTERNET) -> bytes:
    async def scene() -> bytes:
        async with _serving(tmp_path) as (port, ca), asyncio.timeout(60):
            return await _said(port, ca, sent, origin)

    return uvloop.run(scene())


def _told(answer: bytes) -> dict[str, object]:
    told: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return told


@pytest.mark.parametrize("origin", [INTERNET, NETWORK, Origin("internet", "198.51.100.7")])
def test_the_application_learns_the_origin_that_the_credential_stands_for(tmp_path: Path, origin: Origin) -> None:
    forged = f"X-Origin: {NETWORK}\r\nX-Forwarded-For: 10.0.0.4\r\nForwarded: for=10.0.0.4\r\n"
    answer = _play(tmp_path, f"{POST}{forged}Connection: close\r\nContent-Length: 2\r\n\r\nhi".encode(), origin)
    told = _told(answer)
    assert (told["origin"], told["path"], told["body"]) == (str(origin), "/a%20b", "hi")


def test_trailers_are_no_headers(tmp_path: Path) -> None:
    chunked = "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nAuthorization: evil\r\n\r\n"
    told = _told(_play(tmp_path, f"{POST}{chunked}".encode()))
    assert told["names"] == ["host", "connection", "transfer-encoding"]
    assert told["body"] == "hi"


def test_many_requests_on_one_connection_are_each_answered(tmp_path: Path) -> None:
    one = f"{POST}Content-Length: 70000\r\n\r\n{'x' * 70000}"
    answer = _play(tmp_path, f"{one}{one}{POST}Connection: close\r\n\r\n".encode())
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3


@pytest.mark.parametrize(
    "sent",
    [
        f"{POST}X: {'x' * 200_000}\r\n\r\n",
        f"{POST}{'X: y' * 1000}" * 50,
        f"GET /{'x' * 200_000} HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: {'x' * 2_000_000}",
        f"{POST}Transfer-Encoding: chunked\r\n\r\n2;{'x' * 2_000_000}",
        f"GET https://graph.microsoft.com/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"CONNECT graph.microsoft.com:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"OPTIONS * HTTP/1.1\r\nHost: {HOST}\r\n\r\n",
        f"{POST}Host: graph.microsoft.com\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        f"{POST}X: a\r\n folded\r\n\r\n",
        f"{POST}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nhi{POST}\r\n",
        "garbage\r\n\r\n",
    ],
    ids=lambda sent: sent[:60].replace("\r\n", " "),
)
def test_what_is_no_request_ends_the_connection(tmp_path: Path, sent: str) -> None:
    answer = _play(tmp_path, sent.encode())
    assert not answer or answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") <= 1


def test_who_speaks_no_tls_is_turned_away(tmp_path: Path) -> None:
    async def scene() -> bytes:
        async with _serving(tmp_path) as (port, _), asyncio.timeout(60):
            basic = base64.b64encode(":".join(credential(SECRET, INTERNET)).encode()).decode()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"CONNECT {HOST}:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic {basic}\r\n\r\n"
            writer.write(f"{head}{POST}\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            answer = b""
            with suppress(OSError):
                answer = await reader.read()
            writer.close()
            return answer

    assert b"HTTP/1.1" not in uvloop.run(scene())
