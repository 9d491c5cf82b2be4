"""Applies what is due: operations whose time has come, deletions under way, soft-deleted things whose time is over."""

from __future__ import annotations

from azmlflow.localazure.arm import effects
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError


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
            try:
                if "fails" in operation:
                    effects.half(cloud, operation)
                    raise AzureError(409, "OperationFailed", "The operation failed: a fault was asked for.")
                effects.EFFECTS[operation["verb"]](cloud, operation)
            except AzureError as error:
                effects.failed(cloud, operation)
                operations.end(operation, error)
            else:
                operations.end(operation)
        for key in expired:
            effects.purge(cloud, key)
