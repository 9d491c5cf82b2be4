"""Names: what Azure refuses is refused, anything else is only a name."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.errors import AzureError
from tests.localazure.blobs.world import (
    ACCOUNT,
    HOST,
    Azure,
    names_of,
)


@pytest.mark.parametrize("name", ["..", "../../escape", "a/../b", "a/./b", "nul\0", "line\nfeed", "x" * 1025])
def test_a_name_that_azure_refuses_is_refused(azure: Azure, name: str) -> None:
    path = "/".join(quote(segment, safe="").replace(".", "%2E") for segment in name.split("/"))
    query = azure.url(name).partition("?")[2]
    url = f"{HOST}/azureml/{path}?{query}"
    refused = azure.http.put(url, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert (refused.status_code, refused.headers["x-ms-error-code"]) in [
        (400, "InvalidResourceName"),
        (400, "OutOfRangeInput"),
    ]
    assert azure.files() == []


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "a//b", "C:\\x", "~root", "été/日本", "%2e%2e/%2f", "s p+a&c?e#", "x" * 1024]
)
def test_any_other_name_is_only_a_name(azure: Azure, name: str) -> None:
    assert azure.put(name, name.encode()).status_code == 201
    assert azure.http.get(azure.url(name)).content == name.encode()
    listed = azure.http.get(azure.url("", more="&restype=container&comp=list"))
    assert names_of(listed, "Blob") == [name]
    (file,) = azure.files()
    assert file.parent == azure.cloud.state / "blobs" / ACCOUNT / "azureml"


@pytest.mark.parametrize("container", ["Upper", "a", "a--b", "..", "-a", "with.dot"])
def test_a_container_name_that_azure_refuses_is_refused(azure: Azure, container: str) -> None:
    with pytest.raises(AzureError, match="invalid characters"):
        Address(ACCOUNT, container, "a")
    path = container.replace(".", "%2E")
    refused = azure.http.get(f"{HOST}/{path}/a")
    assert refused.headers["x-ms-error-code"] == "InvalidResourceName"
