"""The processes of a command: the first of a world of its own, then the command as the job's user.

Where the system lets us (Linux, with the right to make namespaces: root mostly has it), a command has:

    processes    a PID namespace: it sees no others, and with its first process, ours, all end at once
    files        everything read-only but its own folder; /tmp and /var/tmp are folders in that one, so they count as
                 its disk and go with it; /dev/shm is its own and counts as its memory
    System V     an IPC namespace: shared memory, semaphores and queues of its own
    closed       what lies below folders that its user cannot enter, and is to be seen all the same (an interpreter
                 below root's home): the closed folder is covered by an empty one in which only that is there

What the command is, its variables too, comes as a file that is read when all rights are gone. No variable of a
submission is ever one of ours.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import resource
import signal
import sys
from dataclasses import dataclass
from typing import NoReturn

from azmlflow.localazure.keeper.dropping import NotDropped, drop
from azmlflow.localazure.keeper.memory.group import Group

NEWPID = 0x20000000
NEWIPC = 0x8000000
_NEWNS = 0x20000
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC = 1, 2, 4, 8
_MS_BIND, _MS_REC, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_MOUNT_SETATTR, _AT_RECURSIVE, _ENOSYS = 442, 0x8000, 38  # Linux 5.12 has the call; one number on all machines
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_PRIVATE = {"/tmp": "tmp", "/var/tmp": "var-tmp"}  # covered, each by a folder in the job's own
SHM = "/dev/shm"  # as above
_MOST_PROCESSES = 8192  # of a job's user, threads included: what one job may not take from all others
CANNOT = 126  # exit code, as a shell's


@dataclass(frozen=True)
class World:
    """What is around a command.

    Attributes:
        folder: the job's folder.
        user: whom it runs as; None: ourselves.
        private: whether it has namespaces of its own.
        shared: the folder, made for this command, in which its /tmp and /var/tmp are.
        seen: folders that it shall see although its user cannot go there.
        own: folders outside of its own that it may write to.
        memory, disk: its limits in bytes; 0: none.
    """

    folder: str
    user: int | None
    private: bool
    shared: str
    seen: tuple[str, ...]
    own: tuple[str, ...]
    memory: int
    disk: int


class Calls:
    """The calls of Linux that Python 3.11 has no functions for.

    Raises:
        OSError: the system refuses; the message begins with the call's name.
    """

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    def unshare(self, flags: int) -> None:
        if self._library.unshare(flags):
            self._refused("unshare")

    def mount(self, source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
        words = [None if word is None else os.fsencode(word) for word in (source, target, kind, options)]
        if self._library.mount(words[0], words[1], words[2], ctypes.c_ulong(flags), words[3]):
            self._refused(f"mount {target}")

    def set_read_only(self, target: str, on: bool) -> None:
        """Make all below a mount read-only, or one mount writable; nothing where Linux is too old for it."""
        change = (ctypes.c_uint64 * 4)(_MS_RDONLY if on else 0, 0 if on else _MS_RDONLY, 0, 0)
        where, size = os.fsencode(target), ctypes.sizeof(change)
        flags = _AT_RECURSIVE if on else 0
        if self._library.syscall(_MOUNT_SETATTR, -100, where, flags, change, size) and ctypes.get_errno() != _ENOSYS:
            self._refused(f"mount_setattr {target}")

    def die_with_parent(self) -> None:
        self._library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def adopt_orphans(self) -> None:
        self._library.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def _refused(self, call: str) -> NoReturn:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")


def first(world: World, group: Group | None, data: int, output: int, told: int) -> NoReturn:
    """Be the first process of a command's world: seal it, start the command, wait for its end.

    Args:
        world: what is around it.
        group: the control group that holds its memory, if there is one.
        data: a file with JSON: `command` for /bin/sh, `cwd`, `environment`.
        output: where the command's output goes.
        told: where lines of JSON are written: the command's `pid` where that means something to others, its exit
            `code`, or why it was `refused`.
    """
    try:
        if sys.platform == "linux":
            calls = Calls()
            calls.die_with_parent()
            if group is not None:
                group.enter()
            if world.private:
                seal(world, calls)
        command = os.fork()
        if command == 0:
            _begin(world, data, output, told)
        os.close(output)
        signal.signal(signal.SIGTERM, lambda *_: _terminate(command))
        if not world.private:
            _tell(told, pid=command)
        _tell(told, code=_wait(command))
    except BaseException as error:  # noqa: BLE001 - a copy of the keeper must not go on as one
        _tell(told, refused=error.strerror or str(error) if isinstance(error, OSError) else repr(error))
    os._exit(0)  # in a PID namespace all others end with it


def _tell(told: int, **what: object) -> None:
    os.write(told, json.dumps(what).encode() + b"\n")


def _terminate(command: int) -> None:
    try:
        os.killpg(command, signal.SIGTERM)
    except (ProcessLookupError, PermissionError):  # it has ended, or has no session yet
        try:
            os.kill(command, signal.SIGTERM)
        except ProcessLookupError:
            return


def _wait(command: int) -> int:
    """Wait for a process, and for every orphan on the way; its exit code, or 128 + the signal's number."""
    while True:
        child, status = os.wait()
        if child == command:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def _begin(world: World, data: int, output: int, told: int) -> NoReturn:
    """Become the command."""
    answer = told
    try:
        os.setsid()
        os.umask(0o022)
        null = os.open(os.devnull, os.O_RDONLY)
        for descriptor, number in ((null, 0), (output, 1), (output, 2)):
            os.dup2(descriptor, number)
        content, answer = _low(data, told)
        os.closerange(answer + 1, _most_descriptors())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _limit(world)
        if world.user is not None:
            drop(world.user)
        # From here on it has the job's rights; only now is it read what the job is.
        what = json.loads(_read(content))
        os.chdir(what["cwd"])
        os.execve("/bin/sh", ["/bin/sh", "-c", what["command"]], what["environment"])
    except NotDropped as error:
        _tell(answer, refused=str(error))
    except OSError as error:
        _tell(answer, refused=f"the command cannot be started: {error.strerror}")
    except BaseException:  # noqa: BLE001 - a copy of the keeper must not go on as one
        _tell(answer, refused="the command cannot be started: its text or one of its variables cannot be passed on")
    os._exit(CANNOT)


def _low(*descriptors: int) -> tuple[int, ...]:
    """Descriptors as the next ones after the three of the standard streams, closed when the command begins."""
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, 64) for each in descriptors]
    return tuple(os.dup2(each, number, inheritable=False) for number, each in enumerate(high, 3))


def _limit(world: World) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if world.disk:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        most = world.disk if hard == resource.RLIM_INFINITY else min(world.disk, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if world.user is not None:
        resource.setrlimit(resource.RLIMIT_NPROC, (_MOST_PROCESSES, _MOST_PROCESSES))


def _most_descriptors() -> int:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 20 if most == resource.RLIM_INFINITY else most


def _read(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return b"".join(iter(lambda: os.read(descriptor, 1 << 20), b""))


def seal(world: World, calls: Calls) -> None:
    """Close this process' world: see the module.

    Raises:
        OSError: the system does not let us.
    """
    assert world.user is not None
    calls.unshare(_NEWNS)
    calls.mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    covers: dict[str, list[tuple[str, int]]] = {folder: [] for folder in _PRIVATE if os.path.isdir(folder)}
    for folder in sorted({world.folder, *world.seen, *world.own}):  # an outer one before what lies in it
        top = closed_above(folder)
        if top is not None:
            covers.setdefault(top, []).append((folder, os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)))
    own = [world.folder, *world.own]
    for folder in own:
        if closed_above(folder) is None:
            calls.mount(folder, folder, None, _MS_BIND)
    for top, inside in covers.items():
        if top in _PRIVATE:
            source = f"{world.shared}/{_PRIVATE[top]}"
            os.mkdir(source, 0o755)
            calls.mount(source, top, None, _MS_BIND)
        else:
            calls.mount("tmpfs", top, "tmpfs", _MS_NOSUID | _MS_NODEV, "mode=0755,size=1m")
        for folder, descriptor in inside:
            if folder in own or not os.path.isdir(folder):
                os.makedirs(folder, 0o755, exist_ok=True)
                calls.mount(f"/proc/self/fd/{descriptor}", folder, None, _MS_BIND | _MS_REC)
            os.close(descriptor)
        if top in _PRIVATE:
            own.append(top)
            os.chown(top, world.user, world.user)
    if os.path.isdir(SHM):
        size = f",size={world.memory}" if world.memory else ""
        calls.mount("tmpfs", SHM, "tmpfs", _MS_NOSUID | _MS_NODEV, f"mode=1777{size}")
        own.append(SHM)
    calls.set_read_only("/", on=True)
    for folder in own:
        calls.set_read_only(folder, on=False)
    calls.mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def try_private(calls: Calls) -> None:
    """Do what `seal` does of what a system may refuse.

    Raises:
        OSError: it does.
    """
    calls.unshare(_NEWNS | NEWIPC)
    calls.mount("none", "/", None, _MS_REC | _MS_PRIVATE)
    calls.mount("proc", "/proc", "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)


def closed_above(path: str) -> str | None:
    """The outermost folder on the way to a path that others may not enter, or that each job has for itself; or None."""
    parts = path.split("/")
    for count in range(2, len(parts) + 1):
        folder = "/".join(parts[:count])
        if folder in _PRIVATE or not os.stat(folder).st_mode & 0o001:
            return folder
    return None
