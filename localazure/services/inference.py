"""`<endpoint>.<region>.inference.ml.azure.com`: requests for predictions, sent on to the deployments that answer them.

    POST /score          answered by the deployment that `azureml-model-deployment` names, else by one chosen by traffic
    GET  /swagger.json   what a deployment says of itself, in version 2 or 3

Bodies are streamed both ways, and nothing of them is kept or logged. Source: Microsoft, "Troubleshoot online endpoint
deployment and scoring", "HTTP status codes" and "Rate limits", "Invoke the endpoint", "Mirror traffic", and of the
request's size "Manage and increase quotas". Inferred: the bodies of refusals; that a process that has ended is told as
424 with the status 502.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import weakref
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import httpx
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.hosts import without_port
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.place import once
from azmlflow.localazure.kinds.endpoints import keys, names
from azmlflow.localazure.kinds.endpoints.body import seconds
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING
from azmlflow.localazure.resources import find

DEPLOYMENT = "azureml-model-deployment"
_SCORE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
_LIMIT = 10 * 1024 * 1024  # bytes of a request
_PATHS: Mapping[str, tuple[str, ...]] = {"/score": ("GET", "POST", "OPTIONS"), "/swagger.json": ("GET",)}
# Of one connection only (RFC 9110, 7.6.1), or not the model's business.
_OURS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "upgrade"}
    | {"transfer-encoding", "content-length", "host", "authorization", "expect", "server", "date"}
)
_ANY = httpx.Limits(max_connections=None, max_keepalive_connections=0)  # what waits is counted by us
_STATUS, _REASON = "ms-azureml-model-error-statuscode", "ms-azureml-model-error-reason"


def service(cloud: Cloud, draw: Callable[[], float] = random.random) -> ASGIApp:
    """The scoring of `cloud`'s endpoints.

    Args:
        cloud: the embedded Azure.
        draw: a number from 0 to below 1, by which traffic is shared.
    """
    around = _Around(cloud, draw)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await _answer(around, request)
        except AzureError as error:
            scope.setdefault("state", {})["reason"] = error.reason
            response = JSONResponse(error.body(), error.status, error.headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return app


class _Clients:
    """A client for each process that answers, for as long as it does: to make one takes longer than to ask."""

    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Backend, httpx.AsyncClient] = weakref.WeakKeyDictionary()

    def of(self, backend: Backend) -> httpx.AsyncClient:
        """The client of one."""
        found = self._made.get(backend)
        if found is None:
            transport = httpx.AsyncHTTPTransport(uds=backend.socket, verify=False, limits=_ANY)
            found = self._made[backend] = httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)
        return found


@dataclass(frozen=True)
class _Around:
    """What all requests share: the embedded Azure, chance, the clients of processes, the copies under way."""

    cloud: Cloud
    draw: Callable[[], float]
    clients: _Clients = field(default_factory=_Clients)
    copies: set[asyncio.Task[None]] = field(default_factory=set)


async def _answer(around: _Around, request: Request) -> Response:
    cloud, draw = around.cloud, around.draw
    host, path = without_port(request.headers.get("host", "")), spelling.decoded(spelling.sent_path(request.scope))
    endpoint = names.of_host(cloud, host)
    if endpoint is None:
        raise AzureError(404, "NotFound", f"There is no online endpoint at '{host}'.")
    _authenticate(cloud, request, endpoint)
    if path not in _PATHS:
        raise AzureError(404, "NotFound", f"The endpoint has nothing at '{path}': it answers /score and /swagger.json.")
    if request.method not in _PATHS[path]:
        raise AzureError(405, "MethodNotAllowed", f"'{path}' does not take {request.method}.")
    deployment = _choose(cloud, endpoint, request.headers.get(DEPLOYMENT), draw)
    _check_size(request)
    body = _limited(request)
    copied = None if DEPLOYMENT in request.headers else _mirrored(cloud, endpoint, draw)
    if copied is not None and path == "/score":
        whole = b"".join([chunk async for chunk in body])
        task = asyncio.create_task(_copy(around, copied, request, path, whole))
        around.copies.add(task)
        task.add_done_callback(around.copies.discard)
        body = once(whole)
    return await _forward(around, deployment, request, path, body)


def _authenticate(cloud: Cloud, request: Request, endpoint: Document) -> None:
    """Take a key or token of the endpoint's mode.

    Raises:
        AzureError: 401.
    """
    scheme, _, given = request.headers.get("authorization", "").strip().partition(" ")
    mode, given = endpoint["properties"]["authMode"], given.strip()
    denied = "key_auth_access_denied" if mode == "Key" else "token_auth_access_denied"
    if scheme.lower() != "bearer" or not given:
        raise _unauthorized(denied, f"The request has no bearer {'key' if mode == 'Key' else 'token'}.")
    if mode == "Key":
        if not keys.is_key(cloud, endpoint, given):
            raise _unauthorized(denied, "The key is none of the endpoint's.")
        return
    try:
        if mode == "AMLToken":
            keys.check_token(cloud, endpoint, given)
        else:
            _require_role(cloud, endpoint, given)
    except AzureError as error:
        raise _unauthorized(denied, error.message, error.reason) from error


def _require_role(cloud: Cloud, endpoint: Document, given: str) -> None:
    claims = cloud.tokens.verify(given, MACHINE_LEARNING.audiences)
    principal = cloud.directory.get(claims["oid"])
    if principal is None or "azmlflow_run" in claims:
        raise AzureError(401, "InvalidAuthenticationToken", "The token's principal is not in the tenant.")
    cloud.enforcer.require(Caller(principal, claims), _SCORE, endpoint["id"])


def _unauthorized(code: str, message: str, reason: str = "") -> AzureError:
    return AzureError(401, code, message, headers={"WWW-Authenticate": "Bearer"}, reason=reason)


def _choose(cloud: Cloud, endpoint: Document, wanted: str | None, draw: Callable[[], float]) -> Document:
    """The deployment that answers.

    Raises:
        AzureError: 404, there is none of that name, or none that has traffic.
    """
    if wanted is not None:
        found = find.resource(cloud, f"{endpoint['id']}/deployments/{wanted}") if "/" not in wanted else None
        if found is None:
            raise AzureError(404, "NotFound", f"The endpoint has no deployment '{wanted}'.")
        return found
    shares = {name: share for name, share in endpoint["properties"]["traffic"].items() if share > 0}
    at = draw() * sum(shares.values())
    for name, share in shares.items():
        at -= share
        if at < 0 and (found := find.resource(cloud, f"{endpoint['id']}/deployments/{name}")) is not None:
            return found
    raise AzureError(404, "NotFound", "No deployment of the endpoint has traffic: name one, or give one a share.")


def _mirrored(cloud: Cloud, endpoint: Document, draw: Callable[[], float]) -> Document | None:
    for name, share in endpoint["properties"]["mirrorTraffic"].items():
        if share > 0 and draw() * 100 < share:
            return find.resource(cloud, f"{endpoint['id']}/deployments/{name}")
    return None


def _check_size(request: Request) -> None:
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > _LIMIT:
        raise _too_large()


async def _limited(request: Request) -> AsyncIterator[bytes]:
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > _LIMIT:
            raise _too_large()
        yield chunk


def _too_large() -> AzureError:
    return AzureError(413, "RequestEntityTooLarge", f"A request has at most {_LIMIT // 1024 // 1024} MB.")


async def _copy(around: _Around, deployment: Document, request: Request, path: str, content: bytes) -> None:
    """Have a deployment see a copy of a request; what comes of it is nobody's."""
    with contextlib.suppress(AzureError):
        response = await _forward(around, deployment, request, path, once(content))
        if isinstance(response, StreamingResponse):
            async for _ in response.body_iterator:
                pass


async def _forward(
    around: _Around, deployment: Document, request: Request, path: str, body: AsyncIterator[bytes]
) -> Response:
    """What a deployment answers.

    Raises:
        AzureError: 408, 413, 424, 429.
    """
    backend = around.cloud.serving.backends.get(deployment["id"].lower())
    if backend is None:
        raise _failed(deployment, 502, "The deployment's process does not run: its log (getLogs) says why.")
    told, instances = deployment["properties"]["requestSettings"], deployment["sku"]["capacity"]
    most = 2 * told["maxConcurrentRequestsPerInstance"] * instances
    if backend.pending >= most:
        raise AzureError(429, "TooManyRequests", f"{most} requests wait for the deployment: it takes no more now.")
    until = asyncio.get_running_loop().time() + seconds(told["requestTimeout"])
    backend.pending += 1
    stack = contextlib.AsyncExitStack()
    stack.callback(_answered, backend)
    try:
        async with asyncio.timeout_at(until):
            sent = around.clients.of(backend).stream(
                request.method,
                httpx.URL("http://deployment").copy_with(raw_path=_target(request, path)),
                headers=_headers(request.headers.items()),
                content=body if request.method == "POST" else None,
            )
            answer = await stack.enter_async_context(sent)
    except TimeoutError as error:
        await stack.aclose()
        raise AzureError(408, "RequestTimeout", "upstream request timeout") from error
    except httpx.HTTPError as error:
        await stack.aclose()
        raise _failed(deployment, 502, "The deployment's process ended before it answered.") from error
    except BaseException:
        await stack.aclose()
        raise
    headers = {**_headers(answer.headers.items()), DEPLOYMENT: deployment["name"]}
    status = answer.status_code
    if not 200 <= status < 300:
        headers |= {_STATUS: str(status), _REASON: "model_error"}
        status = 424
    return StreamingResponse(_streamed(answer, stack, until), status, headers)


async def _streamed(answer: httpx.Response, stack: contextlib.AsyncExitStack, until: float) -> AsyncIterator[bytes]:
    async with stack:
        chunks = answer.aiter_raw()
        while True:
            async with asyncio.timeout_at(until):  # over it the connection breaks off
                try:
                    chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
            yield chunk


def _answered(backend: Backend) -> None:
    backend.pending -= 1


def _target(request: Request, path: str) -> bytes:
    query = request.scope.get("query_string", b"")
    return path.encode() + (b"?" + query if query else b"")


def _headers(given: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in given if name.lower() not in _OURS and name.lower() != DEPLOYMENT}


def _failed(deployment: Document, status: int, message: str) -> AzureError:
    headers = {_STATUS: str(status), _REASON: "model_error", DEPLOYMENT: deployment["name"]}
    return AzureError(424, "FailedDependency", message, headers=headers)
