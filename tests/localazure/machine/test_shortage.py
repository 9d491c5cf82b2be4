"""What the machine refuses is told in words, with what to do; the codes are those of errno(3)."""

from __future__ import annotations

import errno
import os
import pwd
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.machine.shortage import said, shortage

HERE = {"HOME": "/home/u"}


@pytest.mark.parametrize(
    ("number", "code", "word", "advice"),
    [
        (errno.ENOSPC, "DiskFull", "disk is full", "df -h"),
        (errno.EDQUOT, "QuotaExceeded", "quota", "quota -s"),
        (errno.EMFILE, "NoFileDescriptor", "file descriptor", "ulimit -n"),
        (errno.ENOMEM, "NoMemory", "memory", "free -h"),
    ],
)
def test_an_amount_is_told_whatever_it_was_wanted_for(number: int, code: str, word: str, advice: str) -> None:
    found = shortage(OSError(number, os.strerror(number)), HERE)
    assert found is not None
    assert (found.code, found.room) == (code, True)
    assert word in found.what
    assert advice in found.next


def test_the_disk_is_looked_at_where_the_file_is() -> None:
    found = shortage(OSError(errno.ENOSPC, "No space left on device", "/data/p/x.json"), HERE)
    assert found is not None
    assert (found.where, found.next.split("    ")[0]) == ("/data/p/x.json", "df -h /data/p/x.json")


def test_it_is_found_beneath_what_a_library_makes_of_it() -> None:
    fault = ValueError("no answer")
    fault.__cause__ = ConnectionError("cannot connect")
    fault.__cause__.__context__ = OSError(errno.EMFILE, "Too many open files")
    found = shortage(fault, HERE)
    assert found is not None
    assert found.code == "NoFileDescriptor"


def test_sqlite_and_threads_tell_no_code() -> None:
    assert getattr(shortage(sqlite3.OperationalError("database or disk is full")), "code", None) == "DiskFull"
    assert getattr(shortage(RuntimeError("can't start new thread")), "code", None) == "NoProcess"
    assert shortage(RuntimeError("something else")) is None
    assert shortage(sqlite3.OperationalError("no such table: documents")) is None


def test_a_process_that_cannot_be_forked_is_no_socket_that_would_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("_posixsubprocess.fork_exec", refuse)
    monkeypatch.setattr("subprocess._fork_exec", refuse)
    with pytest.raises(BlockingIOError) as failed:
        subprocess.run([sys.executable, "-c", ""], check=False, close_fds=True, cwd="/")
    found = shortage(failed.value)
    assert found is not None
    assert found.code == "NoProcess"
    assert shortage(BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")) is None


@pytest.mark.parametrize(
    ("number", "path", "advice"),
    [
        (errno.EROFS, "/home/u/.cache/azmlflow/x", "export AZMLFLOW_CACHE="),
        (errno.EACCES, "/home/u/.cache", "export AZMLFLOW_CACHE="),
        (errno.EROFS, "/home/u/.pulumi/workspaces", "export PULUMI_HOME="),
        (errno.EACCES, "/home/u/.azure/msal", "export AZURE_CONFIG_DIR="),
        (errno.EACCES, "/srv/p/Pulumi.yaml", "ls -ld /srv/p/Pulumi.yaml"),
        (errno.EISDIR, "/srv/p/daemon.log", "ls -ld /srv/p/daemon.log"),
    ],
)
def test_a_place_is_named_with_what_moves_it(
    number: int, path: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/u")
    found = shortage(OSError(number, os.strerror(number), path), HERE)
    assert found is not None
    assert (found.code, found.where, found.room) == ("FileUnusable", path, False)
    assert found.next.startswith(advice)


def test_what_is_no_refusal_of_the_machine_is_not_taken_for_one() -> None:
    assert shortage(OSError(errno.ENOENT, "No such file or directory", "/x")) is None
    assert shortage(KeyError("x")) is None
    assert said("error: 403 Forbidden") is None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("error: write /x/local.json: no space left on device", "DiskFull"),
        ("fork/exec /x/pulumi: resource temporarily unavailable", "NoProcess"),
        ("accept unix: too many open files", "NoFileDescriptor"),
        ("write: disk quota exceeded", "QuotaExceeded"),
    ],
)
def test_a_programs_words_are_understood(text: str, code: str) -> None:
    found = said(text)
    assert found is not None
    assert found.code == code


def test_what_belongs_to_another_says_to_whom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state := tmp_path / ".azmlflow").mkdir()
    owner = pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    found = shortage(PermissionError(errno.EACCES, "Permission denied", str(state / ".gitignore")))
    assert found is not None
    assert found.what == f".gitignore cannot be used: it belongs to {owner}, and you are another"
    assert found.next == "cd FOLDER    (one of your own: a project's state is its owner's alone)"
    found = shortage(PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "notes")))
    assert found is not None
    assert found.next == f"ls -ld {tmp_path / 'notes'}"


def test_a_file_in_the_place_of_a_folder_and_a_folder_that_was_not_to_be_there(tmp_path: Path) -> None:
    (file := tmp_path / "cache").write_text("")
    found = shortage(FileExistsError(errno.EEXIST, "File exists", str(file)), {"AZMLFLOW_CACHE": str(file)})
    assert found is not None
    assert (found.what, found.next) == (
        "cache cannot be used: a file stands where a folder should be",
        "export AZMLFLOW_CACHE=FOLDER    (one that you can write to)",
    )
    assert shortage(FileExistsError(errno.EEXIST, "File exists", str(tmp_path))) is None
