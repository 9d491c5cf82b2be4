"""What a command and all its descendants have in memory, added up from what can be seen of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable


def resident(processes: Iterable[int], elsewhere: int, limit: int) -> int:
    """Bytes in memory; what processes share counts once if that is over the limit.

    Args:
        processes: the command's.
        elsewhere: bytes that lie in memory whether or not a process has mapped them.
        limit: in bytes.
    """
    found = list(processes)
    elsewhere += sum(_unnamed(found).values())
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


def _unnamed(processes: Iterable[int]) -> dict[int, int]:
    """Bytes of the files that processes hold open and that are nowhere but in memory (memfd_create), by inode."""
    found: dict[int, int] = {}
    for process in processes:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:
            for entry in entries:
                with contextlib.suppress(OSError):  # it was closed
                    if os.readlink(entry.path).startswith("/memfd:"):
                        file = entry.stat()
                        found[file.st_ino] = file.st_blocks * 512
    return found
