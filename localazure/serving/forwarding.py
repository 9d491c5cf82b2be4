"""A request for a prediction sent on to the deployment that answers it, and its answer on its way back.

Source: Microsoft, "Troubleshoot online endpoint deployment and scoring", "HTTP status codes" and "Rate limits".
Inferred: the bodies of refusals; that a process that has ended is told as 424 with the status 502.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.endpoints.body import seconds
from azmlflow.localazure.serving import asking
from azmlflow.localazure.serving.asking import Broken, Exchange, Header
from azmlflow.scoring.asking import DEPLOYMENT, MODEL_STATUS

# Of one connection only (RFC 9110, 7.6.1), or not the model's business.
_OURS = frozenset(
    {b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"te", b"trailer", b"upgrade"}
    | {b"transfer-encoding", b"host", b"authorization", b"expect", b"server", b"date", DEPLOYMENT.encode()}
)
_LENGTH = b"content-length"
_REASON = "ms-azureml-model-error-reason"


class Answer:
    """What a deployment answers: an ASGI application.

    Args:
        deployment: its name.
        exchange: under way.
        stack: ends it.
        until: when it is over, by the loop's time.
    """

    def __init__(self, deployment: str, exchange: Exchange, stack: contextlib.AsyncExitStack, until: float) -> None:
        self._exchange, self._stack, self._until = exchange, stack, until
        self.status, self.headers = exchange.status, _passed_on(exchange.headers)
        self.headers.append((DEPLOYMENT.encode(), deployment.encode()))
        if not 200 <= self.status < 300:
            self.headers += [(MODEL_STATUS.encode(), str(self.status).encode()), (_REASON.encode(), b"model_error")]
            self.status = 424

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        async with self._stack:
            await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
            async for chunk in self._chunks():
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def discard(self) -> None:
        """Read it, for nobody."""
        async with self._stack:
            async for _ in self._chunks():
                pass

    async def _chunks(self) -> AsyncIterator[bytes]:
        chunks = self._exchange.chunks()
        while True:
            async with asyncio.timeout_at(self._until):  # over it the connection breaks off
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk


async def forward(
    cloud: Cloud, deployment: Document, request: Request, path: str, body: bytes | AsyncIterator[bytes]
) -> Answer:
    """What a deployment answers.

    Args:
        cloud: the embedded Azure.
        deployment: its document.
        request: as it came.
        path: its path.
        body: what it says.

    Raises:
        AzureError: 408, 424, 429, and what the body's reading raises.
    """
    backend = cloud.serving.backends.get(deployment["id"].lower())
    if backend is None:
        raise _failed(deployment, "The deployment's process does not run: its log (getLogs) says why.")
    told, instances = deployment["properties"]["requestSettings"], deployment["sku"]["capacity"]
    most = 2 * told["maxConcurrentRequestsPerInstance"] * instances
    if backend.pending >= most:
        raise AzureError(429, "TooManyRequests", f"{most} requests wait for the deployment: it takes no more now.")
    until = asyncio.get_running_loop().time() + seconds(told["requestTimeout"])
    backend.pending += 1
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(_answered, backend)
        try:
            async with asyncio.timeout_at(until):
                exchange = await asking.connect(backend.socket)
                stack.callback(exchange.close)
                headers = [each for each in _passed_on(request.headers.raw) if each[0] != _LENGTH]
                await exchange.send(request.method, _target(request, path), headers, body)
        except TimeoutError as error:
            raise AzureError(408, "RequestTimeout", "upstream request timeout") from error
        except Broken as error:
            raise _failed(deployment, "The deployment's process ended before it answered.") from error
        return Answer(deployment["name"], exchange, stack.pop_all(), until)


def _answered(backend: Backend) -> None:
    backend.pending -= 1


def _target(request: Request, path: str) -> bytes:
    query = request.scope.get("query_string", b"")
    return path.encode() + (b"?" + query if query else b"")


def _passed_on(headers: Iterable[Header]) -> list[Header]:
    return [(name, value) for name, value in headers if name.lower() not in _OURS]


def _failed(deployment: Document, message: str) -> AzureError:
    headers = {MODEL_STATUS: "502", _REASON: "model_error", DEPLOYMENT: deployment["name"]}
    return AzureError(424, "FailedDependency", message, headers=headers)
