"""A job's keeper: what it passes on, what it cuts off, and that it leaves nobody behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.keeper import child
from azmlflow.localazure.keeper.process import Keeping
from tests.waits import bounded, lines_of


@contextmanager
def keeper(log: Path, command: str, **told: Any) -> Iterator[subprocess.Popen[bytes]]:
    keeping = Keeping(**{"log": str(log), "folder": str(log.parent), "log_limit": 10_000, **told})
    words = [sys.executable, "-I", "-S", child.__file__, json.dumps(asdict(keeping)), "/bin/sh", "-c", command]
    with (
        subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", start_new_session=True
        ) as process,
        bounded(process, 60),
    ):
        yield process


def passed(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Exit code, and which limit was passed."""
    assert process.stdout is not None
    told = process.stdout.read().decode().strip()
    return process.wait(20), told


def _alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def _pids(fifo: Path, count: int) -> list[int]:
    """The process ids that a command writes to a pipe: reading waits for them."""
    return [int(line) for line in lines_of(fifo, count)]


def test_exit_code_and_both_streams_are_the_commands(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "echo out; echo err >&2; exit 7") as process:
        assert process.wait(20) == 7
    assert sorted(log.read_text().split()) == ["err", "out"]


def test_a_flood_is_cut_and_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "head -c 1000000 /dev/zero | tr '\\0' x", log_limit=1000) as process:
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
        assert process.stdin is not None
        process.stdin.close()
        assert passed(process) == (128 + 9, "asked")
    assert not any(map(_alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_what_a_finished_command_left_running_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with keeper(log, "setsid sleep 600 & echo $!") as process:
        assert process.wait(20) == 0
    assert not _alive(int(log.read_text()))


def test_over_time_is_ended_and_told(tmp_path: Path) -> None:
    with keeper(tmp_path / "log", "sleep 600", seconds=0.05) as process:
        assert passed(process) == (128 + 15, "time")


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_over_memory_is_ended_and_told_whichever_process_has_it(tmp_path: Path) -> None:
    hungry = f"{sys.executable} -I -S -c 'import time; kept = bytearray(64 << 20); time.sleep(600)'"
    with keeper(tmp_path / "log", f"{hungry} & {hungry} & wait", memory=100 << 20) as process:
        assert passed(process)[1] == "memory"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_memory_that_is_only_reserved_or_shared_does_not_count(tmp_path: Path) -> None:
    script = """
import mmap, os, threading
space = mmap.mmap(-1, 4 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)  # reserved
threading.stack_size(64 << 20)
threads = [threading.Thread(target=lambda: None) for _ in range(8)]
kept = os.urandom(1 << 20) * 60
for thread in threads: thread.start()
children = [os.fork() for _ in range(1)]  # shares what its parent has
import time; time.sleep(0.3)
"""
    command = f"{sys.executable} -I -S -c '{script}'"
    with keeper(tmp_path / "log", command, memory=110 << 20) as process:
        assert passed(process) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        "head -c 3000000 /dev/zero > {folder}/big",  # one file: the kernel stops it
        "for n in 1 2 3 4 5; do head -c 500000 /dev/zero > {folder}/$n; done; sleep 600",  # many: the keeper does
    ],
)
def test_over_disk_is_ended_and_told(tmp_path: Path, command: str) -> None:
    folder = tmp_path / "job"
    folder.mkdir()
    with keeper(tmp_path / "log", command.format(folder=folder), folder=str(folder), disk=2_000_000) as process:
        code, told = passed(process)
    assert (code != 0, told) == (True, "disk")
    assert sum(path.stat().st_size for path in folder.iterdir()) < 3_000_000


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")


@needs_root
def test_as_another_user_it_has_no_groups_gains_nothing_and_reads_nothing_closed(tmp_path: Path) -> None:
    secret, log = tmp_path / "secret", tmp_path / "log"
    secret.write_text("told")
    secret.chmod(0o600)
    command = f"id -u; id -G; grep NoNewPrivs /proc/self/status; cat {secret}; kill -9 $PPID; cat {log}"
    with keeper(log, command, user=51234) as process:
        assert process.wait(20) != 0
    told = log.read_text()
    assert told.splitlines()[:3] == ["51234", "51234", "NoNewPrivs:\t1"]
    assert "told" not in told.replace("Operation not permitted", "")
    assert told.count("Permission denied") == 2
    assert "not permitted" in told


@needs_root
@pytest.mark.skipif(sys.platform != "linux", reason="needs mount namespaces")
def test_a_folder_below_a_closed_one_is_laid_open_and_nothing_beside_it(tmp_path: Path) -> None:
    closed = Path(tempfile.mkdtemp())
    try:
        for name in ("tools", "keys"):
            (closed / "deep" / name).mkdir(parents=True)
            (closed / "deep" / name / "file").write_text(name)
        command = f"cat {closed}/deep/tools/file; ls {closed}/deep; cat {closed}/deep/keys/file"
        with keeper(tmp_path / "log", command, user=51234, seen=(f"{closed}/deep/tools",)) as process:
            if process.wait(20) == 1 and not (tmp_path / "log").read_text():
                pytest.skip("no mount namespaces here")
        told = (tmp_path / "log").read_text()
        assert told.startswith("toolstools\n")
        assert "No such file" in told
        assert sorted(path.name for path in (closed / "deep").iterdir()) == ["keys", "tools"]  # as it was, for us
    finally:
        shutil.rmtree(closed)
