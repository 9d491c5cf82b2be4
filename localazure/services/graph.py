"""graph.microsoft.com, v1.0: the directory look-ups that clients make, and the few changes that a test tenant needs.

Whoever is signed in may read. To change the directory takes a role of Entra's own, which the emulation does not have:
here the subscription's owners hold it; others get 403 `Authorization_RequestDenied`.

Source: Microsoft, Graph v1.0 reference. Lists have `@odata.nextLink` after 100 entries or `$top`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.graph import reads, writes
from azmlflow.localazure.graph import spelling as graph_spelling
from azmlflow.localazure.graph.ask import GraphAsk
from azmlflow.localazure.resources.ask import Answer
from azmlflow.rbac import scopes

_VERSIONS = ("v1.0", "beta")
# What only an owner of the subscription may do, both of it.
_OWNER_ACTIONS = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Resources/subscriptions/resourceGroups/write",
)
_BODY_LIMIT = 1024 * 1024

Handler = Callable[[GraphAsk], Answer]
_OBJECTS = "users|groups|serviceprincipals"
ROUTES: tuple[tuple[str, tuple[str, ...], Handler], ...] = (
    ("GET", ("me",), reads.me),
    ("GET", ("organization",), reads.organization),
    ("GET", (_OBJECTS,), reads.list_objects),
    ("GET", (_OBJECTS, "*"), reads.get_object),
    ("DELETE", (_OBJECTS, "*"), writes.remove_object),
    ("POST", ("users",), writes.add_user),
    ("POST", ("groups",), writes.add_group),
    ("POST", ("serviceprincipals",), writes.add_service_principal),
    ("GET", ("applications",), reads.list_applications),
    ("POST", ("applications",), writes.add_application),
    ("GET", ("applications", "*"), reads.get_application),
    ("DELETE", ("applications", "*"), writes.remove_application),
    ("POST", ("applications|serviceprincipals", "*", "addpassword"), writes.add_password),
    ("GET", ("groups", "*", "members"), reads.members),
    ("GET", ("groups", "*", "transitivemembers"), reads.transitive_members),
    ("POST", ("groups", "*", "members", "$ref"), writes.add_member),
    ("DELETE", ("groups", "*", "members", "*", "$ref"), writes.remove_member),
    ("GET", ("me", "memberof"), reads.member_of),
    ("GET", ("me", "transitivememberof"), reads.transitive_member_of),
    ("GET", (_OBJECTS, "*", "memberof"), reads.member_of),
    ("GET", (_OBJECTS, "*", "transitivememberof"), reads.transitive_member_of),
    ("POST", ("me", "getmembergroups"), reads.member_groups),
    ("POST", (_OBJECTS + "|directoryobjects", "*", "getmembergroups"), reads.member_groups),
    ("POST", ("directoryobjects", "getbyids"), reads.get_by_ids),
    ("GET", ("directoryobjects", "*"), reads.get_directory_object),
)
_READING_POSTS = tuple(pattern for _, pattern, _ in ROUTES if pattern[-1] in ("getmembergroups", "getbyids"))


def service(cloud: Cloud) -> ASGIApp:
    """The Graph application of an embedded Azure."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await _answer(cloud, request)
        response = (
            Response(None, answer.status)
            if answer.body is None or request.method == "HEAD"
            else JSONResponse(answer.body, answer.status, dict(answer.headers))
        )
        await response(scope, receive, send)

    return application


async def _answer(cloud: Cloud, request: Request) -> Answer:
    path = spelling.decoded(spelling.sent_path(request.scope))
    query = graph_spelling.query(spelling.query(request.scope))
    segments = path.removeprefix("/").removesuffix("/").split("/")
    if segments[0].lower() not in _VERSIONS:
        raise _no_segment(segments[0])
    body: dict[str, Any] = {}
    if request.method in ("POST", "PATCH"):
        too_large = AzureError(413, "RequestEntityTooLarge", "The request is larger than 1 MB.")
        raw = await spelling.received(request.stream(), _BODY_LIMIT, too_large)
        spelling.check_form(request.headers)
        try:
            body = spelling.parsed(raw or b"{}")
        except spelling.NotOneReading as error:
            raise AzureError(400, "BadRequest", f"Unable to read JSON request payload: {error}.") from error
        if not isinstance(body, dict):
            raise AzureError(400, "BadRequest", "Unable to read JSON request payload: it is not an object.")
    ask = GraphAsk(cloud, request.state.caller, path, graph_spelling.segments(segments[1:]), query, body)
    for method, pattern, handler in ROUTES:
        if method == request.method and _matches(pattern, ask.segments):
            if method != "GET" and pattern not in _READING_POSTS:
                _require_owner(ask)
            named = tuple(got if want == "*" else got.lower() for want, got in zip(pattern, ask.segments, strict=True))
            return handler(replace(ask, segments=named))
    raise _no_segment("/".join(segments[1:]))


def refusal(error: AzureError, request: Request) -> Response:
    """The answer to a request that is refused, with the `innerError` that Graph's clients print (Microsoft, "Microsoft
    Graph error responses and resource types")."""
    body = error.body()
    correlation = getattr(request.state, "correlation_id", None)
    asked = request.headers.get("client-request-id") or request.headers.get("x-ms-client-request-id") or correlation
    received = str(getattr(request.state, "received", None) or "")[:19]
    body["error"]["innerError"] = {"date": received, "request-id": correlation, "client-request-id": asked}
    return JSONResponse(body, error.status, error.headers)


def _matches(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(
        want == "*" or got.lower() in want.split("|") for want, got in zip(pattern, segments, strict=True)
    )


def _require_owner(ask: GraphAsk) -> None:
    who, scope = ask.caller.principal.object_id, scopes.subscription_id(SUBSCRIPTION_ID)
    for action in _OWNER_ACTIONS:
        reason = ask.cloud.enforcer.why_not(who, action, scope)
        if reason is not None:
            text = "Insufficient privileges to complete the operation."
            raise AzureError(403, "Authorization_RequestDenied", text, reason=reason)


def _no_segment(segment: str) -> AzureError:
    return AzureError(404, "ResourceNotFound", f"Resource not found for the segment '{segment}'.")
