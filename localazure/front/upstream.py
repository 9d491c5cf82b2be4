"""The proxy that the user had before ours: found in the environment, gone through to what is not Azure."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from urllib.parse import unquote, urlsplit

import h11

from azmlflow.localazure.core.hosts import normal, within, without_port

HEADERS_LIMIT = 16 * 1024

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NoTunnel(Exception):
    """The user's proxy opens no tunnel; the message says what it did."""


@dataclass(frozen=True)
class Upstream:
    """The proxy that the user had for https, and what it was not for.

    Attributes:
        host, port: where it is.
        tls: it is itself reached by TLS.
        credential: `user:password`, or None.
        bypass: entries of the user's NO_PROXY.
    """

    host: str
    port: int
    tls: bool = False
    credential: str | None = field(default=None, repr=False)
    bypass: tuple[str, ...] = ()

    def carries(self, host: str) -> bool:
        """Whether requests for `host` go through it (NO_PROXY: names with all below them, addresses, networks, `*`)."""
        return not any(_bypasses(entry, normal(host)) for entry in self.bypass)


def upstream_from(environment: Mapping[str, str]) -> Upstream | None:
    """The user's own proxy for https, from HTTPS_PROXY or https_proxy with NO_PROXY; None without one.

    Raises:
        ValueError: it is of a kind that this proxy cannot go through (socks), or no address.
    """
    text = environment.get("https_proxy") or environment.get("HTTPS_PROXY")
    if not text:
        return None
    parts = urlsplit(text if "://" in text else f"http://{text}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"HTTPS_PROXY must be http://host:port or https://host:port, not of the kind {parts.scheme}")
    credential = None
    if parts.username is not None:
        credential = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    entries = f"{environment.get('no_proxy', '')},{environment.get('NO_PROXY', '')}".split(",")
    return Upstream(
        parts.hostname,
        parts.port or (443 if parts.scheme == "https" else 80),
        parts.scheme == "https",
        credential,
        tuple(entry.strip() for entry in entries if entry.strip()),
    )


async def through(upstream: Upstream, host: str, port: int) -> Streams:
    """A tunnel to host:port through the user's own proxy.

    Raises:
        NoTunnel: it does not open one.
        OSError: it cannot be reached.
    """
    tls = ssl.create_default_context() if upstream.tls else None
    reader, writer = await asyncio.open_connection(upstream.host, upstream.port, ssl=tls)
    try:
        authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        headers = [("Host", authority)]
        if upstream.credential is not None:
            headers.append(("Proxy-Authorization", f"Basic {base64.b64encode(upstream.credential.encode()).decode()}"))
        server = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEADERS_LIMIT)
        writer.write(server.send(h11.Request(method="CONNECT", target=authority, headers=headers)) or b"")
        writer.write(server.send(h11.EndOfMessage()) or b"")
        # Read up to the end of the answer's headers and no further: what follows belongs to the tunnel.
        try:
            server.receive_data(await reader.readuntil(b"\r\n\r\n"))
            event = server.next_event()
        except (h11.RemoteProtocolError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise NoTunnel("the proxy named by HTTPS_PROXY did not answer as a proxy does") from error
        if not isinstance(event, h11.Response) or not 200 <= event.status_code < 300:
            told = getattr(event, "status_code", "nothing")
            raise NoTunnel(f"the proxy named by HTTPS_PROXY answered {told} for {host}:{port}")
    except BaseException:
        writer.close()
        raise
    return reader, writer


def _bypasses(entry: str, host: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        with contextlib.suppress(ValueError):  # a name lies in no network, and an entry that is none takes nobody past
            return ip_address(host) in ip_network(entry, strict=False)
        return False
    return within(host, without_port(entry).removeprefix("*").removeprefix("."))
