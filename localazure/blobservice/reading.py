"""Operations that read a blob, named as Azure names them."""

from __future__ import annotations

import base64
import hashlib

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.blobs.content import read_range
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.protocol import asked_range, block_xml, description, written, xml_answer
from azmlflow.localazure.core.errors import AzureError

_MD5_RANGE_LIMIT = 4 * 1024 * 1024
_OVERRIDES = {
    "rscc": "cache-control",
    "rscd": "content-disposition",
    "rsce": "content-encoding",
    "rscl": "content-language",
    "rsct": "content-type",
}


async def get_block_list(call: BlobRequest) -> Response:
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


async def get_metadata(call: BlobRequest) -> Response:
    """Get Blob Metadata."""
    return written(call.found(), 200)


async def get_blob(call: BlobRequest) -> Response:
    """Get Blob: the content, or the range asked for."""
    blob, request = call.found(), call.request
    headers = description(blob) | _overrides(request)
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


async def head_blob(call: BlobRequest) -> Response:
    """Get Blob Properties."""
    blob = call.found()
    headers = description(blob) | _overrides(call.request) | {"content-length": str(blob.length)}
    return Response(status_code=200, headers=headers | ({"content-md5": blob.md5} if blob.md5 else {}))


async def _range_md5(call: BlobRequest, blob: Blob, first: int, length: int) -> str:
    if length > _MD5_RANGE_LIMIT:
        raise AzureError(400, "OutOfRangeInput", "The MD5 of a range is given for at most 4 MiB.")
    digest = hashlib.md5(usedforsecurity=False)
    async for data in read_range(call.blobs.open(call.address, blob), first, length):
        digest.update(data)
    return base64.b64encode(digest.digest()).decode()


def _overrides(request: Request) -> dict[str, str]:
    """The answer's headers that a signed URL sets ("Override response headers"); the signature covers them."""
    query = request.query_params
    return {header: query[name] for name, header in _OVERRIDES.items() if "sig" in query and name in query}
