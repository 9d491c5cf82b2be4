"""From where a connection to the TLS application comes: the proxy knows, and what it carries is encrypted.

The proxy binds its end of the unix socket to a path that stands for the origin, known to this process alone; the
application's protocol reads it from the other end and hands it on as `scope["state"]["origin"]`. An end without a name
comes from the internet.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from azmlflow.localazure.front.upstream import Streams
from azmlflow.reach.records import INTERNET, Origin


@dataclass(eq=False)
class Arrivals:
    """The connections that say from where they come.

    Args:
        azure: the unix socket of the TLS application; the ends of connections are bound beside it.
    """

    azure: Path
    _origins: dict[str, Origin] = field(default_factory=dict, init=False, repr=False)

    async def connect(self, origin: Origin, limit: int) -> Streams:
        """Connect to the TLS application.

        Args:
            origin: from where.
            limit: of the streams' buffers.

        Raises:
            OSError: it does not listen.
        """
        if origin == INTERNET:
            return await asyncio.open_unix_connection(str(self.azure), limit=limit)
        path = self.azure.with_name(f"{secrets.token_hex(8)}.sock")
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.setblocking(False)
            end.bind(str(path))
            self._origins[str(path)] = origin
            await asyncio.get_running_loop().sock_connect(end, str(self.azure))
            return await asyncio.open_unix_connection(sock=end, limit=limit)
        except BaseException:
            self._origins.pop(str(path), None)
            end.close()
            raise
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def forget(self, streams: Streams) -> None:
        """A connection has ended."""
        self._origins.pop(str(streams[1].get_extra_info("sockname")), None)

    def origin(self, peer: object) -> Origin:
        """The origin of the connection whose other end has a name.

        Raises:
            KeyError: it has one, and nobody here gave it.
        """
        return self._origins[peer] if isinstance(peer, str) and peer else INTERNET

    def protocol(self) -> type[H11Protocol]:
        """The protocol of the TLS application's connections."""
        arrivals = self

        class Arriving(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                try:
                    origin = arrivals.origin(transport.get_extra_info("peername"))
                except KeyError:
                    transport.abort()
                    return
                self.app_state = {**self.app_state, "origin": origin}
                super().connection_made(transport)

        return Arriving
