"""The loopback proxy: Azure's own host names come here, every other name passes straight through.

It carries HTTPS only: one `CONNECT host:port`, answered 200, then bytes both ways.

    no or wrong Proxy-Authorization   407, so that no other user or web page of this machine rides on it
    any other method                  405; nothing here sends plain http through a proxy (HTTP_PROXY is not ours)
    an Azure name, port 443           the embedded Azure's application, emulated or not: never the real Azure
    an Azure name, another port       403: only HTTPS is emulated
    any other name                    straight to it, or through the proxy that the user had when this one started

What is sent after 200 is not looked at here: what is for Azure, the application reads itself, on the same connection.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import functools
import logging
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import h11

from azmlflow.localazure.clients.proxy_credential import origin_of
from azmlflow.localazure.core.hosts import is_azure, normal
from azmlflow.localazure.front.arrivals import Arrivals, acknowledge
from azmlflow.localazure.front.upstream import HEADERS_LIMIT, NoTunnel, Streams, Upstream, through
from azmlflow.reach.records import Origin

_HEADERS_WITHIN = 30.0  # seconds for a client to say what it wants
_CONNECT_WITHIN = 30.0  # seconds for the other end to answer
_HALF_OPEN_FOR = 120.0  # seconds that one direction may stay silent after the other has ended
CHUNK = 256 * 1024  # carried at a time: for artifacts of gigabytes, 64 KiB cost a quarter more
_AFTER_FAULT = 1.0  # seconds
_END = re.compile(rb"\r?\n\r?\n")  # of a head
_log = logging.getLogger("azmlflow.local.proxy")


class ProxyRefusal(Exception):
    """The proxy does not open a tunnel: a status and a sentence for people."""

    def __init__(self, status: int, reason: str, *headers: tuple[str, str]) -> None:
        super().__init__(reason)
        self.status, self.reason, self.headers = status, reason, headers


@dataclass(eq=False)
class Proxy:
    """The proxy's connections.

    Args:
        secret: what the credentials that clients must show follow from.
        arrivals: the way to the embedded Azure's TLS application, which learns from where a client comes.
        upstream: the user's own proxy, or None to go straight.
        azures: which host names are Azure's (tests have their own).
    """

    secret: str = field(repr=False)
    arrivals: Arrivals
    upstream: Upstream | None = None
    azures: Callable[[str], bool] = is_azure
    _open: set[asyncio.Task[None]] = field(default_factory=set, init=False, repr=False)

    async def serve(self, listener: socket.socket) -> None:
        """Serve the connections of a listening socket, until cancelled."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(listener)
            except OSError as error:  # no descriptor is left, say: those who wait are served when one is
                _log.error("the proxy cannot accept: %s", error)
                await asyncio.sleep(_AFTER_FAULT)
                continue
            task = asyncio.create_task(self._handle(client))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """End every open connection, but for those that the embedded Azure's application has: it ends them itself."""
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # they end by that

    async def _handle(self, client: socket.socket) -> None:
        wire = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADERS_LIMIT)
        client.setblocking(False)
        with contextlib.suppress(OSError):  # one of the two ends went away; the other learns it by its connection's end
            try:
                await self._serve(client, wire)
            except ProxyRefusal as refusal:
                await _refuse(wire, client, refusal)
                client.close()
            except BaseException:
                client.close()
                raise

    async def _serve(self, client: socket.socket, wire: h11.Connection) -> None:
        request = await _request(wire, client)
        if request is None:
            client.close()
            return
        origin = self._authorise(request)
        host, port = _target(request)
        if self.azures(host):
            if port != 443:
                raise ProxyRefusal(403, f"the embedded Azure answers for {host} on port 443 only")
            await _establish(wire, client)
            await self.arrivals.take(client, origin)
            return
        far = await self._connect(host, port)
        try:
            await _establish(wire, client)
            near = await asyncio.open_connection(sock=client, limit=CHUNK)
            try:
                await _tunnel(client, near, far)
            finally:
                await _close(near[1])
        finally:
            await _close(far[1])

    def _authorise(self, request: h11.Request) -> Origin:
        challenge = ("Proxy-Authenticate", 'Basic realm="azmlflow"')
        sent = [value for name, value in request.headers if name == b"proxy-authorization"]
        # Of two nobody could tell from where the request comes.
        if len(sent) == 1 and (origin := origin_of(self.secret, *_credential(sent[0]))) is not None:
            return origin
        raise ProxyRefusal(
            407, "this proxy is for processes that `azmlflow run` or `azmlflow env` has set up", challenge
        )

    async def _connect(self, host: str, port: int) -> Streams:
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                if self.upstream is not None and self.upstream.carries(host):
                    return await through(self.upstream, host, port)
                return await asyncio.open_connection(host, port, happy_eyeballs_delay=0.25)
        except TimeoutError as error:
            raise ProxyRefusal(504, f"{host}:{port} did not answer within {_CONNECT_WITHIN:.0f} s") from error
        except NoTunnel as error:
            raise ProxyRefusal(502, str(error)) from error
        except (OSError, UnicodeError) as error:
            told = error.strerror if isinstance(error, OSError) else None
            raise ProxyRefusal(502, f"{host}:{port} cannot be reached: {told or type(error).__name__}") from error


async def _request(wire: h11.Connection, client: socket.socket) -> h11.Request | None:
    """The client's request, or None if it went away without one."""
    head = bytearray()
    try:
        async with asyncio.timeout(_HEADERS_WITHIN):
            while (event := wire.next_event()) is h11.NEED_DATA:
                wire.receive_data(await _more(client, head))
    except h11.RemoteProtocolError as error:
        raise ProxyRefusal(error.error_status_hint, "not an HTTP request that this proxy can read") from error
    except TimeoutError as error:
        raise ProxyRefusal(408, f"no whole request within {_HEADERS_WITHIN:.0f} s") from error
    return event if isinstance(event, h11.Request) else None


async def _more(client: socket.socket, head: bytearray) -> bytes:
    """What has come of a request's head, up to its end; it is added to what came before.

    What is behind it stays with the system: it is for whoever reads the connection next.
    """
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(client, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(client)
    before = len(head)
    head += client.recv(HEADERS_LIMIT, socket.MSG_PEEK)
    end = _END.search(head, max(0, before - 3))
    return client.recv((end.end() if end else len(head)) - before)


async def _establish(wire: h11.Connection, client: socket.socket) -> None:
    answer = wire.send(h11.Response(status_code=200, headers=[], reason=b"Connection established"))
    await asyncio.get_running_loop().sock_sendall(client, answer or b"")


def _target(request: h11.Request) -> tuple[str, int]:
    if request.method != b"CONNECT":
        raise ProxyRefusal(405, "this proxy carries CONNECT (https) only", ("Allow", "CONNECT"))
    try:
        parts = urlsplit(f"//{request.target.decode('ascii')}")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ProxyRefusal(400, "CONNECT needs host:port") from error
    if not host or not port or parts.path or parts.query or parts.username is not None:
        raise ProxyRefusal(400, "CONNECT needs host:port")
    return normal(host), port


async def _refuse(wire: h11.Connection, client: socket.socket, refusal: ProxyRefusal) -> None:
    body = f"azmlflow: {refusal.reason}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *refusal.headers,
    ]
    if wire.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    answer = wire.send(h11.Response(status_code=refusal.status, headers=headers)) or b""
    await asyncio.get_running_loop().sock_sendall(client, answer + (wire.send(h11.Data(data=body)) or b""))
    _log.info("proxy refused with %d: %s", refusal.status, refusal.reason)


async def _tunnel(client: socket.socket, near: Streams, far: Streams) -> None:
    """Carry bytes both ways until both directions have ended, one has failed, or the second falls silent for long."""
    meter = _Meter()
    ways = [
        asyncio.create_task(_pump(near[0], far[1], meter, functools.partial(acknowledge, client))),
        asyncio.create_task(_pump(far[0], near[1], meter, lambda: None)),
    ]
    try:
        ended, open_ways = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        while open_ways and not any(way.exception() for way in ended):
            before = meter.carried
            ended, open_ways = await asyncio.wait(open_ways, timeout=_HALF_OPEN_FOR)
            if not ended and meter.carried == before:
                break
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)  # a way that failed has ended the tunnel: an end went away


@dataclass
class _Meter:
    carried: int = 0


async def _pump(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, meter: _Meter, received: Callable[[], None]
) -> None:
    """Carry one direction to its end, then tell the other side of the end and leave the other direction open."""
    while chunk := await source.read(CHUNK):
        received()
        meter.carried += len(chunk)
        sink.write(chunk)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
    else:  # TLS to the user's own proxy knows no half-closed connection
        sink.close()


def _credential(header: bytes) -> tuple[bytes, bytes]:
    """User and password in a `Basic` header; nothing (which is nobody's) in any other."""
    scheme, _, encoded = header.partition(b" ")
    if scheme.lower() != b"basic":
        return b"", b""
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except binascii.Error:
        return b"", b""
    return user, password


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):  # the other end went away, or does not: nothing is left to say
        async with asyncio.timeout(5):
            await writer.wait_closed()
