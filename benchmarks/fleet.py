"""`azmlflow fleet up` of 100 workspaces against that of 10: seconds a workspace, and memory.

Each fleet has a project folder and an embedded Azure of its own, which is done at once, so that what grows with the
number of workspaces is azmlflow's, the engine's or the embedded Azure's own. Some five minutes on two cores. Memory is
the proportional share (PSS) of a process and all below it, so that what they share counts once, as Linux alone tells
it; looked at twice a second.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from azmlflow.localazure.process import daemon
from tests.e2e.estate import Estate, make_estate

SMALL, LARGE, WIDTH, BOUND = 10, 100, 4, 1.2
_PAUSE = 0.5  # seconds


@dataclass(frozen=True)
class Fleet:
    """What standing a fleet up took.

    Attributes:
        size: how many workspaces.
        seconds: wall time of the command.
        cpu: seconds of processor time of the command, its members' commands, their engines and the embedded Azure,
            which say the same on a busy machine.
        command: MiB of the command, its members' commands and their engines, at most.
        itself: MiB of the command's own process, at most.
        azure: MiB of the embedded Azure with its MLflow server, at most.
    """

    size: int
    seconds: float
    cpu: float
    command: float
    itself: float
    azure: float

    @property
    def each(self) -> float:
        """Seconds a workspace."""
        return self.seconds / self.size


def measure(estate: Estate, size: int) -> Fleet:
    """Stand a fleet up, in an estate where nothing stands."""
    members: dict[str, object] = {f"team-{number:03}": {} for number in range(size)}
    settings = {"defaults": {"cloud": "local", "location": "westeurope"}, "workspaces": members}
    (estate.folder / "fleet.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    estate.azmlflow("local", "start")
    running = daemon.status(estate.folder / ".azmlflow" / "local")
    assert running is not None
    log = estate.folder / "fleet.log"
    before = spent(tree(running.pid))
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            ("azmlflow", "fleet", "up", "--width", str(WIDTH), "-o", "json"),
            cwd=estate.folder,
            env=estate.environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        watched = Watched(lambda: tree(process.pid), lambda: [process.pid], lambda: tree(running.pid))
        _, status, usage = os.wait4(process.pid, 0)  # with that of all below it
        seconds = time.perf_counter() - began
        command, itself, azure = watched.end()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, log.read_text()
    cpu = usage.ru_utime + usage.ru_stime + spent(tree(running.pid)) - before
    return Fleet(size, seconds, cpu, command, itself, azure)


class Watched:
    """Looks at the memory of sets of processes, twice a second, until its end.

    Args:
        sets: each gives process ids, anew at every look.
    """

    def __init__(self, *sets: Callable[[], Iterable[int]]) -> None:
        self._sets, self._most = sets, [0.0] * len(sets)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="memory")
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(_PAUSE):
            for at, pids in enumerate(self._sets):
                self._most[at] = max(self._most[at], sum(map(share, pids())))

    def end(self) -> tuple[float, ...]:
        """MiB of each set at most."""
        self._over.set()
        self._thread.join()
        return tuple(self._most)


def share(pid: int) -> float:
    """MiB that are a process's, with its part of what it shares with others; 0 of one that has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def spent(pids: Iterable[int]) -> float:
    """Seconds of processor time of processes, and of the children that they have waited for."""
    ticks = 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:  # it has ended
            continue
        ticks += sum(map(int, stat.rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> set[int]:
    """A process and all below it."""
    parents: dict[int, int] = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            try:
                stat = Path(entry.path, "stat").read_text(encoding="utf-8", errors="replace")
            except OSError:  # it has ended
                continue
            parents[int(entry.name)] = int(stat.rpartition(")")[2].split()[1])
    found, grown = {pid}, True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found, grown = found | more, bool(more)
    return found


def show(small: Fleet, large: Fleet) -> str:
    """Two lines: the ratio of the times a workspace, and the memory of both."""
    memory = " / ".join(
        f"{each.command:.0f} MiB (its own process {each.itself:.0f}), the embedded Azure {each.azure:.0f} MiB"
        for each in (large, small)
    )
    times = " / ".join(
        f"fleet of {each.size} {each.seconds:.1f} s = {each.each:.2f} s a workspace" for each in (large, small)
    )
    cpu = (large.cpu / large.size) / (small.cpu / small.size)
    return (
        f"{times} = {large.each / small.each:.2f} (wanted: at most {BOUND}; width {WIDTH})\n"
        f"processor {large.cpu / large.size:.2f} / {small.cpu / small.size:.2f} s a workspace = {cpu:.2f}; "
        f"memory at most {memory}"
    )


def report(estate: Estate) -> str:
    """Two lines."""
    small = measure(estate, SMALL)
    estate.azmlflow("local", "stop")
    other = make_estate(estate.folder.with_name("large"), typed=True)
    try:
        return show(small, measure(other, LARGE))
    finally:
        other.azmlflow("local", "stop")
