"""An SQLite file looked at, copied, and what can still be read of a damaged one saved.

A copy is kept beside what is in use (`kept/` in the state folder), as it was at the last start that found it whole:
what a damaged file has lost is taken from there. Nothing damaged is thrown away: whoever mends sets it aside.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

_UNREADABLE = object()
_ROOM = 64 * 1024  # bytes that SQLite wants to open a file: 32 KiB for the index of its log, and a page
_THOROUGH = 64 * 1024 * 1024  # bytes up to which all of a file is read before it is used, and a copy of it kept


@dataclass(frozen=True)
class Saved:
    """What came of saving a damaged database.

    Attributes:
        rows: how many rows could be read.
        lost: some could not.
        filled: how many rows came from the copy.
    """

    rows: int
    lost: bool
    filled: int = 0


def companions(path: Path) -> tuple[Path, ...]:
    """The database's file, and those beside it that SQLite keeps of it."""
    return tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))


def fault_of(path: Path) -> str | None:
    """What is wrong with a database, None if nothing is, or if there is none.

    A large one is looked at only as far as SQLite does when it opens it; a small one is read as a whole.

    Raises:
        OSError: the disk has no room to open one, which is no damage.
    """
    if not path.exists():
        return None
    if not path.is_file():
        return "it is a folder, where a file should be"
    try:
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if path.stat().st_size > _THOROUGH:
                return None
            (said,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                return str(said).splitlines()[-1]
            return _texts(database)
    except sqlite3.DatabaseError as error:
        # https://www.sqlite.org/rescode.html: the kind is in the lowest byte.
        if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_IOERR:
            check_room(path.parent)
        return str(error)


def check_room(folder: Path) -> None:
    """Raise OSError (ENOSPC) if there is no room to open the databases of a folder, which SQLite calls an I/O error."""
    if shutil.disk_usage(folder).free < _ROOM:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))


def _texts(database: sqlite3.Connection) -> str | None:
    """Whether the documents of a store can be read as such: their structure may be whole, and their text not."""
    if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'documents'").fetchone() is None:
        return None
    bad = 0
    database.text_factory = bytes
    for (body,) in database.execute("SELECT body FROM documents"):
        try:
            json.loads(body)
        except (ValueError, RecursionError):
            bad += 1
    return f"{bad} of its documents cannot be read" if bad else None


def keep_copy(path: Path, copy: Path) -> None:
    """Keep a copy of a database that is whole, in place of an earlier one; a large one, and an empty one, is left out.

    Raises:
        OSError, sqlite3.Error: it cannot be written.
    """
    if not path.exists() or not 0 < path.stat().st_size <= _THOROUGH:
        return
    copy.parent.mkdir(mode=0o700, exist_ok=True)
    new = copy.with_name(f".{copy.name}")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)
        target.execute("PRAGMA journal_mode=DELETE")  # one file, whole by itself
    new.replace(copy)


def save(damaged: Path, copy: Path, target: Path, groups: Sequence[str] = ()) -> Saved:
    """Write into a new database what can be read of a damaged one, and what that has lost from the copy.

    Args:
        damaged: the damaged file, which is only read.
        copy: the copy kept of it; need not be there.
        target: the new file.
        groups: values of the first column by which a table of documents is read part by part: what lies behind a
            damaged page of one is reached through the next.

    Raises:
        OSError, sqlite3.Error: the new file cannot be written.
    """
    target.touch(mode=0o600)
    with closing(sqlite3.connect(target, isolation_level=None)) as new:
        new.execute("BEGIN")
        rows, lost = _take(damaged, new, groups)
        lost = lost or not rows  # an empty file is a whole one to SQLite
        filled = _take(copy, new, groups)[0] if lost and copy.exists() else 0
        new.execute("COMMIT")
    return Saved(rows, lost, filled)


def _take(path: Path, new: sqlite3.Connection, groups: Sequence[str]) -> tuple[int, bool]:
    """Copy what can be read and is not there yet: how many rows, and whether some could not be read."""
    before, lost = new.total_changes, False
    with closing(sqlite3.connect(path)) as old:
        old.text_factory = _text
        try:
            schema = old.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
        except sqlite3.DatabaseError:
            return 0, True
        tables = [(name, sql) for type_, name, sql in schema if type_ == "table" and not name.startswith("sqlite_")]
        for name, sql in tables:
            with contextlib.suppress(sqlite3.OperationalError):  # it is there from the damaged one
                new.execute(sql)
            lost |= _rows(old, new, name, sql, groups)
        for type_, _, sql in schema:
            if type_ != "table":
                with contextlib.suppress(sqlite3.OperationalError):
                    new.execute(sql)
    return new.total_changes - before, lost


def _rows(old: sqlite3.Connection, new: sqlite3.Connection, table: str, sql: str, groups: Sequence[str]) -> bool:
    """Copy a table's rows, from both ends to what cannot be read; whether there is such."""
    try:
        columns = [row[1] for row in old.execute(f'PRAGMA table_info("{table}")')]
        key = [row[1] for row in old.execute(f'PRAGMA table_info("{table}")') if row[5]]
    except sqlite3.DatabaseError:
        return True
    numbered = "WITHOUT ROWID" not in sql.upper()
    named = ["rowid", *columns] if numbered else columns
    order = ["rowid"] if numbered else key
    parts = (
        [(f'WHERE "{columns[0]}" = ?', (group,)) for group in groups] if groups and table == "documents" else [("", ())]
    )
    into = f'INSERT OR IGNORE INTO "{table}" ({_list(named)}) VALUES ({", ".join("?" * len(named))})'
    lost = False
    for where, values in parts:
        for way in ("ASC", "DESC"):
            ordered = ", ".join(f'"{column}" {way}' for column in order)
            asked = f'SELECT {_list(named)} FROM "{table}" {where} ORDER BY {ordered}'
            whole = True
            for row in _readable(old, asked, values):
                if row is None:
                    whole = False
                elif _UNREADABLE in row or (table == "documents" and not _is_document(row[-1])):
                    lost = True
                else:
                    new.execute(into, row)
            if whole:
                break
            lost = True
    return lost


def _readable(old: sqlite3.Connection, asked: str, values: Iterable[str]) -> Iterator[tuple[object, ...] | None]:
    """The rows up to the first that cannot be read, for which None comes."""
    try:
        yield from old.execute(asked, tuple(values))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        yield None


def _text(content: bytes) -> object:
    """A text of the damaged file; what is none is marked, so that the rows after it are read all the same."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _UNREADABLE


def _is_document(body: object) -> bool:
    try:
        json.loads(str(body))
    except (ValueError, RecursionError):
        return False
    return True


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
