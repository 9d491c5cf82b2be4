"""A WSGI application, as MLflow's is, behind uvicorn, which speaks ASGI: each request and each answer as a whole.

Both are small there. a2wsgi by itself hands over piece by piece, for files: the thread that answers waits for the loop
at each of four pieces.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from a2wsgi.wsgi import build_environ
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send
from werkzeug.test import run_wsgi_app

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Application:
    """A WSGI application as an ASGI one.

    Args:
        wsgi: the application.
        threads: how many requests it answers at a time.
    """

    def __init__(self, wsgi: Wsgi, threads: int) -> None:
        self._wsgi = wsgi
        self._threads = ThreadPoolExecutor(threads, "application")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            body = await Request(scope, receive).body()
        except ClientDisconnect:
            return  # whoever sends it is gone before its end
        # a2wsgi has types of its own of what ASGI hands over, and of what WSGI reads: any file will do (PEP 3333).
        environ = dict(build_environ(scope, io.BytesIO(body)))  # type: ignore[arg-type]
        context = contextvars.copy_context()  # what a request leaves there is not the next one's
        loop = asyncio.get_running_loop()
        status, headers, said = await loop.run_in_executor(self._threads, context.run, self._answer, environ)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said})

    def _answer(self, environ: dict[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        pieces, status, headers = run_wsgi_app(self._wsgi, environ, buffered=True)
        told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return int(status.split(maxsplit=1)[0]), told, b"".join(pieces)
