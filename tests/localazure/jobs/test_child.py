"""A job's keeper: what it passes on, what it cuts off, and that it leaves nobody behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from azmlflow.localazure.jobs import child


@contextmanager
def keeper(log: Path, command: str, *, limit: int = 10_000, seconds: float = 0) -> Iterator[subprocess.Popen[bytes]]:
    words = [sys.executable, "-I", "-S", child.__file__, str(log), str(limit), str(seconds), "/bin/sh", "-c", command]
    with subprocess.Popen(words, stdin=subprocess.PIPE) as process:
        yield process


def _end(process: subprocess.Popen[bytes]) -> int:
    assert process.stdin is not None
    process.stdin.close()
    return process.wait(20)


def _alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def _pids(fifo: Path, count: int) -> list[int]:
    """The process ids that a command writes to a pipe: reading waits for them."""
    with fifo.open() as told:
        return [int(told.readline()) for _ in range(count)]


def test_exit_code_and_both_streams_are_the_commands(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "echo out; echo err >&2; exit 7") as process:
        assert process.wait(20) == 7
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_a_flood_is_cut_and_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "head -c 1000000 /dev/zero | tr '\\0' x", limit=1000) as process:
        assert process.wait(20) == 0
    content = log.read_text()
    assert content.startswith("x" * 1000 + "\n[azmlflow]")
    assert len(content) < 1100


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_when_the_pipe_closes_the_whole_tree_ends_even_what_left_the_session_and_ignores_sigterm(
    tmp_path: Path,
) -> None:
    fifo = tmp_path / "pids"
    os.mkfifo(fifo)
    inner = "import os, signal, time; os.setsid(); signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True)"
    script = f"{sys.executable} -c '{inner}; time.sleep(600)' & trap '' TERM; echo $$; sleep 600 & wait"
    with keeper(tmp_path / "log", f"exec > {fifo}; {script}") as process:
        pids = _pids(fifo, 2)
        assert all(map(_alive, pids))
        _end(process)
    assert not any(map(_alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_what_a_finished_command_left_running_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "setsid sleep 600 & echo $!") as process:
        assert process.wait(20) == 0
    assert not _alive(int(log.read_text()))


def test_over_time_is_ended_and_told_by_the_exit_code(tmp_path: Path) -> None:
    with keeper(tmp_path / "log", "sleep 600", seconds=0.05) as process:
        assert process.wait(20) == child.TIMED_OUT
