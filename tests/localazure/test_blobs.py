"""Block blobs: what is kept, what is refused, and that no name and no crash gets past the store."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import httpx
import pytest
from starlette.types import ASGIApp

from azmlflow.localazure.blobs.kept import BLOCKS, Address, Blobs
from azmlflow.localazure.clock import ManualClock, RandomIds
from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.directory import Directory
from azmlflow.localazure.enforce import ASSIGNMENTS, Enforcer
from azmlflow.localazure.errors import AzureError
from azmlflow.localazure.services.blobs import OPERATIONS, forget_account, service
from azmlflow.localazure.store import Store
from azmlflow.localazure.tokens import Tokens
from azmlflow.rbac.roles import built_in_role

ACCOUNT = "stmlflow"
ACCOUNT_ID = f"/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/{ACCOUNT}"


class Client:
    """Requests to an ASGI application, one after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport) as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> httpx.Response:
        return self.request("HEAD", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)

    def delete(self, url: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", url, **options)


@dataclass
class Azure:
    """A blob service under test, and a client that signs its URLs."""

    cloud: Cloud
    clock: ManualClock
    http: Client

    def url(self, name: str, permissions: str = "rwcdl", account: str = ACCOUNT, more: str = "") -> str:
        path = "/azureml" + (f"/{name}" if name else "")
        expires = self.clock.now() + timedelta(hours=1)
        query = self.cloud.tokens.sign_url(f"/{account}{path}", permissions, expires)
        return f"https://{account}.blob.core.windows.net{quote(path)}?{query}{more}"

    def put(self, name: str, content: bytes, **headers: str) -> Any:
        told = {"x-ms-blob-type": "BlockBlob", **{key.replace("_", "-"): value for key, value in headers.items()}}
        return self.http.put(self.url(name), content=content, headers=told)

    def files(self) -> list[Path]:
        return [path for path in self.cloud.state.rglob("*") if path.is_file()]


def open_cloud(folder: Path, clock: ManualClock, keys: Path) -> Cloud:
    state = folder / "state"
    state.mkdir(exist_ok=True)
    store = Store(folder / "azure.db")
    others = cast(Any, None)
    directory = Directory(store, RandomIds())
    tokens, enforcer = Tokens(store, clock, keys), Enforcer(store, directory, clock)
    return Cloud(state, store, clock, RandomIds(), directory, tokens, enforcer, others, others)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signing keys are kept: making one for each test would take most of the time."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def azure(tmp_path: Path, keys: Path) -> Iterator[Azure]:
    clock = ManualClock()
    cloud = open_cloud(tmp_path, clock, keys)
    cloud.store.put("resources", ACCOUNT_ID, {"id": ACCOUNT_ID})
    Blobs(cloud).make_container(ACCOUNT, "azureml")
    yield Azure(cloud, clock, Client(service(cloud)))
    cloud.store.close()


def assign(cloud: Cloud, principal_id: str, role: str) -> None:
    key = f"{ACCOUNT_ID}/providers/microsoft.authorization/roleassignments/{principal_id}"
    properties = {
        "principalId": principal_id,
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{built_in_role(role).id}",
        "scope": ACCOUNT_ID,
    }
    cloud.store.put(ASSIGNMENTS, key, {"id": key, "properties": properties})


def block_id(number: int) -> str:
    return base64.b64encode(f"{number:06}".encode()).decode()


def block_list(*named: tuple[str, int]) -> bytes:
    blocks = "".join(f"<{kind}>{block_id(number)}</{kind}>" for kind, number in named)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()


def put_block(azure: Azure, name: str, number: int, content: bytes) -> Any:
    return azure.http.put(azure.url(name, more=f"&comp=block&blockid={quote(block_id(number))}"), content=content)


def put_block_list(azure: Azure, name: str, *named: tuple[str, int], **headers: str) -> Any:
    told = {key.replace("_", "-"): value for key, value in headers.items()}
    return azure.http.put(azure.url(name, more="&comp=blocklist"), content=block_list(*named), headers=told)


@pytest.mark.parametrize("content", [b"", b"x", bytes(range(256)) * 20000], ids=["0 bytes", "1 byte", "5 MB"])
def test_what_is_put_is_read_back(azure: Azure, content: bytes) -> None:
    md5 = base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()
    put = azure.put("run/model.bin", content, content_type="text/plain", x_ms_meta_author="alice")
    assert (put.status_code, put.headers["content-md5"]) == (201, md5)
    got = azure.http.get(azure.url("run/model.bin"))
    assert (got.status_code, got.content) == (200, content)
    assert got.headers["etag"] == put.headers["etag"]
    assert got.headers["content-type"] == "text/plain"
    assert got.headers["x-ms-meta-author"] == "alice"
    assert got.headers["x-ms-blob-type"] == "BlockBlob"
    head = azure.http.head(azure.url("run/model.bin"))
    assert (head.headers["content-length"], head.headers["content-md5"]) == (str(len(content)), md5)
    assert head.headers["last-modified"] == "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "content", "content_range"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=8-100", b"89", "bytes 8-9/10"),
        ("bytes=9-", b"9", "bytes 9-9/10"),
    ],
)
def test_a_range_answers_206(azure: Azure, header: str, content: bytes, content_range: str) -> None:
    azure.put("digits", b"0123456789")
    got = azure.http.get(azure.url("digits"), headers={"x-ms-range": header, "Range": "bytes=5-5"})
    assert (got.status_code, got.content, got.headers["content-range"]) == (206, content, content_range)
    assert got.headers["content-length"] == str(len(content))


def test_a_range_can_come_with_its_own_md5(azure: Azure) -> None:
    azure.put("digits", b"0123456789")
    headers = {"x-ms-range": "bytes=2-4", "x-ms-range-get-content-md5": "true"}
    got = azure.http.get(azure.url("digits"), headers=headers)
    assert got.headers["content-md5"] == base64.b64encode(hashlib.md5(b"234").digest()).decode()


@pytest.mark.parametrize(
    ("content", "header"), [(b"", "bytes=0-33554431"), (b"abc", "bytes=3-"), (b"abc", "bytes=2-1")]
)
def test_a_range_outside_the_blob_is_416(azure: Azure, content: bytes, header: str) -> None:
    azure.put("small", content)
    got = azure.http.get(azure.url("small"), headers={"x-ms-range": header})
    assert (got.status_code, got.headers["x-ms-error-code"]) == (416, "InvalidRange")
    assert got.headers["content-range"] == f"bytes */{len(content)}"
    assert Xml.fromstring(got.content).findtext("Code") == "InvalidRange"


def test_if_none_match_keeps_what_is_there(azure: Azure) -> None:
    assert azure.put("a", b"first", If_None_Match="*").status_code == 201
    again = azure.put("a", b"second", If_None_Match="*")
    assert (again.status_code, again.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")
    put_block(azure, "a", 1, b"third")
    listed = put_block_list(azure, "a", ("Latest", 1), If_None_Match="*")
    assert (listed.status_code, listed.headers["x-ms-error-code"]) == (409, "BlobAlreadyExists")
    assert azure.http.get(azure.url("a")).content == b"first"


def test_without_a_condition_a_blob_is_replaced_and_its_old_content_removed(azure: Azure) -> None:
    first = azure.put("a", b"first").headers["etag"]
    assert azure.put("a", b"second").headers["etag"] != first
    assert azure.http.get(azure.url("a")).content == b"second"
    assert len(azure.files()) == 1


def test_conditions_on_the_etag(azure: Azure) -> None:
    etag = azure.put("a", b"first").headers["etag"]
    assert azure.http.get(azure.url("a"), headers={"If-None-Match": etag}).status_code == 304
    assert azure.http.get(azure.url("a"), headers={"If-Match": '"other"'}).status_code == 412
    assert azure.put("a", b"second", If_Match='"other"').headers["x-ms-error-code"] == "ConditionNotMet"
    assert azure.put("new", b"second", If_Match=etag).status_code == 412
    assert azure.put("a", b"second", If_Match=etag).status_code == 201


def test_conditions_on_the_date(azure: Azure) -> None:
    modified = azure.put("a", b"first").headers["last-modified"]
    azure.clock.advance(60)
    assert azure.http.get(azure.url("a"), headers={"If-Modified-Since": modified}).status_code == 304
    azure.put("a", b"second")
    assert azure.http.get(azure.url("a"), headers={"If-Modified-Since": modified}).status_code == 200
    assert azure.http.get(azure.url("a"), headers={"If-Unmodified-Since": modified}).status_code == 412


def test_blocks_become_a_blob_in_the_order_of_the_list(azure: Azure) -> None:
    for number, content in ((1, b"one "), (2, b"two "), (3, b"three "), (9, b"never listed")):
        assert put_block(azure, "big", number, content).status_code == 201
    assert azure.http.get(azure.url("big")).headers["x-ms-error-code"] == "BlobNotFound"
    made = put_block_list(
        azure, "big", ("Latest", 3), ("Latest", 1), ("Uncommitted", 2), x_ms_blob_content_type="text/x"
    )
    assert made.status_code == 201
    got = azure.http.get(azure.url("big"))
    assert (got.content, got.headers["content-type"]) == (b"three one two ", "text/x")
    assert "content-md5" not in got.headers
    assert list(azure.cloud.store.scan(BLOCKS)) == []
    assert len(azure.files()) == 1, "uncommitted blocks are discarded, the unlisted one too"


def test_a_later_list_keeps_committed_blocks(azure: Azure) -> None:
    for number, content in ((1, b"one "), (2, b"two ")):
        put_block(azure, "big", number, content)
    put_block_list(azure, "big", ("Latest", 1), ("Latest", 2))
    put_block(azure, "big", 2, b"TWO ")
    put_block_list(azure, "big", ("Latest", 2), ("Committed", 2), ("Committed", 1))
    assert azure.http.get(azure.url("big")).content == b"TWO two one "
    told = azure.http.get(azure.url("big", more="&comp=blocklist&blocklisttype=all"))
    sizes = [size.text for size in Xml.fromstring(told.content).iterfind("CommittedBlocks/Block/Size")]
    assert sizes == ["4", "4", "4"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (block_list(("Latest", 1), ("Latest", 7)), "InvalidBlockList"),
        (block_list(("Committed", 1)), "InvalidBlockList"),
        (b"<BlockList><Latest>", "InvalidXmlDocument"),
        (b"<BlockList><Newest>a</Newest></BlockList>", "InvalidXmlDocument"),
    ],
)
def test_a_wrong_block_list_is_refused_and_the_blocks_stay(azure: Azure, body: bytes, code: str) -> None:
    put_block(azure, "big", 1, b"one")
    refused = azure.http.put(azure.url("big", more="&comp=blocklist"), content=body)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, code)
    assert put_block_list(azure, "big", ("Latest", 1)).status_code == 201


@pytest.mark.parametrize("wrong", ["", "not base64!", base64.b64encode(b"x" * 65).decode()])
def test_a_block_id_is_base64_of_up_to_64_bytes(azure: Azure, wrong: str) -> None:
    refused = azure.http.put(azure.url("big", more=f"&comp=block&blockid={quote(wrong)}"), content=b"x")
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, "InvalidQueryParameterValue")


def test_a_wrong_md5_is_refused_and_nothing_kept(azure: Azure) -> None:
    refused = azure.put("a", b"content", Content_MD5=base64.b64encode(b"0" * 16).decode())
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, "Md5Mismatch")
    assert azure.http.get(azure.url("a")).status_code == 404
    assert azure.files() == []


def test_only_block_blobs_are_kept(azure: Azure) -> None:
    assert azure.put("a", b"", x_ms_blob_type="AppendBlob").headers["x-ms-error-code"] == "InvalidHeaderValue"
    assert azure.http.put(azure.url("a"), content=b"").status_code == 400


def test_metadata_can_be_replaced(azure: Azure) -> None:
    etag = azure.put("a", b"x", x_ms_meta_one="1").headers["etag"]
    told = azure.http.put(azure.url("a", more="&comp=metadata"), headers={"x-ms-meta-two": "2"})
    assert (told.status_code, told.headers["etag"] != etag) == (200, True)
    head = azure.http.head(azure.url("a"))
    assert head.headers["x-ms-meta-two"] == "2"
    assert "x-ms-meta-one" not in head.headers


def test_a_deleted_blob_is_gone_with_its_file(azure: Azure) -> None:
    azure.put("a", b"x")
    assert azure.http.delete(azure.url("a")).status_code == 202
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "BlobNotFound"
    assert azure.http.delete(azure.url("a")).status_code == 404
    assert azure.files() == []


def names_of(answer: Any, tag: str) -> list[str | None]:
    return [name.text for name in Xml.fromstring(answer.content).iterfind(f"Blobs/{tag}/Name")]


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


@pytest.mark.parametrize("name", ["..", "../../escape", "a/../b", "a/./b", "nul\0", "line\nfeed", "x" * 1025])
def test_a_name_that_azure_refuses_is_refused(azure: Azure, name: str) -> None:
    path = "/".join(quote(segment, safe="").replace(".", "%2E") for segment in name.split("/"))
    query = azure.url(name).partition("?")[2]
    url = f"https://{ACCOUNT}.blob.core.windows.net/azureml/{path}?{query}"
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
    refused = azure.http.get(f"https://{ACCOUNT}.blob.core.windows.net/{path}/a")
    assert refused.headers["x-ms-error-code"] == "InvalidResourceName"


def test_a_url_is_for_one_blob_one_purpose_one_hour(azure: Azure) -> None:
    azure.put("mine", b"x")
    azure.put("other", b"y")
    readable = azure.url("mine", "r")
    assert azure.http.get(readable).status_code == 200
    query = readable.partition("?")[2]
    for url, code in (
        (azure.url("other").partition("?")[0] + "?" + query, "AuthenticationFailed"),
        (readable.partition("?")[0], "AuthenticationFailed"),
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
    base = f"https://{ACCOUNT}.blob.core.windows.net/azureml"
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
    url = f"https://{ACCOUNT}.blob.core.windows.net/azureml/a"
    token, _ = azure.cloud.tokens.issue(someone.object_id, "https://management.azure.com")
    assert azure.http.get(url, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": "Bearer forged"}).status_code == 401
    assert azure.http.get(url, headers={"Authorization": f"SharedKey {ACCOUNT}:c2ln"}).status_code == 403


def test_an_unknown_account_or_container_is_404(azure: Azure) -> None:
    stranger = azure.http.get(azure.url("a", account="stranger"))
    assert (stranger.status_code, stranger.headers["x-ms-error-code"]) == (404, "ResourceNotFound")
    query = azure.cloud.tokens.sign_url(f"/{ACCOUNT}/missing/a", "rw", azure.clock.now() + timedelta(hours=1))
    url = f"https://{ACCOUNT}.blob.core.windows.net/missing/a?{query}"
    assert azure.http.get(url).headers["x-ms-error-code"] == "ContainerNotFound"
    put = azure.http.put(url, content=b"x", headers={"x-ms-blob-type": "BlockBlob"})
    assert put.headers["x-ms-error-code"] == "ContainerNotFound"


def test_what_is_not_offered_is_refused(azure: Azure) -> None:
    assert azure.http.put(azure.url("a", more="&comp=lease")).headers["x-ms-error-code"] == "InvalidQueryParameterValue"
    assert azure.http.request("PATCH", azure.url("a")).headers["x-ms-error-code"] == "UnsupportedHttpVerb"


def test_every_operation_is_named_and_needs_a_permission() -> None:
    assert all(operation.name and operation.permission.letter in set("rwdl") for operation in OPERATIONS)
    assert all(operation.permission.action.startswith("Microsoft.Storage/") for operation in OPERATIONS)


def test_blobs_outlive_the_process_and_left_overs_do_not(azure: Azure, tmp_path: Path, keys: Path) -> None:
    azure.put("kept", b"kept")
    put_block(azure, "staged", 1, b"staged")
    left_over = azure.cloud.state / "blobs" / ACCOUNT / "azureml" / "00000000-0000-0000-0000-00000000dead"
    left_over.write_bytes(b"an upload that a crash cut short")
    cloud = open_cloud(tmp_path, azure.clock, keys)
    again = Azure(cloud, azure.clock, Client(service(cloud)))
    assert again.http.get(again.url("kept")).content == b"kept"
    assert put_block_list(again, "staged", ("Latest", 1)).status_code == 201
    assert again.http.get(again.url("staged")).content == b"staged"
    assert not left_over.exists()
    cloud.store.close()


def test_an_upload_that_breaks_off_leaves_nothing(azure: Azure) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 3_000_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(Blobs(azure.cloud).receive(Address(ACCOUNT, "azureml", "a"), broken()))
    assert azure.files() == []


def test_forgetting_an_account_removes_all_it_held(azure: Azure) -> None:
    azure.put("a", b"x")
    put_block(azure, "b", 1, b"y")
    forget_account(azure.cloud, ACCOUNT)
    assert azure.files() == []
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "ContainerNotFound"
    Blobs(azure.cloud).make_container(ACCOUNT, "azureml")
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "BlobNotFound"


def test_content_is_never_held_whole(azure: Azure) -> None:
    """64 MiB in and out again, within 16 MiB."""
    chunk, chunks = b"x" * 65536, 1024
    received = 0

    async def call(method: str, url: str) -> int:
        path, _, query = url.removeprefix(f"https://{ACCOUNT}.blob.core.windows.net").partition("?")
        left = chunks if method == "PUT" else 0
        status = 0

        async def receive() -> dict[str, Any]:
            nonlocal left
            if method == "GET":
                await asyncio.Event().wait()  # the client stays and has nothing more to say
            left -= 1
            return {"type": "http.request", "body": chunk, "more_body": left > 0}

        async def send(message: Any) -> None:
            nonlocal received, status
            status = message.get("status", status)
            received += len(message.get("body", b""))

        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", f"{ACCOUNT}.blob.core.windows.net".encode()), (b"x-ms-blob-type", b"BlockBlob")],
        }
        await service(azure.cloud)(scope, receive, send)
        return status

    tracemalloc.start()
    try:
        assert asyncio.run(call("PUT", azure.url("large"))) == 201
        assert asyncio.run(call("GET", azure.url("large"))) == 200
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert received == len(chunk) * chunks
    assert peak < 16 * 1024 * 1024
