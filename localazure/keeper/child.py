"""A job's keeper, a process of its own: `python -I -S child.py SPEC COMMAND...`, SPEC being JSON (`process.Keeping`).

It lives as long as its standard input is open, as `mlflow_child` does: the embedded Azure holds the other end of that
pipe, and the operating system closes it however the embedded Azure ends, `kill -9` included. Then, when a limit is
passed, and when the command has ended by itself, whatever the command started is ended too: its session, and on Linux
also what has left the session, since orphans are given to this process (`PR_SET_CHILD_SUBREAPER`).

Limits. `seconds` of wall time; `memory`, what the command and all its descendants have resident together; `disk`, what
lies in the job's folder, and the size of each file (RLIMIT_FSIZE: a single write cannot run far past it). Memory is
looked at, not set as a limit of the kernel's: RLIMIT_AS and RLIMIT_DATA count what is reserved, and numpy's threads
reserve far more than they use, for one process at a time; control groups are root's, and often not even root's to
write. So a burst between two looks can pass the limit before it is seen. Pages that several processes share count once
(PSS, asked for when the plain sum is over). Without /proc (macOS) memory is not limited. What ended the
command is written to standard output: the limit that it passed (`time`, `memory` or `disk`), or `asked` when it still
ran as the pipe closed.

With `user`, the command runs as that user and group with no others, and can gain no privilege (PR_SET_NO_NEW_PRIVS).
With `seen`, folders that lie where that user cannot go (an interpreter below root's home) are laid open to it: in a
mount namespace of the keeper's own the closed folder is covered by an empty one, in which only they are there.

The command's output goes to `log` until it holds `log_limit` bytes; what follows is read and dropped. The exit code is
the command's, or 128 + n after signal n.

Nothing but the standard library is imported, and of that little (no pathlib): this process stands before each job.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

ASKED = "asked"
_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
_LOOK = 0.05  # seconds between two looks at the memory
_LOOK_AT_FILES = 1.0  # at the folder, and never more than a tenth of the time
_PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 36, 38
_CLONE_NEWNS, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def main(arguments: list[str]) -> int:
    """Run the command to its end, or to ours."""
    spec, command = json.loads(arguments[0]), arguments[1:]
    os.umask(0o022)  # the embedded Azure's own is closer; who may enter a job's folder is said by its owner
    log = os.open(spec["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        if spec["seen"]:
            lay_open(spec["seen"])
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=_before(spec),  # noqa: PLW1509 - no thread runs yet
    )
    assert child.stdout is not None
    pump = threading.Thread(target=_pump, args=(child.stdout.fileno(), log, spec["log_limit"]), daemon=True)
    pump.start()
    asked = threading.Event()
    threading.Thread(target=_watch, args=(child, asked), daemon=True).start()
    passed = _wait(child, spec)
    code = child.wait()
    _kill_all(child.pid)
    pump.join(5)
    if passed is None and code != 0 and spec["disk"] and _is_full(spec["folder"], spec["disk"]):
        passed = "disk"  # the kernel refused to let a file grow, and the command made what it liked of that
    os.write(1, (passed or (ASKED if asked.is_set() else "")).encode())
    return code if code >= 0 else 128 - code


def _before(spec: dict[str, Any]) -> Callable[[], None]:
    """What the command's process does before it becomes the command."""
    library = ctypes.CDLL(None)

    def prepare() -> None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if spec["disk"]:
            hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            most = spec["disk"] if hard == resource.RLIM_INFINITY else min(spec["disk"], hard)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        if spec["user"] is not None:
            os.setgroups([])
            os.setgid(spec["user"])
            os.setuid(spec["user"])
            if sys.platform == "linux":
                library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    return prepare


def _wait(child: subprocess.Popen[bytes], spec: dict[str, Any]) -> str | None:
    """Wait for the command's end; the limit that it passed first, if it did."""
    began = last = time.monotonic()
    walk = 0.0
    wait = _waiter(child)
    while True:
        now = time.monotonic()
        left = began + spec["seconds"] - now if spec["seconds"] else 3600.0
        looks = [_LOOK] if spec["memory"] else []
        looks += [max(_LOOK_AT_FILES, 10 * walk)] if spec["disk"] else []
        if wait(max(0.0, min([left, *looks]))):
            return None
        passed = None
        if spec["seconds"] and time.monotonic() >= began + spec["seconds"]:
            passed = "time"
        elif spec["memory"] and resident(child.pid, spec["memory"]) > spec["memory"]:
            passed = "memory"
        elif spec["disk"] and time.monotonic() >= last + max(_LOOK_AT_FILES, 10 * walk):
            last = time.monotonic()
            passed = "disk" if size_of(spec["folder"]) > spec["disk"] else None
            walk = time.monotonic() - last
        if passed is not None:
            _end(child)
            return passed


def _waiter(child: subprocess.Popen[bytes]) -> Callable[[float], bool]:
    """Something that waits some seconds for the child's end, without asking again and again where that can be had."""

    def ask(seconds: float) -> bool:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(seconds)
            return True
        return False

    if sys.platform != "linux":
        return ask
    try:
        descriptor = os.pidfd_open(child.pid)
    except OSError:
        return ask

    def wait(seconds: float) -> bool:
        return bool(select.select([descriptor], [], [], seconds)[0])

    return wait


def _watch(child: subprocess.Popen[bytes], asked: threading.Event) -> None:
    while os.read(0, 64):
        pass
    if child.poll() is None:
        asked.set()
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter of zombies
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed then
        child.wait(_GRACE)
    _kill_all(child.pid)


def _kill_all(group: int) -> None:
    """Kill the command's session, then whatever else is left of our descendants, until nobody is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # as above
        os.killpg(group, signal.SIGKILL)
    until = time.monotonic() + _GRACE
    while time.monotonic() < until:
        left = descendants(os.getpid()) - {group}
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError):  # it has ended by itself
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):  # it is another's to wait for
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.01)


def descendants(ancestor: int) -> set[int]:
    """The processes below one, by /proc; none where there is no /proc, and without those that end meanwhile."""
    found: set[int] = set()
    layer = {ancestor}
    while layer:
        layer = {child for process in layer for child in _children(process)} - found
        found |= layer
    return found


def _children(process: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{process}/task"):  # noqa: PTH208
            with contextlib.suppress(OSError), open(f"/proc/{process}/task/{thread}/children") as told:  # noqa: PTH123
                found += map(int, told.read().split())
    return found


def resident(leader: int, limit: int) -> int:
    """Bytes that a process and its descendants have in memory; what they share counts once if that is over `limit`."""
    processes = {leader, *descendants(os.getpid())}
    plain = sum(_field(process, "status", "VmRSS:") for process in processes)
    return plain if plain < limit else sum(_field(process, "smaps_rollup", "Pss:") for process in processes)


def _field(process: int, file: str, name: str) -> int:
    """A line's figure, in bytes; 0 for a process that is no more."""
    with contextlib.suppress(OSError), open(f"/proc/{process}/{file}") as told:  # noqa: PTH123
        for line in told:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def size_of(folder: str) -> int:
    """Bytes that the files below a folder take on disk; links are not followed, and what goes meanwhile is none.

    What we may not read counts as none too: as root we may, and otherwise it is our own user's who closed it.
    """
    total = 0
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    total += size_of(entry.path)
                else:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


def _is_full(folder: str, limit: int) -> bool:
    """Whether a file has grown to the limit, or all together are over it."""
    sizes = (
        os.lstat(os.path.join(path, name)).st_size  # noqa: PTH118
        for path, _, names in os.walk(folder)
        for name in names
    )
    return any(size >= limit for size in sizes) or size_of(folder) > limit


def lay_open(folders: Sequence[str]) -> None:
    """Cover each closed folder above `folders` by an empty one in which they alone are, for this process and its own.

    Raises:
        OSError: the kernel does not let us.
    """
    library = ctypes.CDLL(None, use_errno=True)

    def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
        words = [None if word is None else word.encode() for word in (source, target, kind, options)]
        if library.mount(words[0], words[1], words[2], flags, words[3]):
            raise OSError(ctypes.get_errno(), "mount")

    if library.unshare(_CLONE_NEWNS):
        raise OSError(ctypes.get_errno(), "unshare")
    mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    closed: dict[str, list[tuple[str, int]]] = {}
    for folder in folders:
        top = closed_above(folder)
        if top is not None:
            closed.setdefault(top, []).append((folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY)))
    for top, inside in closed.items():
        mount("tmpfs", top, "tmpfs", 0, "mode=0755,size=1m")
        for folder, descriptor in sorted(inside):  # an outer one before what lies in it
            if not os.path.isdir(folder):  # noqa: PTH112
                os.makedirs(folder, 0o755)  # noqa: PTH103
                mount(f"/proc/self/fd/{descriptor}", folder, None, _MS_BIND)
            os.close(descriptor)


def closed_above(path: str) -> str | None:
    """The outermost folder on the way to a path that others may not enter, or None."""
    parts = path.split("/")
    for count in range(2, len(parts) + 1):
        folder = "/".join(parts[:count])
        if not os.stat(folder).st_mode & 0o001:  # noqa: PTH116
            return folder
    return None


def _pump(source: int, log: int, limit: int) -> None:
    left = limit
    while data := os.read(source, 65536):
        if left > 0:
            os.write(log, data[:left])
            left -= len(data)
            if left <= 0:
                os.write(log, f"\n[azmlflow] the log has reached {limit} bytes: the rest is not kept\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
