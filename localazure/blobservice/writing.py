"""Operations that write or delete a blob, named as Azure names them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from starlette.responses import Response

from azmlflow.localazure.blobs.blob import Blob, Part
from azmlflow.localazure.blobs.content import Content
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.protocol import (
    block_list,
    check_md5,
    read_body,
    stored_headers,
    told_metadata,
    written,
)
from azmlflow.localazure.core.errors import AzureError

_BLOCK_LIST_LIMIT = 8 * 1024 * 1024  # 50 000 blocks, the most a blob has, fit in


async def put_blob(call: BlobRequest) -> Response:
    """Put Blob: the whole content in one request."""
    request, address = call.request, call.address
    if request.headers.get("x-ms-blob-type") != "BlockBlob":
        raise AzureError(400, "InvalidHeaderValue", "Only block blobs are kept here.")
    call.check_write()
    content = await call.blobs.receive(address, request.stream())
    try:
        check_md5(request, content.md5)
        call.check_write_still()
    except AzureError:
        call.blobs.discard(address, content.file)
        raise
    headers = stored_headers(request, request.headers.get("content-type"))
    blob = call.blobs.commit(address, content, md5=content.md5, headers=headers, metadata=told_metadata(request))
    return written(blob, 201, {"content-md5": content.md5 or ""})


async def put_block(call: BlobRequest) -> Response:
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
    # Its MD5 is told to those only who send one (Microsoft, "Put Block"); hashing takes longer than all the rest.
    content = await call.blobs.receive(address, request.stream(), digest="content-md5" in request.headers, safe=False)
    try:
        check_md5(request, content.md5)
        call.check_still()
    except AzureError:
        call.blobs.discard(address, content.file)
        raise
    call.blobs.stage(address, block_id, content)
    told = {"x-ms-request-server-encrypted": "true"} | ({"content-md5": content.md5} if content.md5 else {})
    return Response(status_code=201, headers=told)


async def put_block_list(call: BlobRequest) -> Response:
    """Put Block List: the named blocks, in this order, become the blob."""
    request, address, blobs = call.request, call.address, call.blobs
    wanted = block_list(await read_body(request, _BLOCK_LIST_LIMIT))
    call.check_write()
    parts = _parts(call, wanted)
    whole = await blobs.secure(address, [(part.file, part.length) for part in parts])
    call.check_write_still()
    if not whole or _parts(call, wanted) != parts:  # a power cut took bytes, or another request the blocks
        raise _invalid_list()
    length = sum(part.length for part in parts)
    content = Content("", length, None) if parts else await blobs.receive(address, _nothing())
    headers = stored_headers(request, None)
    told_md5 = request.headers.get("x-ms-blob-content-md5")
    blob = blobs.commit(address, content, md5=told_md5, headers=headers, metadata=told_metadata(request), parts=parts)
    return written(blob, 201)


def _parts(call: BlobRequest, wanted: Sequence[tuple[str, str]]) -> list[Part]:
    """The blocks of a block list.

    Raises:
        AzureError: 400 `InvalidBlockList` when one is not there.
    """
    staged, old = call.blobs.staged(call.address), call.blobs.get(call.address)
    committed = {} if old is None else {part.id: (part.file, part.length) for part in old.parts}
    # `Latest` means staged before committed.
    places = {"Latest": committed | staged, "Committed": committed, "Uncommitted": staged}
    if any(block_id not in places[kind] for kind, block_id in wanted):
        raise _invalid_list()
    return [Part(block_id, *places[kind][block_id]) for kind, block_id in wanted]


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


def _invalid_list() -> AzureError:
    return AzureError(400, "InvalidBlockList", "The specified block list is invalid.")


async def set_metadata(call: BlobRequest) -> Response:
    """Set Blob Metadata: replaces all of it."""
    blob = _changed(call, replace(call.found(), metadata=told_metadata(call.request)))
    return written(blob, 200)


async def set_properties(call: BlobRequest) -> Response:
    """Set Blob Properties: replaces the content headers, MD5 included."""
    told = call.request.headers
    headers, md5 = stored_headers(call.request, None), told.get("x-ms-blob-content-md5")
    blob = _changed(call, replace(call.found(), headers=headers, md5=md5))
    return written(blob, 200)


async def delete_blob(call: BlobRequest) -> Response:
    """Delete Blob."""
    call.blobs.delete(call.address, call.found())
    return Response(status_code=202, headers={"x-ms-delete-type-permanent": "true"})


def _changed(call: BlobRequest, blob: Blob) -> Blob:
    changed = replace(blob, etag=call.blobs.new_etag(), modified=call.blobs.now())
    call.blobs.replace(call.address, changed)
    return changed
