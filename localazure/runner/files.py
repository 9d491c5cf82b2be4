"""Files in and out of a job's folder: its snapshot and inputs from blobs, its log and outputs to blobs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from azmlflow.localazure.blobs.kept import CHUNK, Address, Blobs, read_range
from azmlflow.localazure.blobs.origins import CONTAINER, RUN_ORIGIN
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import inputs, places

SNAPSHOT_LIMIT = 300 * 1024 * 1024  # Azure's own (Microsoft, "Manage and increase quotas")


class FilesError(Exception):
    """A job's files cannot be had or kept; the message is for the job's reason."""


async def snapshot(cloud: Cloud, workspace: Document, code_uri: str, folder: Path) -> None:
    """Copy a code version's files.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        code_uri: `https://<account>.blob.core.windows.net/<container>[/<prefix>]`.
        folder: where to; it exists.

    Raises:
        FilesError: there are none, they are too large, or not the workspace's: who writes a code version names any
            place, and the embedded Azure reads without asking who that is.
    """
    parts = urlsplit(code_uri)
    account = (parts.hostname or "").partition(".")[0]
    if account != workspace["properties"]["storageAccount"].rpartition("/")[2].lower():
        raise FilesError(f"the code at {code_uri} is not in the workspace's own storage account")
    container, _, prefix = unquote(parts.path).strip("/").partition("/")
    count = await fetch(cloud, account, container, prefix, folder=folder, limit=SNAPSHOT_LIMIT)
    if not count:
        raise FilesError(f"the code at {code_uri} holds no files")


async def fetch(cloud: Cloud, account: str, container: str, prefix: str, *, folder: Path, limit: int) -> int:
    """Copy the blobs below a prefix, or the one of that name, into a folder; how many there were.

    Raises:
        FilesError: they are larger than `limit` together.
    """
    blobs, count, total = Blobs(cloud), 0, 0
    root = folder.resolve()
    for name, blob in list(blobs.list(account, container, prefix)):
        inner = name.removeprefix(prefix) if prefix else name
        if inner and prefix and not prefix.endswith("/") and not inner.startswith("/"):
            continue  # another blob that only begins alike
        path = root.joinpath(inner.strip("/") or name.rpartition("/")[2])
        total += blob.length
        if total > limit:
            raise FilesError(f"the files at {container}/{prefix} are larger than {limit // 1024 // 1024} MiB")
        if name.endswith("/") or blob.metadata.get("hdi_isfolder") == "true":
            continue
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        source = blobs.open(Address(account, container, name), blob)
        with path.open("wb") as target:
            async for data in read_range(source, 0, blob.length):
                target.write(data)
        count += 1
    return count


async def place(cloud: Cloud, workspace: Document, uri: str) -> str:
    """Where an input of files lies, in the spelling that Azure's clients open.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        uri: see `uri_input`.

    Raises:
        FilesError: it names another place, or nothing is there.
    """
    return places.long_uri(await _place(cloud, workspace, uri), workspace)


async def _place(cloud: Cloud, workspace: Document, uri: str) -> places.DatastorePath:
    try:
        return await inputs.place(cloud, workspace, uri)
    except AzureError as error:
        raise FilesError(f"the input '{uri}' cannot be had: {error.message}") from error


async def uri_input(cloud: Cloud, workspace: Document, uri: str, folder: Path, limit: int) -> Path:
    """Copy an input of files from one of the workspace's own datastores; where it is.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        uri: a path of a datastore or job, or the id of a data asset or model (`models.inputs`).
        folder: where to; it is made.
        limit: bytes that the files may have together.

    Raises:
        FilesError: it names another place, or nothing is there.
    """
    where = await _place(cloud, workspace, uri)
    found = places.container(cloud, workspace, where.datastore)
    assert found is not None, "`inputs.place` has seen files there"
    folder.mkdir(parents=True)
    await fetch(cloud, *found, where.path, folder=folder, limit=limit)
    single = folder / where.path.rpartition("/")[2]
    return single if single.is_file() and len(list(folder.iterdir())) == 1 else folder


async def keep(cloud: Cloud, address: Address, path: Path) -> None:
    """Make a file the content of a blob, replacing what was there."""

    async def chunks() -> AsyncIterator[bytes]:
        with path.open("rb") as source:
            while data := await asyncio.to_thread(source.read, CHUNK):
                yield data

    blobs = Blobs(cloud)
    blobs.make_container(address.account, address.container)
    content = await blobs.receive(address, chunks())
    blobs.commit(address, content, md5=content.md5, headers={"content-type": "application/octet-stream"}, metadata={})


async def keep_tree(cloud: Cloud, account: str, container: str, prefix: str, folder: Path) -> None:
    """Make the files below a folder blobs, or a file the one blob of the name `prefix`; links are not followed, since
    they may lead anywhere.

    The job made what is there, with fewer rights than we have: so not even the folder itself may be a link.
    """
    if folder.is_symlink():
        return
    if folder.is_file():
        await keep(cloud, Address(account, container, prefix), folder)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and folder.resolve() in path.resolve().parents:
            await keep(cloud, Address(account, container, f"{prefix}/{path.relative_to(folder).as_posix()}"), path)


def artifact(account: str, run_id: str, path: str) -> Address:
    """The blob of a run's artifact."""
    return Address(account, CONTAINER, f"{RUN_ORIGIN}/dcid.{run_id}/{path}")
