"""A container as ARM answers it: one that the blob service or Azure itself made is known there just the same.

Source: Microsoft, "Blob Containers" (REST 2024-01-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from azmlflow.localazure.blobs.accounts import Account
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import RESOURCES
from azmlflow.localazure.core.store import Document, Store

TYPE = "Microsoft.Storage/storageAccounts/blobServices/containers"
DEFAULTS: Document = {
    "defaultEncryptionScope": "$account-encryption-key",
    "denyEncryptionScopeOverride": False,
    "publicAccess": "None",
}
FIXED: Document = {
    "deleted": False,
    "hasImmutabilityPolicy": False,
    "hasLegalHold": False,
    "immutableStorageWithVersioning": {"enabled": False},
    "leaseState": "Available",
    "leaseStatus": "Unlocked",
    "remainingRetentionDays": 0,
}


def tell(store: Store, account: Account | None, name: str, made: Mapping[str, str]) -> None:
    """Note a new container, as ARM answers it where ARM did not make it.

    Args:
        store: of the embedded Azure.
        account: its storage account; without one nothing is noted.
        name: the container's.
        made: `etag` and `modified`, an ISO 8601 instant.
    """
    if account is None:
        return
    changed = timestamp(datetime.fromisoformat(made["modified"]))
    document: Document = {
        "id": f"{account.document['id']}/blobServices/default/containers/{name}",
        "name": name,
        "type": TYPE,
        "etag": made["etag"],
        "properties": {**DEFAULTS, **FIXED, "lastModifiedTime": changed},
    }
    store.put(RESOURCES, document["id"].lower(), document)


def forget(store: Store, account: Account | None, name: str) -> None:
    """Forget a container that is gone."""
    if account is not None:
        store.delete(RESOURCES, f"{account.id}/blobServices/default/containers/{name}".lower())
