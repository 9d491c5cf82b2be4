"""The pages of `azmlflow ui`, in plain http on 127.0.0.1, at a port of their own.

    GET  /sign-in?code=            a one-time code becomes a session, whose cookie the answer sets
    GET  /<session>/               the workspace; computes, jobs, endpoints, access, access-matrix (`ui/pages/`)
    *    /<session>/mlflow/...     MLflow's own page, and what it asks (`ui.mlflow`)
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
from http import HTTPStatus
from http.cookies import SimpleCookie

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from azmlflow.localazure.azureml.request.answers import refusal
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.front import middleware
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import LOOPBACK
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.sessions import SESSION_LIFETIME, BrowserSession
from azmlflow.localazure.resources import find
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.ui import html, mlflow, style
from azmlflow.localazure.ui.pages import access, endpoints, jobs, tabs
from azmlflow.localazure.ui.reader import Reader
from azmlflow.localazure.ui.visit import Visit

COOKIE = "azmlflow"
_SHEETS = {"/style.css": style.STYLE, "/bar.css": style.BAR}
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
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# The matrix of access brings a policy of its own for its style and script.
_MATRIX_POLICY = "frame-ancestors 'none'; base-uri 'none'"
# MLflow's page: its charts compile expressions, its styles and fonts are made by script. It reaches nothing but this.
_MLFLOW_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; connect-src 'self' blob: data:; "
    "frame-src 'self' blob:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class _SignIn(Exception):
    """There is no session, or none any more; the text says why."""


def service(cloud: Cloud) -> ASGIApp:
    """The pages of `cloud`'s workspaces."""
    address = f"{LOOPBACK}:{Folder(cloud.state).ports().ui}"

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            _check_place(request, address)
            response = await _answer(cloud, request)
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


async def _answer(cloud: Cloud, request: Request) -> Response:
    first, _, rest = request.url.path.removeprefix("/").partition("/")
    if request.method == "GET" and request.url.path in _SHEETS:
        return Response(_SHEETS[request.url.path], media_type="text/css")
    if (request.method, request.url.path) == ("GET", "/sign-in"):
        return _sign_in(cloud, request)
    session = _session(cloud, request, first)
    principal = cloud.directory.get(session.principal_id)
    workspace = find.resource(cloud, session.workspace_id)
    if principal is None:
        raise _SignIn("Who was signed in is not in the directory any more.")
    if workspace is None:
        raise AzureError(404, "ResourceNotFound", "The workspace does not stand any more.")
    visit = Visit(cloud, principal, workspace, Reader(cloud, Caller(principal)), dict(request.query_params))
    if (request.method, rest) == ("POST", "sign-out"):
        cloud.sessions.end(session.id)
        raise _SignIn("You are signed out.")
    if rest == "mlflow":
        return RedirectResponse(f"/{session.id}/mlflow/", HTTPStatus.MOVED_PERMANENTLY)
    if rest.startswith("mlflow/"):
        target = _target(visit, request, tuple(rest.removeprefix("mlflow/").split("/")))
        response = await mlflow.answer(target)
        response.headers.setdefault("Content-Security-Policy", _MLFLOW_POLICY)
        return response
    return await _page(visit, session, request, rest)


async def _page(visit: Visit, session: BrowserSession, request: Request, rest: str) -> Response:
    """One of the pages beside MLflow's."""
    if (request.method, rest) == ("GET", "access-matrix"):
        return HTMLResponse(await access.whole(visit), headers={"Content-Security-Policy": _MATRIX_POLICY})
    place, _, name = rest.partition("/")
    if place == "jobs" and name:
        return await _job(visit, session, request, name)
    endpoint, _, deployment = name.partition("/")
    if (request.method, place) == ("GET", "endpoints") and deployment:
        main = await endpoints.one(visit, endpoint, deployment)
        return HTMLResponse(html.frame(f"Deployment {deployment}", main, header=_header(visit, session, "endpoints")))
    for tab in tabs.TABS:
        if (request.method, rest) == ("GET", tab.path):
            head = _again(jobs.REFRESH) if visit.query.get("refresh") else ""
            main = await tab.show(visit)
            return HTMLResponse(html.frame(tab.title, main, header=_header(visit, session, rest), head=head))
    raise AzureError(404, "NotFound", "There is no such page.")


async def _job(visit: Visit, session: BrowserSession, request: Request, rest: str) -> Response:
    """A job's page, or its button: `NAME`, `NAME/cancel`."""
    name, _, action = rest.partition("/")
    if (request.method, action) == ("POST", "cancel"):
        await visit.reader.post(f"{visit.id}/jobs/{name}/cancel")
        return RedirectResponse(f"/{session.id}/jobs/{name}", HTTPStatus.SEE_OTHER)
    if (request.method, action) != ("GET", ""):
        raise AzureError(404, "NotFound", "There is no such page.")
    found = await visit.reader.get(f"{visit.id}/jobs/{name}")
    main = await jobs.one(visit, name, await mlflow.log_of(_target(visit, request, ()), name))
    head = _again(jobs.REFRESH) if jobs.is_moving(found) else ""
    return HTMLResponse(html.frame(f"Job {name}", main, header=_header(visit, session, "jobs"), head=head))


def _again(seconds: int) -> str:
    return f'<meta http-equiv="refresh" content="{seconds}">\n'


def _target(visit: Visit, request: Request, rest: tuple[str, ...]) -> WorkspaceRequest:
    return WorkspaceRequest(
        cloud=visit.cloud,
        request=request,
        caller=Caller(visit.principal),
        host=f"{visit.workspace['location']}.api.azureml.ms",
        service="mlflow",
        version="v2.0",
        workspace=visit.workspace,
        rest=rest,
    )


def _sign_in(cloud: Cloud, request: Request) -> Response:
    signed_in = cloud.sessions.exchange(request.query_params.get("code", ""), cloud.clock.now())
    if signed_in is None:
        raise _SignIn("An address to sign in by is good once, for a minute.")
    session, key = signed_in
    onward = f"/{session.id}/"
    head = f'<meta http-equiv="refresh" content="0;url={onward}">\n'
    response = HTMLResponse(html.frame("Signed in", html.link("Go on", onward), head=head))
    response.headers["Referrer-Policy"] = "no-referrer"  # the address holds the code
    response.set_cookie(
        COOKIE, key, max_age=int(SESSION_LIFETIME.total_seconds()), path=onward, httponly=True, samesite="strict"
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


def _header(visit: Visit, session: BrowserSession, path: str) -> str:
    base = f"/{session.id}/"
    return html.bar(visit.workspace["name"], tabs.links(base, path), visit.principal.name, f"{base}sign-out")


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
