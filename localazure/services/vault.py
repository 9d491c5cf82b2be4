"""`*.vault.azure.net`: the data plane of key vaults, as far as a workspace's own vault needs it to be there.

Sign-in, access and errors are as Azure has them. Keys are made, rotated and told, without material, since nobody here
makes any: nothing is encrypted or signed. Of secrets and certificates there are none: listing gives an empty list,
reading 404.
https://learn.microsoft.com/rest/api/keyvault/
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from azmlflow.localazure.arm import versions
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.reaching import NotReached, origin_of
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.hosts import without_port
from azmlflow.localazure.kinds.foundation import key_vaults, key_versions
from azmlflow.localazure.resources import find, names
from azmlflow.localazure.services import vault_keys
from azmlflow.localazure.services.vault_errors import VaultRefused, missing

_PAGE = 25
_SMALL = re.compile(r"[0-9]{1,9}")
# What it holds: the path's first part, the data action and the access policy's permission to list and to read it
# (facts: Microsoft, "Azure Key Vault RBAC guide" and "Assign a Key Vault access policy").
_KINDS = {
    "secrets": ("readMetadata", "getSecret", "secret"),
    "keys": ("read", "read", "key"),
    "certificates": ("read", "read", "certificate"),
}


def service(cloud: Cloud) -> ASGIApp:
    """The vaults at `<name>.vault.azure.net`."""

    def enter(request: Request, permission: str) -> tuple[str, dict[str, Any]]:
        """Check version, vault and access; the kind of thing that is asked for, and the vault."""
        kind: str = request.path_params.get("kind", "keys")
        if kind not in _KINDS:
            raise _unknown(request)
        request.state.page = _page(request, permission)
        name = without_port(request.headers["host"]).partition(".")[0]
        vault = _vault(cloud, name)
        if vault is None:
            raise VaultRefused(404, "VaultNotFound", f"There is no key vault named '{name}'.")
        try:
            cloud.reaching.require(origin_of(request.scope["state"]), vault, "vault")
        except NotReached as error:
            raise VaultRefused(error.status, error.code, error.message, error.inner or None, error.reason) from None
        action, permission = _right(kind, permission)
        principal = request.state.caller.principal
        oid = principal.object_id
        if _by_rbac(vault):
            # One thing is a scope of its own ("Azure Key Vault RBAC guide"); lists are the vault's.
            below = f"/{kind}/{request.path_params['name']}" if permission != "list" else ""
            reason = cloud.enforcer.why_not(oid, action, f"{vault['id']}{below}", data=True)
        else:
            holders = {oid} | cloud.directory.memberships().get(oid, frozenset())
            allowed = _by_policy(vault, holders, kind, permission)
            reason = None if allowed else f"no access policy of the vault gives {principal.name} {permission} on {kind}"
        if reason is not None:
            raise VaultRefused(
                403,
                "Forbidden",
                "Caller is not authorized to perform action on resource. If role assignments, deny assignments or role "
                "definitions were changed recently, please observe propagation time. "
                f"Caller: oid={oid} Action: '{action}' Vault: {name}",
                "ForbiddenByRbac" if _by_rbac(vault) else "ForbiddenByPolicy",
                reason,
            )
        return kind, vault

    async def listing(request: Request) -> Response:
        kind, vault = enter(request, "list")
        found = vault_keys.listed(cloud, vault, request.path_params.get("name")) if kind == "keys" else []
        begin, most = request.state.page
        end, asked = begin + most, spelling.query(request.scope)
        query = urlencode({**asked, "$skiptoken": end, "maxresults": most})
        next_ = f"{vault['properties']['vaultUri']}{request.url.path.strip('/')}?{query}" if end < len(found) else None
        return JSONResponse({"value": found[begin:end], "nextLink": next_})

    async def reading(request: Request) -> Response:
        kind, vault = enter(request, "get")
        if kind == "keys":
            key = find.resource(cloud, f"{vault['id']}/keys/{request.path_params['name']}")
            version = key_versions.find_version(cloud, key, request.path_params.get("version", "")) if key else None
            if version is not None:
                return JSONResponse(vault_keys.bundle(version))
        raise missing(_KINDS[kind][2], request.path_params["name"])

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, VaultRefused)
        request.state.reason = error.reason
        body: dict[str, Any] = {"code": error.code, "message": error.text}
        if error.inner is not None:
            body["innererror"] = {"code": error.inner}
        return JSONResponse({"error": body}, error.status)

    async def unknown(request: Request, _error: Exception) -> Response:
        return await refused(request, _unknown(request))

    app = Starlette(
        routes=[
            *vault_keys.routes(cloud, enter),
            Route("/{kind}", listing, methods=["GET"]),
            Route("/{kind}/{name}", reading, methods=["GET"]),
            Route("/{kind}/{name}/versions", listing, methods=["GET"]),
            Route("/{kind}/{name}/{version}", reading, methods=["GET"]),
        ],
        exception_handlers={VaultRefused: refused, 404: unknown, 405: unknown},
    )
    app.router.redirect_slashes = False  # another spelling of a path is another path
    return app


def _right(kind: str, permission: str) -> tuple[str, str]:
    """The data action and the access policy's permission that a request takes."""
    if permission in vault_keys.RIGHTS:
        action, permission = vault_keys.RIGHTS[permission]
        return f"Microsoft.KeyVault/vaults/{action}", permission
    list_action, get_action, _ = _KINDS[kind]
    action = f"Microsoft.KeyVault/vaults/{kind}/{list_action if permission == 'list' else get_action}"
    return action + ("/action" if kind == "secrets" else ""), permission


def _page(request: Request, permission: str) -> tuple[int, int]:
    """Where the page of a list begins, and how many it holds: 1 to 25 (Microsoft, "Get Secrets", "Get Keys").

    Raises:
        VaultRefused: 400, the query asks what cannot be done.
    """
    try:
        query = spelling.query(request.scope)
    except AzureError as error:
        raise VaultRefused(400, "BadParameter", error.message) from None
    _check_version(query.pop("api-version", None))
    most, begin = str(_PAGE), "0"
    if permission == "list":
        most, begin = query.pop("maxresults", most), query.pop("$skiptoken", begin)
    if query:
        raise VaultRefused(400, "BadParameter", f"The parameter '{next(iter(query))}' is not supported.")
    if not _SMALL.fullmatch(most) or not 1 <= int(most) <= _PAGE:
        raise VaultRefused(400, "BadParameter", f"maxresults is a number from 1 to {_PAGE}.")
    if not _SMALL.fullmatch(begin):
        raise VaultRefused(400, "BadParameter", "The $skiptoken is not one that this vault has given.")
    return int(begin), int(most)


def _check_version(version: str | None) -> None:
    """Refuse a version that Key Vault does not have, in its words (Azure/azure-sdk-for-python issue 28595)."""
    if not version:
        raise VaultRefused(400, "BadParameter", "api-version must be specified")
    taken = versions.of_vaults()
    if version.lower() not in taken:
        latest = next(each for each in reversed(taken) if "preview" not in each)
        raise VaultRefused(
            400,
            "BadParameter",
            f"The specified version ({version}) is not recognized. Consider using the latest supported version "
            f"({latest}).",
        )


def _unknown(request: Request) -> VaultRefused:
    return VaultRefused(
        404, "NotFound", f"The embedded Azure does not emulate {request.method} {request.url.path} of a vault."
    )


def _vault(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """The vault of that name (unique in all Azure), in ARM's form."""
    return names.holder(cloud, key_vaults.TYPE, name)


def _by_rbac(vault: dict[str, Any]) -> bool:
    return bool(vault.get("properties", {}).get("enableRbacAuthorization"))


def _by_policy(vault: dict[str, Any], holders: frozenset[str] | set[str], kind: str, permission: str) -> bool:
    """Whether an access policy of the vault gives one of `holders` the permission."""
    return any(
        policy.get("objectId", "").lower() in holders
        and {permission, "all"} & {granted.lower() for granted in policy.get("permissions", {}).get(kind, ())}
        for policy in vault.get("properties", {}).get("accessPolicies", ())
    )
