"""The end of all that a job started, however it forks, and of all files that it made.

As root, whatever runs as the job's user is killed by one call of a process that is that user itself: `kill(-1)` reaches
every process that it may signal, in one go of the kernel's, and a process that is just being forked is either among
them or not made (fork fails while a fatal signal waits). Nobody else has the number (`numbers`), so nobody else is
reached. Not as root, what descends from us is stopped first, until no look finds one that still runs, and killed then.

Nothing here gives up: who asks waits, and the number of the user stays taken, until nothing is left.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import time
from collections.abc import Callable

from azmlflow.localazure.keeper.dropping import NotDropped, drop
from azmlflow.localazure.keeper.memory import system_v

SHARED = ("/tmp", "/var/tmp", "/dev/shm", "/dev/mqueue")  # whoever uses them leaves files there
_ALIVE, _NOT_DROPPED = 1, 2
_PAUSE = 0.005


def is_alive(user: int) -> bool:
    """Whether a process runs as a job's user; also where that cannot be found out."""
    return _as_user(user, _look) != 0


def end_user(user: int) -> None:
    """End every process of a job's user, and remove what it left in shared folders.

    Raises:
        NotDropped: nobody can become that user.
    """
    while True:
        code = _as_user(user, _kill_and_clear)
        if code == 0:
            return
        if code == _NOT_DROPPED:
            raise NotDropped(f"nobody can become user {user}")
        _reap()
        time.sleep(_PAUSE)


def end_descendants(leader: int) -> None:
    """End every process below this one, which on Linux is the reaper of its orphans, and the session of `leader`."""
    if leader:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended; macOS says the latter of zombies
            os.killpg(leader, signal.SIGKILL)
    while True:
        stopped: set[int] = set()
        while new := descendants(os.getpid()) - stopped:
            for process in new:
                _signal(process, signal.SIGSTOP)
            stopped |= new
        for process in stopped:
            _signal(process, signal.SIGKILL)
        if not _reap():
            return
        time.sleep(_PAUSE)


def _reap() -> bool:
    """Take note of children that have ended; whether there are others."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


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
        for thread in os.listdir(f"/proc/{process}/task"):
            with contextlib.suppress(OSError), open(f"/proc/{process}/task/{thread}/children") as told:
                found += map(int, told.read().split())
    return found


def _signal(process: int, sign: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has ended
        os.kill(process, sign)


def _as_user(user: int, act: Callable[[int], int]) -> int:
    """What a process that has become a job's user comes to."""
    child = os.fork()
    if child == 0:
        code = _NOT_DROPPED
        try:
            drop(user)
            code = act(user)
        except NotDropped:
            code = _NOT_DROPPED
        except BaseException:  # noqa: BLE001 - a copy of the keeper must not go on as one
            code = _ALIVE
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _look(_user: int) -> int:
    """Whether there is another process of our own user: the system lets a user with two at most begin a second one."""
    resource.setrlimit(resource.RLIMIT_NPROC, (2, 2))
    try:
        child = os.fork()
    except BlockingIOError:
        return _ALIVE
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return 0


def _kill_and_clear(user: int) -> int:
    if set(os.getresuid()) != {user} or user == 0:
        return _NOT_DROPPED  # the next line would reach everybody
    with contextlib.suppress(ProcessLookupError, PermissionError):  # there is nobody whom we may signal
        os.kill(-1, signal.SIGKILL)
    if _look(user):
        return _ALIVE  # until those who were killed are no more
    for folder in SHARED:
        with contextlib.suppress(OSError):  # there is none
            remove_below(folder, user)
    system_v.remove(user)
    return 0


def remove_below(folder: str, user: int) -> None:
    """Remove what a user owns in a shared folder."""
    place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in os.listdir(place):
            with contextlib.suppress(OSError):  # it went, or is not ours to remove
                if os.stat(name, dir_fd=place, follow_symlinks=False).st_uid == user:
                    remove(place, name)
    finally:
        os.close(place)


def remove(place: int, name: str) -> bool:
    """Remove a file, or a folder with all in it, whatever permissions and depth it has; whether it is gone.

    A folder in it is first moved up, so that no path gets long and no call deep; no link is followed.

    Args:
        place: descriptor of the folder that it is in.
        name: its name there.
    """
    waiting, made = [name], 0
    while waiting:
        each = waiting.pop()
        try:
            if not stat.S_ISDIR(os.stat(each, dir_fd=place, follow_symlinks=False).st_mode):
                os.unlink(each, dir_fd=place)
                continue
            inner = _open_whatever_its_mode(place, each)
        except OSError:
            continue  # whether it is gone is looked at below
        moved = []
        try:
            for entry in os.listdir(inner):
                try:
                    os.unlink(entry, dir_fd=inner)
                except OSError:
                    made += 1
                    up = f"{name}.{os.getpid()}.{made}"
                    with contextlib.suppress(OSError):  # it stays, and that is told
                        if not stat.S_ISDIR(os.stat(entry, dir_fd=inner, follow_symlinks=False).st_mode):
                            continue
                        os.chmod(entry, 0o700, dir_fd=inner)  # one that nobody may write to cannot be moved
                        os.rename(entry, up, src_dir_fd=inner, dst_dir_fd=place)
                        moved.append(up)
        finally:
            os.close(inner)
        with contextlib.suppress(OSError):
            os.rmdir(each, dir_fd=place)
        waiting += moved
    try:
        os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def _open_whatever_its_mode(place: int, name: str) -> int:
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    with contextlib.suppress(OSError):  # it is closed to its own user: that is who we are, where we are not root
        os.chmod(name, 0o700, dir_fd=place)
    return os.open(name, flags, dir_fd=place)
