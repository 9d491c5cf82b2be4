"""List Blobs and List Containers: pages in order of name, each with the name that the next one begins at."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from xml.sax.saxutils import escape

from starlette.datastructures import QueryParams
from starlette.responses import Response

from azmlflow.localazure.blobs.blob import Blob
from azmlflow.localazure.blobservice.call import BlobRequest
from azmlflow.localazure.blobservice.protocol import fields_xml, http_date, xml_answer
from azmlflow.localazure.core.errors import AzureError

_LIMIT = 5000
_SHOWN = ("metadata", "copy")
_NONE = ("snapshots", "versions", "deleted", "deletedwithversions", "tags", "legalhold", "immutabilitypolicy", "system")
# Microsoft, "List Blobs": what a copied blob's headers are called in a list.
_COPY = {
    "x-ms-copy-id": "CopyId",
    "x-ms-copy-source": "CopySource",
    "x-ms-copy-status": "CopyStatus",
    "x-ms-copy-progress": "CopyProgress",
    "x-ms-copy-completion-time": "CopyCompletionTime",
}


async def list_blobs(call: BlobRequest) -> Response:
    """List Blobs: those with a prefix, those up to a delimiter folded into one."""
    call.blobs.container(call.account, call.container)
    query = call.request.query_params
    prefix, delimiter, marker = (query.get(name, "") for name in ("prefix", "delimiter", "marker"))
    include, limit = _include(query), _limit(query)
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
        folded = f"<BlobPrefix>{fields_xml({'Name': entry})}</BlobPrefix>"
        entries[entry] = _listed(entry, blob, include) if cut < 0 else folded
    return _page(call, "Blobs", entries.values(), following)


async def list_containers(call: BlobRequest) -> Response:
    """List Containers: those with a prefix."""
    query = call.request.query_params
    limit, marker, following = _limit(query), query.get("marker", ""), ""
    entries: list[str] = []
    for name, found in call.blobs.containers(call.account, query.get("prefix", "")):
        if name < marker:
            continue
        if len(entries) == limit:
            following = name
            break
        told = {
            "Last-Modified": http_date(datetime.fromisoformat(found["modified"])),
            "Etag": found["etag"],
            "LeaseStatus": "unlocked",
            "LeaseState": "available",
            "HasImmutabilityPolicy": "false",
            "HasLegalHold": "false",
        }
        with_metadata = "metadata" in _include(query)
        metadata = f"<Metadata>{fields_xml(found.get('metadata', {}))}</Metadata>" if with_metadata else ""
        properties = f"<Properties>{fields_xml(told)}</Properties>"
        entries.append(f"<Container>{fields_xml({'Name': name})}{properties}{metadata}</Container>")
    return _page(call, "Containers", entries, following)


def _include(query: QueryParams) -> list[str]:
    """What lists are to show besides: of much of it there is nothing here (snapshots, versions, deleted blobs, tags).

    Raises:
        AzureError: 400, it is what nothing here shows.
    """
    asked = [each.strip().lower() for each in query.get("include", "").split(",") if each.strip()]
    if unknown := [each for each in asked if each not in (*_SHOWN, *_NONE)]:
        raise AzureError(400, "InvalidQueryParameterValue", f"Lists here do not include '{unknown[0]}'.")
    return asked


def _limit(query: QueryParams) -> int:
    try:
        limit = min(int(query.get("maxresults", _LIMIT)), _LIMIT)
    except ValueError:
        limit = 0
    if limit < 1:
        raise AzureError(400, "OutOfRangeQueryParameterValue", "maxresults is a number from 1 to 5000.")
    return limit


def _page(call: BlobRequest, tag: str, entries: Collection[str], following: str) -> Response:
    query = call.request.query_params
    asked = {name: query.get(name.lower(), "") for name in ("Prefix", "Marker", "Delimiter")}
    told = fields_xml({name: value for name, value in asked.items() if value} | {"MaxResults": _limit(query)})
    place = f'ContainerName="{call.container}"' if call.container else ""
    return xml_answer(
        f'<EnumerationResults ServiceEndpoint="https://{call.account}.blob.core.windows.net/" {place}>{told}'
        f"<{tag}>{''.join(entries)}</{tag}><NextMarker>{escape(following)}</NextMarker></EnumerationResults>"
    )


def _listed(name: str, blob: Blob, include: list[str]) -> str:
    told = {
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
    copied = {_COPY[header]: value for header, value in blob.copied.items()} if "copy" in include else {}
    metadata = f"<Metadata>{fields_xml(blob.metadata)}</Metadata>" if "metadata" in include else ""
    return f"<Blob>{fields_xml({'Name': name})}<Properties>{fields_xml(told | copied)}</Properties>{metadata}</Blob>"
