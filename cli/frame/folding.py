"""Text that fits the terminal that it goes to: lines break between words, ids are short in tables.

On the way of every message, so it imports little. What goes to a file or a pipe stays as it is.
"""

from __future__ import annotations

import itertools
import re
import shutil
import sys
import textwrap
from typing import TextIO

# What is to be typed is one line, to be copied.
_HINTS = ("next:", "fix:", "why:", "azmlflow ", "az ", "curl ", "export ")
_COLUMN = re.compile(r"\s*\S*[^\s:](?: \S*[^\s:])*?(?: {2,}|: )")
_ID = re.compile(r"(?<![\w:/.])/subscriptions/[^\s,;'`\"\x1b]*[^\s,;:'`\".)\x1b]")
_SPAN = re.compile(r"`[^`]*`|'[^']*'|\[/[^\]]*\]$")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_GUID = re.compile(r"\b([0-9a-fA-F]{8})-[0-9a-fA-F]{4}(?:-[0-9a-fA-F]{4}){2}-[0-9a-fA-F]{12}\b")


def folded(text: str, stream: TextIO | None = None) -> str:
    """A text whose lines are no longer than the terminal that it goes to; elsewhere as it is.

    Lines break between words, and never within what is quoted; what goes on stands below where the line's own text
    began. Of an id of Resource Manager its end is told (JSON has the whole); of a command each line but the last ends
    with a backslash, so that it can be copied; another word that is longer than a line stays whole, for the same.

    Args:
        text: the text.
        stream: where it goes; standard output by default.
    """
    columns = width(stream or sys.stdout)
    return text if columns is None else "\n".join(_fold(line, columns) for line in text.split("\n"))


def width(stream: TextIO) -> int | None:
    """How many columns the terminal has that a stream goes to; None where it goes elsewhere."""
    return max(shutil.get_terminal_size().columns, 40) if stream.isatty() else None


def _fold(line: str, columns: int) -> str:
    plain = _COLOUR.sub("", line)
    begin = plain.lstrip()
    if len(plain) <= columns:
        return line
    if begin.startswith(_HINTS):
        return _continued(line, columns)
    line = _ID.sub(_end_of_id, line)
    plain = _COLOUR.sub("", line)
    if len(plain) <= columns:
        return line
    column = _COLUMN.match(plain)
    if " " not in plain[len(column[0]) if column else 0 :].strip():
        return line
    indent = len(column[0]) if column and len(column[0]) <= columns // 2 else len(plain) - len(begin) + 2
    whole = _SPAN.sub(lambda found: found[0].replace(" ", "\x00"), plain)
    lines = textwrap.wrap(
        whole,
        columns,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return _coloured("\n".join(lines).replace("\x00", " "), line)


def _coloured(folded: str, line: str) -> str:
    """A folded line in the colours that it had: folding moves blanks alone, so what is seen is counted."""
    parts = _COLOUR.split(line)
    told, rest = "", folded
    for part, colour in zip(parts, _COLOUR.findall(line), strict=False):
        end = _after(rest, sum(not each.isspace() for each in part))
        told, rest = f"{told}{rest[:end]}{colour}", rest[end:]
    return told + rest


def _after(text: str, seen: int) -> int:
    """Where the text begins that follows so many characters that are no blanks."""
    places = (at for at, each in enumerate(text, 1) if not each.isspace())
    return next(itertools.islice(places, seen - 1, None), len(text)) if seen else 0


def _end_of_id(found: re.Match[str]) -> str:
    """An id's type and name: `…/workspaces/mlw-mlflow-local`."""
    parts = found[0].split("/")
    return f"…/{'/'.join(parts[-2:])}" if len(parts) > 4 else found[0]


def _continued(line: str, columns: int) -> str:
    """A command over several lines, as a shell joins them again; what is quoted or a note for people stays whole."""
    if "'" in line or '"' in line or "`" in line or "    (" in line.strip() or "\x1b" in line:
        return line
    lines, rest = [], line
    while len(rest) > columns:
        at = rest.rfind(" ", len(rest) - len(rest.lstrip()) + 1, columns - 1)
        # In the middle of a word it goes on without an indent, which would be a blank.
        cut = at + 1 if at > 0 and rest[:at].strip() not in ("next:", "fix:", "why:") else columns - 1
        lines.append(f"{rest[:cut]}\\")
        rest = rest[cut:]
    return "\n".join([*lines, rest])


def short(text: str) -> str:
    """A text for a table: of a GUID its first eight digits."""
    return _GUID.sub(r"\1…", text)
