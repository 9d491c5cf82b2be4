"""Sign-in: login.microsoftonline.com for applications, and the identity endpoint on loopback for everybody.

Entra (https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow):

    GET  /common/discovery/instance                            instance discovery, which MSAL asks first
    GET  /{tenant}[/v2.0]/.well-known/openid-configuration     OpenID configuration
    GET  /{tenant}/discovery[/v2.0]/keys                       public keys
    POST /{tenant}/oauth2/token, /{tenant}/oauth2/v2.0/token   client_credentials with a secret; nothing interactive

Identity endpoint (plain http on 127.0.0.1), `/{principal}.{mark}/...`, the mark being a 256-bit secret per principal:

    GET  .../msi/token?resource=&api-version=   App Service (X-IDENTITY-HEADER; `secret` in its older version)
    POST .../msi/token                          resource in a form, `Metadata: true`: what SDK v1 sends to MSI_ENDPOINT
    GET  .../principal                          whose address this is, for `azmlflow run --as`
"""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import re
from collections.abc import Awaitable, Callable
from datetime import UTC
from urllib.parse import parse_qs, unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure import tokens
from azmlflow.localazure.cloud import TENANT_ID, Cloud
from azmlflow.localazure.directory import Principal
from azmlflow.localazure.folder import LOOPBACK, Folder

AUTHORITY = "https://login.microsoftonline.com"
_LIFETIME = 3600
_FORM_LIMIT = 64 * 1024
# What people may write for the tenant in an address, besides its id: its domain. `common` and `organizations` are
# good for discovery only: an application signs in to one tenant.
_TENANTS = (TENANT_ID, "local.test")
_ANY_TENANT = ("common", "organizations")
_log = logging.getLogger("azmlflow.local")


class Refused(Exception):
    """Entra's refusal.

    Args:
        status: HTTP status.
        error: OAuth 2.0 error code.
        number: AADSTS number (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
        text: sentence for people.
    """

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text


def service(cloud: Cloud) -> ASGIApp:
    """login.microsoftonline.com and its older names."""
    secrets = Folder(cloud.state).secrets()

    async def discover_instance(_request: Request) -> Response:
        return JSONResponse(
            {
                "tenant_discovery_endpoint": f"{AUTHORITY}/{TENANT_ID}/v2.0/.well-known/openid-configuration",
                "api-version": "1.1",
                "metadata": [
                    {
                        "preferred_network": "login.microsoftonline.com",
                        "preferred_cache": "login.windows.net",
                        "aliases": [
                            "login.microsoftonline.com",
                            "login.windows.net",
                            "login.microsoft.com",
                            "sts.windows.net",
                        ],
                    }
                ],
            }
        )

    async def configuration_v1(request: Request) -> Response:
        _check_tenant(request, *_ANY_TENANT)
        return JSONResponse(_configuration(tokens.ISSUER, "oauth2", "discovery/keys"))

    async def configuration_v2(request: Request) -> Response:
        _check_tenant(request, *_ANY_TENANT)
        return JSONResponse(_configuration(f"{AUTHORITY}/{TENANT_ID}/v2.0", "oauth2/v2.0", "discovery/v2.0/keys"))

    async def keys(request: Request) -> Response:
        _check_tenant(request, *_ANY_TENANT)
        return JSONResponse(cloud.tokens.jwks())

    async def token_v1(request: Request) -> Response:
        form = await _form(request)
        _check_tenant(request)
        principal = _application(request, form, cloud, secrets.client_secret)
        resource = _needed(form, "resource")
        _check_resource(resource)
        token, expires_on = cloud.tokens.issue(principal.object_id, resource, _LIFETIME)
        return _token_answer(
            {
                "token_type": "Bearer",
                "expires_in": str(_LIFETIME),
                "ext_expires_in": str(_LIFETIME),
                "expires_on": str(expires_on),
                "not_before": str(expires_on - _LIFETIME),
                "resource": resource,
                "access_token": token,
            }
        )

    async def token_v2(request: Request) -> Response:
        form = await _form(request)
        _check_tenant(request)
        principal = _application(request, form, cloud, secrets.client_secret)
        scopes = _needed(form, "scope").split()
        named = [scope.removesuffix("/.default") for scope in scopes if scope.endswith("/.default")]
        if len(named) != 1:
            raise Refused(
                400,
                "invalid_scope",
                1002012,
                f"The provided value for scope {' '.join(scopes)} is not valid. Client credential flows must have a "
                "scope value with /.default suffixed to the resource identifier (application ID URI).",
            )
        _check_resource(named[0])
        token, _ = cloud.tokens.issue(principal.object_id, named[0], _LIFETIME)
        return _token_answer(
            {"token_type": "Bearer", "expires_in": _LIFETIME, "ext_expires_in": _LIFETIME, "access_token": token}
        )

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return _refusal(error, cloud)

    async def unknown(_request: Request, _error: Exception) -> Response:
        return _refusal(Refused(404, "not_found", 900144, "The embedded Azure does not emulate this address."), cloud)

    return Starlette(
        routes=[
            Route("/common/discovery/instance", discover_instance),
            Route("/{tenant}/.well-known/openid-configuration", configuration_v1),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration_v2),
            Route("/{tenant}/discovery/keys", keys),
            Route("/{tenant}/discovery/v2.0/keys", keys),
            Route("/{tenant}/oauth2/token", token_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/token", token_v2, methods=["POST"]),
        ],
        exception_handlers={Refused: refused, 404: unknown, 405: unknown},
    )


def identity(cloud: Cloud) -> ASGIApp:
    """The identity endpoint on loopback, by which users sign in without typing anything.

    A web page in a browser on this machine must not get at it, hence the checks of Host (DNS rebinding) and Origin.
    """
    folder = Folder(cloud.state)
    secrets, port = folder.secrets(), folder.ports().identity
    hosts = (f"{LOOPBACK}:{port}", f"localhost:{port}")

    async def get_token(request: Request) -> Response:
        principal, mark = principal_of(request)
        shown = request.headers.get("x-identity-header") or request.headers.get("secret")
        metadata = request.headers.get("metadata", "").lower() == "true"
        if not (metadata if shown is None else hmac.compare_digest(shown.encode(), mark.encode())):
            raise Refused(401, "unauthorized_client", 700016, "X-IDENTITY-HEADER must be the value of IDENTITY_HEADER.")
        return answer(principal, {name: request.query_params[name] for name in request.query_params})

    async def post_token(request: Request) -> Response:
        principal, _ = principal_of(request)
        if request.headers.get("metadata", "").lower() != "true":
            raise Refused(400, "invalid_request", 900144, "The header 'Metadata: true' is missing.")
        return answer(principal, await _form(request))

    async def get_principal(request: Request) -> Response:
        principal, _ = principal_of(request)
        return JSONResponse(
            {
                "id": principal.object_id,
                "kind": principal.kind,
                "displayName": principal.display_name,
                "userPrincipalName": principal.upn,
                "appId": principal.app_id,
            }
        )

    def principal_of(request: Request) -> tuple[Principal, str]:
        """The principal whose address was asked, and the address's mark."""
        reference, _, mark = unquote(request.path_params["address"]).rpartition(".")
        expected = secrets.identity_mark(reference)
        if not hmac.compare_digest(mark.encode(), expected.encode()):
            raise Refused(404, "not_found", 900144, "There is no such identity address.")
        directory = cloud.directory
        found = directory.get(reference) or directory.find_user(reference) or directory.by_app_id(reference)
        if found is None or found.kind == "Group":
            told = "is a group, which cannot sign in" if found else "is not in the directory"
            raise Refused(404, "principal_not_found", 50034, f"'{reference}' {told}.")
        return found, expected

    def answer(principal: Principal, fields: dict[str, str]) -> Response:
        resource = _needed(fields, "resource")
        _check_resource(resource)
        client_id = fields.get("client_id") or fields.get("clientid")
        if client_id and client_id.lower() != (principal.app_id or principal.object_id):
            raise Refused(400, "invalid_request", 700016, f"No managed identity {client_id} is assigned here.")
        token, expires_on = cloud.tokens.issue(principal.object_id, resource, _LIFETIME)
        return _token_answer(
            {
                "access_token": token,
                "client_id": principal.app_id or principal.object_id,
                "expires_in": str(_LIFETIME),
                "expires_on": str(expires_on),
                "not_before": str(expires_on - _LIFETIME),
                "resource": resource,
                "token_type": "Bearer",
            }
        )

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return _refusal(error, cloud)

    async def unknown(_request: Request, _error: Exception) -> Response:
        return _refusal(Refused(404, "not_found", 900144, "There is no such identity address."), cloud)

    endpoints: tuple[tuple[str, Callable[[Request], Awaitable[Response]], str], ...] = (
        ("/{address}/msi/token", get_token, "GET"),
        ("/{address}/msi/token/", get_token, "GET"),  # msrestazure's App Service flavour adds the slash
        ("/{address}/msi/token", post_token, "POST"),
        ("/{address}/principal", get_principal, "GET"),
    )
    inner = Starlette(
        routes=[Route(path, endpoint, methods=[method]) for path, endpoint, method in endpoints],
        exception_handlers={Refused: refused, 404: unknown, 405: unknown},
    )
    inner.router.redirect_slashes = False

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get(b"host") not in hosts or b"origin" in headers:
            error = Refused(
                403, "access_denied", 53003, "This endpoint is for programs on this machine, not web pages."
            )
            await _refusal(error, cloud)(scope, receive, send)
            return
        _log.info("%s identity %s", scope["method"], scope["path"].rpartition("/")[2])
        await inner(scope, receive, send)

    return guarded


def _configuration(issuer: str, flow: str, keys: str) -> dict[str, object]:
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{AUTHORITY}/{TENANT_ID}/{flow}/authorize",
        "token_endpoint": f"{AUTHORITY}/{TENANT_ID}/{flow}/token",
        "device_authorization_endpoint": f"{AUTHORITY}/{TENANT_ID}/{flow}/devicecode",
        "jwks_uri": f"{AUTHORITY}/{TENANT_ID}/{keys}",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }


def _application(request: Request, form: dict[str, str], cloud: Cloud, local_secret: Callable[[str], str]) -> Principal:
    """The service principal that a client_credentials request proves to come from."""
    grant = _needed(form, "grant_type")
    if grant != "client_credentials":
        raise Refused(
            400,
            "unsupported_grant_type",
            70003,
            f"The grant type '{grant}' is not supported here: applications sign in by client_credentials, "
            "people by `azmlflow run --as`.",
        )
    client_id, secret = _basic(request) or (_needed(form, "client_id"), form.get("client_secret"))
    if not secret:
        raise Refused(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_secret' (assertions are not emulated).",
        )
    principal = cloud.directory.by_app_id(client_id)
    if principal is None:
        raise Refused(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory 'local.test'.",
        )
    if hmac.compare_digest(secret.encode(), local_secret(client_id).encode()):
        return principal
    if cloud.directory.check_secret(client_id, secret) is None:
        raise Refused(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'.",
        )
    return principal


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(client_id), unquote(secret)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_LIMIT:
            raise Refused(413, "invalid_request", 90100, "The request body is too large.")
    return {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _needed(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise Refused(
            400, "invalid_request", 900144, f"The request body must contain the following parameter: '{name}'."
        )
    return form[name]


def _check_tenant(request: Request, *also: str) -> None:
    tenant = request.path_params["tenant"].lower()
    if tenant not in (*_TENANTS, *also):
        raise Refused(
            400,
            "invalid_request",
            90002,
            f"Tenant '{_shown(tenant)}' not found. Check to make sure you have the correct tenant ID: "
            f"the embedded Azure's is {TENANT_ID}.",
        )


def _check_resource(resource: str) -> None:
    if tokens.find_resource(resource) is None:
        raise Refused(
            400,
            "invalid_resource",
            500011,
            f"The resource principal named {_shown(resource)} was not found in the tenant named local.test.",
        )


def _shown(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)[:200]


def _token_answer(content: dict[str, object]) -> Response:
    return JSONResponse(content, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


def _refusal(refused: Refused, cloud: Cloud) -> Response:
    trace, correlation = cloud.ids.guid(), cloud.ids.guid()
    stamp = cloud.clock.now().astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    text = f"AADSTS{refused.number}: {refused.text}"
    return JSONResponse(
        {
            "error": refused.error,
            "error_description": f"{text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}",
            "error_codes": [refused.number],
            "timestamp": stamp,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"https://login.microsoftonline.com/error?code={refused.number}",
        },
        refused.status,
    )
