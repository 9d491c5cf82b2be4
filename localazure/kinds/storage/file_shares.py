"""Microsoft.Storage/storageAccounts/fileServices/shares: file shares as Resource Manager makes and tells them.

Source: Microsoft, "File Shares" (REST 2025-08-01). They hold no files here: no file service answers. The share of a
workspace's `workspacefilestore`, which Azure makes with it, is not among them.

Inferred: the codes of what does not fit, and that a share of NFS wants a premium account, as its page says in words.
"""

from __future__ import annotations

from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.storage_accounts import TYPE as ACCOUNT_TYPE
from azmlflow.localazure.kinds.storage.services import INVALID
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, whole_number
from azmlflow.localazure.resources.find import parent
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.paths import Target

_TYPE = f"{ACCOUNT_TYPE}/fileServices/shares"
_TIERS = ("TransactionOptimized", "Hot", "Cool")
_USUAL, _LARGEST = 5120, 102400  # GiB
_SQUASHES = ("NoRootSquash", "RootSquash", "AllSquash")


def _missing(_target: Target) -> AzureError:
    return AzureError(404, "ShareNotFound", "The specified share does not exist.")


def _account(ask: Ask) -> Document:
    return parent(ask.cloud, FILE_SHARE, ask.target, "write")


def _check(ask: Ask, _existing: Document | None) -> None:
    if ask.target.names[1:2] != ("default",):
        raise bad_request("InvalidResourceName", "The only file service of a storage account is 'default'.")
    if _account(ask)["kind"] in ("BlobStorage", "BlockBlobStorage"):
        raise bad_request("FeatureNotSupportedForAccount", "File is not supported for the account.")


def _shape(ask: Ask, existing: Document | None) -> Document:
    premium = _account(ask)["kind"] == "FileStorage"
    before = (existing or {}).get("properties", {})
    defaults = {
        "accessTier": "Premium" if premium else "TransactionOptimized",
        "enabledProtocols": before.get("enabledProtocols", "SMB"),
        "shareQuota": _USUAL,
    }
    properties = pick(ask.properties, defaults, ("metadata", "rootSquash", "signedIdentifiers"))
    tiers = ("Premium",) if premium else _TIERS
    properties["accessTier"] = choice("accessTier", properties["accessTier"], tiers, INVALID)
    protocols = choice("enabledProtocols", properties["enabledProtocols"], ("SMB", "NFS"), INVALID)
    whole_number("shareQuota", properties["shareQuota"], 1, _LARGEST, INVALID)
    if protocols == "NFS" and not premium:
        raise bad_request(INVALID, "A share of NFS needs a storage account of kind 'FileStorage'.")
    if before and before["enabledProtocols"] != protocols:
        raise bad_request(INVALID, "The protocol of a share cannot be changed.", target="enabledProtocols")
    if "rootSquash" in properties:
        properties["rootSquash"] = choice("rootSquash", properties["rootSquash"], _SQUASHES, INVALID)
        if protocols != "NFS":
            raise bad_request(INVALID, "rootSquash is of shares of NFS alone.", target="rootSquash")
    properties |= {"enabledProtocols": protocols, "leaseState": "available", "leaseStatus": "unlocked"}
    properties["lastModifiedTime"] = before.get("lastModifiedTime")
    return {"etag": (existing or {}).get("etag"), "properties": properties}


def _touch(ask: Ask, document: Document) -> None:
    document["etag"] = f'"0x{ask.cloud.ids.guid().replace("-", "")[-15:].upper()}"'
    document["properties"]["lastModifiedTime"] = timestamp(ask.cloud.clock.now())


FILE_SHARE = Kind(
    type=_TYPE,
    name=NameRule(
        r"(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])*",
        "InvalidResourceName",
        "The specified resource name '{name}' contains invalid characters: a share name has 3 to 63 lower-case "
        "letters, digits and single hyphens.",
    ),
    shape=_shape,
    placement=child_of(ACCOUNT_TYPE),
    has_provisioning_state=False,
    documents=Documents(missing=_missing),
    lifecycle=Lifecycle(before_write=_check, on_write=_touch),
)
