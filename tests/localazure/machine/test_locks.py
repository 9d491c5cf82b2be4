"""A lock is a plain file; what stands in it is believed of nobody who has not got it open."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from azmlflow.localazure.machine.errors import UnreadableFile
from azmlflow.localazure.machine.locks import may_hold, refuse_odd

ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "folder": (Path.mkdir, "it is a folder"),
    "pipe": (os.mkfifo, "it is not a plain file"),
    "link": (lambda path: path.symlink_to(path.parent / "nowhere" / "x"), "it is a link that leads nowhere"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_plain_file_is_named_and_never_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "daemon.lock"
    make, why = ODD[kind]
    make(path)
    with pytest.raises(UnreadableFile, match=f"daemon.lock cannot be used: {why}") as told:
        refuse_odd(path)
    assert (told.value.where, str(told.value.next).split("    ")[0]) == (str(path), f"mv {path} {path}.old")


def test_a_file_and_none_yet_are_as_they_should_be(tmp_path: Path) -> None:
    refuse_odd(tmp_path / "none")
    (tmp_path / "file").touch()
    refuse_odd(tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    refuse_odd(tmp_path / "link")
    assert not (tmp_path / "none").exists()


def test_only_who_has_it_open_can_hold_it(tmp_path: Path) -> None:
    path = tmp_path.resolve() / "daemon.lock"
    path.touch()
    assert not may_hold(os.getpid(), path)
    with path.open("rb"):
        assert may_hold(os.getpid(), path)
    assert not may_hold(2**22 + 1, path)
