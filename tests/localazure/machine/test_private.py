"""A file of ours that does not hold what it should is an error that names it, and never taken for an empty one."""

from __future__ import annotations

import errno
import fcntl
import json
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from azmlflow.localazure.front.faults import read_faults
from azmlflow.localazure.machine.errors import LocalError, PortTaken, UnreadableFile
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import daemon
from azmlflow.localazure.work.limits import read_limits

READERS: dict[str, Callable[[Path], object]] = {
    "secrets.json": lambda state: Folder.at(state).secrets(),
    "ports.json": lambda state: Folder.at(state).ports(),
    "job-limits.json": read_limits,
    "faults.json": read_faults,
    "daemon.json": daemon.status,
}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'"text"', b'{"something": 1}', b'[{"something": 1}]'])
@pytest.mark.parametrize("name", READERS)
def test_it_names_the_file(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with (tmp_path / "daemon.lock").open("wb") as lock:  # as one that runs holds it
        lock.write(b"1")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnreadableFile, match=name) as told:
            READERS[name](tmp_path)
    assert told.value.where == str(tmp_path / name)
    assert str(told.value.next).startswith("azmlflow local repair")
    assert (tmp_path / name).read_bytes() == content, "what it held is not lost by reading it"


@pytest.mark.parametrize("name", READERS)
def test_what_cannot_be_read_at_all_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with (tmp_path / "daemon.lock").open("wb") as lock:
        lock.write(b"1")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnreadableFile, match="directory"):
            READERS[name](tmp_path)


def test_a_lock_without_a_number_is_named(tmp_path: Path) -> None:
    with (tmp_path / "daemon.lock").open("wb") as lock:
        lock.write(b"nobody")
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UnreadableFile, match=r"daemon\.lock"):
            daemon.status(tmp_path)


@pytest.mark.parametrize("kept", [True, False])
def test_a_port_that_cannot_be_had_is_not_called_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    folder = Folder.at(tmp_path)
    if kept:
        (tmp_path / "ports.json").write_text(json.dumps({"proxy": 20001, "identity": 20002, "ui": 20003}))

    def bind(*_: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", bind)
    with pytest.raises(LocalError, match="Permission denied") as told:
        folder.check_ports()
    assert not isinstance(told.value, PortTaken)
