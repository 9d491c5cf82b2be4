"""What the Blob service does: one function per operation, named as Azure names it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from azmlflow.localazure.blobs.kept import Address, Blob, Blobs, Part, read_range
from azmlflow.localazure.blobs.protocol import (
    asked_range,
    block_list,
    block_xml,
    check_conditions,
    check_md5,
    condition_not_met,
    description,
    http_date,
    named_xml,
    read_body,
    stored_headers,
    told_metadata,
    written,
    xml_answer,
)
from azmlflow.localazure.errors import AzureError

_BLOCK_LIST_LIMIT = 8 * 1024 * 1024  # 50 000 blocks, the most a blob has, fit in
_MD5_RANGE_LIMIT = 4 * 1024 * 1024
_LIST_LIMIT = 5000


@dataclass(frozen=True)
class Call:
    """A request that has found its operation: the blobs, the request, and where it points."""

    blobs: Blobs
    request: Request
    account: str
    container: str
    name: str

    @property
    def address(self) -> Address:
        """The blob that the path names."""
        return Address(self.account, self.container, self.name)

    def found(self) -> Blob:
        """The blob, its conditions checked.

        Raises:
            AzureError: 404 `BlobNotFound` or `ContainerNotFound`; 304 or 412 when a condition does not hold.
        """
        self.blobs.container(self.account, self.container)
        blob = self.blobs.get(self.address)
        if blob is None:
            raise AzureError(404, "BlobNotFound", "The specified blob does not exist.")
        check_conditions(self.request, blob)
        return blob


async def put_blob(call: Call) -> Response:
    """Put Blob: the whole content in one request."""
    request, address = call.request, call.address
    if request.headers.get("x-ms-blob-type") != "BlockBlob" or "x-ms-copy-source" in request.headers:
        raise AzureError(400, "InvalidHeaderValue", "Only block blobs with their content in the request are kept here.")
    _check_write(call)
    content = await call.blobs.receive(address, request.stream())
    try:
        check_md5(request, content.md5)
        _check_write(call)  # again: another upload may have come first meanwhile
    except AzureError:
        call.blobs.discard(address, content.file)
        raise
    headers = stored_headers(request, request.headers.get("content-type"))
    blob = call.blobs.commit(address, content, md5=content.md5, headers=headers, metadata=told_metadata(request))
    return written(blob, 201, {"content-md5": content.md5})


async def put_block(call: Call) -> Response:
    """Put Block: one block, to be named by a later Put Block List."""
    request, address = call.request, call.address
    block_id = request.query_params.get("blockid", "")
    try:
        raw = base64.b64decode(block_id, validate=True)
    except binascii.Error:
        raw = b""
    if not 1 <= len(raw) <= 64:
        raise AzureError(400, "InvalidQueryParameterValue", "A block id is base64 of 1 to 64 bytes.", target="blockid")
    call.blobs.container(call.account, call.container)
    content = await call.blobs.receive(address, request.stream())
    try:
        check_md5(request, content.md5)
    except AzureError:
        call.blobs.discard(address, content.file)
        raise
    call.blobs.stage(address, block_id, content)
    return Response(status_code=201, headers={"content-md5": content.md5, "x-ms-request-server-encrypted": "true"})


async def put_block_list(call: Call) -> Response:
    """Put Block List: the named blocks, in this order, become the blob."""
    request, address, blobs = call.request, call.address, call.blobs
    wanted = block_list(await read_body(request, _BLOCK_LIST_LIMIT))
    _check_write(call)
    staged, old = blobs.staged(address), blobs.get(address)
    committed = {} if old is None else {part.id: (old.file, part.offset, part.length) for part in old.parts}
    pieces = [_piece(kind, block_id, staged, committed) for kind, block_id in wanted]
    ends = itertools.accumulate((length for _, _, length in pieces), initial=0)
    parts = [Part(name, at, length) for (_, name), at, (_, _, length) in zip(wanted, ends, pieces, strict=False)]
    content = await blobs.receive(address, blobs.slices(address, pieces))
    try:
        _check_write(call)
    except AzureError:
        blobs.discard(address, content.file)
        raise
    headers = stored_headers(request, None)
    told_md5 = request.headers.get("x-ms-blob-content-md5")
    blob = blobs.commit(address, content, md5=told_md5, headers=headers, metadata=told_metadata(request), parts=parts)
    return written(blob, 201)


def _piece(
    kind: str, block_id: str, staged: Mapping[str, tuple[str, int]], committed: Mapping[str, tuple[str, int, int]]
) -> tuple[str, int, int]:
    """Where a block of a block list is kept: file, offset, length. `Latest` means staged before committed."""
    if kind != "Committed" and block_id in staged:
        file, length = staged[block_id]
        return file, 0, length
    if kind != "Uncommitted" and block_id in committed:
        return committed[block_id]
    raise AzureError(400, "InvalidBlockList", "The specified block list is invalid.")


async def set_metadata(call: Call) -> Response:
    """Set Blob Metadata: replaces all of it."""
    blob = _changed(call, replace(call.found(), metadata=told_metadata(call.request)))
    return written(blob, 200)


async def set_properties(call: Call) -> Response:
    """Set Blob Properties: replaces the content headers."""
    blob = _changed(call, replace(call.found(), headers=stored_headers(call.request, None)))
    return written(blob, 200)


async def get_block_list(call: Call) -> Response:
    """Get Block List: committed, uncommitted or all blocks."""
    kind = call.request.query_params.get("blocklisttype", "committed").lower()
    call.blobs.container(call.account, call.container)
    blob, staged = call.blobs.get(call.address), call.blobs.staged(call.address)
    if blob is None and not staged:
        raise AzureError(404, "BlobNotFound", "The specified blob does not exist.")
    lists = ""
    if kind in ("committed", "all"):
        parts = () if blob is None else blob.parts
        lists += f"<CommittedBlocks>{''.join(block_xml(part.id, part.length) for part in parts)}</CommittedBlocks>"
    if kind in ("uncommitted", "all"):
        blocks = "".join(block_xml(block_id, length) for block_id, (_, length) in staged.items())
        lists += f"<UncommittedBlocks>{blocks}</UncommittedBlocks>"
    return xml_answer(f"<BlockList>{lists}</BlockList>")


async def get_metadata(call: Call) -> Response:
    """Get Blob Metadata."""
    return written(call.found(), 200)


async def get_blob(call: Call) -> Response:
    """Get Blob: the content, or the range asked for."""
    blob, request = call.found(), call.request
    headers = description(blob)
    asked = asked_range(request, blob.length)
    if asked is None:
        first, length, status = 0, blob.length, 200
        headers |= {"content-md5": blob.md5} if blob.md5 else {}
    else:
        first, length, status = asked[0], asked[1] - asked[0] + 1, 206
        headers["content-range"] = f"bytes {asked[0]}-{asked[1]}/{blob.length}"
        headers |= {"x-ms-blob-content-md5": blob.md5} if blob.md5 else {}
        if request.headers.get("x-ms-range-get-content-md5", "").lower() == "true":
            headers["content-md5"] = await _range_md5(call, blob, first, length)
    headers["content-length"] = str(length)
    file = call.blobs.open(call.address, blob)
    return StreamingResponse(read_range(file, first, length), status, headers)


async def head_blob(call: Call) -> Response:
    """Get Blob Properties."""
    blob = call.found()
    headers = description(blob) | {"content-length": str(blob.length)}
    return Response(status_code=200, headers=headers | ({"content-md5": blob.md5} if blob.md5 else {}))


async def delete_blob(call: Call) -> Response:
    """Delete Blob."""
    call.blobs.delete(call.address, call.found())
    return Response(status_code=202, headers={"x-ms-delete-type-permanent": "true"})


async def list_blobs(call: Call) -> Response:
    """List Blobs: those with a prefix, those up to a delimiter folded into one."""
    call.blobs.container(call.account, call.container)
    query = call.request.query_params
    prefix, delimiter, marker = (query.get(name, "") for name in ("prefix", "delimiter", "marker"))
    include = query.get("include", "").split(",")
    try:
        limit = min(int(query.get("maxresults", _LIST_LIMIT)), _LIST_LIMIT)
    except ValueError:
        limit = 0
    if limit < 1:
        raise AzureError(400, "OutOfRangeQueryParameterValue", "maxresults is a number from 1 to 5000.")
    entries: dict[str, str] = {}
    following = ""
    for name, blob in call.blobs.list(call.account, call.container, prefix):
        cut = name.find(delimiter, len(prefix)) if delimiter else -1
        entry = name if cut < 0 else name[: cut + len(delimiter)]
        if entry in entries or entry < marker:
            continue
        if len(entries) == limit:
            following = entry
            break
        entries[entry] = _listed(entry, blob, include) if cut < 0 else named_xml("BlobPrefix", entry)
    told = (
        "".join(f"<{tag}>{escape(value)}</{tag}>" for tag, value in (("Prefix", prefix), ("Marker", marker)) if value)
        + f"<MaxResults>{limit}</MaxResults>"
        + (f"<Delimiter>{escape(delimiter)}</Delimiter>" if delimiter else "")
    )
    place = f'ServiceEndpoint="https://{call.account}.blob.core.windows.net/" ContainerName="{call.container}"'
    return xml_answer(
        f"<EnumerationResults {place}>{told}<Blobs>{''.join(entries.values())}</Blobs>"
        f"<NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
    )


async def get_container(call: Call) -> Response:
    """Get Container Properties."""
    found = call.blobs.container(call.account, call.container)
    modified = http_date(datetime.fromisoformat(found["modified"]))
    return Response(status_code=200, headers={"etag": found["etag"], "last-modified": modified})


def _check_write(call: Call) -> None:
    """The conditions of a write.

    Raises:
        AzureError: 404 without the container, 409 `BlobAlreadyExists` for `If-None-Match: *`, 412 for other conditions.
    """
    call.blobs.container(call.account, call.container)
    blob = call.blobs.get(call.address)
    if blob is None:
        if "if-match" in call.request.headers:
            raise condition_not_met()
        return
    if call.request.headers.get("if-none-match") == "*":
        raise AzureError(409, "BlobAlreadyExists", "The specified blob already exists.")
    check_conditions(call.request, blob)


async def _range_md5(call: Call, blob: Blob, first: int, length: int) -> str:
    if length > _MD5_RANGE_LIMIT:
        raise AzureError(400, "OutOfRangeInput", "The MD5 of a range is given for at most 4 MiB.")
    digest = hashlib.md5(usedforsecurity=False)
    async for data in read_range(call.blobs.open(call.address, blob), first, length):
        digest.update(data)
    return base64.b64encode(digest.digest()).decode()


def _changed(call: Call, blob: Blob) -> Blob:
    changed = replace(blob, etag=call.blobs.new_etag(), modified=call.blobs.now())
    call.blobs.replace(call.address, changed)
    return changed


def _listed(name: str, blob: Blob, include: list[str]) -> str:
    told: dict[str, Any] = {
        "Creation-Time": http_date(datetime.fromisoformat(blob.created)),
        "Last-Modified": http_date(blob.last_modified),
        "Etag": blob.etag.strip('"'),
        "Content-Length": blob.length,
        "Content-Type": blob.headers.get("content-type", ""),
        "Content-MD5": blob.md5 or "",
        "BlobType": "BlockBlob",
        "AccessTier": "Hot",
        "LeaseStatus": "unlocked",
        "LeaseState": "available",
        "ServerEncrypted": "true",
    }
    properties = "".join(f"<{key}>{escape(str(value))}</{key}>" for key, value in told.items())
    metadata = ""
    if "metadata" in include:
        pairs = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
        metadata = f"<Metadata>{pairs}</Metadata>"
    return f"<Blob><Name>{escape(name)}</Name><Properties>{properties}</Properties>{metadata}</Blob>"
