"""A control group for one command's memory, where the system has them and lets us make one (root mostly may).

The kernel counts all that the group's processes have it keep in memory, whoever can see it: what they map, files that
lie in memory, System V's segments and queues, what waits in pipes and sockets, tables of pages, stacks of threads. At
the limit it takes back what it can read again, and then kills. But what it takes may be the code of the very process
that runs, which reads it again: so long as there is some, nobody is killed, and nothing goes on (seen with queues, on
version 2). `is_full` tells that state.

    version 1   below the group that we are in, so that its limit holds for us and what we start
    version 2   beside it: a group with processes in it cannot hand the controller down (the "no internal process"
                constraint), so its limit is its parent's, if that has one

Source: the kernel's admin-guide, "Control Group v2" and "Memory Resource Controller" (cgroup-v1). Both were tried.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

NAME = "azmlflow-job-"
# Files by version: the limit, that of memory and swap together or of swap, how often the kernel killed for it.
_LIMIT = {1: "memory.limit_in_bytes", 2: "memory.max"}
_SWAP = {1: "memory.memsw.limit_in_bytes", 2: "memory.swap.max"}
_KILLED = {1: "memory.oom_control", 2: "memory.events"}
_HELD = {1: "memory.usage_in_bytes", 2: "memory.current"}
# Of "memory.stat": what the kernel can take back, since it is read, or made, again when somebody asks for it.
_GIVES_BACK = {
    1: ("total_inactive_file", "total_active_file"),
    2: ("inactive_file", "active_file", "slab_reclaimable"),
}
_ROOM = 1 << 20  # bytes: no program that does anything has less of its own code and files in memory
_REMOVED_WITHIN, _PAUSE = 5.0, 0.001  # seconds: the kernel takes note of a process' end a moment after its parent


@dataclass(frozen=True)
class Group:
    """A control group with a limit of memory.

    Attributes:
        folder: it, in the file system of control groups.
        version: of these.
        limit: in bytes.
    """

    folder: str
    version: int
    limit: int

    def enter(self) -> None:
        """Put this process into it, and with it all that it starts.

        Raises:
            OSError: the system refuses.
        """
        _write(f"{self.folder}/cgroup.procs", "0")

    def has_killed(self) -> bool:
        """Whether the kernel has killed one of its processes for want of memory: the group's, or the machine's."""
        with contextlib.suppress(OSError), open(f"{self.folder}/{_KILLED[self.version]}") as told:
            return any(int(line.split()[1]) > 0 for line in told if line.startswith("oom_kill "))
        return False

    def is_full(self) -> bool:
        """Whether what the kernel cannot take back leaves less of the limit than a program needs to go on."""
        try:
            held = int(_told(f"{self.folder}/{_HELD[self.version]}"))
            if held + _ROOM <= self.limit:
                return False
            stat = dict(line.split() for line in _told(f"{self.folder}/memory.stat").splitlines())
        except OSError:
            return False
        return held - sum(int(stat.get(name, 0)) for name in _GIVES_BACK[self.version]) + _ROOM > self.limit

    def remove(self) -> None:
        """Remove it, when its processes have ended; what cannot be removed is told by nobody, and empty."""
        until = time.monotonic() + _REMOVED_WITHIN
        while True:
            try:
                os.rmdir(self.folder)
            except FileNotFoundError:
                return
            except OSError:
                if time.monotonic() >= until:
                    return
                time.sleep(_PAUSE)
            else:
                return


def made(user: int, number: int, memory: int) -> Group | None:
    """A new group for a job's user; None: the system has none for us.

    Those that a killed keeper left of the same user, which nobody else has now, go.

    Args:
        user: the job's.
        number: a process', so that two of a user's groups have two names.
        memory: its limit in bytes.
    """
    found = _place(_read("/proc/self/mountinfo"), _read("/proc/self/cgroup"))
    if found is None:
        return None
    place, version = found
    try:
        for name in os.listdir(place):
            if name.startswith(f"{NAME}{user}-"):
                with contextlib.suppress(OSError):  # it has processes
                    os.rmdir(f"{place}/{name}")
        group = Group(f"{place}/{NAME}{user}-{number}", version, memory)
        os.mkdir(group.folder)
    except OSError:
        return None
    try:
        _write(f"{group.folder}/{_LIMIT[version]}", str(memory))
        with contextlib.suppress(OSError):  # the system does not count what is swapped
            _write(f"{group.folder}/{_SWAP[version]}", str(memory if version == 1 else 0))
    except OSError:
        group.remove()
        return None
    return group


def _place(mounts: str, groups: str, exists: Callable[[str], bool] = os.path.isdir) -> tuple[str, int] | None:
    """Where groups for jobs can be made, and of which version they are.

    Args:
        mounts: what /proc/self/mountinfo has.
        groups: what /proc/self/cgroup has.
        exists: whether there is a folder.
    """
    ours = {
        each: path
        for _, names, path in (line.split(":", 2) for line in groups.splitlines())
        for each in names.split(",")
    }
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        root, point = (_plain(word) for word in before.split()[3:5])
        kind, _, options = after.split(maxsplit=2)
        name = {"cgroup": "memory", "cgroup2": ""}.get(kind)
        if name is None or name not in ours or (name and name not in options.split(",")):
            continue
        inner = os.path.relpath(ours[name], root)
        folder = os.path.normpath(f"{point}/{inner}")
        if ".." in (*ours[name].split("/"), *inner.split("/")):
            continue  # we are in a group that is not to be seen from here
        if kind == "cgroup" and exists(folder):
            return folder, 1
        above = folder if inner == "." else os.path.dirname(folder)
        if kind == "cgroup2" and "memory" in _read(f"{above}/cgroup.subtree_control").split():
            return above, 2
    return None


def _plain(word: str) -> str:
    """A path of /proc/self/mountinfo, in which blanks and the like are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), word)


def _read(path: str) -> str:
    try:
        return _told(path)
    except OSError:
        return ""


def _told(path: str) -> str:
    with open(path) as file:
        return file.read()


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
