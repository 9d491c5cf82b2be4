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
    told = [_fields(process, "status", "VmRSS:", "VmPTE:") for process in found]
    tables = sum(each[1] for each in told)
    plain = sum(each[0] for each in told) + elsewhere + tables
    if plain < limit:
        return plain
    shared = [_fields(process, "smaps_rollup", "Pss:", "Pss_Shmem:") for process in found]
    whole, mapped = sum(each[0] for each in shared), sum(each[1] for each in shared) if elsewhere else 0
    return whole - mapped + max(mapped, elsewhere) + tables


def _fields(process: int, file: str, *names: str) -> tuple[int, ...]:
    """Figures of a process, in bytes; 0 for one that is no more."""
    found = dict.fromkeys(names, 0)
    with contextlib.suppress(OSError), open(f"/proc/{process}/{file}") as told:
        for line in told:
            name, *words = line.split(maxsplit=2)
            if name in found:
                found[name] = int(words[0]) * 1024
    return tuple(found.values())
