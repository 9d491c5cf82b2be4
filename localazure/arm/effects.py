"""What becomes of a resource when an operation on it ends: made, deleted, soft-deleted, purged.

Each effect runs inside the transaction of `arm.due`, or of the request where nothing is long-running.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import ASSIGNMENTS, DELETED, LOCKS, PROPAGATION, RESOURCES, SECRETS
from azmlflow.localazure.core.errors import not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE, KINDS
from azmlflow.localazure.resources.kind import Kind
from azmlflow.localazure.resources.paths import GROUP_TYPE
from azmlflow.rbac import scopes


def finish_put(cloud: Cloud, operation: Document) -> None:
    """The resource stands."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.collection, operation["key"])
    if document is None:
        raise not_found(operation["target"])
    set_state(cloud, kind, operation["key"], document, "Succeeded")


def finish_delete(cloud: Cloud, operation: Document) -> None:
    """The resource is gone, soft-deleted if `bury` says so."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.collection, operation["key"])
    if document is not None:
        drop(cloud, kind, operation["key"], document, bury=operation["bury"])


def finish_purge(cloud: Cloud, operation: Document) -> None:
    """The soft-deleted resource is gone for good."""
    forget(cloud, operation["key"])


EFFECTS: dict[str, Callable[[Cloud, Document], None]] = {
    "put": finish_put,
    "delete": finish_delete,
    "purge": finish_purge,
}


def failed(cloud: Cloud, operation: Document) -> None:
    """The resource stays, marked as failed."""
    kind = BY_TYPE[operation["type"].lower()]
    document = cloud.store.get(kind.collection, operation["key"])
    if document is not None:
        set_state(cloud, kind, operation["key"], document, "Failed")


def half(cloud: Cloud, operation: Document) -> None:
    """What a deletion of a group has done when it fails: half of what was inside is gone."""
    if operation["verb"] == "delete" and operation["type"] == GROUP_TYPE:
        shrink(cloud, operation, 0.5)


def shrink(cloud: Cloud, operation: Document, share: float) -> None:
    """Let a group's deletion come as far as a share of its time: dependents go before what they depend on."""
    left = list(contained(cloud, operation["target"]))
    count = len(left) - round(operation.get("inside", len(left)) * (1 - share))
    for kind, key, document in left[: max(0, count)]:
        drop(cloud, kind, key, document, bury=kind.burial is not None and kind.burial.with_group)


def set_state(cloud: Cloud, kind: Kind, key: str, document: Document, state: str) -> None:
    """Write a document with another provisioningState."""
    document["properties"]["provisioningState"] = state
    cloud.store.put(kind.collection, key, document)


def drop(cloud: Cloud, kind: Kind, key: str, document: Document, *, bury: bool) -> None:
    """Delete a resource with all it contains, in an order in which nothing stands on what is already gone.

    Role assignments and locks at it and below go with it; role definitions stay, whatever their assignable scopes
    (Microsoft, "Azure custom roles": a custom role outlives its scopes).
    """
    id_ = document["id"]
    cloud.operations.cancel_within(id_)
    for inner, inner_key, content in contained(cloud, id_):
        soft = inner.burial is not None and inner.burial.with_group and kind.type == GROUP_TYPE
        _remove(cloud, inner, inner_key, content, bury=soft)
    for assignment_key, assignment in list(cloud.store.scan(ASSIGNMENTS)):
        if scopes.contains(id_, assignment["properties"]["scope"]):
            cloud.store.delete(ASSIGNMENTS, assignment_key)
            cloud.store.delete(PROPAGATION, assignment_key)
    for lock_key, _ in list(cloud.store.scan(LOCKS, id_.lower() + "/")):
        cloud.store.delete(LOCKS, lock_key)
    _remove(cloud, kind, key, document, bury=bury)


def contained(cloud: Cloud, id_: str) -> Iterator[tuple[Kind, str, Document]]:
    """(kind, key, document) of all resources below an id, dependents before what they depend on."""
    inside = list(cloud.store.scan(RESOURCES, id_.lower() + "/"))
    for kind in reversed(KINDS):
        for key, document in inside:
            if scopes.parse(document["id"]).type == kind.type:
                yield kind, key, document


def forget(cloud: Cloud, key: str) -> None:
    """Purge a soft-deleted resource."""
    record = cloud.store.get(DELETED, key)
    if record is not None:
        kind = BY_TYPE[record["type"].lower()]
        cloud.store.delete(DELETED, key)
        cloud.store.delete(SECRETS, key)
        kind.gone(cloud, record["document"])


def expired(cloud: Cloud) -> list[str]:
    """Keys of soft-deleted resources whose retention is over."""
    now = cloud.clock.now()
    return [key for key, record in cloud.store.scan(DELETED) if datetime.fromisoformat(record["purge_at"]) <= now]


def _remove(cloud: Cloud, kind: Kind, key: str, document: Document, *, bury: bool) -> None:
    cloud.store.delete(kind.collection, key)
    kind.removed(cloud, document)
    if bury and kind.burial is not None:
        now = cloud.clock.now()
        record: Document = {
            "type": kind.type,
            "document": document,
            "deleted_at": timestamp(now),
            "purge_at": timestamp(now + timedelta(days=kind.burial.days(document))),
        }
        cloud.store.put(DELETED, key, record)
    else:
        cloud.store.delete(SECRETS, key)
        kind.gone(cloud, document)
