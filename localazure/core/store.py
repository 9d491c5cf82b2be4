"""What the embedded Azure remembers: JSON documents in named collections, in one SQLite file.

Write-ahead logging with a synchronous commit, so that a document once answered for survives `kill -9`.
Keys are strings that the caller has normalised (ARM ids: lower case); a scan goes in key order.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from azmlflow.localazure.core.errors import bad_request

Document = dict[str, Any]
Version = tuple[int, ...]

_LAST_CHARACTER = chr(sys.maxunicode)  # sorts behind every key that goes on after a prefix

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (collection, key)
) WITHOUT ROWID
"""


# SQLite's codes of a file that is not what it wrote (sqlite.org/rescode.html).
_DAMAGED = frozenset((sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB))


def damaged(fault: sqlite3.Error) -> bool:
    """Whether a database's file does not hold what SQLite wrote there."""
    return (getattr(fault, "sqlite_errorcode", 0) & 0xFF) in _DAMAGED  # the low byte: the rest says where


class Store:
    """Collections of JSON documents.

    Args:
        path: the database file, made if absent; None keeps everything in memory (tests).

    `version(collection, ...)` changes with every write to one of them, by whatever process, so that what is derived
    from them can be kept until it changes.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._versions: dict[str, int] = {}
        self._kept: dict[str, tuple[Version, tuple[tuple[str, Document], ...]]] = {}
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.execute(_SCHEMA)

    def get(self, collection: str, key: str) -> Document | None:
        """The document under `key`, or None."""
        with self._lock:
            row = self._db.execute(
                "SELECT body FROM documents WHERE collection = ? AND key = ?", (collection, key)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, collection: str, key: str, document: Document, *, synced: bool = True) -> None:
        """Write `document` under `key`, replacing what was there.

        Args:
            collection, key, document: what and where.
            synced: wait until it is on the disk. Without, it survives `kill -9` all the same, but not a power cut.

        Raises:
            AzureError: 400, it holds what no answer could: half of a surrogate pair, which is not a character, or a
                number that is not one.
        """
        with self._lock:
            relaxed = not synced and self._depth == 0  # inside a transaction it cannot be changed
            if relaxed:
                self._db.execute("PRAGMA synchronous=NORMAL")
            try:
                self._db.execute(
                    "INSERT OR REPLACE INTO documents VALUES (?, ?, ?)", (collection, key, _written(document))
                )
            finally:
                if relaxed:
                    self._db.execute("PRAGMA synchronous=FULL")
            self._touch(collection)

    def delete(self, collection: str, key: str) -> bool:
        """Remove `key`; True if it was there."""
        with self._lock:
            cursor = self._db.execute("DELETE FROM documents WHERE collection = ? AND key = ?", (collection, key))
            self._touch(collection)
            return cursor.rowcount > 0

    def scan(self, collection: str, prefix: str = "") -> Iterator[tuple[str, Document]]:
        """Every (key, document) whose key starts with `prefix`, in key order."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, body FROM documents WHERE collection = ? AND key >= ? AND key < ? ORDER BY key",
                (collection, prefix, prefix + _LAST_CHARACTER),
            ).fetchall()
        return ((key, json.loads(body)) for key, body in rows)

    def newest(self, collection: str, low: str, high: str, most: int) -> tuple[tuple[str, Document], ...]:
        """At most so many (key, document) whose keys lie from `low` to below `high`, the last key first."""
        with self._lock:
            rows = self._db.execute(
                "SELECT key, body FROM documents WHERE collection = ? AND key >= ? AND key < ? "
                "ORDER BY key DESC LIMIT ?",
                (collection, low, high, most),
            ).fetchall()
        return tuple((key, json.loads(body)) for key, body in rows)

    def trim(self, collection: str, low: str, most: int) -> None:
        """Forget of a collection whose keys are in order of time what lies below `low`, and all but the last `most`."""
        with self._lock:
            for statement, bound in (
                ("key < ?", low),
                ("key <= (SELECT key FROM documents WHERE collection = ?1 ORDER BY key DESC LIMIT 1 OFFSET ?)", most),
            ):
                self._db.execute(f"DELETE FROM documents WHERE collection = ?1 AND {statement}", (collection, bound))
            self._touch(collection)

    def kept(self, collection: str) -> tuple[tuple[str, Document], ...]:
        """All of a collection, as `scan`, read once until it is written: for lists that are cut into many pages.

        The documents are everybody's, and not to be changed.
        """
        with self._lock:
            version, kept = self.version(collection), self._kept.get(collection)
            if kept is None or kept[0] != version:
                kept = self._kept[collection] = version, tuple(self.scan(collection))
            return kept[1]

    def version(self, *collections: str) -> Version:
        """How often each was written here since this store was opened, and SQLite's count of others' writes."""
        with self._lock:
            (others,) = self._db.execute("PRAGMA data_version").fetchone()
        return (*(self._versions.get(collection, 0) for collection in collections), others)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All writes inside are kept together or, if an exception leaves the block, not at all. Nests."""
        with self._lock:
            point = f"inner{self._depth}"
            begin, keep, undo = (
                ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
                if self._depth == 0
                else (f"SAVEPOINT {point}", f"RELEASE {point}", (f"ROLLBACK TO {point}", f"RELEASE {point}"))
            )
            self._db.execute(begin)
            self._depth += 1
            try:
                yield
            except BaseException:
                for statement in undo if self._db.in_transaction else ():  # a full disk has undone all of it already
                    self._db.execute(statement)
                self._versions = {name: count + 1 for name, count in self._versions.items()}
                raise
            else:
                self._db.execute(keep)
            finally:
                self._depth -= 1

    def close(self) -> None:
        """Close the database file."""
        with self._lock:
            self._db.close()

    def _touch(self, collection: str) -> None:
        self._versions[collection] = self._versions.get(collection, 0) + 1


def _written(document: Document) -> str:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise bad_request(
            "InvalidRequestContent",
            "The request content was invalid: it has a text that cannot be written as UTF-8, a number that is not "
            "one, or is nested too deeply.",
        ) from error
    return text
