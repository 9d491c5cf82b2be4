"""One request to a deployment's process: HTTP/1.1 on its unix socket, both bodies as they come.

Each has a connection of its own, since the server closes it after its answer. A general client costs four times what
this does, which is as much as a model takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

import h11

Header = tuple[bytes, bytes]
_CHUNK = 64 * 1024
_HEADERS_LIMIT = 100 * 1024


class Broken(Exception):
    """The process cannot be reached, or has ended before its answer has."""


class Exchange:
    """A request that is under way; to be closed.

    Attributes:
        status: of the answer, once it has begun.
        headers: of the answer.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEADERS_LIMIT)
        self.status, self.headers = 0, list[Header]()

    async def send(
        self, method: str, target: bytes, headers: Iterable[Header], body: bytes | AsyncIterator[bytes]
    ) -> None:
        """Send the request, and read the answer up to its body.

        Args:
            method, target: of the request.
            headers: of the request, without its length.
            body: what it says.

        Raises:
            Broken: there is no answer.
        """
        length = (b"transfer-encoding", b"chunked")
        if isinstance(body, bytes):
            length = (b"content-length", str(len(body)).encode())
        head = h11.Request(method=method, target=target, headers=[(b"host", b"deployment"), *headers, length])
        try:
            said = self._said(head)
            if isinstance(body, bytes):
                self._writer.write(said + self._said(h11.Data(data=body)) + self._said(h11.EndOfMessage()))
            else:
                self._writer.write(said)
                with contextlib.suppress(ConnectionError):  # it answers before it has heard all
                    async for chunk in body:
                        self._writer.write(self._said(h11.Data(data=chunk)))
                        await self._writer.drain()
                    self._writer.write(self._said(h11.EndOfMessage()))
            event = await self._next()
            while isinstance(event, h11.InformationalResponse):
                event = await self._next()
        except (OSError, h11.RemoteProtocolError) as error:
            raise Broken from error
        assert isinstance(event, h11.Response), event
        self.status, self.headers = event.status_code, list(event.headers)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's body.

        Raises:
            Broken: it breaks off.
        """
        try:
            while isinstance(event := await self._next(), h11.Data):
                yield bytes(event.data)
        except (OSError, h11.RemoteProtocolError) as error:
            raise Broken from error

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    def _said(self, event: h11.Event) -> bytes:
        return self._wire.send(event) or b""

    async def _next(self) -> h11.Event:
        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(await self._reader.read(_CHUNK))
        assert isinstance(event, h11.Event), event
        return event


async def connect(socket: str) -> Exchange:
    """A connection to a process.

    Args:
        socket: the path of its unix socket.

    Raises:
        Broken: it cannot be reached.
    """
    try:
        return Exchange(*await asyncio.open_unix_connection(socket))
    except OSError as error:
        raise Broken from error
