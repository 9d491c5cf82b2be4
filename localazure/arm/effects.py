"""What becomes of a resource when an operation on it ends: made, deleted, soft-deleted, purged.

Each effect runs inside the transaction of `arm.due`, or of the request where nothing is long-running.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import DELETED, SECRETS, TIMES
from azmlflow.localazure.core.errors import not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE, KINDS
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.kind import Kind
from azmlflow.rbac import scopes


def finish_put(cloud: Cloud, operation: Document) -> None:
    """The resource stands."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.documents.collection, operation["key"])
    if document is None:
        raise not_found(operation["target"])
    kind.lifecycle.on_ready(cloud, document, operation)
    set_state(cloud, kind, operation["key"], document, "Succeeded")


def finish_delete(cloud: Cloud, operation: Document) -> None:
    """The resource is gone, soft-deleted if `soft` says so."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.documents.collection, operation["key"])
    if document is not None:
        drop(cloud, kind, operation["key"], document, soft=operation["soft"])


def finish_purge(cloud: Cloud, operation: Document) -> None:
    """The soft-deleted resource is gone for good."""
    purge(cloud, operation["key"])


EFFECTS: dict[str, Callable[[Cloud, Document], None]] = {
    "put": finish_put,
    "delete": finish_delete,
    "purge": finish_purge,
}


def failed(cloud: Cloud, operation: Document) -> None:
    """The resource stays, marked as failed."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.documents.collection, operation["key"])
    if document is not None:
        set_state(cloud, kind, operation["key"], document, "Failed")


def half(cloud: Cloud, operation: Document) -> None:
    """What a deletion member by member has done when it fails: half of what was inside is gone."""
    if "members" in operation:
        shrink(cloud, operation, 0.5)


def shrink(cloud: Cloud, operation: Document, share: float) -> None:
    """Let a deletion come as far as a share of its time: dependents go before what they depend on."""
    left = contained(cloud, operation["target"])
    count = len(left) - round(operation["members"] * (1 - share))
    for kind, document in left[: max(0, count)]:
        soft = kind.soft_delete is not None and kind.soft_delete.with_group
        drop(cloud, kind, document["id"].lower(), document, soft=soft)


def set_state(cloud: Cloud, kind: Kind, key: str, document: Document, state: str) -> None:
    """Write a document, with another provisioningState if its kind has one."""
    if kind.has_provisioning_state:
        document["properties"]["provisioningState"] = state
    cloud.store.put(kind.documents.collection, key, document)


def touch(cloud: Cloud, id_: str) -> None:
    """Keep when a resource is changed, and when it was made if this is the first time."""
    now = timestamp(cloud.clock.now())
    made = (cloud.store.get(TIMES, id_.lower()) or {}).get("created", now)
    cloud.store.put(TIMES, id_.lower(), {"created": made, "changed": now})


def drop(cloud: Cloud, kind: Kind, key: str, document: Document, *, soft: bool) -> None:
    """Delete a resource with all it contains, in an order in which nothing stands on what is already gone.

    What stands on it or below as an extension goes with it, as far as its kind says.
    """
    id_ = document["id"]
    cloud.operations.cancel_within(id_)
    for inner, content in contained(cloud, id_):
        kept = kind.verbs.delete.member_by_member and inner.soft_delete is not None and inner.soft_delete.with_group
        _remove(cloud, inner, content["id"].lower(), content, soft=kept)
    for each in KINDS:
        each.lifecycle.on_scope_delete(cloud, id_)
    _remove(cloud, kind, key, document, soft=soft)


def contained(cloud: Cloud, id_: str) -> list[tuple[Kind, Document]]:
    """All resources below an id with their kinds, dependents before what they depend on."""
    inside = list(find.below(cloud, id_))
    return [(kind, each) for kind in reversed(KINDS) for each in inside if scopes.parse(each["id"]).type == kind.type]


def purge(cloud: Cloud, key: str) -> None:
    """Let a soft-deleted resource go for good."""
    record = cloud.store.get(DELETED, key)
    if record is not None:
        kind = BY_TYPE[record["type"].lower()]
        cloud.store.delete(DELETED, key)
        cloud.store.delete(SECRETS, key)
        cloud.store.delete(TIMES, key)
        kind.lifecycle.on_purge(cloud, record["document"])


def _remove(cloud: Cloud, kind: Kind, key: str, document: Document, *, soft: bool) -> None:
    cloud.store.delete(kind.documents.collection, key)
    kind.lifecycle.on_delete(cloud, document)
    if soft and kind.soft_delete is not None:
        now = cloud.clock.now()
        record: Document = {
            "type": kind.type,
            "document": document,
            "deleted_at": timestamp(now),
            "purge_at": timestamp(now + timedelta(days=kind.soft_delete.days(document))),
        }
        cloud.store.put(DELETED, key, record)
    else:
        cloud.store.delete(SECRETS, key)
        cloud.store.delete(TIMES, key)
        kind.lifecycle.on_purge(cloud, document)
