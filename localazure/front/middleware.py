"""What every request to the embedded Azure goes through before its service: small ASGI layers, none of which buffers.

Each is `layer(app, cloud) -> app`; `process/app.py` puts them in order. They hand things on in `scope["state"]`:
`correlation_id` (str), `received` (str, an instant), `site` (Site), `caller` (enforce.Caller; absent where a site asks
for no token), and back `reason` (str; why the request is refused, for the log alone, left by whoever renders the
refusal).
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from azmlflow.localazure.arm.due import apply_due
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.constants import TENANT_ID
from azmlflow.localazure.core.errors import AzureError, unauthenticated
from azmlflow.localazure.core.hosts import within, without_port
from azmlflow.localazure.core.store import damaged
from azmlflow.localazure.front.faults import FaultLayer
from azmlflow.localazure.machine.shortage import shortage
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.tokens import ResourceServer

Layer = Callable[[ASGIApp, Cloud], ASGIApp]
_log = logging.getLogger("azmlflow.local")
_ID = re.compile(r"[\x21-\x7e]{1,128}")  # what a client may have us echo in a header


@dataclass(frozen=True)
class Site:
    """One of Azure's host names, or all names below a domain, and the service behind it.

    Attributes:
        names: host names; one that starts with `*.` stands for every name below the rest, at any depth.
        service: makes the application.
        resources: whose tokens it takes; None if it asks for none, or checks for itself (sign-in, signed blob URLs).
        open_paths: what it answers without a token all the same.
        challenge: parameters of its 401's `WWW-Authenticate: Bearer`, where its clients read others than ARM's.
        refusal: how it says no before its service is asked, where its clients read another body than ARM's.
    """

    names: tuple[str, ...]
    service: Callable[[Cloud], ASGIApp]
    resources: tuple[ResourceServer, ...] | None = None
    open_paths: tuple[str, ...] = ()
    challenge: str | None = None
    refusal: Callable[[AzureError, Request], Response] | None = None

    def serves(self, host: str) -> bool:
        """Whether `host` (normal, no port) is one of its names."""
        return any(
            within(host, name[2:]) and host != name[2:] if name.startswith("*.") else host == name
            for name in self.names
        )


def correlation(app: ASGIApp, cloud: Cloud) -> ASGIApp:
    """Give each request an id, and each answer the headers by which Azure's support would find it.

    https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling names the headers;
    `x-ms-client-request-id` comes back as it was sent.
    """

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        sent = Headers(scope=scope)
        request_id = cloud.ids.guid()
        given = {name: sent.get(name, "") for name in ("x-ms-correlation-request-id", "x-ms-client-request-id")}
        echoed = {name: value for name, value in given.items() if _ID.fullmatch(value)}
        answered = {"x-ms-request-id": request_id, "x-ms-correlation-request-id": request_id, **echoed}
        state = scope.setdefault("state", {})
        state["correlation_id"] = answered["x-ms-correlation-request-id"]
        state["received"] = timestamp(cloud.clock.now())

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in answered.items():
                    headers.setdefault(name, value)
            await send(message)

        await app(scope, receive, stamped)

    return layer


def access_log(app: ASGIApp, _cloud: Cloud) -> ASGIApp:
    """One line a request: method, host, path, status, milliseconds, and of a 403 the reason. Never the query, which may
    hold a signature.
    """

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.monotonic(), 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await app(scope, receive, noted)
        finally:
            path = scope.get("raw_path") or scope["path"].encode()
            line = f"{scope['method']} {host_of(scope)} {path.decode('latin-1')}"
            reason = scope.get("state", {}).get("reason")
            why = printable(f": {reason}") if reason else ""
            _log.info("%s %s %.0f ms%s", printable(line), status or "-", (time.monotonic() - started) * 1000, why)

    return layer


def latency(app: ASGIApp, cloud: Cloud) -> ASGIApp:
    """Hold an answer back as long as Azure takes to give it: the way there and back, and what is done at once there.

    What takes long on Azure is an operation, which is due at an instant and holds nobody up (operations.py).
    """
    profile = cloud.operations.latency
    if profile.name == "none":
        return app

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        async def late(message: Message) -> None:
            if message["type"] == "http.response.start":
                await asyncio.sleep(profile.request_round_trip + scope["state"].get("seconds", 0.0))
            await send(message)

        await app(scope, receive, late)

    return layer


def faults(app: ASGIApp, cloud: Cloud) -> ASGIApp:
    """Strike the requests that the rules of a test name; nothing at all where there are none."""
    return FaultLayer(app, cloud)


def errors(app: ASGIApp, _cloud: Cloud) -> ASGIApp:
    """Render refusals; turn a fault of ours into a 500 that says nothing and a log entry that says where."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await app(scope, receive, watched)
        except ClientDisconnect:
            _log.info("the client went away in mid-request")
        except AzureError as error:
            if started:  # too late to say so: break the connection off, so that nobody takes half for the whole
                raise
            scope.setdefault("state", {})["reason"] = error.reason
            await _refusal(error, scope)(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the one place where a fault of ours becomes an answer
            correlation_id = scope.get("state", {}).get("correlation_id", "")
            _log_fault(error, correlation_id)
            if started:
                raise ConnectionAbortedError("the answer could not be finished") from None
            await _refusal(_fault(error, correlation_id), scope)(scope, receive, send)

    return layer


def locate(sites: tuple[Site, ...]) -> Layer:
    """The layer that finds the site by the Host header, or answers 404 for an Azure name that is not emulated."""

    def locating(app: ASGIApp, _cloud: Cloud) -> ASGIApp:
        async def layer(scope: Scope, receive: Receive, send: Send) -> None:
            host = host_of(scope)
            site = next((site for site in sites if site.serves(host)), None)
            if site is None:
                raise AzureError(404, "HostNotEmulated", f"The embedded Azure has nothing at '{printable(host)}'.")
            scope.setdefault("state", {})["site"] = site
            await app(scope, receive, send)

        return layer

    return locating


def due(app: ASGIApp, cloud: Cloud) -> ASGIApp:
    """Finish the long-running operations whose time has come, before anybody looks."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        apply_due(cloud)
        await app(scope, receive, send)

    return layer


def token(app: ASGIApp, cloud: Cloud) -> ASGIApp:
    """Find out who asks; 401 without a good token, where the site wants one."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        spelling.check_headers(scope)
        site: Site = scope["state"]["site"]
        if site.resources is not None and spelling.decoded(spelling.sent_path(scope)) not in site.open_paths:
            scope["state"]["caller"] = _caller(scope, site, site.resources, cloud)
        await app(scope, receive, send)

    return layer


def host_of(scope: Scope) -> str:
    """The request's host name, normal, without port."""
    return without_port(Headers(scope=scope).get("host", ""))


def _refusal(error: AzureError, scope: Scope) -> Response:
    site: Site | None = scope.get("state", {}).get("site")
    if site is None or site.refusal is None:
        return JSONResponse(error.body(), error.status, error.headers)
    return site.refusal(error, Request(scope))


def _fault(error: Exception, correlation_id: str) -> AzureError:
    """The answer to a request that could not be served.

    What this machine lacks is told as such, with a status of its own, 507, which the engine's plugins and our own
    client do not send again: in a minute the disk is as full as now.
    """
    lacks = shortage(error)
    if lacks is not None:
        return AzureError(507, lacks.code, lacks.answer())
    if isinstance(error, sqlite3.DatabaseError) and damaged(error):
        return AzureError(
            507, "DatabaseDamaged", "The embedded Azure's database is damaged. Next: azmlflow local repair"
        )
    return AzureError(
        500,
        "InternalServerError",
        f"The embedded Azure failed; `azmlflow local logs` has more under correlation id {correlation_id}.",
    )


def _caller(scope: Scope, site: Site, resources: tuple[ResourceServer, ...], cloud: Cloud) -> Caller:
    try:
        scheme, _, credential = Headers(scope=scope).get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise unauthenticated(
                "Authentication failed. The 'Authorization' header is missing or is not a bearer token.",
                code="AuthenticationFailed",
            )
        audiences = [audience for resource in resources for audience in resource.audiences]
        claims = cloud.tokens.verify(credential.strip(), audiences)
        if claims["tid"] != TENANT_ID:
            raise unauthenticated("The access token is from the wrong issuer.", code="InvalidAuthenticationTokenTenant")
        principal = cloud.directory.get(claims["oid"])
        if principal is None:  # removed since the token was issued
            raise unauthenticated(f"The principal '{claims['oid']}' of the access token is not in the tenant.")
    except AzureError as error:
        if site.challenge is not None:
            error.headers["WWW-Authenticate"] = f"Bearer {site.challenge}"
        raise
    return Caller(principal, claims)


def _log_fault(error: Exception, correlation_id: str) -> None:
    """Where it happened and of which type; not its text, which may quote what a client sent."""
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in chain:
        chain.append(link)
        link = link.__cause__ or link.__context__
    lines = [
        f"{type(fault).__module__}.{type(fault).__qualname__}\n{''.join(traceback.format_tb(fault.__traceback__))}"
        for fault in chain
    ]
    _log.error("fault under correlation id %s: %s", correlation_id, "caused by ".join(lines))


def printable(text: str) -> str:
    """A text as one line of a log: what a client or a role's name may bring in cannot begin another."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)
