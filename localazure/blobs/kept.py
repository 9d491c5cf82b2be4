"""Block blobs as kept here: a document in the store that names an immutable file.

A blob *is* its document in the collection "blobs"; the document's one write, which survives `kill -9`, is the moment
the blob changes. Content goes to a new file first, named by a GUID, so no name that a client chose ever becomes a
path, half an upload is never seen, and a reader keeps what it opened. Files that no document names are left-overs of
a crash or of uploads given up; `sweep` removes them, and the blocks that nobody committed within a week.

Keys are `<account>/<container>/<blob name>`; for an uncommitted block a line feed, which no blob name may hold, and
the block's id follow. Microsoft, "Naming and referencing containers, blobs, and metadata" and "Put Block List".
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO

from azmlflow.localazure.blobs import in_arm
from azmlflow.localazure.blobs.accounts import Account, Accounts
from azmlflow.localazure.blobs.blob import Blob, Part
from azmlflow.localazure.blobs.content import Content, Files
from azmlflow.localazure.blobs.names import Address, check_container
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ARTIFACT_OWNERS, BLOBS, BLOCKS, CONTAINERS
from azmlflow.localazure.core.errors import AzureError

_KEPT_UNCOMMITTED = timedelta(weeks=1)


class Blobs(Files):
    """The blobs of an embedded Azure."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud.state / "blobs", cloud.ids)
        self._store, self._clock = cloud.store, cloud.clock
        self._accounts = Accounts(cloud.store)

    def account(self, name: str) -> Account | None:
        """The storage account of this name, or None."""
        return self._accounts.find(name)

    def existing_account(self, name: str) -> Account:
        """The storage account of this name.

        Raises:
            AzureError: 404 `ResourceNotFound`. Azure's DNS does not know such a name; a proxy has to say something.
        """
        found = self.account(name)
        if found is None:
            message = "The specified resource does not exist: no such storage account."
            raise AzureError(404, "ResourceNotFound", message)
        return found

    def account_id(self, account: str) -> str | None:
        """The ARM id of the storage account of this name, or None."""
        found = self.account(account)
        return None if found is None else found.id

    def container_exists(self, account: str, container: str) -> bool:
        """Whether the account has this container."""
        return self._store.get(CONTAINERS, f"{account}/{container}") is not None

    def make_container(self, account: str, container: str, metadata: Mapping[str, str] | None = None) -> bool:
        """Make a container, which ARM then knows too; False if it was there."""
        check_container(container)
        if self.container_exists(account, container):
            return False
        told = self.describe_container(account, container, metadata or {})
        in_arm.tell(self._store, self.account(account), container, told)
        return True

    def describe_container(self, account: str, container: str, metadata: Mapping[str, str]) -> dict[str, Any]:
        """Write a container's description, with a new etag."""
        described = {"etag": self.new_etag(), "modified": self.now(), "metadata": dict(metadata)}
        self._store.put(CONTAINERS, f"{account}/{container}", described)
        return described

    def containers(self, account: str, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        """(name, description) of every container whose name starts with `prefix`, in order of name."""
        head = f"{account}/"
        return ((key[len(head) :], found) for key, found in self._store.scan(CONTAINERS, head + prefix))

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
        return None if found is None else Blob.of(found)

    def list(self, account: str, container: str, prefix: str = "") -> Iterator[tuple[str, Blob]]:
        """(name, blob) of every blob whose name starts with `prefix`, in order of name."""
        head = f"{account}/{container}/"
        return ((key[len(head) :], Blob.of(found)) for key, found in self._store.scan(BLOBS, head + prefix))

    def open(self, address: Address, blob: Blob) -> BinaryIO:
        """The blob's content, to read."""
        return self.open_all(address, blob.pieces)

    def commit(
        self,
        address: Address,
        content: Content,
        *,
        md5: str | None,
        headers: Mapping[str, str],
        metadata: Mapping[str, str],
        parts: Sequence[Part] = (),
        copied: Mapping[str, str] | None = None,
    ) -> Blob:
        """Make `content`, or `parts` where there are any, the blob at `address`, replacing what was there.

        Uncommitted blocks that it has no part in go. If it fails, the content goes.
        """
        now = self.now()
        old = self.get(address)
        created = now if old is None else old.created
        etag = self.new_etag()
        blob = Blob(content.file, content.length, md5, etag, created, now, headers, metadata, parts, copied or {})
        try:
            with self._store.transaction():
                self._store.put(BLOBS, address.key, asdict(blob))
                blocks = self._drop_blocks(address)
        except BaseException:
            if not parts:
                self.discard(address, content.file)
            raise
        self.discard(address, *({*blocks, *_files(old)} - _files(blob)))
        return blob

    async def copy(
        self,
        source: Address,
        blob: Blob,
        target: Address,
        *,
        metadata: Mapping[str, str],
        copied: Mapping[str, str] | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> Blob:
        """Make a blob what another one is; `check` may refuse it at the last moment, by raising."""
        names = await self.link(source, [file for file, _ in blob.pieces], target)
        parts = [replace(part, file=name) for part, name in zip(blob.parts, names, strict=False)]
        content, headers = Content("" if parts else names[0], blob.length, None), blob.headers
        try:
            check()
            return self.commit(
                target, content, md5=blob.md5, headers=headers, metadata=metadata, parts=parts, copied=copied
            )
        except BaseException:
            self.discard(target, *names)
            raise

    def replace(self, address: Address, blob: Blob) -> None:
        """Write a blob's changed description; its content stays."""
        self._store.put(BLOBS, address.key, asdict(blob))

    def delete(self, address: Address, blob: Blob) -> None:
        """Remove the blob."""
        self._store.delete(BLOBS, address.key)
        self.discard(address, *_files(blob))

    def stage(self, address: Address, block_id: str, content: Content) -> None:
        """Keep `content` as an uncommitted block, replacing one of the same id."""
        key = f"{address.key}\n{block_id}"
        old = self._store.get(BLOCKS, key)
        stale = () if self.staged(address) else self._drop_blocks(address)
        try:
            block = {"file": content.file, "length": content.length, "staged": self.now()}
            self._store.put(BLOCKS, key, block, synced=False)  # as its file: both matter once they are committed
        except BaseException:
            self.discard(address, content.file)
            raise
        self.discard(address, *({*stale, *([] if old is None else [old["file"]])} - _files(self.get(address))))

    def staged(self, address: Address) -> dict[str, tuple[str, int]]:
        """The uncommitted blocks: id -> (file, length); none when the last was put more than a week ago."""
        head = f"{address.key}\n"
        found = {key[len(head) :]: block for key, block in self._store.scan(BLOCKS, head)}
        if self._is_old(found.values()):
            return {}
        return {block_id: (block["file"], block["length"]) for block_id, block in found.items()}

    def now(self) -> str:
        """The current instant, as blobs keep it."""
        return self._clock.now().isoformat()

    def new_etag(self) -> str:
        """An etag not given before, with its quotes."""
        return f'"0x{self._ids.guid().replace("-", "")[-15:].upper()}"'

    def sweep(self) -> None:
        """Remove old uncommitted blocks, and files that no document names. Only while nothing is uploaded: at start."""
        of_blob = itertools.groupby(self._store.scan(BLOCKS), key=lambda found: found[0].partition("\n")[0])
        for blocks in [list(found) for _, found in of_blob]:
            if self._is_old(block for _, block in blocks):
                for key, _ in blocks:
                    self._store.delete(BLOCKS, key)
        named = {
            f"{'/'.join(key.split('/')[:2])}/{file}"
            for collection in (BLOBS, BLOCKS)
            for key, document in self._store.scan(collection)
            for file in ([document["file"]] if collection == BLOCKS else _files(Blob.of(document)))
        }
        for file in self._root.glob("*/*/*"):
            if file.relative_to(self._root).as_posix() not in named:
                file.unlink(missing_ok=True)

    def forget_container(self, account: str, container: str) -> None:
        """Remove a container and all that it held."""
        self._forget(f"{account}/{container}/", f"{account}/{container}", self._root / account / container)
        in_arm.forget(self._store, self.account(account), container)

    def forget_account(self, account: str) -> None:
        """Remove all that a storage account held."""
        self._forget(f"{account}/", None, self._root / account)

    def _forget(self, prefix: str, container: str | None, folder: Path) -> None:
        with self._store.transaction():
            for collection in (BLOBS, BLOCKS, CONTAINERS, ARTIFACT_OWNERS):
                for key, _ in self._store.scan(collection, prefix):
                    self._store.delete(collection, key)
            if container is not None:
                self._store.delete(CONTAINERS, container)
                self._store.delete(ARTIFACT_OWNERS, container)
        shutil.rmtree(folder, ignore_errors=True)

    def _drop_blocks(self, address: Address) -> tuple[str, ...]:
        """Remove the documents of all uncommitted blocks; their files."""
        found = list(self._store.scan(BLOCKS, f"{address.key}\n"))
        for key, _ in found:
            self._store.delete(BLOCKS, key)
        return tuple(block["file"] for _, block in found)

    def _is_old(self, blocks: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the last of a blob's uncommitted blocks came more than a week ago ("Put Block", remarks)."""
        last = max((str(block.get("staged", "")) for block in blocks), default=self.now())
        return last < (self._clock.now() - _KEPT_UNCOMMITTED).isoformat()


def _files(blob: Blob | None) -> set[str]:
    return set() if blob is None else {file for file, _ in blob.pieces}
