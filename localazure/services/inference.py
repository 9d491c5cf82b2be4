"""`<endpoint>.<region>.inference.ml.azure.com`: requests for predictions, sent on to the deployments that answer them.

    POST /score          answered by the deployment that `azureml-model-deployment` names, else by one chosen by traffic
    GET  /swagger.json   what a deployment says of itself, in version 2 or 3

Bodies are streamed both ways, and nothing of them is kept or logged. Source: Microsoft, "Troubleshoot online endpoint
deployment and scoring", "HTTP status codes", "Invoke the endpoint", "Mirror traffic", and of the request's size
"Manage and increase quotas". Inferred: the bodies of refusals.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.hosts import without_port
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.endpoints import keys, names
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING
from azmlflow.localazure.resources import find
from azmlflow.localazure.serving.asking import Broken
from azmlflow.localazure.serving.forwarding import Answer, forward
from azmlflow.scoring.asking import DEPLOYMENT

_SCORE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/score/action"
_LIMIT = 10 * 1024 * 1024  # bytes of a request
_SMALL = 64 * 1024  # bytes up to which a request is sent on in one piece
_PATHS: Mapping[str, tuple[str, ...]] = {"/score": ("GET", "POST", "OPTIONS"), "/swagger.json": ("GET",)}


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
            response: ASGIApp = await _answer(around, request)
        except AzureError as error:
            scope.setdefault("state", {})["reason"] = error.reason
            response = JSONResponse(error.body(), error.status, error.headers)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    return app


@dataclass(frozen=True)
class _Around:
    """What all requests share: the embedded Azure, chance, the copies under way."""

    cloud: Cloud
    draw: Callable[[], float]
    copies: set[asyncio.Task[None]] = field(default_factory=set)


async def _answer(around: _Around, request: Request) -> Answer:
    cloud, draw = around.cloud, around.draw
    host, path = without_port(request.headers.get("host", "")), spelling.decoded(spelling.sent_path(request.scope))
    endpoint = names.of_host(cloud, host)
    if endpoint is None:
        raise AzureError(404, "NotFound", f"There is no online endpoint at '{host}'.")
    cloud.serving.asked[endpoint["id"].lower()] += 1
    _authenticate(cloud, request, endpoint)
    if path not in _PATHS:
        raise AzureError(404, "NotFound", f"The endpoint has nothing at '{path}': it answers /score and /swagger.json.")
    if request.method not in _PATHS[path]:
        raise AzureError(405, "MethodNotAllowed", f"'{path}' does not take {request.method}.")
    deployment = _choose(cloud, endpoint, request.headers.get(DEPLOYMENT), draw)
    copied = None if DEPLOYMENT in request.headers else _mirrored(cloud, endpoint, draw)
    if _length(request) > _SMALL and copied is None:
        return await forward(cloud, deployment, request, path, _limited(request))
    whole = b"".join([chunk async for chunk in _limited(request)])
    if copied is not None and path == "/score":
        task = asyncio.create_task(_copy(around, copied, request, path, whole))
        around.copies.add(task)
        task.add_done_callback(around.copies.discard)
    return await forward(cloud, deployment, request, path, whole)


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


def _length(request: Request) -> int:
    """How long a request says that it is; as long as can be if it does not.

    Raises:
        AzureError: 413.
    """
    told = request.headers.get("content-length", "")
    length = int(told) if told.isdecimal() else _LIMIT if "transfer-encoding" in request.headers else 0
    if length > _LIMIT:
        raise _too_large()
    return length


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
    with contextlib.suppress(AzureError, Broken, TimeoutError):
        await (await forward(around.cloud, deployment, request, path, content)).discard()
