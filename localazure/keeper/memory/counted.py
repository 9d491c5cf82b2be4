"""What a command and all its descendants have in memory, added up from what can be seen of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from azmlflow.localazure.keeper.memory import nameless


def resident(processes: Iterable[int], elsewhere: int, limit: int) -> int:
    """Bytes in memory; what processes share counts once if that is over the limit.

    Args:
        processes: the command's.
        elsewhere: bytes that lie in memory whether or not a process has mapped them.
        limit: in bytes.
    """
    found = list(processes)
    elsewhere += nameless.in_memory(found)
    tables = sum(_field(process, "status", "VmPTE:") for process in found)
    plain = sum(_field(process, "status", "VmRSS:") for process in found) + elsewhere + tables
    if plain < limit:
        return plain
    whole = sum(_field(process, "smaps_rollup", "Pss:") for process in found)
    mapped = sum(_field(process, "smaps_rollup", "Pss_Shmem:") for process in found) if elsewhere else 0
    return whole - mapped + max(mapped, elsewhere) + tables


def _field(process: int, file: str, name: str) -> int:
    """A line's figure, in bytes; 0 for a process that is no more."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/{file}") as told:
        for line in told:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0
