"""What the real collaborators do by themselves."""

from __future__ import annotations

import gc
import sys

import pytest

from azmlflow.cli import wiring


@pytest.fixture
def _nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gc, "freeze", lambda: None)  # other tests' objects stay where they are looked for


@pytest.mark.usefixtures("_nothing_kept")
def test_garbage_is_collected_again_after_the_program_was_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    wiring._import_program()
    assert gc.isenabled()
    monkeypatch.setitem(sys.modules, "azmlflow.infra.__main__", None)
    with pytest.raises(ImportError):
        wiring._import_program()
    assert gc.isenabled()
