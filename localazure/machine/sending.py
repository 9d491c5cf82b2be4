"""uvicorn's way of an answer to its connection, with head and body sent in one piece.

uvicorn writes the head and the body one after the other, and uvloop hands each to the system at once: two packets, each
of which wakes whoever waits, and in TLS two records.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_AT_ONCE = 64 * 1024  # bytes: more than that gains nothing by being kept, and uvicorn is to see how much waits


class Gathered(asyncio.Transport):
    """A connection's transport that keeps what is written until `send`, but no longer than to the loop's next turn.

    Args:
        transport: the connection's own.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._pieces: list[bytes | bytearray | memoryview] = []
        self._size = 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the connection's own transport tells."""
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        """Whether the connection ends."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Read no more until `resume_reading`."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        self._transport.resume_reading()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send this with what comes next."""
        if not self._pieces:
            asyncio.get_running_loop().call_soon(self.send)
        self._pieces.append(data)
        self._size += len(data)
        if self._size > _AT_ONCE:
            self.send()

    def send(self) -> None:
        """Send all that was written."""
        pieces, self._pieces, self._size = self._pieces, [], 0
        if pieces:
            self._transport.write(b"".join(pieces) if len(pieces) > 1 else pieces[0])

    def close(self) -> None:
        """Send all that was written, and end."""
        self.send()
        self._transport.close()

    def abort(self) -> None:
        """Send what the system takes at once, and break off."""
        self.send()
        self._transport.abort()


class SentWhole(HttpToolsProtocol):
    """uvicorn's protocol, whose answers leave in one piece as far as they are there."""

    _gathered: Gathered

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection begins."""
        self._gathered = Gathered(transport)
        super().connection_made(self._gathered)

    def on_response_complete(self) -> None:
        """An answer has ended: it leaves before anything else is done about it."""
        self._gathered.send()
        super().on_response_complete()
