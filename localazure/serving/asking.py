"""One request to a deployment's process: HTTP/1.1 on its unix socket, both bodies as they come.

Each has a connection of its own, since the server closes it after its answer. A general client costs four times what
this does, which is as much as a model takes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from httptools import HttpParserError, HttpResponseParser

Header = tuple[bytes, bytes]
_CHUNK = 64 * 1024
_HEADERS_LIMIT = 100 * 1024
_FIRST_FINAL = 200  # status: those below are of answers that another follows
_BODY_ENDS = (b"content-length", b"transfer-encoding")  # else it ends with the connection


class Broken(Exception):
    """The process cannot be reached, or has ended before its answer has."""


class Exchange:
    """A request that is under way; to be closed.

    Attributes:
        status: of the answer, once it has begun.
        headers: of the answer, by lower-case names.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._parser = HttpResponseParser(self)
        self._head = 0  # bytes
        self._begun = self._over = False
        self._pieces = list[bytes]()
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
        whole = body if isinstance(body, bytes) else None
        length = (b"transfer-encoding", b"chunked") if whole is None else (b"content-length", b"%d" % len(whole))
        head = _head(b"%s %s HTTP/1.1" % (method.encode(), target), [(b"host", b"deployment"), *headers, length])
        try:
            self._writer.write(head + (whole or b""))
            if not isinstance(body, bytes):
                with contextlib.suppress(ConnectionError):  # it answers before it has heard all
                    async for chunk in body:
                        if chunk:  # an empty one would be the end
                            self._writer.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                            await self._writer.drain()
                    self._writer.write(b"0\r\n\r\n")
            while not self._begun:
                await self._read()
        except OSError as error:
            raise Broken from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """The answer's body.

        Raises:
            Broken: it breaks off.
        """
        try:
            while self._pieces or not self._over:
                pieces, self._pieces = self._pieces, []
                for piece in pieces:
                    yield piece
                if not pieces:
                    await self._read()
        except OSError as error:
            raise Broken from error

    def close(self) -> None:
        """End the connection."""
        self._writer.close()

    async def _read(self) -> None:
        """Read on.

        Raises:
            Broken: it is no answer, or has ended.
        """
        data = await self._reader.read(_CHUNK)
        if not data:
            self._over = self._begun and not any(name in _BODY_ENDS for name, _ in self.headers)
            if not self._over:
                raise Broken
            return
        self._head += 0 if self._begun else len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            raise Broken from error
        if not self._begun and self._head > _HEADERS_LIMIT:
            raise Broken

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; trailers are nobody's."""
        if not self._begun:
            self.headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        """An answer begins, or one that another follows."""
        self.status = self._parser.get_status_code()
        self._begun = self.status >= _FIRST_FINAL
        if not self._begun:
            self.headers.clear()

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """An answer has ended, or one that another follows."""
        self._over = self._begun


def _head(line: bytes, headers: Iterable[Header]) -> bytes:
    """A request's head.

    Raises:
        ValueError: it would be another than it seems.
    """
    lines = [line, *(b"%s: %s" % each for each in headers)]
    if any(mark in each for each in lines for mark in (b"\r", b"\n", b"\0")):
        raise ValueError("not one head")
    return b"\r\n".join((*lines, b"", b""))


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
