"""A pasted text: freed of secrets before anything else looks at it, then looked up in the table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from azmlflow.cli.why.record import Record
from azmlflow.cli.why.records import RECORDS

LONGEST = 200_000  # characters, from the end: where an error stands in a log
_HIDDEN = "[secret]"
_SECRETS = (
    re.compile(r"eyJ[\w-]{8,}(?:\.[\w-]+)*"),  # a token (JWT)
    re.compile(r"(?<=://)[^/@\s:]+:[^/@\s]+(?=@)"),  # a name and password in an address
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(
        r"(?i)(?:password|passwd|passphrase(?= ?=)|secret|accountkey|sharedaccesskey|account_key|api[_-]?key|"
        r"access_?token|credential|\bpwd|\bsig)[\"']?\s*[=:]\s*[\"']?[^\s\"'&;,]+"
    ),
    re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{40,200}={1,2}"),  # a key, such as a storage account's
)
_PLAIN = re.compile(r"[\w .,/:@+*()-]{0,400}")


@dataclass(frozen=True)
class Recognised:
    """A record that fits a text, and what the text named."""

    record: Record
    named: dict[str, str]


def without_secrets(text: str) -> str:
    """The end of a text, on one line, with tokens, keys, signatures and passwords put out."""
    text = text[-LONGEST:]
    for secret in _SECRETS:
        text = secret.sub(_HIDDEN, text)
    return " ".join(text.split())


def recognise(text: str) -> tuple[Recognised, ...]:
    """The records that fit, in the table's order: the particular before the general."""
    plain = without_secrets(text)
    found = []
    for record in RECORDS:
        if match := record.expression.search(plain):
            named = {name: value or "" for name, value in match.groupdict().items()}
            found.append(Recognised(record, {k: v if _PLAIN.fullmatch(v) else "" for k, v in named.items()}))
    return tuple(found)
