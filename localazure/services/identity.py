"""Sign-in of people, and of whatever runs as them: an identity endpoint in plain http on 127.0.0.1.

A principal's address is `/{principal}.{mark}/...`, the mark being a 256-bit secret of that principal's:

    GET  .../msi/token?resource=&api-version=   App Service (X-IDENTITY-HEADER; `secret` in its older version)
    POST .../msi/token                          resource in a form, `Metadata: true`: what SDK v1 sends to MSI_ENDPOINT
    GET  .../principal                          whose address this is, for `azmlflow run --as`
    POST .../ui                                 `{"workspace": <ARM id>, "grants": [...]}`: where a browser signs in as
                                                it, once (`ui`); the grants are the fields of `sessions.Granted`

https://learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference)

A token is given again until half of its life is over, since clients rely on the endpoint to keep it: SDK v1 asks twice
for each metric that MLflow logs. "The back-end services for managed identities maintain a cache per resource URI for
around 24 hours" (Microsoft, "Managed identity best practice recommendations"). When they renew it is inferred.
"""

from __future__ import annotations

import difflib
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import astuple
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import LOOPBACK
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.principals.sessions import Granted
from azmlflow.localazure.services.sign_in import (
    LIFETIME,
    SignInRefused,
    check_resource,
    needed,
    read_form,
    refusal,
    token_answer,
)

_GRANTS_LIMIT = 1024 * 1024  # bytes
_KEPT = 256  # tokens
# By what a client may ask for one of several identities (the page above, "REST endpoint reference").
_NAMES = {
    "client_id": "client_id", "clientid": "client_id", "principal_id": "principal_id", "object_id": "principal_id",
    "mi_res_id": "ARM id", "msi_res_id": "ARM id",
}  # fmt: skip
_log = logging.getLogger("azmlflow.local")


def service(cloud: Cloud) -> ASGIApp:
    """The identity endpoint on loopback, by which users sign in without typing anything.

    A web page in a browser on this machine must not get at it, hence the checks of Host (DNS rebinding) and Origin.
    """
    folder = Folder(cloud.state)
    secrets, port, kept = folder.secrets(), folder.ports().identity, _Kept(cloud)
    hosts = (f"{LOOPBACK}:{port}", f"localhost:{port}")

    async def get_token(request: Request, address: str) -> Response:
        principal, mark = principal_of(address)
        shown = request.headers.get("x-identity-header") or request.headers.get("secret")
        metadata = request.headers.get("metadata", "").lower() == "true"
        if not (metadata if shown is None else hmac.compare_digest(shown.encode(), mark.encode())):
            raise SignInRefused(
                401, "unauthorized_client", 700016, "X-IDENTITY-HEADER must be the value of IDENTITY_HEADER."
            )
        return answer(principal, {name: request.query_params[name] for name in request.query_params})

    async def post_token(request: Request, address: str) -> Response:
        principal, _ = principal_of(address)
        if request.headers.get("metadata", "").lower() != "true":
            raise SignInRefused(400, "invalid_request", 900144, "The header 'Metadata: true' is missing.")
        return answer(principal, await read_form(request))

    async def get_principal(_: Request, address: str) -> Response:
        principal, _mark = principal_of(address)
        return JSONResponse(
            {
                "id": principal.object_id,
                "kind": principal.kind,
                "displayName": principal.display_name,
                "userPrincipalName": principal.upn,
                "appId": principal.app_id,
            }
        )

    async def post_ui(request: Request, address: str) -> Response:
        return await _sign_in_address(cloud, principal_of(address)[0], request)

    def principal_of(address: str) -> tuple[Principal, str]:
        """The principal whose address was asked, and the address's mark."""
        reference, _, mark = unquote(address).rpartition(".")
        expected = secrets.identity_mark(reference)
        if not hmac.compare_digest(mark.encode(), expected.encode()):
            raise SignInRefused(404, "not_found", 900144, "There is no such identity address.")
        directory = cloud.directory
        found = directory.get(reference) or directory.find_user(reference) or directory.by_app_id(reference)
        if found is None or found.kind == "Group":
            told = "is a group, which cannot sign in" if found else "is not in the directory"
            near = difflib.get_close_matches(reference.lower(), [each.name.lower() for each in directory.list("User")])
            also = f" Did you mean '{near[0]}'?" if near else ""
            raise SignInRefused(404, "principal_not_found", 50034, f"'{reference}' {told}.{also}")
        return found, expected

    def answer(principal: Principal, fields: dict[str, str]) -> Response:
        resource = needed(fields, "resource")
        check_resource(resource)
        _check_identity(principal, fields)
        token, expires_on, left = kept.token(principal, resource)
        return token_answer(
            {
                "access_token": token,
                "client_id": principal.app_id or principal.object_id,
                "expires_in": str(left),
                "expires_on": str(expires_on),
                "not_before": str(expires_on - LIFETIME),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    endpoints: dict[tuple[str, str], Callable[[Request, str], Awaitable[Response]]] = {
        ("GET", "msi/token"): get_token,
        ("GET", "msi/token/"): get_token,  # msrestazure's App Service flavour adds the slash
        ("POST", "msi/token"): post_token,
        ("GET", "principal"): get_principal,
        ("POST", "ui"): post_ui,
    }

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host") not in hosts or b"origin" in headers:
            error = SignInRefused(
                403, "access_denied", 53003, "This endpoint is for programs on this machine, not web pages."
            )
            await refusal(error, cloud)(scope, receive, send)
            return
        _log.info("%s identity %s", scope["method"], scope["path"].rpartition("/")[2])
        # No router: it would take longer than all else, twice for each metric.
        address, _, rest = scope["path"].removeprefix("/").partition("/")
        try:
            response = await endpoints.get((scope["method"], rest), _nothing)(Request(scope, receive), address)
        except SignInRefused as error:
            response = refusal(error, cloud)
        await response(scope, receive, send)

    return guarded


async def _nothing(_: Request, _address: str) -> Response:
    raise SignInRefused(404, "not_found", 900144, "There is no such identity address.")


class _Kept:
    """Tokens that are good for a while yet, of principals as they are now."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._tokens: dict[tuple[Principal, str], tuple[str, int]] = {}

    def token(self, principal: Principal, resource: str) -> tuple[str, int, int]:
        """A token, when it expires (seconds since 1970), and how many seconds are left."""
        now = int(self._cloud.clock.now().timestamp())
        found = self._tokens.get((principal, resource))
        # What has more left than a token ever has was issued before the clock was set back: nobody would take it yet.
        if found is None or not LIFETIME // 2 <= found[1] - now <= LIFETIME:
            self._tokens.pop((principal, resource), None)
            if len(self._tokens) >= _KEPT:
                self._tokens.pop(next(iter(self._tokens)))
            found = self._cloud.tokens.issue(principal.object_id, resource, LIFETIME)
            self._tokens[principal, resource] = found
        return *found, found[1] - now


def _check_identity(principal: Principal, fields: dict[str, str]) -> None:
    """Refuse to be another than the one identity that there is.

    Raises:
        SignInRefused: the request names another.
    """
    own = {"client_id": principal.app_id or principal.object_id, "principal_id": principal.object_id}
    for name, known in _NAMES.items():
        given = fields.get(name)
        if given and given.lower() != own.get(known):
            raise SignInRefused(400, "invalid_request", 700016, f"No managed identity {given} is assigned here.")


async def _sign_in_address(cloud: Cloud, principal: Principal, request: Request) -> Response:
    """Where a browser signs in as a principal, at the workspace that the request names.

    Raises:
        SignInRefused: it names none, or grants that are none.
    """
    body = await request.body() if int(request.headers.get("content-length") or 0) <= _GRANTS_LIMIT else b""
    try:
        told = spelling.parsed(body)
        workspace, grants = told["workspace"], tuple(Granted(**each) for each in told.get("grants", ()))
    except (ValueError, TypeError, KeyError, AttributeError):
        workspace, grants = None, ()
    if not all(isinstance(each, str) for each in (workspace, *(text for one in grants for text in astuple(one)))):
        wanted = 'The body must be {"workspace": "<ARM id>"}, with the grants of its stack, if any.'
        raise SignInRefused(400, "invalid_request", 900144, wanted)
    code = cloud.sessions.issue(principal.object_id, workspace, cloud.clock.now(), grants)
    return JSONResponse({"address": f"http://{LOOPBACK}:{Folder(cloud.state).ports().ui}/sign-in?code={code}"})
