"""Files that processes hold, and that no folder shows any more: in memory alone (memfd), or unlinked, on disk.

Sources: proc_pid_fd(5), proc_pid_maps(5), proc_pid_map_files(5): the name of an unlinked file ends with ` (deleted)`.
What is on its way through a socket at the moment is held by nobody, and not found.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator

_MEMFD, _GONE = "/memfd:", " (deleted)"


def in_memory(processes: Iterable[int]) -> int:
    """Bytes of the open files that are nowhere but in memory."""
    return _size(found for name, found in _open(processes) if name.startswith(_MEMFD))


def on_disk(processes: Iterable[int], device: int) -> int:
    """Bytes of the open and mapped files of a device that no folder shows.

    Args:
        processes: who holds them.
        device: the number of the device (`st_dev`).
    """
    held = list(processes)
    files = (*_open(held), *_mapped(held))
    return _size(found for name, found in files if name.endswith(_GONE) and found.st_dev == device)


def _size(files: Iterable[os.stat_result]) -> int:
    return sum({(each.st_dev, each.st_ino): each.st_blocks * 512 for each in files}.values())


def _open(processes: Iterable[int]) -> Iterator[tuple[str, os.stat_result]]:
    for process in processes:
        with contextlib.suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:
            for entry in entries:
                yield from _file(entry.path)


def _mapped(processes: Iterable[int]) -> Iterator[tuple[str, os.stat_result]]:
    for process in processes:
        with contextlib.suppress(OSError), open(f"/proc/{process}/maps", "rb") as told:
            ranges = [line.split()[0] for line in told if line.rstrip().endswith(_GONE.encode())]
            for each in ranges:
                yield from _file(f"/proc/{process}/map_files/{each.decode()}")


def _file(link: str) -> Iterator[tuple[str, os.stat_result]]:
    with contextlib.suppress(OSError):  # it was closed
        name = os.readlink(link)
        if name.endswith(_GONE):
            yield name, os.stat(link)
