"""MLflow's application, a WSGI one, behind uvicorn: each request and each answer whole, in one of a few threads.

What MLflow itself puts in between (`mlflow.server.fastapi_app`) serves what Azure Machine Learning has not (traces,
gateways, assistants), checks once more what the application checks (`mlflow.server.security`), and hands an answer over
in pieces: together that took as long as all the rest of a request. MLflow serves the application as it is, too, behind
gunicorn or waitress.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import io
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from starlette.types import Receive, Scope, Send

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

# SQLAlchemy's pool has 15 connections, and a request of MLflow's holds up to three at a time, one inside of another:
# so many threads never wait for each other's.
_THREADS = 7
_OWN = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


class Bridge:
    """An ASGI application.

    Args:
        application: answers; it writes nothing but the body that it returns.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="mlflow")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; one whose client leaves before it is whole is not begun."""
        pieces, more = list[bytes](), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            pieces.append(message.get("body", b""))
            more = message.get("more_body", False)
        # In a context of its own: MLflow keeps there of which workspace a request is, and none may find another's.
        alone = functools.partial(contextvars.copy_context().run, self._answer, _environ(scope, b"".join(pieces)))
        status, headers, content = await asyncio.get_running_loop().run_in_executor(self._threads, alone)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, environ: WSGIEnvironment) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _fault: Any = None, /) -> Any:
            begun[:] = [(status, headers)]

        pieces: Iterable[bytes] = self._application(environ, start)
        try:
            content = b"".join(pieces)
        finally:
            if hasattr(pieces, "close"):
                pieces.close()
        ((status, headers),) = begun
        told = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return int(status.partition(" ")[0]), told, content


def _environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    """A request as WSGI has it (PEP 3333); a header that comes many times is joined by commas."""
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for each, value in scope["headers"]:
        name = each.decode("latin-1")
        key = _OWN.get(name) or f"HTTP_{name.upper().replace('-', '_')}"
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]},{text}" if key in environ else text
    return environ
