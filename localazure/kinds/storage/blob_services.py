"""Microsoft.Storage/storageAccounts/blobServices.

Source: Microsoft, "Blob Services" (REST 2025-08-01), "Perform a point-in-time restore on block blob data". What is set
here is kept and told; the blobs themselves are neither versioned nor kept when they are deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.kinds.storage.services import INVALID, check_retention, refused, service
from azmlflow.localazure.resources.fields import whole_number

_DEFAULTS = {"cors": {"corsRules": []}, "deleteRetentionPolicy": {"enabled": False, "allowPermanentDelete": False}}


def _check(properties: Mapping[str, Any]) -> None:
    for name in ("deleteRetentionPolicy", "containerDeleteRetentionPolicy"):
        check_retention(name, properties.get(name))
    feed, restore = properties.get("changeFeed"), properties.get("restorePolicy")
    if isinstance(feed, Mapping) and feed.get("retentionInDays") is not None:
        whole_number("changeFeed.retentionInDays", feed["retentionInDays"], 1, 146_000, INVALID)
    if isinstance(restore, Mapping) and restore.get("enabled"):
        _check_restore(restore, properties)


def _check_restore(restore: Mapping[str, Any], properties: Mapping[str, Any]) -> None:
    """Blobs are restored from versions, the change feed and what was deleted, for fewer days than that is kept."""
    kept, feed = properties["deleteRetentionPolicy"], properties.get("changeFeed") or {}
    if not (properties.get("isVersioningEnabled") and feed.get("enabled") and kept.get("enabled")):
        raise refused("restorePolicy", "it takes versioning, the change feed and soft delete of blobs")
    whole_number("restorePolicy.days", restore.get("days"), 1, kept["days"] - 1, INVALID)


BLOB_SERVICE = service(
    "Microsoft.Storage/storageAccounts/blobServices",
    "Blob",
    without=("FileStorage",),
    defaults=_DEFAULTS,
    check=_check,
)
