"""Whoever needs the program's packages waits for the thread that imports them."""

from __future__ import annotations

import threading

import pytest

from azmlflow.cli.frame import imports
from azmlflow.cli.session.session import Session


def test_who_waits_goes_on_once_all_is_imported() -> None:
    go = threading.Event()
    done: list[str] = []

    def load() -> None:
        assert go.wait(10)
        done.append("imported")

    imports.begin(load)

    def wait() -> None:
        imports.wait()
        done.append("went on")

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert done == []
    go.set()
    waiting.join(10)
    assert done == ["imported", "went on"]
    imports.wait()  # nothing is under way


def test_a_program_that_is_rehearsed_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads that import pulumi and protobuf waited for each other for ever, under load (CPython 3.11.7)."""
    waited: list[bool] = []
    monkeypatch.setattr(imports, "wait", lambda: waited.append(True))
    session = Session.__new__(Session)
    assert callable(session.rehearsed)
    assert waited == [True]
