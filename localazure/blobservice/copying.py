"""Copy Blob, Copy Blob From URL, Put Blob From URL: a blob from another one of the embedded Azure.

The source is named by its URL, with a signature of its own (SAS) or, in the same account, by the right of whoever asks.
All three are done when they are answered. Microsoft, "Copy Blob", "Copy Blob From URL", "Put Blob From URL".
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import Response

from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.blobservice.authorise import BlobTarget, check_sas, why_not
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.permissions import READ
from azmlflow.localazure.blobservice.protocol import check_conditions, http_date, told_metadata, written
from azmlflow.localazure.cloud.reaching import origin_of
from azmlflow.localazure.core import spelling
from azmlflow.localazure.core.errors import AzureError

_DOMAIN = ".blob.core.windows.net"


async def copy_blob(call: BlobRequest) -> Response:
    """Copy Blob and its kin: content and headers of the source; its metadata unless the request brings some."""
    request = call.request
    source = _source(call)
    blob = call.existing(source)
    check_conditions(request, blob.etag, blob.last_modified, "x-ms-source-")
    call.check_write()
    copied = {
        "x-ms-copy-id": call.cloud.ids.guid(),
        "x-ms-copy-status": "success",
        "x-ms-copy-source": request.headers["x-ms-copy-source"].partition("?")[0],
        "x-ms-copy-progress": f"{blob.length}/{blob.length}",
        "x-ms-copy-completion-time": http_date(call.cloud.clock.now()),
    }

    made = await call.blobs.copy(
        source,
        blob,
        call.address,
        metadata=told_metadata(request) or blob.metadata,
        copied=copied,
        check=call.check_write_still,
    )
    put = "x-ms-blob-type" in request.headers  # Put Blob From URL
    headers = {} if put else {name: copied[name] for name in ("x-ms-copy-id", "x-ms-copy-status")}
    return written(made, 201 if put else 202, headers)


def _source(call: BlobRequest) -> Address:
    """The blob to copy, once whoever asks may read it.

    Raises:
        AzureError: 400 for an address that is not a blob's, 403 `CannotVerifyCopySource` for one that may not be read,
            404 for an account that is not there.
    """
    try:
        parts = urlsplit(call.request.headers["x-ms-copy-source"])
    except ValueError:  # half of the brackets of an IPv6 address
        parts = urlsplit("")
    host = (parts.hostname or "").lower()
    account = call.blobs.account(host.removesuffix(_DOMAIN))
    container, _, name = spelling.decoded(parts.path, "InvalidResourceName").removeprefix("/").partition("/")
    if parts.scheme != "https" or not host.endswith(_DOMAIN) or not name:
        raise AzureError(400, "InvalidHeaderValue", "x-ms-copy-source must be the address of a blob.")
    if account is None:
        raise AzureError(404, "CannotVerifyCopySource", "The specified resource does not exist.")
    call.cloud.reaching.require(origin_of(call.request.scope.get("state", {})), account.document, "blob")
    address = Address(account.name, container, name)
    place = BlobTarget(account, parts.path, container, name)
    if "sig=" in parts.query:
        try:
            check_sas(call.cloud, parts.query, READ, place)
        except AzureError as error:
            raise AzureError(error.status, "CannotVerifyCopySource", error.message, reason=error.reason) from None
    else:
        reason = "the source is in another account" if account != call.place.account else _why_not_read(call, place)
        if reason is not None:
            text = "Whoever asks for the copy may not read its source."
            raise AzureError(403, "CannotVerifyCopySource", text, reason=reason)
    return address


def _why_not_read(call: BlobRequest, place: BlobTarget) -> str | None:
    if call.passed.caller is not None:
        return why_not(call.cloud, call.passed.caller.principal.object_id, READ, place)
    return None if call.passed.by == "key" else "the signature of the copy is not for its source"
