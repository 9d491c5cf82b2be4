"""Microsoft.Authorization/locks: what keeps a scope, and all below it, from being deleted or written.

Source: Microsoft, "Lock your resources to protect your infrastructure", "Management Locks" (REST 2020-05-01).
"""

from __future__ import annotations

from azmlflow.localazure.core import odata
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.resources.fields import choice, pick
from azmlflow.localazure.resources.kind import Ask, Kind, NameRule
from azmlflow.localazure.resources.paths import Target
from azmlflow.rbac import scopes


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
    found = [document for _, document in ask.cloud.store.scan("locks")]
    placed = [(document, scopes.parse(document["id"]).scope) for document in found]
    if clauses:
        return [document for document, scope in placed if scopes.key(scope) == scopes.key(at)]
    return [document for document, scope in placed if scopes.contains(at, scope)]


LOCK = Kind(
    type="Microsoft.Authorization/locks",
    name=NameRule(
        r"[^<>%&:\\?/]{1,90}",
        "InvalidLockName",
        "The lock name '{name}' is not valid: at most 90 characters without <>%&:\\?/.",
    ),
    shape=_shape,
    place="any",
    collection="locks",
    missing=_missing,
    regions=(),
    stateful=False,
    patchable=False,
    listed=_listed,
    visible=False,
)
