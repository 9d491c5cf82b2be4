"""A flood of connections takes neither the disk nor all descriptors."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.process import bounds


def test_a_connection_that_cannot_be_taken_is_told_once_in_a_while(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    complain, loop = bounds.Complaints(lambda: now[0]), asyncio.new_event_loop()
    flood = {"message": "socket.accept() out of system resource", "exception": OSError(24, "Too many open files")}
    for _ in range(1000):
        complain(loop, flood)
    assert len(caplog.messages) == 1
    assert "no file descriptor" in caplog.text
    now[0] = 11.0
    complain(loop, flood)
    assert len(caplog.messages) == 2
    complain(loop, {"message": "Task exception was never retrieved"})
    assert caplog.messages[-1].startswith("Task exception")
    loop.close()


def test_a_log_that_is_too_long_is_put_aside_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    script = (
        "import pathlib, sys; from azmlflow.localazure.process.bounds import cut_log\n"
        "sys.stderr.write('x' * 2000 + chr(10)); sys.stderr.flush()\n"
        f"cut_log(pathlib.Path({str(path)!r}), 1000)\n"
        "sys.stderr.write('after' + chr(10))\n"
    )
    with path.open("ab") as log:
        subprocess.run([sys.executable, "-c", script], stderr=log, check=True)
    assert path.read_text() == "after\n"
    assert path.with_suffix(".log.1").stat().st_size == 2001


def test_a_log_that_is_not_ours_is_left(tmp_path: Path) -> None:
    path = tmp_path / "daemon.log"
    path.write_text("x" * 2000)
    bounds.cut_log(path, 1000)
    assert path.stat().st_size == 2000
    bounds.cut_log(tmp_path / "none", 1000)


def test_as_many_descriptors_as_there_may_be() -> None:
    script = (
        "import resource; from azmlflow.localazure.process.bounds import raise_descriptors\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard)); raise_descriptors()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert int(done.stdout) == (65536 if hard == resource.RLIM_INFINITY else min(hard, 65536))
