"""The blob and the file service of a storage account: there from the start, set and never made or deleted.

Sources: Microsoft, "Blob Services", "File Services" (REST 2025-08-01), their examples.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.localazure.control import ALICE, BODIES, RG, STORAGE, Azure

BLOBS, FILES = f"{STORAGE}/blobServices/default", f"{STORAGE}/fileServices/default"
DAY = {"enabled": True, "days": 1}


def test_what_a_new_account_has(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    for api in ("2024-01-01", "2025-08-01"):
        assert azure.arm("GET", BLOBS, api=api).body == {
            "id": BLOBS,
            "name": "default",
            "type": "Microsoft.Storage/storageAccounts/blobServices",
            "sku": {"name": "Standard_LRS", "tier": "Standard"},
            "properties": {
                "cors": {"corsRules": []},
                "deleteRetentionPolicy": {"enabled": False, "allowPermanentDelete": False},
            },
        }
    files = azure.arm("GET", FILES, api="2025-08-01").body
    assert files["properties"] == {
        "cors": {"corsRules": []},
        "protocolSettings": {"smb": {}},
        "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
    }
    assert azure.arm("GET", f"{STORAGE}/fileServices").body["value"] == [files]
    assert azure.arm("GET", FILES.replace("default", "other")).status == 404


def test_what_is_set_stays_until_it_is_set_otherwise(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    kept = {"containerDeleteRetentionPolicy": DAY, "isVersioningEnabled": True}
    said = azure.arm("PUT", BLOBS, {"properties": kept})
    assert said.status == 200 and said.body == azure.arm("GET", BLOBS).body
    azure.arm("PUT", BLOBS, {"properties": {"deleteRetentionPolicy": {"Enabled": True, "Days": 9}}})
    assert azure.arm("GET", BLOBS).body["properties"] == {
        "cors": {"corsRules": []},
        "deleteRetentionPolicy": {"enabled": True, "days": 9, "allowPermanentDelete": False},
        **kept,
    }
    azure.arm("PUT", BLOBS, {"properties": {"containerDeleteRetentionPolicy": {"enabled": False}}})
    properties = azure.arm("GET", BLOBS).body["properties"]
    assert properties["containerDeleteRetentionPolicy"] == {"enabled": False}

    rule = {
        "allowedOrigins": ["https://contoso.com"], "allowedMethods": ["GET"], "maxAgeInSeconds": 60,
        "exposedHeaders": [], "allowedHeaders": [],
    }  # fmt: skip
    smb = {"versions": "SMB3.0;SMB3.1.1", "authenticationMethods": "Kerberos"}
    asked = {"cors": {"corsRules": [rule]}, "protocolSettings": {"smb": smb}}
    empty = {"protocolSettings": {"smb": {**smb, "channelEncryption": ""}}}  # as azurerm sends what nobody set
    assert azure.arm("PUT", FILES, {"properties": {**asked, **empty}}).status == 200
    assert azure.arm("GET", FILES).body["properties"] == {
        **asked, "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
    }  # fmt: skip
    assert azure.arm("DELETE", STORAGE).status == 200
    azure.make(STORAGE)
    assert azure.arm("GET", FILES).body["properties"]["cors"] == {"corsRules": []}


@pytest.mark.parametrize(
    ("path", "properties"),
    [
        (BLOBS, {"deleteRetentionPolicy": {"enabled": True}}),
        (BLOBS, {"deleteRetentionPolicy": {"enabled": True, "days": 366}}),
        (BLOBS, {"containerDeleteRetentionPolicy": {"enabled": True, "days": 0}}),
        (BLOBS, {"changeFeed": {"enabled": True, "retentionInDays": 146_001}}),
        (BLOBS, {"restorePolicy": DAY}),
        (
            BLOBS,
            {
                "restorePolicy": {"enabled": True, "days": 7}, "isVersioningEnabled": True,
                "changeFeed": {"enabled": True}, "deleteRetentionPolicy": {"enabled": True, "days": 7},
            },
        ),
        (FILES, {"shareDeleteRetentionPolicy": {"enabled": True, "days": 400}}),
        (FILES, {"protocolSettings": {"smb": {"versions": "SMB3.0;SMB1.0"}}}),
        (FILES, {"protocolSettings": {"smb": {"channelEncryption": "DES"}}}),
    ],
)  # fmt: skip
def test_a_setting_that_does_not_fit(azure: Azure, path: str, properties: Any) -> None:
    azure.make(RG, STORAGE)
    before = azure.arm("GET", path).body
    refused = azure.arm("PUT", path, {"properties": properties})
    assert (refused.status, refused.code) == (400, "InvalidRequestPropertyValue")
    assert azure.arm("GET", path).body == before


def test_what_has_no_such_service_or_setting(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    assert azure.arm("PUT", FILES, {"properties": {"frobnicate": 1}}).status == 400
    assert azure.arm("PUT", BLOBS, {"properties": {"cors": []}}).code == "InvalidRequestContent"
    assert azure.arm("PUT", BLOBS.replace("default", "other"), {"properties": {}}).status == 400
    for kind, path, word in (("BlobStorage", FILES, "File"), ("FileStorage", BLOBS, "Blob")):
        body = {**BODIES[STORAGE], "kind": kind}
        azure.arm("DELETE", STORAGE)
        assert azure.arm("PUT", STORAGE, body).status == 202
        azure.wait()
        for method in ("GET", "PUT"):
            refused = azure.arm(method, path, {"properties": {}} if method == "PUT" else None)
            assert (refused.status, refused.code) == (400, "FeatureNotSupportedForAccount")
            assert refused.message == f"{word} is not supported for the account."
    azure.arm("DELETE", STORAGE)
    gone = azure.arm("PUT", FILES, {"properties": {}})
    assert (gone.status, gone.code) == (404, "ParentResourceNotFound")
    assert azure.arm("GET", FILES).status == 404
    assert azure.arm("GET", f"{STORAGE}/fileServices").status == 404


def test_a_lock_and_a_missing_right_stop_a_change(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    azure.assign(ALICE, "Reader", RG)
    body = {"properties": {"shareDeleteRetentionPolicy": {"enabled": False}}}
    assert azure.arm("GET", FILES, who=ALICE).status == 200
    assert azure.arm("PUT", FILES, body, who=ALICE).code == "AuthorizationFailed"
    lock = f"{STORAGE}/providers/Microsoft.Authorization/locks/still"
    assert azure.arm("PUT", lock, {"properties": {"level": "ReadOnly"}}).status == 201
    assert azure.arm("PUT", FILES, body).code == "ScopeLocked"
    assert azure.arm("GET", FILES).body["properties"]["shareDeleteRetentionPolicy"]["enabled"] is True


SHARE = f"{FILES}/shares/data"


def test_a_file_share(azure: Azure) -> None:
    azure.make(RG, STORAGE)
    assert azure.arm("GET", SHARE).code == "ShareNotFound"
    made = azure.arm("PUT", SHARE, {"properties": {"metadata": {"a": "b"}}}, api="2025-08-01")
    assert (made.status, made.body["name"], made.body["id"]) == (201, "data", SHARE)
    told = made.body["properties"]
    assert {name: told[name] for name in told if name != "lastModifiedTime"} == {
        "accessTier": "TransactionOptimized", "enabledProtocols": "SMB", "shareQuota": 5120, "metadata": {"a": "b"},
        "leaseState": "available", "leaseStatus": "unlocked",
    }  # fmt: skip
    assert azure.arm("PATCH", SHARE, {"properties": {"shareQuota": 50, "accessTier": "Hot"}}).status == 200
    changed = azure.arm("GET", SHARE).body
    assert changed["properties"]["shareQuota"] == 50 and changed["etag"] != made.body["etag"]
    assert [each["name"] for each in azure.arm("GET", f"{FILES}/shares").body["value"]] == ["data"]
    assert azure.arm("DELETE", SHARE).status == 200
    assert azure.arm("DELETE", SHARE).status == 204
    assert azure.arm("GET", f"{FILES}/shares").body == {"value": []}


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"shareQuota": 0}, "InvalidRequestPropertyValue"),
        ({"shareQuota": 102401}, "InvalidRequestPropertyValue"),
        ({"accessTier": "Premium"}, "InvalidRequestPropertyValue"),
        ({"enabledProtocols": "NFS"}, "InvalidRequestPropertyValue"),
        ({"enabledProtocols": "FTP"}, "InvalidRequestPropertyValue"),
        ({"rootSquash": "AllSquash"}, "InvalidRequestPropertyValue"),
        ({"metadata": "a"}, "InvalidRequestContent"),
    ],
)
def test_a_file_share_that_azure_refuses(azure: Azure, properties: dict[str, Any], code: str) -> None:
    azure.make(RG, STORAGE)
    refused = azure.arm("PUT", SHARE, {"properties": properties})
    assert (refused.status, refused.code) == (400, code)
    assert azure.arm("GET", SHARE).status == 404


def test_a_premium_account_of_files_and_one_of_blobs_alone(azure: Azure) -> None:
    azure.make(RG)
    premium = {"location": "westeurope", "sku": {"name": "Premium_LRS"}, "kind": "FileStorage"}
    azure.arm("PUT", STORAGE, premium)
    azure.wait()
    nfs = {"properties": {"enabledProtocols": "NFS", "rootSquash": "AllSquash"}}
    assert azure.arm("PUT", SHARE, nfs).body["properties"]["accessTier"] == "Premium"
    moved = azure.arm("PUT", SHARE, {"properties": {"enabledProtocols": "SMB"}})
    assert (moved.status, moved.code) == (400, "InvalidRequestPropertyValue")
    blobs = f"{STORAGE}2"
    azure.arm("PUT", blobs, {**premium, "kind": "BlockBlobStorage"})
    azure.wait()
    refused = azure.arm("PUT", f"{blobs}/fileServices/default/shares/data", {"properties": {}})
    assert (refused.status, refused.code) == (400, "FeatureNotSupportedForAccount")
    assert azure.arm("PUT", f"{STORAGE}/fileServices/other/shares/data", {"properties": {}}).status == 400
