"""Sign-in of applications: login.microsoftonline.com and its older names. (People: `identity.py`.)

    GET  /common/discovery/instance                            instance discovery, which MSAL asks first
    GET  /{tenant}[/v2.0]/.well-known/openid-configuration     OpenID configuration
    GET  /{tenant}/discovery[/v2.0]/keys                       public keys
    POST /{tenant}/oauth2/token, /{tenant}/oauth2/v2.0/token   client_credentials with a secret; nothing interactive

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.constants import DOMAIN, TENANT_ID
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals import tokens
from azmlflow.localazure.principals.directory import Principal
from azmlflow.localazure.services.sign_in import (
    LIFETIME,
    SignInRefused,
    check_resource,
    needed,
    read_form,
    refusal,
    shown,
    token_answer,
)

AUTHORITY = "https://login.microsoftonline.com"
# What people may write for the tenant in an address, besides its id: its domain. `common` and `organizations` are
# good for discovery only: an application signs in to one tenant.
_TENANTS = (TENANT_ID, DOMAIN)
_ANY_TENANT = ("common", "organizations")
# Known to Entra, and not emulated: who sends one means to sign in by it.
_OTHER_PROOFS = (
    "client_assertion",
    "client_assertion_type",
    "assertion",
    "username",
    "password",
    "refresh_token",
    "code",
)


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
        form = await read_form(request)
        _check_tenant(request)
        principal = _application(request, form, cloud, secrets.client_secret)
        resource = needed(form, "resource")
        check_resource(resource)
        token, expires_on = cloud.tokens.issue(principal.object_id, resource, LIFETIME)
        return token_answer(
            {
                "token_type": "Bearer",
                "expires_in": str(LIFETIME),
                "ext_expires_in": str(LIFETIME),
                "expires_on": str(expires_on),
                "not_before": str(expires_on - LIFETIME),
                "resource": resource,
                "access_token": token,
            }
        )

    async def token_v2(request: Request) -> Response:
        form = await read_form(request)
        _check_tenant(request)
        principal = _application(request, form, cloud, secrets.client_secret)
        scopes = needed(form, "scope").split()
        named = [scope.removesuffix("/.default") for scope in scopes if scope.endswith("/.default")]
        if len(named) != 1:
            raise SignInRefused(
                400,
                "invalid_scope",
                1002012,
                f"The provided value for scope {' '.join(scopes)} is not valid. Client credential flows must have a "
                "scope value with /.default suffixed to the resource identifier (application ID URI).",
            )
        check_resource(named[0])
        token, _ = cloud.tokens.issue(principal.object_id, named[0], LIFETIME)
        return token_answer(
            {"token_type": "Bearer", "expires_in": LIFETIME, "ext_expires_in": LIFETIME, "access_token": token}
        )

    async def refused(_request: Request, error: Exception) -> Response:
        assert isinstance(error, SignInRefused)
        return refusal(error, cloud)

    async def unknown(_request: Request, _error: Exception) -> Response:
        return refusal(
            SignInRefused(404, "not_found", 900144, "The embedded Azure does not emulate this address."), cloud
        )

    app = Starlette(
        routes=[
            Route("/common/discovery/instance", discover_instance),
            Route("/{tenant}/.well-known/openid-configuration", configuration_v1),
            Route("/{tenant}/v2.0/.well-known/openid-configuration", configuration_v2),
            Route("/{tenant}/discovery/keys", keys),
            Route("/{tenant}/discovery/v2.0/keys", keys),
            Route("/{tenant}/oauth2/token", token_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/token", token_v2, methods=["POST"]),
        ],
        exception_handlers={SignInRefused: refused, 404: unknown, 405: unknown},
    )
    app.router.redirect_slashes = False  # another spelling of a path is another path
    return app


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
    grant = needed(form, "grant_type")
    if grant != "client_credentials":
        raise SignInRefused(
            400,
            "unsupported_grant_type",
            70003,
            f"The grant type '{grant}' is not supported here: applications sign in by client_credentials, "
            "people by `azmlflow run --as NAME -- COMMAND`.",
        )
    if proof := next((name for name in _OTHER_PROOFS if form.get(name)), None):
        raise SignInRefused(
            401, "invalid_client", 7000218, f"'{proof}' proves nothing here: applications sign in by 'client_secret'."
        )
    client_id, secret = _basic(request) or (needed(form, "client_id"), form.get("client_secret"))
    if not secret:
        raise SignInRefused(
            401,
            "invalid_client",
            7000218,
            "The request body must contain the following parameter: 'client_secret' (assertions are not emulated).",
        )
    principal = cloud.directory.by_app_id(client_id)
    if principal is None:
        raise SignInRefused(
            400,
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{DOMAIN}'.",
        )
    if hmac.compare_digest(secret.encode(), local_secret(client_id).encode()):
        return principal
    if cloud.directory.check_secret(client_id, secret) is None:
        raise SignInRefused(
            401,
            "invalid_client",
            7000215,
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, "
            f"not the client secret ID, for a secret added to app '{client_id}'.",
        )
    if not cloud.directory.is_good(client_id, cloud.clock.now()):
        raise SignInRefused(
            401, "invalid_client", 7000222, f"The provided client secret keys for app '{client_id}' are expired."
        )
    return principal


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of a `Basic` header; None where none can be read: the form has to name them then."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return unquote(client_id), unquote(secret)


def _check_tenant(request: Request, *also: str) -> None:
    tenant = request.path_params["tenant"].lower()
    if tenant not in (*_TENANTS, *also):
        raise SignInRefused(
            400,
            "invalid_request",
            90002,
            f"Tenant '{shown(tenant)}' not found. Check to make sure you have the correct tenant ID: "
            f"the embedded Azure's is {TENANT_ID}.",
        )
