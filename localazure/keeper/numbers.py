"""Numbers of jobs' users, of which no two live jobs of this machine have the same.

A job's user is a number that nobody has, so nothing has to be added to the machine's list of users and nothing is left
behind. The numbers are from a range that `useradd` comes to last and that neither systemd nor Debian give away for
other things (50000 to 59999; https://systemd.io/UIDS-GIDS, Debian policy 9.2.2). Which one a job gets is chance: no
name that a submitter chooses leads to it.

For each number that was ever given there is a file in a folder of root's, for all embedded Azures of the machine:

    /run/azmlflow-users/51234    locked (flock) as long as a process of the keeper lives; in it, the job's folder

A number is free when nobody holds its lock, no process runs as it, and the folder that its file names is gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import secrets
import stat

from azmlflow.localazure.keeper import ending
from azmlflow.localazure.keeper.dropping import COUNT, FIRST

PLACE = "/run/azmlflow-users"
_TRIES = 200


class NoNumber(Exception):
    """No number can be had; the message says why."""


def allot(folder: str) -> tuple[int, int]:
    """Take a free number for a job; the number, and the descriptor that holds it for as long as it is open.

    Args:
        folder: the job's folder, which is about to be made.

    Raises:
        NoNumber: none is free, or the system does not let us use any.
    """
    try:
        place = _open_place()
    except OSError as error:
        raise NoNumber(f"{PLACE} cannot be used: {error.strerror}") from error
    try:
        for _ in range(_TRIES):
            number = FIRST + secrets.randbelow(COUNT)
            held = _take(place, number)
            if held is None:
                continue
            if not _is_known(number) and not ending.is_alive(number):
                os.ftruncate(held, 0)
                os.pwrite(held, folder.encode(), 0)
                return number, held
            os.close(held)
    finally:
        os.close(place)
    raise NoNumber(f"none of {_TRIES} numbers of users that were tried is free")


def holder(folder: str) -> tuple[int, int] | None:
    """The number, with its lock, that a keeper who is gone had for a folder; None where there is none."""
    try:
        place = _open_place()
    except OSError:
        return None
    try:
        for name in os.listdir(place):
            held = _take(place, int(name), of=folder) if name.isdecimal() else None
            if held is not None:
                return int(name), held
    finally:
        os.close(place)
    return None


def free(held: int) -> None:
    """Give a number back: nobody runs as it any more, and its folder is gone."""
    os.ftruncate(held, 0)
    os.close(held)


def _open_place() -> int:
    with contextlib.suppress(FileExistsError):  # whose it is is looked at next
        os.mkdir(PLACE, 0o700)
    place = os.open(PLACE, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(place)
    if found.st_uid != 0 or stat.S_IMODE(found.st_mode) & 0o022:
        os.close(place)
        raise PermissionError(1, "it is not root's alone")
    return place


def _take(place: int, number: int, of: str | None = None) -> int | None:
    """Lock a number's file; None where somebody holds it, or its last folder is not the wanted one: none, or `of`."""
    held = os.open(str(number), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=place)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        last = os.pread(held, 4096, 0).decode()
        if last == of if of is not None else not (last and os.path.lexists(last)):
            return held
    except BlockingIOError:
        pass  # it is in use
    os.close(held)
    return None


def _is_known(number: int) -> bool:
    try:
        pwd.getpwuid(number)
    except KeyError:
        return False
    return True
