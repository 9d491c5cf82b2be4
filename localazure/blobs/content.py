"""The content of blobs: files, each written once under a GUID and never changed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.clock import Ids
from azmlflow.localazure.errors import AzureError

CHUNK = 1024 * 1024
_PIECES = 1024  # that one call may write (IOV_MAX)


@dataclass(frozen=True)
class Content:
    """Bytes written to a file of their own.

    Attributes:
        file: the file's name in the container's folder.
        length: how many bytes.
        md5: their digest, in base64 as the protocol has it; None when nobody asked for it.
    """

    file: str
    length: int
    md5: str | None


class Files:
    """The content files below a folder, a folder for each container.

    Args:
        root: the folder.
        ids: names the files.
    """

    def __init__(self, root: Path, ids: Ids) -> None:
        self._root, self._ids = root, ids

    async def receive(
        self, address: Address, chunks: AsyncIterable[bytes], *, digest: bool = True, safe: bool = True
    ) -> Content:
        """Write `chunks` to a file of their own; nothing is left if they break off.

        Args:
            address: the blob that they are for.
            chunks: the bytes.
            digest: compute their MD5.
            safe: return when they are safe on disk, not only with the system.
        """
        md5 = hashlib.md5(usedforsecurity=False) if digest else None
        async with self._fresh(address) as (name, file):
            await _pour(chunks, file, md5)
            length = file.tell()
            if safe:
                await asyncio.to_thread(_sync, file)
        return Content(name, length, None if md5 is None else base64.b64encode(md5.digest()).decode())

    async def join(self, address: Address, pieces: Sequence[tuple[str, int, int]]) -> Content:
        """Write the bytes of (file, offset, length) after (file, offset, length) to a file of their own.

        Raises:
            AzureError: 400 `InvalidBlockList` when one has not all its bytes: the machine went down after it came.
        """
        folder = self._folder(address)

        def write(target: BinaryIO) -> None:
            for name, offset, length in pieces:
                with (folder / name).open("rb", buffering=0) as source:
                    source.seek(offset)
                    if _copy(source, target, length) != length:
                        raise AzureError(400, "InvalidBlockList", "The specified block list is invalid.")
            _sync(target)

        async with self._fresh(address) as (fresh, file):
            await asyncio.to_thread(write, file)
            length = file.tell()
        return Content(fresh, length, None)

    async def link(self, source: Address, file: str, target: Address, length: int) -> Content:
        """Give `target` a file with the same content. Files never change, so a second name for one is enough."""
        name = self._ids.guid()

        def link() -> None:
            folder = self._folder(target)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / name).hardlink_to(self._folder(source) / file)

        await asyncio.to_thread(link)
        return Content(name, length, None)

    @contextlib.asynccontextmanager
    async def _fresh(self, address: Address) -> AsyncIterator[tuple[str, BinaryIO]]:
        """A new file for a blob's bytes, and its name; removed if an exception leaves the block."""
        folder, name = self._folder(address), self._ids.guid()
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
        try:
            with (folder / name).open("xb", buffering=0) as file:
                yield name, cast(BinaryIO, file)
        except BaseException:
            (folder / name).unlink(missing_ok=True)
            raise

    def discard(self, address: Address, file: str) -> None:
        """Remove a content file that no document names any more."""
        self._folder(address).joinpath(file).unlink(missing_ok=True)

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


async def _pour(chunks: AsyncIterable[bytes], file: BinaryIO, digest: hashlib._Hash | None) -> None:
    """Write chunks to a file, a thread writing (and hashing) what has come while more is coming."""
    waiting: list[bytes] = []
    size, writing = 0, None

    def write(pieces: list[bytes]) -> None:
        if digest is not None:
            for piece in pieces:
                digest.update(piece)
        _write(file, pieces)

    try:
        async for chunk in chunks:
            waiting.append(chunk)
            size += len(chunk)
            if size < CHUNK:  # a hop to a thread for each network packet would dominate
                continue
            if writing is not None:
                await writing
            writing = asyncio.ensure_future(asyncio.to_thread(write, waiting))
            waiting, size = [], 0
    finally:
        if writing is not None:  # the file must not be closed below it
            await asyncio.shield(writing)
    await asyncio.to_thread(write, waiting)


def _write(file: BinaryIO, pieces: list[bytes]) -> None:
    """Write pieces in one call of the system, where it takes them: each call hands the interpreter's lock over."""
    written = os.writev(file.fileno(), pieces) if 0 < len(pieces) <= _PIECES else 0
    if written < sum(map(len, pieces)):
        rest = memoryview(b"".join(pieces))[written:]
        while rest:
            rest = rest[file.write(rest) :]


def _copy(source: BinaryIO, target: BinaryIO, length: int) -> int:
    """Copy up to `length` bytes from where a file stands; how many there were."""
    left = length
    if hasattr(os, "copy_file_range"):  # Linux: no byte comes here, an eighth of the time
        while left > 0 and (count := os.copy_file_range(source.fileno(), target.fileno(), left)):
            left -= count
        return length - left
    while left > 0 and (data := source.read(min(CHUNK, left))):
        left -= len(data)
        _write(target, [data])
    return length - left


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
