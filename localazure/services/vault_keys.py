"""A vault's keys as its data plane makes and tells them: the public part, without material, which nobody here makes.

Source: Microsoft, "Get Key", "Get Keys" and "Get Key Versions" (Key Vault REST); `kinds/foundation/key_versions.py`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation import key_versions
from azmlflow.localazure.kinds.foundation.vault_keys import KEY
from azmlflow.localazure.resources import find
from azmlflow.localazure.services.vault_errors import VaultRefused, missing

# What is done with one key beyond reading it: the data action and the access policy's permission (Microsoft, "Azure
# built-in roles", Key Vault Crypto Officer; "Vaults - Create Or Update", `KeyPermissions`).
RIGHTS = {
    "create": ("keys/create/action", "create"),
    "rotate": ("keys/rotate/action", "rotate"),
    "update": ("keys/update/action", "update"),
    "policy": ("keyrotationpolicies/read", "getrotationpolicy"),
    "set policy": ("keyrotationpolicies/write", "setrotationpolicy"),
}
# Checks the access of a request, by one of these words; the kind of thing that it is about, and the vault.
Enter = Callable[[Request, str], tuple[str, Document]]
_BODY_LIMIT = 1024 * 1024  # bytes; inferred: Microsoft names none, and a key's description is a small part of it
_WORDS = {"kty": "kty", "keyOps": "key_ops", "curveName": "crv"}


def bundle(key: Document) -> dict[str, Any]:
    """A key with its attributes, as a GET answers it."""
    told = key["properties"]
    words = {word: told[name] for name, word in _WORDS.items() if name in told}
    return {"key": {"kid": told["keyUriWithVersion"], **words}, **_more(key)}


def item(key: Document, *, versioned: bool) -> dict[str, Any]:
    """A key in a list; `versioned`: in the list of its versions."""
    return {"kid": key["properties"]["keyUriWithVersion" if versioned else "keyUri"], **_more(key)}


def listed(cloud: Cloud, vault: Document, name: str | None) -> list[Document]:
    """The keys of a vault; where one is named, its versions."""
    if name is None:
        return [item(key, versioned=False) for key in find.below(cloud, f"{vault['id']}/keys")]
    key = find.resource(cloud, f"{vault['id']}/keys/{name}")
    return [item(each, versioned=True) for each in key_versions.versions(cloud, key)] if key else []


def _more(key: Document) -> dict[str, Any]:
    return {"attributes": key["properties"]["attributes"], "tags": key.get("tags") or {}}


def routes(cloud: Cloud, enter: Enter) -> list[Route]:
    """What is done with keys beyond reading them."""

    def standing(request: Request, vault: dict[str, Any]) -> dict[str, Any]:
        """The key that a path names."""
        key = find.resource(cloud, f"{vault['id']}/keys/{request.path_params['name']}")
        if key is None:
            raise missing("key", request.path_params["name"])
        return key

    async def creating(request: Request) -> Response:
        body, name = await _body(request), request.path_params["name"]
        _, vault = enter(request, "create")
        with _in_its_words():
            KEY.name.check(name)
            return JSONResponse(bundle(key_versions.create(cloud, vault, name, body)))

    async def rotating(request: Request) -> Response:
        _, vault = enter(request, "rotate")
        return JSONResponse(bundle(key_versions.rotate(cloud, vault, standing(request, vault))))

    async def updating(request: Request) -> Response:
        body = await _body(request)
        _, vault = enter(request, "update")
        key = standing(request, vault)
        version = key_versions.find_version(cloud, key, request.path_params.get("version", ""))
        if version is None:
            raise missing("key", request.path_params["name"])
        with _in_its_words():
            return JSONResponse(bundle(key_versions.change(cloud, key, version, body)))

    async def policy(request: Request) -> Response:
        body = await _body(request) if request.method == "PUT" else {}
        _, vault = enter(request, "set policy" if request.method == "PUT" else "policy")
        key = standing(request, vault)
        if request.method != "PUT":
            return JSONResponse(key_versions.policy(cloud, key))
        with _in_its_words():
            return JSONResponse(key_versions.set_policy(cloud, key, body))

    return [
        Route("/keys/{name}/create", creating, methods=["POST"]),
        Route("/keys/{name}/rotate", rotating, methods=["POST"]),
        Route("/keys/{name}/rotationpolicy", policy, methods=["GET", "PUT"]),
        Route("/keys/{name}", updating, methods=["PATCH"]),
        Route("/keys/{name}/{version}", updating, methods=["PATCH"]),
    ]


async def _body(request: Request) -> dict[str, Any]:
    """The body; it is read before the right is asked for, so that no right is used after it was taken."""
    too_large = VaultRefused(413, "RequestBodyTooLarge", f"A request here has at most {_BODY_LIMIT} bytes.")
    sent = await spelling.received(request.stream(), _BODY_LIMIT, too_large)
    try:
        found = spelling.parsed(sent or b"{}")
    except spelling.NotOneReading as error:
        raise VaultRefused(400, "BadParameter", f"The body is not a JSON object: {error}.") from None
    if not isinstance(found, dict):
        raise VaultRefused(400, "BadParameter", "The body is not a JSON object.")
    return found


@contextlib.contextmanager
def _in_its_words() -> Iterator[None]:
    """What is refused of a key is refused as a vault does."""
    try:
        yield
    except AzureError as error:
        raise VaultRefused(error.status, "BadParameter", error.message) from None
