"""How a request is spelt, read once: path, query, headers and JSON body, as authorisation and handling both see them.

    path    decoded once, as UTF-8; what is encoded twice stays encoded. No control characters, no `.` and `..`
    query   names without case; a name may come twice with one value, unless the service says that it is a list
    headers those that say who asks, for what and in which form come once
    body    up to a limit, so that no client fills the memory by what it sends
    JSON    UTF-8 and not compressed; no member twice, no number that JSON has not, no text that UTF-8 cannot hold

Whatever two readers could take for two things is refused. That Azure's services refuse each of these is inferred: they
differ, and Microsoft writes of none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncIterable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote

from starlette.types import Scope

from azmlflow.localazure.core.errors import AzureError, bad_request

_HALF_ENCODED = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)
# What .NET reads, in which Azure's services are written (System.Text.Json, `JsonReaderOptions.MaxDepth`).
_DEEPEST = 64
_ONCE = (
    "authorization", "content-type", "content-encoding", "content-md5", "range", "if-match", "if-none-match",
)  # fmt: skip
_UTF_8 = ("utf-8", "utf8", "us-ascii")


class NotOneReading(ValueError):
    """A body that is not JSON, or that two readers could read as two things; the message says why."""


async def received(chunks: AsyncIterable[bytes], limit: int, too_large: Exception) -> bytes:
    """All of a body.

    Args:
        chunks: as they come.
        limit: how many bytes it may have.
        too_large: what is raised of one that has more, as soon as it has.
    """
    body = bytearray()
    async for chunk in chunks:
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


def sent_path(scope: Scope) -> str:
    """The path of a request as it was sent, still encoded, without the query."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


def decoded(path: str, code: str = "InvalidRequestUri") -> str:
    """A path, decoded once.

    Args:
        path: as it was sent, percent-encoded.
        code: of the refusal.

    Raises:
        AzureError: 400, it is not UTF-8, has control characters, or a `.` or `..` as a segment.
    """
    try:
        found = unquote(path, errors="strict")
    except UnicodeDecodeError:
        raise _no_path(code, "it is not encoded as UTF-8") from None
    if not path.isascii() or _HALF_ENCODED.search(path):
        raise _no_path(code, "a character of it is not encoded, or half encoded")
    if _CONTROL.search(found):
        raise _no_path(code, "it has control characters")
    if not {".", ".."}.isdisjoint(found.split("/")):
        raise _no_path(code, "'.' and '..' are no segments of it")
    return found


def query(scope: Scope, lists: Iterable[str] = ()) -> dict[str, str]:
    """The parameters of a request's query by name in lower case; of a list the last value.

    Args:
        scope: the request.
        lists: names that may have many values, lower case.

    Raises:
        AzureError: 400 `InvalidQueryParameterValue`, another name has two values, or the query is not UTF-8.
    """
    found: dict[str, str] = {}
    allowed = frozenset(lists)
    try:
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise bad_request("InvalidQueryParameterValue", "The query is not encoded as UTF-8.") from None
    for name, value in pairs:
        lowered = name.lower()
        if found.setdefault(lowered, value) != value and lowered not in allowed:
            raise bad_request("InvalidQueryParameterValue", f"The query parameter '{name}' has two values.")
        found[lowered] = value
    return found


def check_headers(scope: Scope) -> None:
    """Refuse a request that says twice what one reader takes from the first, and another from the last of both, and one
    whose body is written in a way that is not known.

    Raises:
        AzureError: 400 `InvalidHeaderValue`, naming it.
    """
    names = [name.decode("latin-1").lower() for name, _ in scope["headers"]]
    for name in names:
        if (name in _ONCE or name.startswith("x-ms-")) and names.count(name) > 1:
            raise bad_request("InvalidHeaderValue", f"The header '{name}' is given twice.")
    coding = next((value for name, value in scope["headers"] if name.lower() == b"transfer-encoding"), b"chunked")
    # RFC 9112, 6.1: a coding that is not known is refused, and one in HTTP/1.0 is a fault of framing.
    if coding.strip().lower() != b"chunked" or ("transfer-encoding" in names and scope.get("http_version") == "1.0"):
        raise bad_request("InvalidHeaderValue", "The header 'transfer-encoding' has a value that is not used here.")


def check_form(headers: Mapping[str, str]) -> None:
    """Refuse a body whose headers say that it is compressed, or other text than UTF-8.

    Raises:
        AzureError: 415 `UnsupportedMediaType`.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    charset = _CHARSET.search(headers.get("content-type", ""))
    if encoding not in ("", "identity"):
        raise AzureError(415, "UnsupportedMediaType", f"The content encoding '{encoding}' is not supported.")
    if charset is not None and charset.group(1).lower() not in _UTF_8:
        raise AzureError(415, "UnsupportedMediaType", f"The charset '{charset.group(1)}' is not supported: use UTF-8.")


def parsed(body: bytes | bytearray | str) -> Any:
    """What a body is in JSON.

    Raises:
        NotOneReading: it is not JSON, or could be read as two things.
    """
    try:
        text = body if isinstance(body, str) else body.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=_number)
        if text.count("[") + text.count("{") > _DEEPEST and _is_deeper(value):
            raise NotOneReading(f"it is nested too deeply: more than {_DEEPEST} levels")
        if _SURROGATE.search(body.encode() if isinstance(body, str) else body):
            json.dumps(value, ensure_ascii=False).encode()  # a half of a pair is not a character
    except UnicodeEncodeError:
        raise NotOneReading("a text in it cannot be written as UTF-8") from None
    except UnicodeDecodeError:
        raise NotOneReading("it is not encoded as UTF-8") from None
    except RecursionError:
        raise NotOneReading("it is nested too deeply") from None
    except NotOneReading:
        raise
    except ValueError as error:
        raise NotOneReading(str(error)) from None
    return value


def _is_deeper(value: Any) -> bool:
    """Whether a value has more levels than `_DEEPEST`."""
    level = [value]
    for _ in range(_DEEPEST + 1):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return bool(level)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotOneReading(f"the member '{twice}' is given twice")
    return found


def _number(text: str) -> float:
    found = float(text)
    if math.isinf(found):
        raise NotOneReading(f"the number {text[:20]} is too large")
    return found


def _no_number(text: str) -> float:
    raise NotOneReading(f"{text} is not a number of JSON")


def _no_path(code: str, why: str) -> AzureError:
    return bad_request(code, f"The path of the request is not valid: {why}.")
