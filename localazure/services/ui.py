"""The pages of `azmlflow ui`, in plain http on 127.0.0.1, at a port of their own.

    GET  /sign-in?code=&to=        a one-time code becomes a session, whose cookie the answer sets; then `to`
    *    /<session>/...            the pages themselves (`ui/site.py`)
    POST /<session>/sign-out

Against other web pages: Host must be this address (DNS rebinding), Origin, where a browser sends one, this page's own,
and with every request that may write. The cookie is HttpOnly, SameSite=Strict and of this session's path alone; not
Secure, as not every browser keeps such a cookie of http on 127.0.0.1.

Signing in answers with a page that goes on by itself, not with a 303: to a browser a redirect belongs to whatever made
it ask, a file or a chat in a browser, and from there a Strict cookie is not sent. The page is ours, so from it it is;
and it takes the place of the address with the code.
"""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from http.cookies import SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from azmlflow.localazure.azureml.request.answers import refusal
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.front import middleware
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import LOOPBACK
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.sessions import SESSION_LIFETIME, BrowserSession
from azmlflow.localazure.resources import find
from azmlflow.localazure.services import inference
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.ui import html, script, site, style
from azmlflow.localazure.ui.reader import Reader
from azmlflow.localazure.ui.visit import Visit

COOKIE = "azmlflow"
_FILES = {
    "/style.css": ("text/css", style.STYLE),
    "/bar.css": ("text/css", style.BAR),
    "/tables.js": ("text/javascript", script.TABLES),
}
# Below the session's address, which it never leaves.
_WITHIN = re.compile(r"(?!/)(?!.*(//|\.\.))[A-Za-z0-9_/#?=&.%~-]*")
_AGAIN = "Type `azmlflow ui` for a new one."
_log = logging.getLogger("azmlflow.local")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with `no-referrer` browsers post forms with `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)


class _SignIn(Exception):
    """There is no session, or none any more; the text says why."""


def service(cloud: Cloud) -> ASGIApp:
    """The pages of `cloud`'s workspaces."""
    address = f"{LOOPBACK}:{Folder(cloud.state).ports().ui}"
    scoring = inference.service(cloud)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            _check_place(request, address)
            response = await _answer(cloud, scoring, request)
        except _SignIn as error:
            response = _refusal(request, HTTPStatus.UNAUTHORIZED, "Signed out", f"{error} {_AGAIN}")
        except AzureError as error:
            response = _refused(request, error)
        except MlflowUnavailable as error:
            response = _refused(request, error.refusal())
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    stack: ASGIApp = application
    for layer in (middleware.due, middleware.errors, _guard, middleware.correlation):
        stack = layer(stack, cloud)

    async def only_http(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await stack(scope, receive, send)

    return only_http


def _guard(app: ASGIApp, _cloud: Cloud) -> ASGIApp:
    """The layer that gives every answer its headers, and writes one line without the session or the query."""

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "Content-Security-Policy": _POLICY}.items():
                    headers.setdefault(name, value)
                reason = scope.get("state", {}).get("reason")
                why = middleware.printable(f": {reason}") if reason else ""
                _log.info("%s ui %s %s%s", scope["method"], _told_path(scope["path"]), message["status"], why)
            await send(message)

        await app(scope, receive, guarded)

    return layer


def _told_path(path: str) -> str:
    rest = path if path == "/sign-in" else "/" + path.lstrip("/").partition("/")[2]
    return middleware.printable(rest)


def _check_place(request: Request, address: str) -> None:
    """Refuse what another web page makes a browser ask.

    Raises:
        AzureError: 403, the wrong Host or Origin.
    """
    if request.headers.get("host") != address:
        raise AzureError(403, "WrongHost", f"These pages are at http://{address}/ only.")
    origin = request.headers.get("origin")
    reads = request.method in ("GET", "HEAD")
    if origin != f"http://{address}" and not (reads and origin is None):
        raise AzureError(403, "WrongOrigin", "Another web page may not ask this.")
    # Told by all browsers of today: an image or script of another page, even one on another port of this machine.
    site, mode = request.headers.get("sec-fetch-site"), request.headers.get("sec-fetch-mode")
    if site in ("cross-site", "same-site") and not (reads and mode == "navigate"):
        raise AzureError(403, "WrongOrigin", "Another web page may not ask this.")


async def _answer(cloud: Cloud, scoring: ASGIApp, request: Request) -> Response:
    first, _, rest = request.url.path.removeprefix("/").partition("/")
    if request.method == "GET" and request.url.path in _FILES:
        kind, text = _FILES[request.url.path]
        return Response(text, media_type=kind)
    if (request.method, request.url.path) == ("GET", "/sign-in"):
        return _sign_in(cloud, request)
    session = _session(cloud, request, first)
    principal = cloud.directory.get(session.principal_id)
    workspace = find.resource(cloud, session.workspace_id)
    if principal is None:
        raise _SignIn("Who was signed in is not in the directory any more.")
    if workspace is None:
        raise AzureError(404, "ResourceNotFound", "The workspace does not stand any more.")
    if (request.method, rest) == ("POST", "sign-out"):
        cloud.sessions.end(session.id)
        raise _SignIn("You are signed out.")
    reader, query = Reader(cloud, Caller(principal)), dict(request.query_params)
    visit = Visit(cloud, principal, workspace, reader, f"/{session.id}/", scoring, session.grants, query)
    return await site.answer(visit, request, rest)


def _sign_in(cloud: Cloud, request: Request) -> Response:
    to = request.query_params.get("to", "")
    if not _WITHIN.fullmatch(to):
        raise AzureError(400, "BadRequest", "The page to open is none of these pages.")
    signed_in = cloud.sessions.exchange(request.query_params.get("code", ""), cloud.clock.now())
    if signed_in is None:
        raise _SignIn("An address to sign in by is good once, for a minute.")
    session, key = signed_in
    base = f"/{session.id}/"
    onward = html.cell(base + to)
    head = f'<meta http-equiv="refresh" content="0;url={onward}">\n'
    response = HTMLResponse(html.frame("Signed in", html.link("Go on", base + to), head=head))
    response.headers["Referrer-Policy"] = "no-referrer"  # the address holds the code
    response.set_cookie(
        COOKIE, key, max_age=int(SESSION_LIFETIME.total_seconds()), path=base, httponly=True, samesite="strict"
    )
    return response


def _session(cloud: Cloud, request: Request, session_id: str) -> BrowserSession:
    """The session that the path and the cookie name together.

    Raises:
        _SignIn: there is none.
    """
    sent = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    session = cloud.sessions.find(session_id, sent.value if sent else "", cloud.clock.now())
    if session is None:
        raise _SignIn("You are not signed in here, or no longer.")
    return session


def _refused(request: Request, error: AzureError) -> Response:
    if "/mlflow/" in request.url.path:
        return refusal(error, request)  # what MLflow's page shows
    response = _refusal(request, HTTPStatus(error.status), HTTPStatus(error.status).phrase, error.message)
    request.state.reason = error.reason
    return response


def _refusal(request: Request, status: HTTPStatus, title: str, message: str) -> Response:
    if "text/html" in request.headers.get("accept", ""):
        return HTMLResponse(html.frame(title, html.refused(message)), status)
    return refusal(AzureError(status, title.replace(" ", ""), message), request)
