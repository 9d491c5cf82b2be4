"""Shared access signatures: what is signed, and with which key. Pure.

Three kinds, told apart by their fields: an *account* SAS (`ss`, `srt`), a *user delegation* SAS (`skoid` and the like:
signed with a key that a principal was given for some days), a *service* SAS (any other). What is signed depends on the
version `sv`. Microsoft, "Create a service SAS", "Create an account SAS", "Create a user delegation SAS", the sections
"Construct the signature string"; compared with azure-storage-blob 12.27 and 12.31 in the tests.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime

SAS_VERSION = "2024-11-04"  # of those that are signed here
DELEGATION = ("skoid", "sktid", "skt", "ske", "sks", "skv")  # what a SAS tells of its user delegation key
_OLDEST = "2015-04-05"
DIRECTORIES_SINCE = "2020-02-10"
_VERSION = re.compile(r"20\d\d-[01]\d-[0-3]\d")  # compared as text, so nothing else may be one
# What is signed, a line for each: the version that brought it, and the fields in order.
_LIMITS = ((_OLDEST, "sip spr sv"), ("2018-11-09", "sr snapshot"), ("2020-12-06", "ses"))
_OVERRIDES = (_OLDEST, "rscc rscd rsce rscl rsct")
_SERVICE = ((_OLDEST, "sp st se resource si"), *_LIMITS, _OVERRIDES)
_DELEGATED = (
    (_OLDEST, "sp st se resource skoid sktid skt ske sks skv"),
    ("2020-02-10", "saoid suoid scid"),
    ("2025-07-05", "skdutid sduoid"),
    *_LIMITS,
    ("2026-04-06", "srh srq"),  # signed request headers and parameters, which no SAS that is taken here has
    _OVERRIDES,
)
_ACCOUNT = ("sp", "ss", "srt", "st", "se", "sip", "spr", "sv")
# All that may be signed: lines of what the signature is over, and some become headers of the answer.
NAMES = frozenset((*(name for _, line in (*_SERVICE, *_DELEGATED) for name in line.split()), *_ACCOUNT)) - {"resource"}
Fields = Mapping[str, str]


class SasError(Exception):
    """A signature that cannot be checked; the message says why."""


def is_line(value: str) -> bool:
    """Whether a field is one line, of characters that a header may have (RFC 9110, 5.5)."""
    return value.isprintable() and all(character <= "\xff" for character in value)


def is_account(fields: Fields) -> bool:
    """Whether the fields are those of an account SAS."""
    return "ss" in fields


def is_delegated(fields: Fields) -> bool:
    """Whether the fields are those of a user delegation SAS."""
    return "skoid" in fields


def string_to_sign(fields: Fields, account: str, resource: str) -> str:
    """What the signature is over.

    Args:
        fields: the SAS's fields.
        account: the account's name.
        resource: what it is for, decoded: `<container>` or `<container>/<blob>`; an account SAS is for no one resource.

    Raises:
        SasError: its version is missing or too old.
    """
    version = fields.get("sv", "")
    if version < _OLDEST or _VERSION.fullmatch(version) is None:
        raise SasError(f"sv is not a version from {_OLDEST} on.")
    if is_account(fields):
        names = [*_ACCOUNT, *(["ses"] if version >= "2020-12-06" else [])]
        return "".join(f"{part}\n" for part in (account, *(fields.get(name, "") for name in names)))
    if is_delegated(fields) and version < "2018-11-09":
        raise SasError("There are user delegation signatures from version 2018-11-09 on.")
    layout = _DELEGATED if is_delegated(fields) else _SERVICE
    names = [name for since, group in layout if version >= since for name in group.split()]
    told = {**fields, "resource": f"/blob/{account}/{resource}"}
    return "\n".join(told.get(name, "") for name in names)


def signature(key: str, text: str) -> str:
    """The base64 HMAC-SHA256 of a text, with a base64 key."""
    return base64.b64encode(hmac.digest(base64.b64decode(key), text.encode(), "sha256")).decode()


def matches(key: str, text: str, given: str) -> bool:
    """Whether `given` is that signature, told in constant time."""
    return hmac.compare_digest(signature(key, text).encode(), given.encode())


def instant(text: str) -> datetime:
    """A time as SAS fields have it: a date, or a date and time in UTC.

    Raises:
        SasError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise SasError(f"'{text}' is not a time.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def second(instant: datetime) -> str:
    """An instant as the storage service writes it, to the second."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
