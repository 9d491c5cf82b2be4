"""Files in and out of a job's folder: its snapshot and inputs from blobs, its log and outputs to blobs.

None of the job's is opened here: its porter does that, as the job's user (`keeper.porter`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from azmlflow.localazure.blobs import named
from azmlflow.localazure.blobs.content import CHUNK, read_range
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobs.origins import CONTAINER, RUN_ORIGIN
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.place import Porter
from azmlflow.localazure.models import inputs, places

SNAPSHOT_LIMIT = 300 * 1024 * 1024  # Azure's own (Microsoft, "Manage and increase quotas")


class FilesError(Exception):
    """A job's files cannot be had or kept; the message is for the job's reason."""


class TooLarge(FilesError):
    """A job's files come to more than its limit of disk."""


@dataclass
class Room:
    """How much may still be kept of what a job left.

    What a file takes on the node's disk is not what it takes here: one with holes, or with many names, takes more.

    Attributes:
        left: bytes; None: any number.
    """

    left: int | None

    async def take(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The chunks, as long as there is room for them.

        Raises:
            TooLarge: there is no more.
        """
        async for data in chunks:
            if self.left is not None:
                self.left -= len(data)
                if self.left < 0:
                    raise TooLarge("the job's files are larger than its limit of disk")
            yield data


async def snapshot(cloud: Cloud, workspace: Document, code_uri: str, porter: Porter, into: str) -> None:
    """Copy a code version's files.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        code_uri: `https://<account>.blob.core.windows.net/<container>[/<prefix>]`.
        porter: of the job, who writes them.
        into: the folder of the job's that they go to.

    Raises:
        FilesError: there are none, they are too large, or not in the workspace's account. Whether who named the place
            might is asked when the code version is made (`blobs.named`).
    """
    account, container, prefix = named.split(code_uri)
    if account != workspace["properties"]["storageAccount"].rpartition("/")[2].lower():
        raise FilesError(f"the code at {code_uri} is not in the workspace's own storage account")
    if not await fetch(cloud, account, container, prefix, porter=porter, into=[into], limit=SNAPSHOT_LIMIT):
        raise FilesError(f"the code at {code_uri} holds no files")


async def fetch(
    cloud: Cloud, account: str, container: str, prefix: str, *, porter: Porter, into: Sequence[str], limit: int
) -> list[list[str]]:
    """Copy the blobs below a prefix, or the one of that name, into a folder of the job's; what they are called there.

    Raises:
        FilesError: they are larger than `limit` together.
        OSError: one cannot be written, or its name leads out of the folder.
    """
    blobs, total, names = Blobs(cloud), 0, []
    for name, blob in list(blobs.list(account, container, prefix)):
        inner = name.removeprefix(prefix) if prefix else name
        if inner and prefix and not prefix.endswith("/") and not inner.startswith("/"):
            continue  # another blob that only begins alike
        total += blob.length
        if total > limit:
            raise FilesError(f"the files at {container}/{prefix} are larger than {limit // 1024 // 1024} MiB")
        if name.endswith("/") or blob.metadata.get("hdi_isfolder") == "true":
            continue
        parts = [part for part in (inner.strip("/") or name.rpartition("/")[2]).split("/") if part]
        content = read_range(blobs.open(Address(account, container, name), blob), 0, blob.length)
        await porter.put([*into, *parts], content)
        names.append(parts)
    return names


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


async def uri_input(
    cloud: Cloud, workspace: Document, uri: str, porter: Porter, into: Sequence[str], *, limit: int
) -> list[str]:
    """Copy an input of files from one of the workspace's own datastores; the names that lead to it in the job's folder.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        uri: a path of a datastore or job, or the id of a data asset or model (`models.inputs`).
        porter: of the job, who writes them.
        into: the names that lead to where they go, which is made.
        limit: bytes that the files may have together.

    Raises:
        FilesError: it names another place, or nothing is there.
        OSError: they cannot be written, or a name leads out of the folder.
    """
    where = await _place(cloud, workspace, uri)
    found = places.container(cloud, workspace, where.datastore)
    assert found is not None, "`inputs.place` has seen files there"
    await porter.make(into)
    names = await fetch(cloud, *found, where.path, porter=porter, into=into, limit=limit)
    single = [where.path.rpartition("/")[2]]
    return [*into, *single] if names == [single] else list(into)


async def keep(cloud: Cloud, address: Address, path: Path) -> None:
    """Make a file of ours the content of a blob, replacing what was there."""

    async def chunks() -> AsyncIterator[bytes]:
        with path.open("rb") as source:
            while data := await asyncio.to_thread(source.read, CHUNK):
                yield data

    await _keep(cloud, address, chunks())


async def keep_tree(
    cloud: Cloud, account: str, container: str, prefix: str, *, porter: Porter, parts: Sequence[str], room: Room
) -> None:
    """Make the files below a folder of the job's blobs, or a file the one blob of the name `prefix`.

    The job made what is there: its own user reads it, and no link is followed.

    Args:
        cloud: the embedded Azure.
        account, container, prefix: where the blobs go.
        porter: of the job.
        parts: the names that lead to it in the job's folder.
        room: how much may be kept; what is kept is taken from it.

    Raises:
        OSError: a file cannot be read.
        TooLarge: there is no more room; what was kept before stays.
        AzureError: a file has a name that no blob can have.
    """
    async for inner, content in porter.show(parts):
        await _keep(cloud, Address(account, container, "/".join([prefix, *inner])), room.take(content))


async def _keep(cloud: Cloud, address: Address, chunks: AsyncIterator[bytes]) -> None:
    blobs = Blobs(cloud)
    blobs.make_container(address.account, address.container)
    content = await blobs.receive(address, chunks)
    blobs.commit(address, content, md5=content.md5, headers={"content-type": "application/octet-stream"}, metadata={})


def artifact(account: str, run_id: str, path: str) -> Address:
    """The blob of a run's artifact."""
    return Address(account, CONTAINER, f"{RUN_ORIGIN}/dcid.{run_id}/{path}")
