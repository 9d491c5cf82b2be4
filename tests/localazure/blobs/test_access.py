"""Who may touch a blob: signed URLs and roles."""

from __future__ import annotations

import pytest

from tests.localazure.blobs.world import (
    ACCOUNT,
    HOST,
    Azure,
    assign,
)


def test_a_url_is_for_one_blob_one_purpose_one_hour(azure: Azure) -> None:
    azure.put("mine", b"x")
    azure.put("other", b"y")
    readable = azure.url("mine", "r")
    assert azure.http.get(readable).status_code == 200
    query = readable.partition("?")[2]
    for url, code in (
        (azure.url("other").partition("?")[0] + "?" + query, "AuthenticationFailed"),
        (readable.replace("sp=r", "sp=rw"), "AuthenticationFailed"),
    ):
        refused = azure.http.get(url)
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (403, code)
    headers = {"x-ms-blob-type": "BlockBlob"}
    assert azure.http.put(readable, content=b"z", headers=headers).headers["x-ms-error-code"] == (
        "AuthorizationPermissionMismatch"
    )
    assert azure.http.delete(azure.url("mine", "rw")).status_code == 403
    assert azure.http.get(azure.url("mine", "w")).status_code == 403
    azure.clock.advance(3601)
    assert azure.http.get(readable).headers["x-ms-error-code"] == "AuthenticationFailed"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("Storage Blob Data Contributor", {"GET", "HEAD", "PUT", "DELETE", "LIST"}),
        ("Storage Blob Data Reader", {"GET", "HEAD", "LIST"}),
        ("Owner", set()),
        (None, set()),
    ],
)
def test_a_signed_in_principal_needs_a_data_role(azure: Azure, role: str | None, allowed: set[str]) -> None:
    """Owner has every action and no data action: it may read the keys, not the blobs."""
    someone = azure.cloud.directory.add_user("someone@local.test")
    if role is not None:
        assign(azure.cloud, someone.object_id, role)
    azure.put("a", b"x")
    token, _ = azure.cloud.tokens.issue(someone.object_id, "https://storage.azure.com")
    base = f"{HOST}/azureml"
    headers = {"Authorization": f"Bearer {token}", "x-ms-blob-type": "BlockBlob"}
    for method in ("GET", "HEAD", "PUT", "LIST", "DELETE"):
        verb, url = ("GET", f"{base}?restype=container&comp=list") if method == "LIST" else (method, f"{base}/a")
        answer = azure.http.request(verb, url, headers=headers)
        if method in allowed:
            assert answer.is_success, method
        else:
            assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthorizationPermissionMismatch")


def test_a_token_for_another_service_opens_no_blob(azure: Azure) -> None:
    someone = azure.cloud.directory.add_user("someone@local.test")
    assign(azure.cloud, someone.object_id, "Storage Blob Data Contributor")
    azure.put("a", b"x")
    url = f"{HOST}/azureml/a"
    token, _ = azure.cloud.tokens.issue(someone.object_id, "https://management.azure.com")
    assert azure.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": "Bearer forged"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": f"SharedKey {ACCOUNT}:c2ln"}).status_code == 403


def test_a_url_to_create_does_not_overwrite(azure: Azure) -> None:
    headers = {"x-ms-blob-type": "BlockBlob"}
    url = azure.url("a", "c")
    assert azure.http.put(url, content=b"first", headers=headers).status_code == 201
    again = azure.http.put(url, content=b"second", headers=headers)
    assert (again.status_code, again.headers["x-ms-error-code"]) == (403, "UnauthorizedBlobOverwrite")
    copy = azure.http.put(url, headers={"x-ms-copy-source": azure.url("a", "r")})
    assert copy.headers["x-ms-error-code"] == "UnauthorizedBlobOverwrite"
    assert azure.http.get(azure.url("a")).content == b"first"
    assert len(azure.files()) == 1
