"""Applies what is due: operations whose time has come, deletions under way, soft-deleted things whose time is over."""

from __future__ import annotations

from azmlflow.localazure.arm import effects
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.skipped import FAULTS
from azmlflow.localazure.core.collections import DELETED
from azmlflow.localazure.core.errors import OUR_FAULT, AzureError
from azmlflow.localazure.core.store import Document


def apply_due(cloud: Cloud) -> None:
    """Apply every operation that is due, and let soft-deleted things whose time is over go.

    Called before each request is answered. An operation that fails by an `AzureError` is noted as failed.
    """
    operations = cloud.operations
    if not operations.is_anything_due():
        return
    with cloud.store.transaction():
        due, expired = operations.due(), operations.expired()
        for operation, share in operations.going():
            effects.shrink(cloud, operation, share)
        for operation in due:
            if operations.get(operation["id"]) != operation:
                continue  # canceled by one that ended before it
            _apply(cloud, operation)
        cloud.skipped.each(expired, str, lambda key: _purge(cloud, key))


def _apply(cloud: Cloud, operation: Document) -> None:
    """Apply one operation; one that cannot be for a fault of ours has failed, and stops no other."""
    error: AzureError | None = None
    try:
        if "fails" in operation:
            effects.half(cloud, operation)
            raise AzureError(409, "OperationFailed", "The operation failed: a fault was asked for.")
        if "failed" in operation:
            raise AzureError(*operation["failed"])
        with cloud.store.transaction():
            effects.EFFECTS[operation["verb"]](cloud, operation)
    except AzureError as refused:
        error = refused
    except FAULTS as fault:
        cloud.skipped.tell(f"{operation['verb']} of {operation['target']}", fault)
        error = AzureError(500, "InternalServerError", OUR_FAULT)
    if error is not None:
        effects.failed(cloud, operation)
    cloud.operations.end(operation, error)


def _purge(cloud: Cloud, key: str) -> None:
    try:
        with cloud.store.transaction():
            effects.purge(cloud, key)
    except FAULTS:
        cloud.store.delete(DELETED, key)  # it is gone for everybody; what else it left stays
        raise
