"""A command held to its limits: started, looked at, its output kept, ended whole.

Limits. `seconds` of wall time; `memory`, what the command and all its descendants have in memory together; `disk`, what
lies in the job's folder or in files of that disk which a process holds and no folder shows, and the size of each file
(RLIMIT_FSIZE: a single write cannot run far past it). A control group holds memory of every kind, where there is one
(`memory/group`). Where there is none, and beside it, memory is looked at: what is resident, tables of pages, what lies
in the command's /dev/shm, in files that are nowhere but in memory (memfd) and in System V's segments and queues. So a
burst between two looks can pass the limit before it is seen, and what waits in sockets and pipes is not. RLIMIT_AS and
RLIMIT_DATA are no way: they count what is reserved, and numpy's threads reserve far more than they use, for one process
at a time. Pages that several processes share count once (PSS, asked for when the plain sum is over). Without /proc
(macOS) memory is not limited.

The command's output goes to its log until that holds `log_limit` bytes; what follows is read and dropped. The exit code
is the command's, or 128 + n after signal n.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import sys
import time
from dataclasses import dataclass

from azmlflow.localazure.keeper import command, ending
from azmlflow.localazure.keeper.command import SHM, World
from azmlflow.localazure.keeper.dropping import NotDropped
from azmlflow.localazure.keeper.memory import counted, group, nameless, system_v

_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
_LOOK = 0.05  # seconds between two looks at the memory
_LOOK_AT_FILES = 1.0  # at the folder, and never more than a tenth of the time
_DRAIN = 5.0  # seconds for output that is still under way when all processes have ended
_TOO_DEEP = 1 << 62


@dataclass
class Watch:
    """One command, from its start to its end.

    Attributes:
        world: what is around it.
        seconds, log_limit: see the module.
        data, log: descriptors: what the command is, and where its output goes.
        asked: descriptors that are at their end when it shall end.
    """

    world: World
    seconds: float
    log_limit: int
    data: int
    log: int
    asked: tuple[int, ...]
    _first: int = 0
    _command: int = 0
    _left: int = 0
    _ending: float | None = None
    _code: int | None = None
    _refused: str = ""
    _group: group.Group | None = None

    def run(self) -> dict[str, object]:
        """Run it: `code`, the limit that it `passed`, whether it was `asked` to end; or why it was `refused`."""
        output, output_end = os.pipe()
        told, told_end = os.pipe()
        self._left = self.log_limit
        if sys.platform == "linux":
            calls = command.Calls()
            calls.adopt_orphans()
            if self.world.private:
                # The first process there is forked next; IPC is ours too.
                calls.unshare(command.NEWPID | command.NEWIPC)
            if self.world.user is not None and self.world.memory:
                self._group = group.made(self.world.user, os.getpid(), self.world.memory)
        self._first = os.fork()
        if self._first == 0:
            for descriptor in (output, told, *self.asked):
                os.close(descriptor)
            command.first(self.world, self._group, self.data, output_end, told_end)
        for descriptor in (output_end, told_end):
            os.close(descriptor)
        passed, asked = self._wait(output, told)
        self._finish()
        self._drain(output)
        if self._refused:
            return {"refused": self._refused}
        code = 128 + signal.SIGKILL if self._code is None else self._code
        if not passed and not asked and code and self.world.disk and _is_full(self.world.folder, self.world.disk):
            passed = "disk"  # the kernel refused to let a file grow, and the command made what it liked of that
        if self._group is not None:
            if not passed and not asked and self._group.has_killed():
                passed = "memory"  # it was over before anybody looked
            self._group.remove()
        return {"code": code, "passed": passed, "asked": asked}

    def _wait(self, output: int, told: int) -> tuple[str, bool]:
        """Wait for the command's end: the limit that it passed, whether it was asked to end."""
        began = looked = time.monotonic()
        passed, asked, walk = "", False, 0.0
        watched = {output, told, *self.asked}
        while True:
            ready, _, _ = select.select(watched, [], [], self._until_next(began, looked, walk))
            if output in ready and not self._pump(output):
                watched.discard(output)
            if told in ready and self._hear(told):
                return passed, asked
            for descriptor in watched.intersection(ready).intersection(self.asked):
                if not os.read(descriptor, 64):
                    watched -= set(self.asked)
                    asked = asked or self._ending is None
                    self._end()
            now = time.monotonic()
            if self._ending is not None:
                if now >= self._ending + _GRACE:
                    return passed, asked
                continue
            if self.seconds and now >= began + self.seconds:
                passed = "time"
            elif self.world.memory and self._is_over_memory():
                passed = "memory"
            elif self.world.disk and now >= looked + max(_LOOK_AT_FILES, 10 * walk):
                passed = "disk" if self._is_over_disk() else ""
                looked = time.monotonic()
                walk = looked - now
            if passed:
                self._end()

    def _hear(self, told: int) -> bool:
        """Hear what the first process tells; whether that was the last of it."""
        lines = os.read(told, 4096).splitlines()
        for line in lines:
            answer = json.loads(line)
            self._command = answer.get("pid", self._command)
            self._code = answer.get("code", self._code)
            self._refused = self._refused or answer.get("refused", "")
        return not lines or self._code is not None or bool(self._refused)

    def _until_next(self, began: float, looked: float, walk: float) -> float | None:
        now = time.monotonic()
        if self._ending is not None:
            return max(0.0, self._ending + _GRACE - now)
        waits = [began + self.seconds - now] if self.seconds else []
        waits += [_LOOK] if self.world.memory else []
        waits += [looked + max(_LOOK_AT_FILES, 10 * walk) - now] if self.world.disk else []
        return max(0.0, min(waits)) if waits else None

    def _end(self) -> None:
        """Ask the command to end, and note when that was."""
        self._ending = time.monotonic()
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(self._first, signal.SIGTERM)  # the first process passes it on

    def _finish(self) -> None:
        """End whatever is left."""
        with contextlib.suppress(ProcessLookupError):  # it has ended
            os.kill(self._first, signal.SIGKILL)
        if self.world.private:
            os.waitpid(self._first, 0)  # it is over when the last process of its namespace is
        elif self.world.user is not None:
            os.waitpid(self._first, 0)
            with contextlib.suppress(NotDropped):  # then nothing was started either
                ending.end_user(self.world.user)
        else:
            ending.end_descendants(self._command)

    def _pump(self, output: int) -> bytes:
        """Take what the command has said into the log; nothing at the end."""
        data = os.read(output, 65536)
        if data and self._left > 0:
            os.write(self.log, data[: self._left])
            self._left -= len(data)
            if self._left <= 0:
                line = f"\n[azmlflow] the log has reached {self.log_limit} bytes: the rest is not kept\n"
                os.write(self.log, line.encode())
        return data

    def _drain(self, output: int) -> None:
        until = time.monotonic() + _DRAIN
        while (left := until - time.monotonic()) > 0:
            if not select.select([output], [], [], left)[0] or not self._pump(output):
                return

    def _is_over_memory(self) -> bool:
        if self._group is not None and (self._group.has_killed() or self._group.is_full()):
            return True
        processes = self._processes()
        elsewhere = self._shm() + (system_v.size(self.world.user) if self.world.user is not None else 0)
        return counted.resident(processes, elsewhere, self.world.memory) > self.world.memory

    def _is_over_disk(self) -> bool:
        unlinked = nameless.on_disk(self._processes(), os.stat(self.world.folder).st_dev)
        return size_of(self.world.folder) + unlinked > self.world.disk

    def _processes(self) -> set[int]:
        return ending.descendants(os.getpid()) - {self._first}

    def _shm(self) -> int:
        if not self.world.private:
            return 0
        try:
            found = os.statvfs(f"/proc/{self._first}/root{SHM}")
        except OSError:
            return 0
        return (found.f_blocks - found.f_bfree) * found.f_frsize


def size_of(folder: str) -> int:
    """Bytes that the files below a folder take on disk; links are not followed, and what goes meanwhile is none.

    What we may not read counts as none too: as root we may, and otherwise it is our own user's who closed it. A tree
    that is deeper than a path can be long is over every limit: nobody could look at all of it.
    """
    total, waiting = 0, [folder]
    while waiting:
        each = waiting.pop()
        try:
            with os.scandir(each) as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            if len(os.fsencode(each)) >= 4000:
                return _TOO_DEEP
    return total


def _is_full(folder: str, limit: int) -> bool:
    """Whether a file has grown to the limit, or all together are over it."""
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # it is gone
                if os.lstat(f"{path}/{name}").st_size >= limit:
                    return True
    return size_of(folder) > limit
