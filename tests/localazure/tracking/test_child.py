"""The MLflow server's database is migrated whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mlflow.db import upgrade

from azmlflow.localazure.tracking import child


class CutOff(Exception):
    """Stands in for `kill -9`."""


def migration(fails: bool) -> Callable[..., None]:
    """Two statements that cannot be run twice; the second is not reached where it fails."""

    def main(arguments: list[str], **_: object) -> None:
        with closing(sqlite3.connect(arguments[0].removeprefix("sqlite:///"))) as database:
            database.execute("CREATE TABLE first (n INTEGER)")
            if fails:
                raise CutOff
            database.execute("CREATE TABLE second (n INTEGER)")

    return main


def tables() -> set[str]:
    with closing(sqlite3.connect(child.DATABASE)) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def begin(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another state, with nothing in it."""
    state.mkdir()
    monkeypatch.chdir(state)


def test_a_migration_that_was_cut_off_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(upgrade, "main", migration(fails=True))
    with pytest.raises(CutOff):
        child._migrate()
    assert not Path(child.DATABASE).exists()
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    child._migrate()
    assert tables() == {"first", "second"}


def test_a_later_migration_keeps_the_data_and_one_cut_off_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(sqlite3.connect(child.DATABASE)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE kept (n INTEGER)")
    monkeypatch.setattr(upgrade, "main", migration(fails=True))
    with pytest.raises(CutOff):
        child._migrate()
    assert tables() == {"kept"}
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    child._migrate()
    assert tables() == {"kept", "first", "second"}


def test_a_migrated_database_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    child._migrate()
    child._migrate()  # would fail on `CREATE TABLE first`
    assert tables() == {"first", "second"}


def test_a_new_database_is_made_once_and_copied_after_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    begin(tmp_path / "first", monkeypatch)
    child._migrate(cache)
    monkeypatch.setattr(upgrade, "main", migration(fails=True))
    begin(tmp_path / "second", monkeypatch)
    child._migrate(cache)
    assert tables() == {"first", "second"}
    with closing(sqlite3.connect(child.DATABASE)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("held", [b"", b"SQLite format 3\0 and then nothing of the kind" * 100, None])
def test_what_is_damaged_in_the_cache_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: bytes | None
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    begin(tmp_path / "first", monkeypatch)
    child._migrate(cache)
    (kept,) = cache.iterdir()
    kept.unlink()
    kept.mkdir() if held is None else kept.write_bytes(held)
    begin(tmp_path / "second", monkeypatch)
    child._migrate(cache)
    assert tables() == {"first", "second"}


def test_a_database_with_data_is_migrated_and_never_kept_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    begin(tmp_path / "first", monkeypatch)
    with closing(sqlite3.connect(child.DATABASE)) as database:
        database.execute("CREATE TABLE kept (n INTEGER)")
    monkeypatch.setattr(upgrade, "main", migration(fails=False))
    child._migrate(cache)
    assert tables() == {"kept", "first", "second"}
    assert not cache.exists()
