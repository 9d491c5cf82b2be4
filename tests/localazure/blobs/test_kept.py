"""What outlives the process, what is forgotten, and that nothing is left on the disk."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from azmlflow.localazure.blobs import content
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.collections import BLOCKS
from azmlflow.localazure.services.blobs import service
from tests.localazure.blobs.world import (
    ACCOUNT,
    Azure,
    Client,
    block_id,
    open_cloud,
)


def test_blobs_outlive_the_process_and_left_overs_do_not(azure: Azure, tmp_path: Path, keys: Path) -> None:
    azure.put("kept", b"kept")
    azure.put_block("staged", 1, b"staged")
    left_over = azure.cloud.state / "blobs" / ACCOUNT / "azureml" / "00000000-0000-0000-0000-00000000dead"
    left_over.write_bytes(b"an upload that a crash cut short")
    cloud = open_cloud(tmp_path, azure.clock, keys)
    again = Azure(cloud, azure.clock, Client(service(cloud)))
    assert again.http.get(again.url("kept")).content == b"kept"
    assert again.put_block_list("staged", ("Latest", 1)).status_code == 201
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
    azure.put_block("b", 1, b"y")
    Blobs(azure.cloud).forget_account(ACCOUNT)
    assert azure.files() == []
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "ContainerNotFound"
    Blobs(azure.cloud).make_container(ACCOUNT, "azureml")
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "BlobNotFound"


def test_uncommitted_blocks_are_forgotten_after_a_week(azure: Azure, tmp_path: Path, keys: Path) -> None:
    azure.put_block("old", 1, b"old")
    azure.put_block("renewed", 1, b"one")
    azure.clock.advance(4 * 86400)
    azure.put_block("renewed", 2, b"two")
    azure.clock.advance(4 * 86400)
    assert azure.put_block_list("old", ("Latest", 1)).headers["x-ms-error-code"] == "InvalidBlockList"
    assert len(azure.files()) == 3
    cloud = open_cloud(tmp_path, azure.clock, keys)
    service(cloud)
    assert len(azure.files()) == 2, "the old one's file is gone with the next start"
    cloud.store.close()
    assert azure.put_block_list("renewed", ("Latest", 1), ("Latest", 2)).status_code == 201
    azure.put_block("again", 1, b"old")
    azure.clock.advance(8 * 86400)
    azure.put_block("again", 2, b"new")
    assert set(Blobs(azure.cloud).staged(Address(ACCOUNT, "azureml", "again"))) == {block_id(2)}
    assert len(azure.files()) == 3, "two of the blob 'renewed', one of this"


def test_a_deleted_container_leaves_nothing(azure: Azure) -> None:
    azure.put("a", b"x")
    azure.put_block("b", 1, b"y")
    Blobs(azure.cloud).forget_container(ACCOUNT, "azureml")
    assert azure.files() == []
    assert list(azure.cloud.store.scan(BLOCKS)) == []
    assert azure.http.get(azure.url("a")).headers["x-ms-error-code"] == "ContainerNotFound"


def test_a_block_that_lost_bytes_is_not_committed(azure: Azure) -> None:
    """Blocks need not be safe on disk before they are committed."""
    azure.put_block("big", 1, b"one")
    (file,) = azure.files()
    file.write_bytes(b"on")
    refused = azure.put_block_list("big", ("Latest", 1))
    assert (refused.status_code, refused.headers["x-ms-error-code"]) == (400, "InvalidBlockList")
    assert azure.files() == [file]


@pytest.mark.parametrize("step", ["write", "sync", "document"])
def test_a_full_disk_is_told_and_nothing_kept(azure: Azure, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    azure.put("a", b"first")

    def full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def database_full(*_arguments: object, **_options: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    with monkeypatch.context() as patch:
        if step == "document":
            patch.setattr(azure.cloud.store, "put", database_full)
        else:
            patch.setattr(content, "_sync" if step == "sync" else "_pour", full)
        refused = azure.put("a", b"second")
        assert (refused.status_code, refused.headers["x-ms-error-code"]) == (507, "InsufficientStorage")
        assert "disk is full" in refused.text
        azure.put_block("b", 1, b"block")
    assert azure.http.get(azure.url("a")).content == b"first"
    azure.put_block_list("b", ("Latest", 1))
    assert len(azure.files()) == (2 if step == "sync" else 1), "a block is not synced"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the device that is always full is Linux's")
def test_a_disk_that_is_full_in_the_midst_of_an_upload_ends_it(azure: Azure) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"x" * content.CHUNK

    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        asyncio.run(content._pour(chunks(), cast(BinaryIO, full), None))


def test_an_upload_in_very_small_pieces_is_kept_whole(azure: Azure) -> None:
    pieces = [bytes([n % 256]) for n in range(5000)]

    async def chunks() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    address = Address(ACCOUNT, "azureml", "a")
    kept = asyncio.run(Blobs(azure.cloud).receive(address, chunks()))
    (file,) = azure.files()
    assert (file.read_bytes(), kept.length) == (b"".join(pieces), 5000)


def test_other_faults_of_the_disk_are_faults_of_ours(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(content, "_pour", broken)
    with pytest.raises(OSError, match="Input/output"):
        azure.put("a", b"x")
    assert azure.files() == []


def test_a_blob_that_an_earlier_version_joined_is_kept(azure: Azure, tmp_path: Path, keys: Path) -> None:
    azure.put("a", b"onetwo")
    key = f"{ACCOUNT}/azureml/a"
    document = azure.cloud.store.get("blobs", key)
    assert document is not None
    parts = [{"id": block_id(n), "offset": n * 3, "length": 3} for n in range(2)]
    azure.cloud.store.put(
        "blobs", key, {name: document[name] for name in document if name != "copied"} | {"parts": parts}
    )
    cloud = open_cloud(tmp_path, azure.clock, keys)
    again = Azure(cloud, azure.clock, Client(service(cloud)))
    assert again.http.get(again.url("a")).content == b"onetwo"
    cloud.store.close()


def test_a_copy_that_cannot_be_described_leaves_no_file(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        azure.put_block("big", number, b"x")
    azure.put_block_list("big", ("Latest", 0), ("Latest", 1))
    blobs, source = Blobs(azure.cloud), Address(ACCOUNT, "azureml", "big")
    blob = blobs.get(source)
    assert blob is not None

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(azure.cloud.store, "put", full)
    with pytest.raises(OSError, match="No space"):
        asyncio.run(blobs.copy(source, blob, Address(ACCOUNT, "azureml", "copy"), metadata={}))
    assert len(azure.files()) == 2


def test_a_block_whose_file_is_gone_is_not_committed(azure: Azure) -> None:
    azure.put_block("big", 1, b"one")
    (file,) = azure.files()
    file.unlink()
    assert azure.put_block_list("big", ("Latest", 1)).headers["x-ms-error-code"] == "InvalidBlockList"
