"""What people call things, and how many there are, and for how long: `2 storage accounts`, `14d`."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from datetime import timedelta

from azmlflow.resourcetypes.table import UnknownType, find, of_token

Say = Callable[[str], None]  # tells people something
_UNITS = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def called(arm_type: str, count: int = 1) -> str:
    """What people call one or several of this type, in any case; its type's last word where there is no other."""
    kind = find(arm_type)
    return kind.called(count) if kind is not None else arm_type.rsplit("/", 1)[-1]


def called_token(token: str) -> str:
    """The same by Pulumi's type token; its last word for a type that is none of the table's."""
    try:
        return of_token(token).called()
    except UnknownType:
        return token.rsplit(":", 1)[-1]


def many(count: int, what: str) -> str:
    """`1 role`, `2 roles`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def span(time: timedelta) -> str:
    """A time in its largest whole unit: `14d`, `3h`, `5m`, `40s`."""
    seconds = int(time.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def lasting(seconds: float) -> str:
    """A time for people who wait for it: `40 seconds`, `5 minutes`, `2.5 hours`."""
    for name, size, digits in (("hour", 3600, 1), ("minute", 60, 0)):
        if seconds >= 2 * size:
            return f"{round(seconds / size, digits):g} {name}s"
    return many(round(seconds), "second")


def hanging(text: str, indent: int) -> str:
    """A text that begins at column `indent`, and on a terminal goes on there in the lines that it needs."""
    if not sys.stdout.isatty():
        return text
    width = max(shutil.get_terminal_size().columns - indent, 20)
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
    return f"\n{' ' * indent}".join(lines)


def read_duration(text: str) -> timedelta:
    """A time such as `30s`, `90m`, `12h`, `7d` or `2w`.

    Raises:
        ValueError: it is none, or longer than the calendar.
    """
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip().lower())
    if not found:
        raise ValueError(f"`{text}` is not a time such as 30s, 90m, 12h, 7d or 2w")
    return int(found[1]) * _UNITS[found[2]]
