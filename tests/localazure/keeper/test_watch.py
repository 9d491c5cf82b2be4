"""A command's limits, its log and its end: what is passed on, what is cut off, and that nobody is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from pathlib import Path

import pytest

from azmlflow.localazure.keeper.ending import remove
from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import JobProcess
from azmlflow.localazure.keeper.watch import size_of
from tests.localazure.keeper.kept import kept
from tests.waits import lines_of

PYTHON = shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable  # one that everybody may start
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


def _alive(process: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def test_exit_code_and_both_streams_are_the_commands() -> None:
    ended, log = kept("echo out; echo err >&2; exit 7")
    assert (ended.code, ended.passed, ended.asked) == (7, "", False)
    assert sorted(log.split()) == ["err", "out"]


def test_a_flood_is_cut_and_told() -> None:
    ended, log = kept("head -c 1000000 /dev/zero | tr '\\0' x", log_limit=1000)
    assert ended.code == 0
    assert log.startswith("x" * 1000 + "\n[azmlflow]")
    assert len(log) < 1100


@on_linux
def test_when_it_is_to_end_the_whole_tree_ends_even_what_left_the_session_and_ignores_sigterm(tmp_path: Path) -> None:
    fifo, pids = tmp_path / "pids", list[int]()
    os.mkfifo(fifo)
    inner = "import os, signal, time; os.setsid(); signal.signal(15, signal.SIG_IGN); print(os.getpid(), flush=True)"
    script = f"{sys.executable} -c '{inner}; time.sleep(600)' & trap '' TERM; echo $$; sleep 600 & wait"

    async def end(_place: Place, process: JobProcess) -> None:
        pids.extend(int(line) for line in await asyncio.to_thread(lines_of, fifo, 2))
        assert all(map(_alive, pids))
        process.end()

    ended, _ = kept(f"exec > {fifo}; {script}", play=end)
    assert (ended.code, ended.passed, ended.asked) == (128 + 9, "", True)
    assert not any(map(_alive, pids))


@on_linux
def test_what_a_finished_command_left_running_is_ended() -> None:
    ended, log = kept("setsid sleep 600 & echo $!")
    assert ended.code == 0
    assert not _alive(int(log))


def test_over_time_is_ended_and_told() -> None:
    ended, _ = kept("sleep 600", seconds=0.05)
    assert (ended.code, ended.passed) == (128 + 15, "time")


@on_linux
def test_over_memory_is_ended_and_told_whichever_process_has_it() -> None:
    hungry = f"{sys.executable} -I -S -c 'import time; kept = bytearray(64 << 20); time.sleep(600)'"
    assert kept(f"{hungry} & {hungry} & wait", memory=100 << 20)[0].passed == "memory"


@on_linux
def test_memory_that_is_only_reserved_or_shared_does_not_count() -> None:
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
    ended, _ = kept(f"{sys.executable} -I -S -c '{script}'", memory=110 << 20)
    assert (ended.code, ended.passed) == (0, "")


@pytest.mark.parametrize(
    "command",
    [
        "head -c 3000000 /dev/zero > {folder}/tmp/big",  # one file: the kernel stops it
        "for n in 1 2 3 4 5; do head -c 500000 /dev/zero > {folder}/tmp/$n; done; sleep 600",  # many: the keeper does
    ],
)
def test_over_disk_is_ended_and_told(command: str) -> None:
    ended, _ = kept(command, disk=2_000_000)
    assert (ended.code != 0, ended.passed) == (True, "disk")


OPEN, MAPPED = "os.dup(file)", "library.mmap(None, 4096, 1, 2, file, 0)"


@on_linux
@pytest.mark.parametrize(
    ("kept_by", "root"),
    [(OPEN, False), pytest.param(OPEN, True, marks=as_root), pytest.param(MAPPED, True, marks=as_root)],
)
def test_what_no_folder_shows_any_more_is_on_the_disk_all_the_same(kept_by: str, root: bool) -> None:
    """Unlinked, and open or mapped: the folder is empty, the disk full."""
    script = f"""
import ctypes, os, time
library = ctypes.CDLL(None)
library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
for number in range(5):
    file = os.open("x", os.O_RDWR | os.O_CREAT)
    os.unlink("x")
    os.write(file, bytes(500_000))
    {kept_by}
    os.close(file)
time.sleep(60)
"""
    ended, log = kept(f"{PYTHON} -I -S -c '{script}'", root=root, disk=2_000_000)
    assert (ended.code != 0, ended.passed) == (True, "disk"), log


def test_a_tree_too_deep_to_be_looked_at_is_over_every_limit(tmp_path: Path) -> None:
    """Counted folder by folder it would hide what lies below, or end the keeper itself."""
    here, place = Path.cwd(), os.open(tmp_path, os.O_RDONLY)
    try:
        os.chdir(tmp_path)
        for _ in range(21):
            Path("deep" * 50).mkdir()
            os.chdir("deep" * 50)
        assert size_of(str(tmp_path)) > 1 << 60
    finally:
        os.chdir(here)
        assert remove(place, "deep" * 50)
        os.close(place)


def test_a_deep_tree_that_nobody_may_write_to_is_removed() -> None:
    script = "import os\nfor _ in range(1100):\n os.mkdir('d'); os.chdir('d')\nopen('f', 'w')"
    ended, log = kept(
        f'{sys.executable} -c "{script}" && mkdir a && mkdir a/b && touch a/b/c && chmod 500 a/b && chmod 0 a'
    )
    assert (ended.code, log) == (0, "")


def test_a_command_that_is_no_command_is_told_and_not_run() -> None:
    with pytest.raises(Exception, match="not started: the command cannot be started"):
        kept("x" * 3_000_000)


@on_linux
def test_variables_are_the_commands_alone() -> None:
    """Those of a submission once reached the process that keeps it: a library to be loaded, a file to be read."""
    names = ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PYTHONPATH", "PYTHONHOME", "GCONV_PATH", "BASH_ENV", "ENV")
    with_them: list[str] = []

    async def look(place: Place, process: JobProcess) -> None:
        while not (place.folder / "log.txt").read_text().endswith("begun\n"):
            await asyncio.sleep(0.01)
        for each in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if b"/EVIL" in (each / "environ").read_bytes():
                    with_them.append((each / "cmdline").read_text().split("\0")[0])
        process.end()

    kept("mkfifo f; echo begun; read forever < f", play=look, variables=dict.fromkeys(names, "/EVIL"))
    assert set(with_them) == {"/bin/sh"}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is looked at by /proc")
def test_memory_that_no_process_has_mapped_counts_too() -> None:
    """A file that is nowhere but in memory: resident is what is mapped of it, which is nothing."""
    script = (
        'import os, time; f = os.memfd_create("x"); [os.write(f, bytes(1 << 20)) for _ in range(120)]; time.sleep(60)'
    )
    ended, _ = kept(f"{sys.executable} -I -S -c '{script}'", memory=60 << 20)
    assert (ended.code != 0, ended.passed) == (True, "memory")
