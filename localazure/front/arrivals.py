"""The connections of the TLS application: the proxy hands each over when it knows from where it comes.

The application reads on the very connection that the client made to the proxy. It listens nowhere, so the proxy is the
only way in. The origin is told in `scope["state"]["origin"]`: no header says it.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from azmlflow.reach.records import Origin

_LIMIT = 64 * 1024  # bytes of a request's head, and of anything else that is kept until it is whole


class Arrivals:
    """The way of a connection to the TLS application.

    Args:
        server: serves the application; it needs no sockets.
        context: of TLS.
    """

    def __init__(self, server: uvicorn.Server, context: ssl.SSLContext) -> None:
        self._server, self._context = server, context

    async def take(self, client: socket.socket, origin: Origin) -> None:
        """Have the application answer on a connection, whose TLS begins now.

        Args:
            client: the connection; from here on the application's to close.
            origin: from where it comes.

        Raises:
            OSError: the client went away, or does not speak TLS.
        """

        def protocol() -> Requests:
            state = {"origin": origin}
            return Requests(client, config=self._server.config, server_state=self._server.server_state, app_state=state)

        await asyncio.get_running_loop().connect_accepted_socket(protocol, client, ssl=self._context)


class Requests(HttpToolsProtocol):
    """The requests of one connection.

    Beyond uvicorn's own: a head has a limit, trailers are nobody's, and a target is a path. Else a client could fill
    the memory with one header, add headers after they were checked, and name another host than its Host header does.

    Args:
        client: the connection; None where it is the one that the transport has.
        given: as uvicorn gives it.
    """

    def __init__(self, client: socket.socket | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._client = client
        self._in_head = False
        self._head = self._kept = 0
        self._moved = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection begins."""
        self._client = self._client or transport.get_extra_info("socket")
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        assert self._client is not None
        acknowledge(self._client)
        self._moved = False
        super().data_received(data)
        self._kept = 0 if self._moved else self._kept + len(data)
        self._head = self._head + len(data) if self._in_head else 0
        if max(self._kept, self._head) > _LIMIT and not self.transport.is_closing():
            self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        """A request begins."""
        self._in_head = self._moved = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer."""
        self._moved = True
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole.

        Raises:
            ValueError: its target is no path; it has not one Host (RFC 9112, 3.2); it asks for another protocol, of
                which the parser takes its body to be. The parser's caller answers 400.
        """
        self._in_head, self._moved = False, True
        hosts = [name for name, _ in self.headers].count(b"host")
        if not self.url.startswith(b"/") or hosts != 1 or self.parser.should_upgrade():
            raise ValueError("not one request")
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request has ended."""
        self._moved = True
        super().on_message_complete()


def acknowledge(client: socket.socket) -> None:
    """Acknowledge at once that bytes have come from a client, where the system can be told to (Linux).

    urllib3 leaves Nagle's algorithm on towards a proxy: a request's body waits until its headers are acknowledged, and
    the system takes 40 ms over that, for every metric that is logged.
    """
    if hasattr(socket, "TCP_QUICKACK"):
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
