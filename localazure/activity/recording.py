"""What is kept of a request to Resource Manager that would write, delete or do something, refused ones too.

One record a request, of which two events are told: its beginning and its end (`events.py`). Microsoft, "Azure Activity
Log event schema": if an operation is a write, a delete or an action, both are recorded; reads are not. Bodies are kept
of role assignments alone, of which Azure has them too (Microsoft, "View activity logs for Azure RBAC changes"), so no
key or secret comes here. Azure keeps events for 90 days; the embedded Azure not more than `MOST` either.
"""

from __future__ import annotations

import functools
import json
import logging
import sqlite3
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ACTIVITY
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE, KINDS
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.paths import Target

DAYS = 90
MOST = 10_000  # requests; each takes about a kilobyte
_TRIMMED_AFTER = 200  # requests
_VERBS = {"PUT": "write", "PATCH": "write", "DELETE": "delete"}
_TAGS = "Microsoft.Resources/tags"
ASSIGNMENTS = "microsoft.authorization/roleassignments"
# Members of a role assignment's body; anything else in it is of no use to an auditor.
_ASSIGNED = (
    "principalId", "principalType", "roleDefinitionId", "scope", "condition", "conditionVersion", "description",
    "delegatedManagedIdentityResourceId",
)  # fmt: skip
_LONGEST = 4096  # characters of a body or a refusal
# Claims that tell who it was, and by which names Azure's events call them.
_CLAIMS = {
    "aud": "aud",
    "iss": "iss",
    "iat": "iat",
    "nbf": "nbf",
    "exp": "exp",
    "ver": "ver",
    "appid": "appid",
    "name": "name",
    "oid": "http://schemas.microsoft.com/identity/claims/objectidentifier",
    "tid": "http://schemas.microsoft.com/identity/claims/tenantid",
    "upn": "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
}
_log = logging.getLogger("azmlflow.local")


def record(ask: Ask, method: str, began: datetime, came: Answer | AzureError) -> None:
    """Keep a request and what came of it; nothing of one that only reads.

    Args:
        ask: the request.
        method: its HTTP method.
        began: when it came.
        came: its answer, or why it was refused.
    """
    name = operation_name(ask, method)
    if name is None or ask.target.subscription is None:
        return
    cloud, id_ = ask.cloud, ask.cloud.ids.guid()
    kept: Document = {
        "id": id_,
        "operation": name,
        "resource": ask.target.id,
        "group": ask.target.group or "",
        "provider": name.partition("/")[0],
        "type": ask.target.type,
        "method": method,
        "caller": ask.caller.principal.name,
        "claims": {told: str(value) for claim, told in _CLAIMS.items() if (value := ask.caller.claims.get(claim))},
        "correlation": ask.correlation_id or id_,
        "began": timestamp(began),
        "ended": timestamp(cloud.clock.now()),
        **_outcome(came),
        **_bodies(ask, method, came),
    }
    try:
        _keep(ask, kept, came)
    except (sqlite3.Error, AzureError) as fault:  # what was asked is done or refused all the same
        _log.warning("an event of %s could not be kept: %s", name, type(fault).__name__)


def operation_name(ask: Ask, method: str) -> str | None:
    """The Azure action that a request asks for first, if it is one that events are kept of."""
    target, action = ask.target, (ask.target.action or "").lower() or None
    if method not in (*_VERBS, "POST"):
        return None
    shape = (method, target.type.lower(), action, target.is_collection)
    if shape in _extras():
        return _told(_extras()[shape])
    if target.is_collection:
        return None
    if method == "POST":
        return _of_action(target)
    found = BY_TYPE.get(target.type.lower())
    type_ = found.permission_type if found else _TAGS if target.type.lower() == _TAGS.lower() else None
    return f"{type_}/{_VERBS[method]}" if type_ else None


def _of_action(target: Target) -> str | None:
    action = (target.action or "").lower()
    if action in ("register", "unregister") and not target.types:
        return f"{target.namespace}/{action}/action"
    kind = BY_TYPE.get(target.type.lower())
    known = next((each for each in kind.actions if each.name.lower() == action), None) if kind else None
    return f"{kind.permission_type}/{known.permission or known.name}/action" if kind and known else None


@functools.cache
def _extras() -> Mapping[tuple[str, str, str | None, bool], str | None]:
    """The rights that requests at no resource take."""
    every = [extra for kind in KINDS for extra in kind.extras]
    return MappingProxyType({(one.method, one.type, one.action, one.collection): one.permission for one in every})


def _told(permission: str | None) -> str | None:
    verb = (permission or "").rpartition("/")[2].lower()
    return permission if verb in ("write", "delete", "action") else None


def _outcome(came: Answer | AzureError) -> Document:
    if isinstance(came, Answer):
        return {"status": came.status}
    message = came.message if len(came.message) <= _LONGEST else f"{came.message[:_LONGEST]}..."
    return {"status": came.status, "refusal": json.dumps({"error": {"code": came.code, "message": message}})}


def _bodies(ask: Ask, method: str, came: Answer | AzureError) -> Mapping[str, str]:
    if ask.target.type.lower() != ASSIGNMENTS:
        return {}
    found = {}
    if method == "PUT":
        found["request"] = _body({"properties": ask.properties})
    if isinstance(came, Answer) and came.body is not None:
        found["response"] = _body(came.body)
    return found


def _body(document: Mapping[str, Any]) -> str:
    """A role assignment as text; empty where a member is longer than any that Azure takes."""
    properties = document.get("properties") or {}
    kept: Document = {"properties": {name: properties[name] for name in _ASSIGNED if properties.get(name)}}
    kept |= {name: document[name] for name in ("id", "type", "name") if name in document}
    text = json.dumps(kept)
    return text if len(text) <= _LONGEST else ""


def _keep(ask: Ask, kept: Document, came: Answer | AzureError) -> None:
    store, key = ask.cloud.store, f"{kept['began']}/{kept['id']}"
    accepted = came.headers.get("Location") if isinstance(came, Answer) else None
    operation = ask.cloud.operations.get(_operation(accepted)) if accepted else None
    if operation is not None:
        # Under the key by which the operation's end finds it (`Operations.end`).
        under = f"{operation['started']}/{operation['id']}"
        key = under if store.get(ACTIVITY, under) is None else key
    store.put(ACTIVITY, key, kept, synced=False)
    if store.version(ACTIVITY)[0] % _TRIMMED_AFTER == 1:
        store.trim(ACTIVITY, timestamp(ask.cloud.clock.now() - timedelta(days=DAYS)), MOST)


def _operation(accepted: str) -> str:
    """The id of the operation whose outcome is at a URL."""
    return accepted.partition("?")[0].rpartition("/")[2]
