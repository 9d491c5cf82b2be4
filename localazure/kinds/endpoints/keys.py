"""What gives access to an endpoint's scoring: two keys, or a token of an hour.

A key or token speaks for nobody: who has it may score, without any role. Source: Microsoft, "Authenticate clients for
online endpoints". Inferred: how long a token is good, the alphabet of keys, and the refusal of keys where the endpoint
has none.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import SECRETS
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.endpoints import names
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import choice, wrong_type

_TOKEN_SECONDS, _REFRESH_BEFORE = 3600, 600
_MADE = "azmlflow_endpoint"  # the token's claim: which making of the endpoint it is for
_LONGEST = 256


def make(ask: Ask, endpoint: Document) -> None:
    """Give a new endpoint its keys: those that its body brings, else new ones."""
    given = ask.properties.get("keys") or {}
    if not isinstance(given, dict):
        raise wrong_type("keys", given, "object")
    kept = {name: _checked(given.get(f"{name}Key")) or _new() for name in ("primary", "secondary")}
    ask.cloud.store.put(SECRETS, endpoint["id"].lower(), {**kept, "made": ask.cloud.ids.guid()})


def listed(ask: Ask, endpoint: Document) -> Answer:
    """POST listKeys."""
    _require_mode(endpoint, "Key", "listKeys")
    kept = _kept(ask.cloud, endpoint)
    return Answer(200, {"primaryKey": kept["primary"], "secondaryKey": kept["secondary"]})


def regenerate(ask: Ask, endpoint: Document) -> Answer:
    """POST regenerateKeys. azure-ai-ml sends the present key as the new one: that means a new one."""
    _require_mode(endpoint, "Key", "regenerateKeys")
    which = choice("keyType", ask.body.get("keyType"), ("Primary", "Secondary"), "BadRequest").lower()
    kept = _kept(ask.cloud, endpoint)
    given = _checked(ask.body.get("keyValue"))
    new = _new() if not given or given == kept[which] else given
    ask.cloud.store.put(SECRETS, endpoint["id"].lower(), {**kept, which: new})
    return Answer(200)


def token(ask: Ask, endpoint: Document) -> Answer:
    """POST token."""
    _require_mode(endpoint, "AMLToken", "token")
    made = _kept(ask.cloud, endpoint)["made"]
    who = ask.caller.principal.object_id
    issued, expires = ask.cloud.tokens.issue(who, _audience(endpoint), _TOKEN_SECONDS, {_MADE: made})
    times = {"expiryTimeUtc": expires, "refreshAfterTimeUtc": expires - _REFRESH_BEFORE}
    return Answer(200, {"accessToken": issued, "tokenType": "Bearer", **times})


def is_key(cloud: Cloud, endpoint: Document, given: str) -> bool:
    """Whether a text is one of the endpoint's keys."""
    kept = _kept(cloud, endpoint)
    return any(hmac.compare_digest(kept[each].encode(), given.encode()) for each in ("primary", "secondary"))


def check_token(cloud: Cloud, endpoint: Document, given: str) -> None:
    """Take a token of the endpoint's own.

    Raises:
        AzureError: 401, it is none, has expired, or is of another endpoint, or of one of this name that is gone.
    """
    claims = cloud.tokens.verify(given, (_audience(endpoint),))
    if claims.get(_MADE) != _kept(cloud, endpoint)["made"]:
        raise AzureError(401, "token_auth_access_denied", "The token is of an endpoint that is no more.")


def _audience(endpoint: Document) -> str:
    return f"https://{names.host(endpoint['name'], endpoint['location'])}"


def _kept(cloud: Cloud, endpoint: Document) -> dict[str, str]:
    return {name: str(value) for name, value in (cloud.store.get(SECRETS, endpoint["id"].lower()) or {}).items()}


def _require_mode(endpoint: Document, mode: str, action: str) -> None:
    has = endpoint["properties"]["authMode"]
    if has != mode:
        raise bad_request(
            "BadRequest",
            f"'{action}' is for endpoints whose authMode is {mode}; that of '{endpoint['name']}' is {has}.",
        )


def _checked(given: Any) -> str:
    """A key that somebody brings; empty if none."""
    if given is None:
        return ""
    if not isinstance(given, str):
        raise wrong_type("keys", "***", "string")
    if len(given) > _LONGEST or not given.isascii() or not given.isprintable() or " " in given:
        raise bad_request("BadRequest", f"A key has up to {_LONGEST} printable ASCII characters without spaces.")
    return given


def _new() -> str:
    return secrets.token_hex(32)
