"""The way to MLflow's server: HTTP on its unix socket, each answer read to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import aiohttp
from yarl import URL

from azmlflow.localazure.tracking.answers import MlflowAnswer

# MLflow accepts Host: localhost only (its guard against DNS rebinding).
_ORIGIN = "http://localhost"
_CONNECT_WITHIN = 10.0  # seconds
_AS_IT_IS = "/%:@!$&'()*+,;="  # in a path (RFC 3986, 3.3)


class Lost(aiohttp.ClientError):
    """The server ended, or is not there."""


class Wire:
    """Connections to a server, kept while they are used.

    Args:
        path: its socket.
        within: seconds that it may be silent.
    """

    def __init__(self, path: Path, within: float) -> None:
        self._within = within
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(str(path), limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),  # what one workspace is told is not sent for another
            middlewares=(_once,),
        )

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: str | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json_body: Any = None,
        within: float | None = None,
    ) -> MlflowAnswer:
        """Ask it.

        Args:
            method: HTTP method.
            path: its path; what is percent-encoded of it stays so.
            params: query, as a mapping or as it stood in a URL.
            headers: of the request.
            json_body: what to send as JSON; None sends no body.
            within: seconds that it may be silent, where it is not as for others.

        Raises:
            TimeoutError: it was silent for too long.
            aiohttp.ClientError: it ended, or is not there.
        """
        asked = parse_qsl(params, keep_blank_values=True) if isinstance(params, str) else list((params or {}).items())
        query = f"?{urlencode(asked)}" if asked else ""
        address = URL(f"{_ORIGIN}{quote(path, safe=_AS_IT_IS)}{query}", encoded=True)
        told, content = dict(headers or {}), None
        if json_body is not None:
            told["Content-Type"], content = "application/json", json.dumps(json_body).encode()
        silent = self._within if within is None else within
        timeout = aiohttp.ClientTimeout(sock_connect=min(_CONNECT_WITHIN, silent), sock_read=silent)
        async with self._session.request(
            method, address, headers=told, data=content, timeout=timeout, allow_redirects=False
        ) as answer:
            return MlflowAnswer(answer.status, await answer.read(), answer.headers)

    async def close(self) -> None:
        """End all connections."""
        await self._session.close()


async def _once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Never ask a second time by itself: a connection to a server that has died waits in a queue that nobody reads."""
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        raise Lost(str(error)) from error
