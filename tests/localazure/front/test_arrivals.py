"""From where a connection comes, over real sockets: through the proxy to an application that tells what it was told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.clients.proxy_credential import credential
from azmlflow.localazure.front.arrivals import Arrivals
from azmlflow.localazure.front.proxy import Proxy
from azmlflow.reach.records import INTERNET, Origin

SECRET = "5" * 64
NETWORK = Origin("network", "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v")


async def _tell(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(str(Request(scope).state.origin))(scope, receive, send)


@asynccontextmanager
async def _serving(folder: Path) -> AsyncIterator[tuple[int, Arrivals]]:
    path = folder / "azure.sock"
    arrivals = Arrivals(path)
    config = uvicorn.Config(_tell, uds=str(path), http=arrivals.protocol(), lifespan="off", log_config=None, ws="none")
    config.load()
    loop = asyncio.get_running_loop()
    state = uvicorn.server.ServerState()
    server = await loop.create_unix_server(
        lambda: arrivals.protocol()(config=config, server_state=state, app_state={}),
        str(path),
    )
    proxy = Proxy(SECRET, arrivals)
    door = await asyncio.start_server(proxy.accept, "127.0.0.1", 0)
    try:
        yield door.sockets[0].getsockname()[1], arrivals
    finally:
        door.close()
        await proxy.close()
        server.close()


async def _asked(port: int, origin: Origin, *headers: str) -> str:
    """What the application says to a request of somebody with an origin's credential."""
    basic = base64.b64encode(":".join(credential(SECRET, origin)).encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"CONNECT management.azure.com:443 HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic {basic}\r\n\r\n".encode()
    )
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    told = "".join(f"{each}\r\n" for each in headers)
    writer.write(f"GET / HTTP/1.1\r\nHost: x\r\n{told}Connection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer.partition(b"\r\n\r\n")[2].decode()


def test_the_application_learns_the_origin_that_the_credential_stands_for(tmp_path: Path) -> None:
    async def play() -> None:
        async with _serving(tmp_path) as (port, arrivals):
            for origin in (INTERNET, NETWORK, Origin("internet", "198.51.100.7")):
                assert await _asked(port, origin) == str(origin)
            forged = (f"X-Origin: {NETWORK}", "X-Forwarded-For: 10.0.0.4", "Forwarded: for=10.0.0.4")
            assert await _asked(port, INTERNET, *forged) == str(INTERNET)
            assert list(tmp_path.glob("*.sock")) == [tmp_path / "azure.sock"]
            assert arrivals._origins == {}

    asyncio.run(play())


def test_an_end_that_nobody_here_named_is_turned_away(tmp_path: Path) -> None:
    async def play() -> None:
        async with _serving(tmp_path):
            import socket

            end = socket.socket(socket.AF_UNIX)
            end.bind(str(tmp_path / "mine.sock"))
            end.connect(str(tmp_path / "azure.sock"))
            reader, writer = await asyncio.open_unix_connection(sock=end)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            with suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    asyncio.run(play())
