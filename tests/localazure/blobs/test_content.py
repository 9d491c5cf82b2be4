"""Block blobs: what is put is read back, whole, in ranges and in blocks, and never held in memory."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import tracemalloc
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest

from azmlflow.localazure.blobs import content as files
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.collections import BLOCKS
from azmlflow.localazure.services.blobs import service
from tests.localazure.blobs.world import (
    ACCOUNT,
    HOST,
    Azure,
    block_id,
    block_list,
)


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


def test_without_a_condition_a_blob_is_replaced_and_its_old_content_removed(azure: Azure) -> None:
    first = azure.put("a", b"first").headers["etag"]
    assert azure.put("a", b"second").headers["etag"] != first
    assert azure.http.get(azure.url("a")).content == b"second"
    assert len(azure.files()) == 1


def test_blocks_become_a_blob_in_the_order_of_the_list(azure: Azure) -> None:
    for number, content in ((1, b"one "), (2, b"two "), (3, b"three "), (9, b"never listed")):
        assert azure.put_block("big", number, content).status_code == 201
    assert azure.http.get(azure.url("big")).headers["x-ms-error-code"] == "BlobNotFound"
    made = azure.put_block_list(
        "big", ("Latest", 3), ("Latest", 1), ("Uncommitted", 2), x_ms_blob_content_type="text/x"
    )
    assert made.status_code == 201
    got = azure.http.get(azure.url("big"))
    assert (got.content, got.headers["content-type"]) == (b"three one two ", "text/x")
    assert "content-md5" not in got.headers
    assert list(azure.cloud.store.scan(BLOCKS)) == []
    assert len(azure.files()) == 3, "the unlisted block is discarded"


def test_a_later_list_keeps_committed_blocks(azure: Azure) -> None:
    for number, content in ((1, b"one "), (2, b"two ")):
        azure.put_block("big", number, content)
    azure.put_block_list("big", ("Latest", 1), ("Latest", 2))
    azure.put_block("big", 2, b"TWO ")
    azure.put_block_list("big", ("Latest", 2), ("Committed", 2), ("Committed", 1))
    assert azure.http.get(azure.url("big")).content == b"TWO two one "
    told = azure.http.get(azure.url("big", more="&comp=blocklist&blocklisttype=all"))
    assert len(azure.files()) == 3
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
    azure.put_block("big", 1, b"one")
    refused = azure.http.put(azure.url("big", more="&comp=blocklist"), content=body)
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, code)
    assert azure.put_block_list("big", ("Latest", 1)).status_code == 201


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


def test_content_is_never_held_whole(azure: Azure) -> None:
    """64 MiB in and out again, within 16 MiB."""
    chunk, chunks = b"x" * 65536, 1024
    received = 0

    async def call(method: str, url: str) -> int:
        path, _, query = url.removeprefix(f"{HOST}").partition("?")
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


def test_a_block_is_hashed_for_those_only_who_send_a_hash(azure: Azure) -> None:
    md5 = base64.b64encode(hashlib.md5(b"one", usedforsecurity=False).digest()).decode()
    assert azure.put_block("big", 1, b"one", content_md5=md5).headers["content-md5"] == md5
    assert azure.put_block("big", 1, b"two", content_md5=md5).headers["x-ms-error-code"] == "Md5Mismatch"
    assert "content-md5" not in azure.put_block("big", 2, b"two").headers
    azure.put_block_list("big", ("Latest", 1), ("Latest", 2))
    assert azure.http.get(azure.url("big")).content == b"onetwo"


def test_a_signed_url_can_override_the_headers_of_the_answer(azure: Azure) -> None:
    azure.put("a", b"x", content_type="text/plain")
    url = azure.url("a", more="&rsct=text/html")
    assert azure.http.get(url).headers["x-ms-error-code"] == "AuthenticationFailed", "it must be signed too"
    bearer = {"Authorization": f"Bearer {azure.sign_in('Storage Blob Data Reader')}"}
    plain = azure.http.get(f"{HOST}/azureml/a?rsct=text/html", headers=bearer)
    assert plain.headers["x-ms-error-code"] == "UnsupportedQueryParameter", "nor does it count without a signature"


def test_a_snapshot_is_not_answered_with_the_blob_itself(azure: Azure) -> None:
    azure.put("a", b"x")
    for method in ("GET", "HEAD", "DELETE"):
        told = azure.http.request(method, azure.url("a", more="&snapshot=2026-01-01T00:00:00.0000000Z"))
        assert told.status_code == 400
    assert azure.http.get(azure.url("a")).content == b"x"


def test_ranges_go_across_blocks(azure: Azure) -> None:
    for number, block in enumerate((b"0123", b"", b"456", b"789")):
        azure.put_block("digits", number, block)
    azure.put_block_list("digits", *(("Latest", number) for number in range(4)))
    for first, last in ((0, 9), (2, 5), (4, 4), (3, 7), (9, 9)):
        got = azure.http.get(azure.url("digits"), headers={"Range": f"bytes={first}-{last}"})
        assert got.content == b"0123456789"[first : last + 1]
    blobs = Blobs(azure.cloud)
    address = Address(ACCOUNT, "azureml", "digits")
    blob = blobs.get(address)
    assert blob is not None
    with blobs.open(address, blob) as file:
        assert (file.read(5), file.seek(-3, os.SEEK_END), file.read()) == (b"01234", 7, b"789")


def refused(*_: object) -> int:
    raise BlockingIOError


@pytest.mark.parametrize(
    "changes",
    [{}, {"_AT_HAND": 3}, {"_NOWAIT": None}, {"preadv": refused}],
    ids=["in memory", "piece by piece", "not Linux", "on the disk"],
)
def test_ranges_are_the_same_wherever_the_bytes_are(
    azure: Azure, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    for name, value in changes.items():
        monkeypatch.setattr(os if name == "preadv" else files, name, value)
    for number, block in enumerate((b"0123", b"456", b"", b"789")):
        azure.put_block("digits", number, block)
    azure.put_block_list("digits", *(("Latest", number) for number in range(4)))
    azure.put("one", b"0123456789")
    for name in ("digits", "one"):
        for first, last in ((0, 9), (2, 5), (4, 4), (3, 7), (9, 9)):
            got = azure.http.get(azure.url(name), headers={"Range": f"bytes={first}-{last}"})
            assert got.content == b"0123456789"[first : last + 1]
        assert azure.http.get(azure.url(name)).content == b"0123456789"


def test_what_is_in_memory_takes_no_thread(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    azure.put("a", b"x" * 1000)
    monkeypatch.setattr(files, "_NOWAIT", 0)  # not every file system is asked by a flag

    async def hop(*_: object) -> bytes:
        raise AssertionError

    monkeypatch.setattr(asyncio, "to_thread", hop)
    assert len(azure.http.get(azure.url("a")).content) == 1000


def test_an_empty_block_list_makes_an_empty_blob(azure: Azure) -> None:
    azure.put("a", b"first")
    assert azure.put_block_list("a").status_code == 201
    assert azure.http.get(azure.url("a")).content == b""
    assert len(azure.files()) == 1


def test_a_blob_that_goes_while_its_blocks_are_read_is_broken_off(azure: Azure) -> None:
    for number in range(2):
        azure.put_block("big", number, b"x" * 100)
    azure.put_block_list("big", ("Latest", 0), ("Latest", 1))
    blobs, address = Blobs(azure.cloud), Address(ACCOUNT, "azureml", "big")
    blob = blobs.get(address)
    assert blob is not None
    with blobs.open(address, blob) as file:
        blobs.delete(address, blob)
        with pytest.raises(FileNotFoundError):
            file.read()


def test_two_block_lists_at_once_do_not_share_lost_blocks(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the blocks are made safe another request may drop them."""
    azure.put_block("big", 1, b"one")
    secure = Blobs.secure

    async def late(blobs: Blobs, address: Address, pieces: Any) -> bool:
        found = await secure(blobs, address, pieces)
        azure.cloud.store.delete(BLOCKS, f"{address.key}\n{block_id(1)}")
        return found

    monkeypatch.setattr(Blobs, "secure", late)
    assert azure.put_block_list("big", ("Latest", 1)).headers["x-ms-error-code"] == "InvalidBlockList"
