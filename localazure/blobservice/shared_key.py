"""`Authorization: SharedKey <account>:<signature>`: what a request signed with an account's key signs.

Microsoft, "Authorize with Shared Key" (https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key),
the forms of version 2009-09-19 and later; compared with azure-storage-blob in the tests.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import unquote

from starlette.requests import Request

SKEW = timedelta(minutes=15)
_SIGNED = (
    "content-encoding", "content-language", "content-length", "content-md5", "content-type", "date",
    "if-modified-since", "if-match", "if-none-match", "if-unmodified-since", "range",
)  # fmt: skip
_SIGNED_LITE = ("content-md5", "content-type", "date")


def string_to_sign(request: Request, account: str, raw_path: str, *, lite: bool) -> str:
    """What the signature of a request is over.

    Args:
        request: the request.
        account: the account that its host names.
        raw_path: its path, still encoded.
        lite: for the scheme `SharedKeyLite`.
    """
    headers = request.headers
    told = {name: headers.get(name, "") for name in _SIGNED}
    if told["content-length"] == "0":  # from version 2015-02-21 on; no client of today asks for an older one
        told["content-length"] = ""
    if "x-ms-date" in headers:
        told["date"] = ""
    lines = [request.method, *(told[name] for name in (_SIGNED_LITE if lite else _SIGNED))]
    own = sorted({name for name in headers if name.startswith("x-ms-")}, key=_order)
    lines += [f"{name}:{','.join(value.strip() for value in headers.getlist(name))}" for name in own]
    lines.append(f"/{account}{raw_path}")
    pairs = [pair.partition("=") for pair in request.url.query.split("&") if pair]
    query = [(unquote(name), unquote(value)) for name, _, value in pairs]
    if lite:
        comp = dict(query).get("comp")
        return "\n".join(lines) + (f"?comp={comp}" if comp is not None else "")
    for name in sorted({name.lower() for name, _ in query}):
        lines.append(f"{name}:{','.join(sorted(value for other, value in query if other.lower() == name))}")
    return "\n".join(lines)


def _order(name: str) -> tuple[str, str]:
    # The service compares names as words are in a dictionary: hyphens count last, underscores come before digits.
    return name.replace("-", "").replace("_", "!"), name


def dated(request: Request) -> datetime | None:
    """When the request says that it was made: `x-ms-date`, else `Date`; None when it does not say."""
    told = request.headers.get("x-ms-date") or request.headers.get("date")
    try:
        return None if told is None else parsedate_to_datetime(told).astimezone(UTC)
    except ValueError:
        return None
