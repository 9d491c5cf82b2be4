"""Text that fits the terminal that it goes to: lines break between words, ids are short in tables.

On the way of every message, so it imports little. What goes to a file or a pipe stays as it is.
"""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from typing import TextIO

_HINTS = ("next:", "fix:", "why:", "azmlflow ", "az ", "export ")  # what is to be typed is one line, to be copied
_COLUMN = re.compile(r"\s*\S+(?: \S+)*?(?: {2,}|: )")
_SPAN = re.compile(r"`[^`]*`|'[^']*'")
_GUID = re.compile(r"\b([0-9a-fA-F]{8})-[0-9a-fA-F]{4}(?:-[0-9a-fA-F]{4}){2}-[0-9a-fA-F]{12}\b")


def folded(text: str, stream: TextIO | None = None) -> str:
    """A text whose lines are no longer than the terminal that it goes to; elsewhere as it is.

    Lines break between words only, and never within what is quoted or to be typed; what goes on stands below where the
    line's own text began.

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
    begin = line.lstrip()
    if len(line) <= columns or begin.startswith(_HINTS):
        return line
    column = _COLUMN.match(line)
    if " " not in line[len(column[0]) if column else 0 :].strip():
        return line  # one word, such as an id, which is better off where it is
    indent = len(column[0]) if column and len(column[0]) <= columns // 2 else len(line) - len(begin) + 2
    whole = _SPAN.sub(lambda found: found[0].replace(" ", "\x00"), line)
    lines = textwrap.wrap(
        whole,
        columns,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\x00", " ")


def short(text: str) -> str:
    """A text for a table: of a GUID its first eight digits."""
    return _GUID.sub(r"\1…", text)
