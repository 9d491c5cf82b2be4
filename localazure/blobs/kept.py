"""Block blobs as kept here: a document in the store that names an immutable file.

A blob *is* its document in the collection "blobs"; the document's one write, which survives `kill -9`, is the moment
the blob changes. Content goes to a new file first, named by a GUID, so no name that a client chose ever becomes a
path, half an upload is never seen, and a reader keeps what it opened. Files that no document names are left-overs of
a crash or of uploads given up; `sweep` removes them.

Keys are `<account>/<container>/<blob name>`; for an uncommitted block a line feed, which no blob name may hold, and
the block's id follow. Microsoft, "Naming and referencing containers, blobs, and metadata" and "Put Block List".
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import re
import shutil
import unicodedata
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.errors import AzureError

BLOBS, BLOCKS, CONTAINERS = "blobs", "blob_blocks", "containers"
CHUNK = 1024 * 1024
_CONTAINER = re.compile(r"\$root|\$web|\$logs|(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])*")
_ACCOUNT_TYPE = "/providers/microsoft.storage/storageaccounts/"
_MAX_NAME, _MAX_SEGMENTS = 1024, 254


@dataclass(frozen=True)
class Content:
    """Bytes written to a file of their own.

    Attributes:
        file: the file's name in the container's folder.
        length: how many bytes.
        md5: their digest, in base64 as the protocol has it.
    """

    file: str
    length: int
    md5: str


@dataclass(frozen=True)
class Part:
    """A block of a committed blob: where its bytes are within the content."""

    id: str
    offset: int
    length: int


@dataclass(frozen=True)
class Blob:
    """A committed block blob.

    Attributes:
        file, length: its content.
        md5: base64 digest; None for a blob made of blocks without one being told, as Azure computes none there.
        etag: changes with every change, quotes included.
        created, modified: ISO 8601 instants.
        headers: content-type, content-encoding, ... as told at the upload.
        metadata: the names and values of `x-ms-meta-*`.
        parts: its blocks, for a later block list that keeps some.
    """

    file: str
    length: int
    md5: str | None
    etag: str
    created: str
    modified: str
    headers: Mapping[str, str]
    metadata: Mapping[str, str]
    parts: Sequence[Part] = field(default=())

    @property
    def last_modified(self) -> datetime:
        """When it last changed."""
        return datetime.fromisoformat(self.modified)


@dataclass(frozen=True)
class Address:
    """Which blob: account, container and name.

    Raises:
        AzureError: 400 when the container or the name is not one that Azure allows.
    """

    account: str
    container: str
    name: str

    def __post_init__(self) -> None:
        check_container(self.container)
        segments = self.name.split("/")
        if not 1 <= len(self.name) <= _MAX_NAME or len(segments) > _MAX_SEGMENTS:
            raise AzureError(400, "OutOfRangeInput", "A blob name has 1 to 1024 characters and at most 254 segments.")
        if any(map(_is_forbidden, self.name)) or not {".", ".."}.isdisjoint(segments):
            raise AzureError(
                400, "InvalidResourceName", "A blob name has no control characters and no '.' or '..' segments."
            )

    @property
    def key(self) -> str:
        """Its key in the store."""
        return f"{self.account}/{self.container}/{self.name}"


def check_container(name: str) -> None:
    """Raise 400 `InvalidResourceName` unless `name` is a container name that Azure allows."""
    if _CONTAINER.fullmatch(name) is None:
        raise AzureError(
            400,
            "InvalidResourceName",
            "The specified resource name contains invalid characters: a container name has 3 to 63 lower-case "
            "letters, digits and single hyphens.",
        )


def forget_account(cloud: Cloud, account: str) -> None:
    """Remove all blobs of a storage account: what the deletion of the account means for its content."""
    Blobs(cloud).forget_account(account)


class Blobs:
    """The blobs of an embedded Azure."""

    def __init__(self, cloud: Cloud) -> None:
        self._store, self._clock, self._ids = cloud.store, cloud.clock, cloud.ids
        self._root = cloud.state / "blobs"

    def account_id(self, account: str) -> str | None:
        """The ARM id of the storage account of this name, or None; account names are unique in all Azure."""
        return next((key for key, _ in self._store.scan("resources") if _account_of(key) == account), None)

    def container_exists(self, account: str, container: str) -> bool:
        """Whether the account has this container."""
        return self._store.get(CONTAINERS, f"{account}/{container}") is not None

    def make_container(self, account: str, container: str) -> bool:
        """Make a container; False if it was there."""
        check_container(container)
        if self.container_exists(account, container):
            return False
        made = {"etag": self.new_etag(), "modified": self.now()}
        self._store.put(CONTAINERS, f"{account}/{container}", made)
        return True

    def container(self, account: str, container: str) -> dict[str, Any]:
        """The container's etag and instant of change.

        Raises:
            AzureError: 404 `ContainerNotFound`.
        """
        found = self._store.get(CONTAINERS, f"{account}/{container}")
        if found is None:
            raise AzureError(404, "ContainerNotFound", "The specified container does not exist.")
        return found

    def get(self, address: Address) -> Blob | None:
        """The blob at `address`, or None."""
        found = self._store.get(BLOBS, address.key)
        return None if found is None else _blob(found)

    def list(self, account: str, container: str, prefix: str = "") -> Iterator[tuple[str, Blob]]:
        """(name, blob) of every blob whose name starts with `prefix`, in order of name."""
        head = f"{account}/{container}/"
        return ((key[len(head) :], _blob(found)) for key, found in self._store.scan(BLOBS, head + prefix))

    def open(self, address: Address, blob: Blob) -> BinaryIO:
        """The blob's content, to read; it stays what it is if the blob changes meanwhile."""
        return self._folder(address).joinpath(blob.file).open("rb")

    async def receive(self, address: Address, chunks: AsyncIterable[bytes]) -> Content:
        """Write `chunks` to a file of their own, safe on disk at return; nothing is left if they break off."""
        folder = self._folder(address)
        name = self._ids.guid()
        digest = hashlib.md5(usedforsecurity=False)
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        try:
            with (folder / name).open("xb") as file:

                def write(data: bytes) -> None:
                    digest.update(data)
                    file.write(data)

                async for data in _gathered(chunks):
                    await asyncio.to_thread(write, data)
                length = file.tell()
                await asyncio.to_thread(_sync, file)
        except BaseException:
            (folder / name).unlink(missing_ok=True)
            raise
        return Content(name, length, base64.b64encode(digest.digest()).decode())

    def commit(
        self,
        address: Address,
        content: Content,
        *,
        md5: str | None,
        headers: Mapping[str, str],
        metadata: Mapping[str, str],
        parts: Sequence[Part] = (),
    ) -> Blob:
        """Make `content` the blob at `address`, replacing what was there; its uncommitted blocks go."""
        now = self.now()
        old = self.get(address)
        created = now if old is None else old.created
        blob = Blob(content.file, content.length, md5, self.new_etag(), created, now, headers, metadata, parts)
        with self._store.transaction():
            self._store.put(BLOBS, address.key, asdict(blob))
            blocks = [block for _, block in self._drop_blocks(address)]
        for file in [*blocks, *([] if old is None else [old.file])]:
            self.discard(address, file)
        return blob

    def replace(self, address: Address, blob: Blob) -> None:
        """Write a blob's changed description; its content stays."""
        self._store.put(BLOBS, address.key, asdict(blob))

    def delete(self, address: Address, blob: Blob) -> None:
        """Remove the blob."""
        self._store.delete(BLOBS, address.key)
        self.discard(address, blob.file)

    def stage(self, address: Address, block_id: str, content: Content) -> None:
        """Keep `content` as an uncommitted block, replacing one of the same id."""
        key = f"{address.key}\n{block_id}"
        old = self._store.get(BLOCKS, key)
        self._store.put(BLOCKS, key, {"file": content.file, "length": content.length})
        if old is not None:
            self.discard(address, old["file"])

    def staged(self, address: Address) -> dict[str, tuple[str, int]]:
        """The uncommitted blocks: id -> (file, length)."""
        head = f"{address.key}\n"
        return {key[len(head) :]: (block["file"], block["length"]) for key, block in self._store.scan(BLOCKS, head)}

    def slices(self, address: Address, pieces: Sequence[tuple[str, int, int]]) -> AsyncIterator[bytes]:
        """The bytes of (file, offset, length) after (file, offset, length)."""

        async def read() -> AsyncIterator[bytes]:
            for name, offset, length in pieces:
                file = self._folder(address).joinpath(name).open("rb")
                async for data in read_range(file, offset, length):
                    yield data

        return read()

    def discard(self, address: Address, file: str) -> None:
        """Remove a content file that no document names any more."""
        self._folder(address).joinpath(file).unlink(missing_ok=True)

    def now(self) -> str:
        """The current instant, as blobs keep it."""
        return self._clock.now().isoformat()

    def new_etag(self) -> str:
        """An etag not given before, with its quotes."""
        return f'"0x{self._ids.guid().replace("-", "")[-15:].upper()}"'

    def sweep(self) -> None:
        """Remove files that no document names. Only while nothing is being uploaded: at the start."""
        named = {
            f"{'/'.join(key.split('/')[:2])}/{document['file']}"
            for collection in (BLOBS, BLOCKS)
            for key, document in self._store.scan(collection)
        }
        for file in self._root.glob("*/*/*"):
            if file.relative_to(self._root).as_posix() not in named:
                file.unlink(missing_ok=True)

    def forget_account(self, account: str) -> None:
        """Remove all that a storage account held."""
        with self._store.transaction():
            for collection in (BLOBS, BLOCKS, CONTAINERS):
                for key, _ in self._store.scan(collection, f"{account}/"):
                    self._store.delete(collection, key)
        shutil.rmtree(self._root / account, ignore_errors=True)

    def _drop_blocks(self, address: Address) -> Iterator[tuple[str, str]]:
        for block_id, (file, _) in self.staged(address).items():
            self._store.delete(BLOCKS, f"{address.key}\n{block_id}")
            yield block_id, file

    def _folder(self, address: Address) -> Path:
        return self._root / address.account / address.container


async def read_range(file: BinaryIO, offset: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of `file` from `offset` on, in chunks; closes the file."""
    with file:
        await asyncio.to_thread(file.seek, offset)
        while length > 0:
            data = await asyncio.to_thread(file.read, min(CHUNK, length))
            if not data:
                return
            length -= len(data)
            yield data


async def _gathered(chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of at least `CHUNK`: a hop to a thread for each network packet would dominate."""
    waiting = bytearray()
    async for chunk in chunks:
        waiting += chunk
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def _is_forbidden(character: str) -> bool:
    # Control characters and what XML, in which names are listed, cannot hold.
    return unicodedata.category(character) in ("Cc", "Cs") or character in "\ufffe\uffff"


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _account_of(resource_id: str) -> str | None:
    _, found, name = resource_id.lower().partition(_ACCOUNT_TYPE)
    return name if found and "/" not in name else None


def _blob(document: Mapping[str, Any]) -> Blob:
    return Blob(**{**document, "parts": [Part(**part) for part in document["parts"]]})
