"""What the Blob service's requests and answers are written in: conditions, ranges, dates, headers, XML.

Microsoft, "Specifying conditional headers for Blob service operations" and "Specifying the range header for Blob
service operations".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from xml.etree import ElementTree as Xml
from xml.sax.saxutils import escape

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.spelling import received

_DRAIN_LIMIT = 256 * 1024 * 1024
_CONDITIONS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_STORED_HEADERS = {
    "x-ms-blob-content-type": "content-type",
    "x-ms-blob-content-encoding": "content-encoding",
    "x-ms-blob-content-language": "content-language",
    "x-ms-blob-content-disposition": "content-disposition",
    "x-ms-blob-cache-control": "cache-control",
}


def check_conditions(request: Request, etag: str, modified: datetime, head: str = "") -> None:
    """Microsoft, "Specifying conditional headers for Blob service operations".

    Args:
        request: the request.
        etag: of what is there.
        modified: when it last changed.
        head: what the headers' names begin with: `x-ms-source-` for conditions on what is copied.

    Raises:
        AzureError: 412 when a condition does not hold; 304 where that means that a reader has it already; 400, a date
            cannot be read.
    """
    told = {name: request.headers.get(f"{head}{name}") for name in _CONDITIONS}
    modified = modified.replace(microsecond=0)
    match, until = told["if-match"], _date(told["if-unmodified-since"])
    if (match is not None and not _names(match, etag)) or (until is not None and modified > until):
        raise condition_not_met()
    none, since = told["if-none-match"], _date(told["if-modified-since"])
    stale = [_names(none, etag)] if none is not None else []
    stale += [modified <= since] if since is not None else []
    if stale and all(stale):  # both told: either one that holds will do (RFC 2616, 14.26)
        if request.method in ("GET", "HEAD"):
            raise AzureError(304, "ConditionNotMet", "The condition specified was not met.")
        raise condition_not_met()


def check_absent(request: Request) -> None:
    """The conditions of a write where nothing is yet.

    Raises:
        AzureError: 412 for `If-Match` or `If-Unmodified-Since`, which nothing can fulfil.
    """
    if not {"if-match", "if-unmodified-since"}.isdisjoint(request.headers):
        raise condition_not_met()


def _names(told: str, etag: str) -> bool:
    # Lists of blobs tell etags without quotes, and clients send them so.
    return told == "*" or told.strip('"') == etag.strip('"')


def condition_not_met() -> AzureError:
    message = "The condition specified using HTTP conditional header(s) is not met."
    return AzureError(412, "ConditionNotMet", message)


def check_md5(request: Request, md5: str | None) -> None:
    """Refuse content that is not what the request says it is: of the body, and of the blob, where it is told.

    Raises:
        AzureError: 400 `Md5Mismatch`.
    """
    headers = ("content-md5", "x-ms-blob-content-md5")
    if any(request.headers.get(each, md5) != md5 for each in headers):
        raise AzureError(
            400, "Md5Mismatch", "The MD5 value specified in the request did not match with the MD5 value calculated."
        )


def asked_range(request: Request, length: int) -> tuple[int, int] | None:
    """First and last byte asked for, or None for all; `x-ms-range` wins over `Range`.

    Raises:
        AzureError: 416 `InvalidRange` when the range begins at or after the end (of an empty blob: always).
    """
    asked = request.headers.get("x-ms-range") or request.headers.get("range") or ""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", asked.strip())
    if found is None:
        return None
    first, last = int(found[1]), int(found[2]) if found[2] else length - 1
    if first >= length or last < first:
        raise AzureError(
            416,
            "InvalidRange",
            "The range specified is invalid for the current size of the resource.",
            headers={"content-range": f"bytes */{length}"},
        )
    return first, min(last, length - 1)


def stored_headers(request: Request, content_type: str | None) -> dict[str, str]:
    told = {name: request.headers[header] for header, name in _STORED_HEADERS.items() if header in request.headers}
    return {"content-type": content_type or "application/octet-stream", **told}


def told_metadata(request: Request) -> dict[str, str]:
    head = "x-ms-meta-"
    return {name[len(head) :]: value for name, value in request.headers.items() if name.startswith(head)}


def description(blob: Blob) -> dict[str, str]:
    return {
        **blob.headers,
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
        "etag": blob.etag,
        "last-modified": http_date(blob.last_modified),
        "x-ms-creation-time": http_date(datetime.fromisoformat(blob.created)),
        "x-ms-blob-type": "BlockBlob",
        "x-ms-lease-state": "available",
        "x-ms-lease-status": "unlocked",
        "x-ms-server-encrypted": "true",
        "accept-ranges": "bytes",
        **blob.copied,
    }


def written(blob: Blob, status: int, more: Mapping[str, str] | None = None) -> Response:
    headers = {
        **{f"x-ms-meta-{name}": value for name, value in blob.metadata.items()},
        "etag": blob.etag,
        "last-modified": http_date(blob.last_modified),
        "x-ms-request-server-encrypted": "true",
        **(more or {}),
    }
    return Response(status_code=status, headers=headers)


def block_list(body: bytes) -> list[tuple[str, str]]:
    try:
        root = Xml.fromstring(body)
    except Xml.ParseError as error:
        raise AzureError(400, "InvalidXmlDocument", "XML specified is not syntactically valid.") from error
    kinds = ("Latest", "Committed", "Uncommitted")
    if root.tag != "BlockList" or any(child.tag not in kinds for child in root):
        raise AzureError(400, "InvalidXmlDocument", "A block list names blocks as Latest, Committed or Uncommitted.")
    return [(child.tag, (child.text or "").strip()) for child in root]


def block_xml(block_id: str, length: int) -> str:
    return f"<Block><Name>{escape(block_id)}</Name><Size>{length}</Size></Block>"


def fields_xml(fields: Mapping[str, object]) -> str:
    """Elements with text, one for each field."""
    return "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())


def xml_answer(body: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    text = f'<?xml version="1.0" encoding="utf-8"?>{body}'
    return Response(text, status, headers, media_type="application/xml")


def refusal(error: AzureError) -> Response:
    headers = {**error.headers, "x-ms-error-code": error.code}
    if error.status == 304:
        return Response(status_code=304, headers=headers)
    body = f"<Error>{fields_xml({'Code': error.code, 'Message': error.message})}</Error>"
    return xml_answer(body, error.status, headers)


async def read_body(request: Request, limit: int) -> bytes:
    too_large = AzureError(413, "RequestBodyTooLarge", "The request body is too large.")
    return await received(request.stream(), limit, too_large)


async def drain(request: Request) -> None:
    """Read what is left of a refused upload: a client that is still sending would see a broken connection and not
    the refusal."""
    left = _DRAIN_LIMIT
    try:
        async for chunk in request.stream():
            left -= len(chunk)
            if left < 0:
                return
    except (ClientDisconnect, RuntimeError):  # gone, or the body was read to its end already
        return


def http_date(instant: datetime) -> str:
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def _date(value: str | None) -> datetime | None:
    """The instant of a condition; None where there is no condition.

    Raises:
        AzureError: 400, it is not a date: a write without the condition that it was to have would be worse.
    """
    if value is None:
        return None
    try:
        return parsedate_to_datetime(value).astimezone(UTC)
    except ValueError as error:
        message = "The value for one of the HTTP headers is not in the correct format."
        raise AzureError(400, "InvalidHeaderValue", message) from error
