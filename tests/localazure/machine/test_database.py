"""A damaged database is seen, and what can be read of it is saved; what it lost comes from the copy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest

from azmlflow.localazure.core.store import Store
from azmlflow.localazure.machine import database
from azmlflow.localazure.machine.shortage import shortage

GROUPS = ("operations", "principals", "resources")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of many pages, closed."""
    path = tmp_path / "azure.db"
    with closing(Store(path)) as made:
        for group in GROUPS:
            for number in range(200):
                made.put(group, f"{number:04}", {"text": "x" * 200, "number": number}, synced=False)
    return path


def documents(path: Path) -> dict[tuple[str, str], str]:
    with closing(sqlite3.connect(path)) as opened:
        rows = opened.execute("SELECT collection, key, body FROM documents").fetchall()
    return {(collection, key): body for collection, key, body in rows}


def damage(path: Path, text: bytes) -> None:
    """Overwrite the page that a text is on."""
    content, size = bytearray(path.read_bytes()), 4096
    page = content.index(text) // size * size
    content[page : page + size] = b"\xff" * size
    path.write_bytes(content)


def test_a_whole_one_has_no_fault(store: Path) -> None:
    assert database.fault_of(store) is None
    assert database.fault_of(store.with_name("none.db")) is None


@pytest.mark.parametrize(
    "content",
    [b"junk" * 5000, b"SQLite format 3\0" + b"\0" * 5000],
    ids=["junk", "header"],
)
def test_junk_is_seen(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(content)
    assert database.fault_of(path)


@pytest.mark.parametrize(("free", "full"), [(0, True), (10_000, True), (10_000_000, False)])
def test_where_there_is_no_room_to_open_one_the_disk_is_to_blame(
    store: Path, monkeypatch: pytest.MonkeyPatch, free: int, full: bool
) -> None:
    """SQLite says "disk I/O error" where it finds no room for its index of the log: nothing is damaged.

    (Seen on a full tmpfs; https://www.sqlite.org/rescode.html#ioerr_shmsize.)
    """
    fault = sqlite3.OperationalError("disk I/O error")
    fault.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE

    def connect(_: Path) -> sqlite3.Connection:
        raise fault

    monkeypatch.setattr("azmlflow.localazure.machine.database.sqlite3.connect", connect)
    monkeypatch.setattr("azmlflow.localazure.machine.database.shutil.disk_usage", lambda _: SimpleNamespace(free=free))
    if not full:
        assert database.fault_of(store) == "disk I/O error"
        return
    with pytest.raises(OSError, match="No space left") as told:
        database.fault_of(store)
    assert told.value.filename == str(store.parent)
    found = shortage(told.value)
    assert found is not None and found.what == "the disk is full"


def test_one_that_was_cut_is_seen(store: Path) -> None:
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    assert database.fault_of(store)


def test_a_text_that_was_changed_is_seen(store: Path) -> None:
    store.write_bytes(store.read_bytes().replace(b'"number": 77', b'"number: 77 ', 1))
    assert database.fault_of(store) == "1 of its documents cannot be read"


def test_a_damaged_page_costs_what_is_on_it_alone(store: Path, tmp_path: Path) -> None:
    before = documents(store)
    damage(store, b'"number": 100}')
    assert database.fault_of(store)
    saved = database.save(store, tmp_path / "no-copy", tmp_path / "new.db", GROUPS)
    after = documents(tmp_path / "new.db")
    assert saved.lost
    assert len(before) - 40 < len(after) == saved.rows < len(before)
    assert after.items() <= before.items()
    assert database.fault_of(tmp_path / "new.db") is None


def test_what_is_lost_comes_from_the_copy_and_what_is_newer_stays(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "kept" / "azure.db"
    database.keep_copy(store, copy)
    with closing(Store(store)) as opened:
        opened.put("resources", "0000", {"newer": True})
    before = documents(store)
    damage(store, b'"number": 100}')
    saved = database.save(store, copy, tmp_path / "new.db", GROUPS)
    assert saved.filled > 0
    assert documents(tmp_path / "new.db") == before


def test_a_text_that_cannot_be_read_comes_from_the_copy(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "kept" / "azure.db"
    database.keep_copy(store, copy)
    before = documents(store)
    store.write_bytes(store.read_bytes().replace(b'"number": 77', b'"number: 77 ', 1))
    saved = database.save(store, copy, tmp_path / "new.db", GROUPS)
    assert (saved.lost, saved.filled) == (True, 1)
    assert documents(tmp_path / "new.db") == before


def test_bytes_that_are_no_text_are_seen_and_cost_one_document(store: Path, tmp_path: Path) -> None:
    store.write_bytes(store.read_bytes().replace(b'xx", "number": 77}', b'\xff\xfe", "number": 77}', 1))
    assert database.fault_of(store) == "1 of its documents cannot be read"
    saved = database.save(store, tmp_path / "no-copy", tmp_path / "new.db", GROUPS)
    assert (saved.rows, saved.lost) == (599, True)


@pytest.mark.parametrize("content", [b"junk" * 5000, b""], ids=["junk", "empty"])
def test_of_junk_the_copy_is_all(store: Path, tmp_path: Path, content: bytes) -> None:
    copy = tmp_path / "kept" / "azure.db"
    database.keep_copy(store, copy)
    before = documents(store)
    store.write_bytes(content)
    saved = database.save(store, copy, tmp_path / "new.db", GROUPS)
    assert (saved.rows, saved.lost, saved.filled) == (0, True, len(before))
    assert documents(tmp_path / "new.db") == before


def test_a_schema_of_anybodys_is_saved(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "m.db")) as made:
        made.execute("CREATE TABLE runs (id TEXT PRIMARY KEY, at INTEGER)")
        made.execute("CREATE INDEX by_time ON runs (at)")
        made.executemany("INSERT INTO runs VALUES (?, ?)", [(f"r{n}", n) for n in range(50)])
        made.commit()
    saved = database.save(tmp_path / "m.db", tmp_path / "none", tmp_path / "new.db")
    assert saved == database.Saved(50, lost=False)
    with closing(sqlite3.connect(tmp_path / "new.db")) as opened:
        assert opened.execute("SELECT count(*), max(at) FROM runs").fetchone() == (50, 49)
        assert opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'by_time'").fetchone()


def test_the_copy_is_one_whole_file_of_this_users_alone(store: Path, tmp_path: Path) -> None:
    copy = tmp_path / "kept" / "azure.db"
    database.keep_copy(store, copy)
    assert [each.name for each in copy.parent.iterdir()] == ["azure.db"]
    assert copy.stat().st_mode & 0o077 == 0
    store.write_bytes(b"")
    database.keep_copy(store, copy)
    assert copy.stat().st_size > 0, "an empty one takes no copy's place"
