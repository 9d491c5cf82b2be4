"""Nothing of a request to the Blob service is dropped in silence: each parameter and header is used or refused."""

from __future__ import annotations

import base64
import hashlib

import pytest

from azmlflow.localazure.services.blobs import OPERATIONS, BlobOperation
from tests.localazure.blobs.world import HOST, Azure, block_id

# What an operation takes besides its query, in the order of `OPERATIONS`: enough to be let in.
_MORE = {"Put Block": f"&blockid={block_id(1)}"}


def asked_of(operation: BlobOperation) -> tuple[str, dict[str, str]]:
    """Path and query of an operation, and the headers that it needs."""
    path = {"s": "/", "c": "/azureml", "o": "/azureml/a"}[operation.level]
    query = "&".join(f"{name}={value}" for name, value in operation.query.items() if value is not None)
    told = {operation.header: f"{HOST}/azureml/b"} if operation.header else {}
    return f"{path}?{query}{_MORE.get(operation.name, '')}", told


def _asked(azure: Azure, operation: BlobOperation, more: str, **headers: str) -> tuple[int, str]:
    """What one operation answers to who may do it: status and code."""
    url, told = asked_of(operation)
    if operation.name == "Get Account Information":  # no role of people's is told it
        answer = azure.http.get(azure.url("a", more=f"&restype=account&comp=properties{more}"), headers=headers)
        return answer.status_code, answer.headers.get("x-ms-error-code", "")
    token = azure.sign_in("Storage Blob Data Owner")
    answer = azure.http.request(
        operation.methods.split()[0],
        f"{HOST}{url}{more}",
        headers={"authorization": f"Bearer {token}", "x-ms-version": "2023-11-03", **told, **headers},
    )
    return answer.status_code, answer.headers.get("x-ms-error-code", "")


@pytest.mark.parametrize("operation", {each.name: each for each in OPERATIONS}.values(), ids=lambda each: each.name)
def test_what_no_operation_uses_is_refused(azure: Azure, operation: BlobOperation) -> None:
    azure.put("a", b"1")
    azure.put("b", b"2")
    before = list(azure.cloud.store.scan("blobs", ""))
    for more in ("&colour=red", "&popreceipt=x", "&snapshot=2026-01-01", "&versionid=1", "&showonly=deleted"):
        status, code = _asked(azure, operation, more)
        signed = operation.name == "Get Account Information" and "snapshot" in more
        known = (403, "AuthenticationFailed") if signed else (400, "UnsupportedQueryParameter")
        assert (status, code) in (known, (400, "InvalidQueryParameterValue")), more
    for header in ("x-ms-tags", "x-ms-encryption-key", "x-ms-if-tags", "x-ms-made-up", "x-ms-content-crc64"):
        assert _asked(azure, operation, "", **{header: "x"}) == (400, "UnsupportedHeader"), header
    assert _asked(azure, operation, "", **{"x-ms-lease-id": "x"}) == (412, "LeaseNotPresentWithBlobOperation")
    assert list(azure.cloud.store.scan("blobs", "")) == before


@pytest.mark.parametrize(
    ("method", "more", "headers", "code"),
    [
        ("DELETE", "", {"x-ms-delete-snapshots": "only"}, "UnsupportedHeader"),
        ("DELETE", "&deletetype=permanent", {}, "UnsupportedQueryParameter"),
        ("PUT", "", {"x-ms-blob-type": "BlockBlob", "x-ms-access-tier": "Cool"}, "UnsupportedHeader"),
        ("PUT", "", {"x-ms-blob-type": "BlockBlob", "x-ms-blob-content-md5": "AAAA"}, "Md5Mismatch"),
        ("GET", "", {"x-ms-range": "bytes=0-0", "x-ms-range-get-content-crc64": "true"}, "UnsupportedHeader"),
    ],
)
def test_a_value_that_would_be_left_out_is_refused(
    azure: Azure, method: str, more: str, headers: dict[str, str], code: str
) -> None:
    azure.put("a", b"1")
    answer = azure.http.request(method, azure.url("a", more=more), headers=headers)
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (400, code)
    assert azure.http.get(azure.url("a")).content == b"1"


def test_what_is_so_anyhow_may_be_said(azure: Azure) -> None:
    md5 = base64.b64encode(hashlib.md5(b"1", usedforsecurity=False).digest()).decode()
    told = {"x_ms_access_tier": "Hot", "x_ms_blob_content_md5": md5, "x_ms_client_request_id": "x"}
    assert azure.put("a", b"1", **told).status_code == 201
    assert azure.http.get(azure.url("a", more="&timeout=30")).content == b"1"
    answer = azure.http.delete(azure.url("a"), headers={"x-ms-delete-snapshots": "include"})
    assert answer.status_code == 202


def test_set_blob_properties_replaces_the_md5(azure: Azure) -> None:
    azure.put("a", b"1")
    url = azure.url("a", more="&comp=properties")
    assert azure.http.put(url, headers={"x-ms-blob-content-md5": "kept"}).status_code == 200
    assert azure.http.head(azure.url("a")).headers["content-md5"] == "kept"
    assert azure.http.put(url).status_code == 200
    assert "content-md5" not in azure.http.head(azure.url("a")).headers


def test_a_list_shows_what_it_is_asked_to_include(azure: Azure) -> None:
    azure.put("a", b"1")
    copied = azure.http.put(azure.url("b"), headers={"x-ms-copy-source": azure.url("a")})
    assert copied.status_code == 202
    listed = azure.http.get(azure.url("", more="&restype=container&comp=list&include=copy,snapshots")).text
    assert f"<CopyId>{copied.headers['x-ms-copy-id']}</CopyId>" in listed
    assert f"<CopyStatus>success</CopyStatus><CopySource>{HOST}/azureml/a</CopySource>" in listed
    refused = azure.http.get(azure.url("", more="&restype=container&comp=list&include=uncommittedblobs"))
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, "InvalidQueryParameterValue")
