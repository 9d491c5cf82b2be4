"""What people ask `grant` for: one principal on the command line, or many in a file of comma-separated values.

    principal,persona,scope,until,type
    alice@local.test,tracker+registrar,,2027-01-31,
    data-scientists,viewer,group,,Group

`principal` and `persona` are needed; an empty field is as an option that is not given. Semicolons part as well, as
spreadsheets of many countries write them. A file counts as a whole: one bad line, and nothing is done. The file `-` is
standard input.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal, get_args

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import read_duration
from azmlflow.cli.session.collaborators import Person
from azmlflow.cli.session.life import NEVER
from azmlflow.rbac.grants import PrincipalType
from azmlflow.rbac.live.errors import AccessError
from azmlflow.rbac.roles import Persona, combined

Never = Literal["never"]
End = date | timedelta | Never | None
STANDARD_INPUT = Path("-")
COLUMNS = ("principal", "persona", "scope", "until", "type")
_MOST_BYTES, _MOST_LINES = 1_000_000, 1000


@dataclass(frozen=True)
class Wish:
    """A grant that is asked for.

    Attributes:
        principal: who, as typed.
        personas: what.
        scope: where, as typed.
        until: its end; None to keep the one that there is.
        kind: the principal's type, if it is said.
        line: of the file; 0 for the command line.
    """

    principal: str
    personas: tuple[Persona, ...]
    scope: str = "workspace"
    until: date | Never | None = None
    kind: str | None = None
    line: int = 0


class FaultyLines(CliError):
    """Lines of a file that cannot be granted, so that nothing is.

    Args:
        path: the file.
        faults: what is wrong, by line; a line may have several.
        wishes: those of the other lines.
    """

    def __init__(self, path: Path, faults: Sequence[tuple[int, str]], wishes: Sequence[Wish] = ()) -> None:
        self.path, self.faults, self.wishes = path, tuple(faults), tuple(wishes)
        lines = len({line for line, _ in faults})
        told = [f"line {line}: {what}" for line, what in sorted(faults, key=lambda each: each[0])]
        count = f"{lines} line{'s' if lines > 1 else ''} cannot be granted, so nothing is"
        super().__init__("\n  ".join([f"{count}:", *told]), where=_named(path), next="mend them, and type it again")

    def and_of(self, other: FaultyLines) -> FaultyLines:
        """These and those of the other lines."""
        return FaultyLines(self.path, (*self.faults, *other.faults))


def read_end(text: str) -> End:
    """The end that a text says: a day, a time from today in whole days, or `never`.

    Raises:
        ValueError: it says none.
    """
    if text == NEVER:
        return NEVER
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text)
    try:
        time = read_duration(text)
    except ValueError:
        raise ValueError(f"`{text}` is not a day such as 2027-01-31, no time such as 30d or 2w, nor `never`") from None
    if time % timedelta(days=1):
        raise ValueError(f"`{text}` is not a number of whole days: a grant ends with a day")
    if time > date.max - date.today() - timedelta(days=2):
        raise ValueError(f"`{text}` from today is longer than the calendar")
    return time


def day(end: End, today: date) -> date | Never | None:
    """The last day that an end means.

    Raises:
        ValueError: it is past.
    """
    last = today + end if isinstance(end, timedelta) else end
    if isinstance(last, date) and last < today:
        raise ValueError(f"the last day of the grant, {last}, is past already")
    return last


def read_file(path: Path, today: date) -> tuple[Wish, ...]:
    """The wishes of a file.

    Raises:
        CliError: it cannot be read.
        FaultyLines: some of its lines cannot.
    """
    where = _named(path)
    try:
        content = _content(path)
        text = content.decode("utf-8-sig")
    except OSError as fault:
        look = "azmlflow grant --help" if path == STANDARD_INPUT else f"ls -l {path}"
        raise CliError(f"it cannot be read: {fault.strerror}", where=where, next=look) from fault
    except UnicodeDecodeError as fault:
        raise CliError("it is not UTF-8", where=where, next="save it as `CSV UTF-8`") from fault
    if len(content) > _MOST_BYTES:
        raise CliError("it has more than a million bytes", where=where, next="grant to groups, not to people")
    rows = list(_rows(text, path))
    if not rows:
        raise CliError("it has no line below its header", where=where, next=f"its columns: {','.join(COLUMNS)}")
    if len(rows) > _MOST_LINES:
        raise CliError(f"it has more than {_MOST_LINES} lines", where=where, next="grant to groups, not to people")
    wishes: list[Wish] = []
    faults: list[tuple[int, str]] = []
    for line, row in rows:
        try:
            wishes.append(_wish(line, row, today))
        except ValueError as fault:  # an UnknownPersona is one
            faults.append((line, str(fault)))
    if faults:
        raise FaultyLines(path, faults, wishes)
    return tuple(wishes)


def _named(path: Path) -> str:
    return "standard input" if path == STANDARD_INPUT else str(path)


def _content(path: Path) -> bytes:
    """A file's bytes, as many as it may have and one more."""
    if path != STANDARD_INPUT:
        with path.open("rb") as file:
            return file.read(_MOST_BYTES + 1)
    # A program that was started without one has none (`<&-`).
    return sys.stdin.buffer.read(_MOST_BYTES + 1) if sys.stdin is not None else b""


def resolved(
    wishes: Sequence[Wish], find: Callable[[Wish], tuple[Wish, Person]], path: Path | None
) -> list[tuple[Wish, Person]]:
    """The wishes with who is meant.

    Args:
        wishes: what is asked for.
        find: looks up where it is meant, and who is.
        path: the file that they are from; None for the command line.

    Raises:
        CliError, AccessError: a principal is not known; of a file FaultyLines, which tells them all.
    """
    found: list[tuple[Wish, Person]] = []
    lines: dict[tuple[str, str, str], int] = {}
    faults: list[tuple[int, str]] = []
    for wish in wishes:
        try:
            placed, person = find(wish)
        except (CliError, AccessError) as fault:
            if path is None:
                raise
            faults.append((wish.line, str(fault)))
            continue
        for persona in wish.personas:
            before = lines.setdefault((person.id, persona.name, placed.scope), wish.line)
            if before != wish.line:
                faults.append((wish.line, f"{wish.principal} is {persona.name} by line {before} already"))
        found.append((placed, person))
    if path is not None and faults:
        raise FaultyLines(path, faults)
    return found


def _rows(text: str, path: Path) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Each line's number with its fields, or what is wrong with it."""
    header = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    names = [name.strip().lower() for name in next(reader, [])]
    if not {"principal", "persona"} <= set(names) <= set(COLUMNS) or len(set(names)) < len(names):
        raise CliError(
            f"its first line names the columns: principal, persona and, if wanted, {', '.join(COLUMNS[2:])}; it is "
            f"`{header.strip()[:60]}`",
            where=_named(path),
            next="azmlflow grant --help",
        )
    while True:
        try:
            row = next(reader, None)
        except csv.Error as fault:
            open_ = "unexpected end" in str(fault)  # of the file, inside of quotes
            yield reader.line_num, "a quotation mark has no other one to its end" if open_ else str(fault)
            continue
        if row is None:
            return
        if any(value.strip() for value in row):
            fields = {name: value.strip() for name, value in zip(names, row, strict=False)}
            # A line that is cut off may lack the end of a grant.
            yield reader.line_num, fields if len(row) == len(names) else _number(len(row), len(names))


def _number(fields: int, columns: int) -> str:
    count = f"{fields} field{'s' if fields > 1 else ''}"
    return f"it has {count}, not {columns}{': empty ones are written too' if fields < columns else ''}"


def _wish(line: int, row: Mapping[str, str] | str, today: date) -> Wish:
    if isinstance(row, str):
        raise ValueError(row)
    if not row.get("principal"):
        raise ValueError("it names no principal")
    if not row.get("persona"):
        raise ValueError("it names no persona")
    kind = row.get("type") or None
    if kind is not None and kind not in get_args(PrincipalType):
        raise ValueError(f"`{kind}` is not a type: {', '.join(get_args(PrincipalType))}")
    end = read_end(row["until"]) if row.get("until") else None
    return Wish(
        row["principal"], combined(row["persona"]), row.get("scope") or "workspace", day(end, today), kind, line
    )
