"""Applies what is due: operations whose time has come, deletions under way, soft-deleted things whose time is over."""

from __future__ import annotations

from azmlflow.localazure.arm import effects
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.resources.paths import GROUP_TYPE


def apply_due(cloud: Cloud) -> None:
    """Apply every operation that is due, and let soft-deleted things whose time is over go.

    Called before each request is answered. An operation that fails by an `AzureError` is noted as failed.
    """
    due = cloud.operations.due()
    expired = effects.expired(cloud)
    going = cloud.operations.going(GROUP_TYPE)
    if not due and not expired and not going:
        return
    with cloud.store.transaction():
        for operation, share in going:
            effects.shrink(cloud, operation, share)
        for operation in due:
            if cloud.operations.get(operation["id"]) != operation:
                continue  # canceled by one that ended before it
            try:
                if "fails" in operation:
                    effects.half(cloud, operation)
                    raise AzureError(409, "OperationFailed", "The operation failed: a fault was asked for.")
                effects.EFFECTS[operation["verb"]](cloud, operation)
            except AzureError as error:
                effects.failed(cloud, operation)
                cloud.operations.end(operation, error)
            else:
                cloud.operations.end(operation)
        for key in expired:
            effects.forget(cloud, key)
