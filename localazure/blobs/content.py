"""The content of blobs: files, each written once under a GUID and never changed."""

from __future__ import annotations

import asyncio
import base64
import bisect
import contextlib
import hashlib
import io
import itertools
import os
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.clock import Ids

CHUNK = 1024 * 1024
_AT_HAND = 256 * 1024  # read at a time of what is in memory: it stays in the processor's cache until it is encrypted
_NOWAIT: int | None = getattr(os, "RWF_NOWAIT", None)  # Linux
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

    def open_all(self, address: Address, pieces: Sequence[tuple[str, int]]) -> BinaryIO:
        """The bytes of (file, length) after (file, length), to read.

        One file stays what it is if the blob changes meanwhile; of several, each is opened when reading comes to it,
        and breaks off (FileNotFoundError) if it is gone.
        """
        joined = Joined([(self._folder(address) / name, length) for name, length in pieces])
        if len(pieces) == 1:
            joined.place(0)
        return cast(BinaryIO, io.BufferedReader(joined))

    async def secure(self, address: Address, pieces: Sequence[tuple[str, int]]) -> bool:
        """Have the bytes of each (file, length) safe on disk; False when one is gone or has not all of them."""
        folder = self._folder(address)

        def sync() -> bool:
            for name, length in dict.fromkeys(pieces):
                with (folder / name).open("rb") as file:
                    os.fsync(file.fileno())
                    if os.fstat(file.fileno()).st_size != length:
                        return False
            return True

        try:
            return await asyncio.to_thread(sync)
        except FileNotFoundError:
            return False

    async def link(self, source: Address, files: Sequence[str], target: Address) -> list[str]:
        """Give `target` files with the same content. Files never change, so a second name for one is enough."""
        names = [self._ids.guid() for _ in files]

        def link() -> None:
            folder = self._folder(target)
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name, file in zip(names, files, strict=True):
                (folder / name).hardlink_to(self._folder(source) / file)

        try:
            await asyncio.to_thread(link)
        except BaseException:
            self.discard(target, *names)
            raise
        return names

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

    def discard(self, address: Address, *files: str) -> None:
        """Remove content files that no document names any more."""
        for file in files:
            self._folder(address).joinpath(file).unlink(missing_ok=True)

    def _folder(self, address: Address) -> Path:
        return self._root / address.account / address.container


class Joined(io.RawIOBase):
    """Several files as one, to read.

    Args:
        pieces: each file with its length.
    """

    def __init__(self, pieces: Sequence[tuple[Path, int]]) -> None:
        super().__init__()
        self._paths = [path for path, _ in pieces]
        self._ends = list(itertools.accumulate(length for _, length in pieces))
        self._at = 0
        self._open: tuple[int, BinaryIO] | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to an offset."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._ends[-1] if self._ends else 0}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Read from one file, where it stands."""
        if not self._ends or self._at >= self._ends[-1]:
            return 0
        file, start, left = self.place(self._at)
        file.seek(start)
        count = file.readinto(memoryview(buffer)[:left])  # type: ignore[attr-defined]
        self._at += count
        return int(count)

    def at_hand(self, offset: int, buffer: bytearray) -> int:
        """Read from an offset what the system has in memory; 0 where it would wait for a disk, or cannot tell."""
        file, start, left = self.place(offset)
        if _NOWAIT is None:
            return 0
        try:
            return os.preadv(file.fileno(), [memoryview(buffer)[:left]], start, _NOWAIT)
        except OSError:  # it would wait; or the file system knows no such question
            return 0

    def place(self, offset: int) -> tuple[BinaryIO, int, int]:
        """The file in which an offset is, open; where in it, and how many bytes of it are left."""
        number = min(bisect.bisect_right(self._ends, offset), len(self._ends) - 1)
        if self._open is None or self._open[0] != number:
            self._close()
            self._open = number, self._paths[number].open("rb", buffering=0)
        start = self._ends[number - 1] if number else 0
        return self._open[1], offset - start, max(0, self._ends[number] - offset)

    def close(self) -> None:
        """Close the file that is open."""
        self._close()
        super().close()

    def _close(self) -> None:
        if self._open is not None:
            self._open[1].close()
            self._open = None


async def read_range(file: BinaryIO, offset: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of `file`, as `open_all` opens it, from `offset` on, in chunks; closes the file.

    A hop to a thread and back costs more than to read what the system has in memory, such as what was just written.
    """
    joined: Joined = file.raw  # type: ignore[attr-defined]
    buffer = bytearray(min(_AT_HAND, length))
    with file:
        while length > 0:
            count = joined.at_hand(offset, buffer)
            if count:
                data = bytes(memoryview(buffer)[: min(count, length)])
            else:
                file.seek(offset)  # reads nothing, so it is not worth a thread
                data = await asyncio.to_thread(file.read, min(CHUNK, length))
            if not data:
                return
            offset += len(data)
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


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
