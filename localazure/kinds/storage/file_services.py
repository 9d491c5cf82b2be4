"""Microsoft.Storage/storageAccounts/fileServices.

Source: Microsoft, "File Services" (REST 2025-08-01), "Enable soft delete on Azure file shares". Inferred: that a new
account keeps deleted shares for 7 days, as clients show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.storage.services import check_retention, refused, service

_DEFAULTS = {
    "cors": {"corsRules": []},
    "protocolSettings": {"smb": {}},
    "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
}
# What each setting of SMB may name, with `;` between.
_SMB = {
    "versions": ("SMB2.1", "SMB3.0", "SMB3.1.1"),
    "authenticationMethods": ("NTLMv2", "Kerberos"),
    "kerberosTicketEncryption": ("RC4-HMAC", "AES-256"),
    "channelEncryption": ("AES-128-CCM", "AES-128-GCM", "AES-256-GCM"),
}


def _check(properties: Mapping[str, Any]) -> None:
    check_retention("shareDeleteRetentionPolicy", properties["shareDeleteRetentionPolicy"])
    smb = properties["protocolSettings"].get("smb")
    settings = smb if isinstance(smb, Mapping) else {}
    for name, known in _SMB.items():
        for each in filter(None, str(settings.get(name) or "").split(";")):
            if each not in known:
                raise refused(f"protocolSettings.smb.{name}", f"'{each}' is none of {', '.join(known)}")


def _told(properties: Document) -> Document:
    """A setting of SMB that is empty is not set: azurerm sends those that its user leaves out so, and expects none."""
    settings = properties["protocolSettings"]
    smb = {name: value for name, value in (settings.get("smb") or {}).items() if value != ""}
    return {**properties, "protocolSettings": {**settings, "smb": smb}}


FILE_SERVICE = service(
    "Microsoft.Storage/storageAccounts/fileServices",
    "File",
    without=("BlobStorage", "BlockBlobStorage"),
    defaults=_DEFAULTS,
    check=_check,
    told=_told,
)
