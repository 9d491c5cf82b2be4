"""The loopback proxy: Azure's own host names come here, every other name passes straight through.

It carries HTTPS only: one `CONNECT host:port`, answered 200, then bytes both ways.

    no or wrong Proxy-Authorization   407, so that no other user or web page of this machine rides on it
    any other method                  405; nothing here sends plain http through a proxy (HTTP_PROXY is not ours)
    an Azure name, port 443           the embedded Azure's TLS socket, emulated or not: never the real Azure
    an Azure name, another port       403: only HTTPS is emulated
    any other name                    straight to it, or through the proxy that the user had when this one started

What is sent after 200 is not looked at.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import h11

from azmlflow.localazure.clients.proxy_credential import origin_of
from azmlflow.localazure.core.hosts import is_azure, normal
from azmlflow.localazure.front.arrivals import Arrivals
from azmlflow.localazure.front.upstream import HEADERS_LIMIT, NoTunnel, Streams, Upstream, through
from azmlflow.reach.records import Origin

_HEADERS_WITHIN = 30.0  # seconds for a client to say what it wants
_CONNECT_WITHIN = 30.0  # seconds for the other end to answer
_HALF_OPEN_FOR = 120.0  # seconds that one direction may stay silent after the other has ended
CHUNK = 256 * 1024  # carried at a time: for artifacts of gigabytes, 64 KiB cost a quarter more
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

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Begin to serve a connection; what `asyncio.start_server` calls."""
        # A task of our own: Python 3.11 reports the cancellation of start_server's as an error.
        task = asyncio.create_task(self._handle(reader, writer))
        self._open.add(task)
        task.add_done_callback(self._open.discard)

    async def close(self) -> None:
        """End every open connection."""
        tasks = tuple(self._open)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)  # they end by that

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._serve(reader, writer)
        except OSError:
            pass  # one of the two ends went away; the other learns it by its connection's end
        finally:
            await _close(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADERS_LIMIT)
        try:
            request = await _request(client, reader)
            if request is None:
                return
            origin = self._authorise(request)
            host, port = _target(request)
            streams = await self._connect(host, port, origin)
        except ProxyRefusal as refusal:
            await _refuse(client, writer, refusal)
            return
        try:
            writer.write(
                client.send(h11.Response(status_code=200, headers=[], reason=b"Connection established")) or b""
            )
            early, _ = client.trailing_data
            streams[1].write(early)
            await _tunnel((reader, writer), streams)
        finally:
            self.arrivals.forget(streams)
            await _close(streams[1])

    def _authorise(self, request: h11.Request) -> Origin:
        challenge = ("Proxy-Authenticate", 'Basic realm="azmlflow"')
        for name, value in request.headers:
            if name == b"proxy-authorization" and (origin := origin_of(self.secret, *_credential(value))) is not None:
                return origin
        raise ProxyRefusal(
            407, "this proxy is for processes that `azmlflow run` or `azmlflow env` has set up", challenge
        )

    async def _connect(self, host: str, port: int, origin: Origin) -> Streams:
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                if self.azures(host):
                    if port != 443:
                        raise ProxyRefusal(403, f"the embedded Azure answers for {host} on port 443 only")
                    return await self.arrivals.connect(origin, CHUNK)
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


async def _request(client: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """The client's request, or None if it went away without one."""
    try:
        async with asyncio.timeout(_HEADERS_WITHIN):
            while (event := client.next_event()) is h11.NEED_DATA:
                client.receive_data(await reader.read(CHUNK))
    except h11.RemoteProtocolError as error:
        raise ProxyRefusal(error.error_status_hint, "not an HTTP request that this proxy can read") from error
    except TimeoutError as error:
        raise ProxyRefusal(408, f"no whole request within {_HEADERS_WITHIN:.0f} s") from error
    return event if isinstance(event, h11.Request) else None


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


async def _refuse(client: h11.Connection, writer: asyncio.StreamWriter, refusal: ProxyRefusal) -> None:
    body = f"azmlflow: {refusal.reason}\n".encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
        *refusal.headers,
    ]
    if client.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    writer.write(client.send(h11.Response(status_code=refusal.status, headers=headers)) or b"")
    writer.write(client.send(h11.Data(data=body)) or b"")
    await writer.drain()
    _log.info("proxy refused with %d: %s", refusal.status, refusal.reason)


async def _tunnel(near: Streams, far: Streams) -> None:
    """Carry bytes both ways until both directions have ended, one has failed, or the second falls silent for long."""
    meter = _Meter()
    ways = [
        asyncio.create_task(_pump(near[0], far[1], meter, _acknowledge(near[1]))),
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


def _acknowledge(client: asyncio.StreamWriter) -> Callable[[], None]:
    """What acknowledges at once that bytes have come from a client, where the system can be told to (Linux).

    urllib3 leaves Nagle's algorithm on towards a proxy: a request's body waits until its headers are acknowledged, and
    the system takes 40 ms over that, for every metric that is logged.
    """
    connection, option = client.get_extra_info("socket"), getattr(socket, "TCP_QUICKACK", None)
    if option is None:
        return lambda: None
    return lambda: connection.setsockopt(socket.IPPROTO_TCP, option, 1)


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
