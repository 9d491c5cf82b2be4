"""Documents come back as written, in order, all or nothing, and survive the process."""

import contextlib
from pathlib import Path

import pytest

from azmlflow.localazure.core.store import Store


def test_documents_come_back_replace_and_go() -> None:
    store = Store()
    assert store.get("resources", "/a") is None
    store.put("resources", "/a", {"n": 1})
    store.put("resources", "/a", {"n": 2, "text": "ä"})
    assert store.get("resources", "/a") == {"n": 2, "text": "ä"}
    assert store.get("deleted", "/a") is None
    assert store.delete("resources", "/a") is True
    assert store.delete("resources", "/a") is False


def test_a_scan_goes_in_key_order_and_keeps_to_its_prefix() -> None:
    store = Store()
    for key in ("/rg1/b", "/rg1/ä", "/rg10/a", "/rg1/a", "/rg0"):
        store.put("resources", key, {"key": key})
    assert [key for key, _ in store.scan("resources", "/rg1/")] == ["/rg1/a", "/rg1/b", "/rg1/ä"]
    assert len(list(store.scan("resources"))) == 5


def test_a_transaction_keeps_all_or_nothing_and_nests() -> None:
    store = Store()
    store.put("a", "1", {"n": 1})
    version = store.version("a")

    def fail_inside() -> None:
        with store.transaction():
            store.put("a", "1", {"n": 2})
            with store.transaction():
                store.put("a", "2", {"n": 2})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert [document for _, document in store.scan("a")] == [{"n": 1}]
    assert store.version("a") != version, "what was derived from the undone writes must be derived again"
    with store.transaction():
        store.put("a", "2", {"n": 3})
    assert store.get("a", "2") == {"n": 3}


def test_what_is_kept_is_a_scan_and_is_read_again_only_when_written() -> None:
    store = Store()
    store.put("a", "2", {"n": 2})
    store.put("a", "1", {"n": 1})
    kept = store.kept("a")
    assert kept == tuple(store.scan("a"))
    assert store.kept("a") is kept
    store.put("b", "1", {})
    assert store.kept("a") is kept

    def fail_inside() -> None:
        with store.transaction():
            store.put("a", "3", {"n": 3})
            assert len(store.kept("a")) == 3
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_inside()
    assert store.kept("a") == kept
    store.delete("a", "1")
    assert store.kept("a") == (("2", {"n": 2}),)


def test_what_was_written_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = Store(tmp_path / "azure.db")
    first.put("a", "1", {"n": 1})
    second = Store(tmp_path / "azure.db")  # while the first was never closed, as after kill -9
    assert second.get("a", "1") == {"n": 1}
    first.close()
    second.close()


def test_the_version_tells_what_another_process_wrote(tmp_path: Path) -> None:
    with contextlib.closing(Store(tmp_path / "s.db")) as store, contextlib.closing(Store(tmp_path / "s.db")) as other:
        store.put("a", "k", {"n": 1})
        version = store.version("a")
        assert store.version("a") == version
        other.put("a", "k", {"n": 2})
        assert store.version("a") != version


def test_a_write_that_need_not_be_synced_leaves_the_next_ones_synced(tmp_path: Path) -> None:
    store = Store(tmp_path / "azure.db")
    store.put("blocks", "a", {"n": 1}, synced=False)
    assert store.get("blocks", "a") == {"n": 1}
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    store.close()
