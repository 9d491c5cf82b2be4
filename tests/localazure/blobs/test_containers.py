"""Containers and lists of blobs."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.services.blobs import OPERATIONS
from tests.localazure.blobs.world import (
    ACCOUNT,
    HOST,
    Azure,
    names_of,
)


def test_lists_by_prefix_delimiter_and_page(azure: Azure) -> None:
    for name in ("a/1", "a/b/2", "a/b/3", "ab", "z & <z>"):
        azure.put(name, b"x")
    container = azure.url("", more="&restype=container&comp=list")
    assert names_of(azure.http.get(container), "Blob") == ["a/1", "a/b/2", "a/b/3", "ab", "z & <z>"]
    folded = azure.http.get(container + "&prefix=a/&delimiter=/")
    assert (names_of(folded, "Blob"), names_of(folded, "BlobPrefix")) == (["a/1"], ["a/b/"])
    pages, marker = [], ""
    while True:
        page = azure.http.get(f"{container}&maxresults=2&marker={quote(marker)}")
        pages.append(names_of(page, "Blob"))
        marker = Xml.fromstring(page.content).findtext("NextMarker") or ""
        if not marker:
            break
    assert pages == [["a/1", "a/b/2"], ["a/b/3", "ab"], ["z & <z>"]]
    assert azure.http.get(container + "&maxresults=0").status_code == 400


def test_an_unknown_account_or_container_is_404(azure: Azure) -> None:
    stranger = azure.http.get(azure.url("a").replace(ACCOUNT, "stranger"))
    assert (stranger.status_code, stranger.headers["x-ms-error-code"]) == (404, "ResourceNotFound")
    query = Signing(azure.cloud).url(f"/{ACCOUNT}/missing/a", "rw", azure.clock.now() + timedelta(hours=1))
    url = f"{HOST}/missing/a?{query}"
    assert azure.http.get(url).headers["x-ms-error-code"] == "ContainerNotFound"
    put = azure.http.put(url, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert put.headers["x-ms-error-code"] == "ContainerNotFound"


def test_what_is_not_offered_is_refused(azure: Azure) -> None:
    assert azure.http.put(azure.url("a", more="&comp=lease")).headers["x-ms-error-code"] == "InvalidQueryParameterValue"
    assert azure.http.request("PATCH", azure.url("a")).headers["x-ms-error-code"] == "UnsupportedHttpVerb"


def test_every_operation_is_named_and_needs_a_permission() -> None:
    assert all(operation.name and set(operation.permission.letters) <= set("rcwdl") for operation in OPERATIONS)
    assert all(operation.permission.action.startswith("Microsoft.Storage/") for operation in OPERATIONS)
    assert {operation.name for operation in OPERATIONS if not operation.permission.letters} == {
        "Get Account Information",
        "Get User Delegation Key",
    }
