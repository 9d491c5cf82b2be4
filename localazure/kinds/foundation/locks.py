"""Microsoft.Authorization/locks: what keeps a scope, and all below it, from being deleted or written.

Source: Microsoft, "Lock your resources to protect your infrastructure", "Management Locks" (REST 2020-05-01).
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core import odata
from azmlflow.localazure.core.collections import LOCKS
from azmlflow.localazure.core.errors import AzureError, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.extensions import gone_with_scope
from azmlflow.localazure.resources.fields import choice, pick
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, Placement
from azmlflow.localazure.resources.paths import Target
from azmlflow.localazure.resources.verbs import Verbs
from azmlflow.rbac import scopes

_TYPE = "Microsoft.Authorization/locks"
_PART = f"/providers/{_TYPE}/".lower()


def _missing(target: Target) -> AzureError:
    """404 in Azure's words (https://github.com/pulumi/pulumi-azure-native/issues/4482)."""
    return AzureError(404, "LockNotFound", f"The lock '{target.name}' could not be found.")


def _shape(ask: Ask, _existing: Document | None) -> Document:
    given = pick(ask.properties, {}, ("notes", "owners"))
    level = choice("level", ask.properties.get("level"), ("CanNotDelete", "ReadOnly"), "InvalidLockLevel")
    return {"properties": {"level": level, **given}}


def _listed(ask: Ask) -> list[Document]:
    """Locks at the scope and below; `atScope()` leaves those below out."""
    clauses = odata.parse(ask.query.get("$filter"), ("atscope()",))
    at = ask.target.scope or scopes.ROOT
    found = [document for _, document in ask.cloud.store.scan(LOCKS)]
    placed = [(document, scopes.parse(document["id"]).scope) for document in found]
    if clauses:
        return [document for document, scope in placed if scopes.key(scope) == scopes.key(at)]
    return [document for document, scope in placed if scopes.contains(at, scope)]


def locked_scopes(cloud: Cloud, id_: str, verb: str) -> list[str]:
    """The scopes whose locks forbid to write or delete a resource.

    `CanNotDelete` stops deletions, `ReadOnly` writes and POST actions too; a lock reaches all below its scope, and
    the deletion of what is above it would delete through it.

    Args:
        cloud: the embedded Azure.
        id_: what is written or deleted.
        verb: `write` or `delete`.
    """
    found = set()
    for key, lock in cloud.store.scan(LOCKS):
        locked = key.rpartition(_PART)[0] or scopes.ROOT
        reaches = scopes.contains(locked, id_) or (verb == "delete" and scopes.contains(id_, locked))
        if reaches and (verb == "delete" or lock["properties"]["level"] == "ReadOnly"):
            found.add(str(lock["id"])[: -len(_PART) - len(lock["name"])])
    return sorted(found)


def require_unlocked(cloud: Cloud, id_: str, verb: str) -> None:
    """Raise 409 `ScopeLocked`, naming the locked scopes, if a lock forbids to `write` or `delete` a resource."""
    if found := locked_scopes(cloud, id_, verb):
        raise conflict(
            "ScopeLocked",
            f"The scope '{id_}' cannot perform {verb} operation because following scope(s) are locked: "
            f"'{','.join(found)}'. Please remove the lock and try again.",
        )


LOCK = Kind(
    type=_TYPE,
    name=NameRule(
        r"[^<>%&:\\?/]{1,90}",
        "InvalidLockName",
        "The lock name '{name}' is not valid: at most 90 characters without <>%&:\\?/.",
    ),
    shape=_shape,
    placement=Placement("extension", lockable=False),
    documents=Documents(collection=LOCKS, missing=_missing),
    has_provisioning_state=False,
    verbs=Verbs(listed=_listed, patch=False),
    lifecycle=Lifecycle(on_scope_delete=gone_with_scope(LOCKS)),
)
