"""A folder outside of a job's own that its user fills: lent to it while it is empty, and taken back for all to read.

When it is taken back, every process of the user has ended. One of another user may still hold a file open for writing
that it was handed through a socket: such a file is given a new inode with the same content.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat


class NotTaken(Exception):
    """A folder cannot be lent, or holds what cannot become ours."""


def lend(path: str, user: int) -> None:
    """Make a user the owner of an empty folder of ours.

    Raises:
        NotTaken: it is no such folder.
    """
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(folder).st_uid != os.geteuid() or os.listdir(folder):
            raise NotTaken(f"{path} is not an empty folder of ours")
        os.fchown(folder, user, user)
    finally:
        os.close(folder)


def take_back(path: str, user: int) -> None:
    """Make a lent folder ours with all in it, for everybody to read and nobody else to change.

    Raises:
        NotTaken: something in it is neither that user's nor ours, or no file, folder or link.
    """
    for inner, folders, names, folder in os.fwalk(path, topdown=False, follow_symlinks=False):
        for name in (*folders, *names):
            _take(f"{inner}/{name}", name, folder, user)
        found = os.fstat(folder)
        if found.st_uid not in (user, os.geteuid()):
            raise NotTaken(f"{inner} is somebody else's")
        os.fchown(folder, os.geteuid(), os.getegid())
        os.fchmod(folder, 0o755)


def _take(path: str, name: str, folder: int, user: int) -> None:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(found.st_mode):
        return  # it has had its own turn, or has it next
    if found.st_uid not in (user, os.geteuid()) or stat.S_IFMT(found.st_mode) not in (stat.S_IFREG, stat.S_IFLNK):
        raise NotTaken(f"{path} is somebody else's, or no file")
    os.chown(name, os.geteuid(), os.getegid(), dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(found.st_mode):
        return
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fchmod(file, 0o755 if found.st_mode & 0o100 else 0o644)
        if _is_written(file):
            _renew(file, name, folder)
    finally:
        os.close(file)


def _is_written(file: int) -> bool:
    """Whether somebody has a file open for writing; also where the system cannot tell."""
    if not hasattr(fcntl, "F_SETLEASE"):
        return True
    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)  # refused while a writer has it
    except OSError:
        return True
    with contextlib.suppress(OSError):
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def _renew(file: int, name: str, folder: int) -> None:
    new = f".{name[:200]}.{os.getpid()}"
    target = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(target, "wb") as writer, os.fdopen(os.dup(file), "rb") as reader:
        shutil.copyfileobj(reader, writer)
        os.fchmod(target, stat.S_IMODE(os.fstat(file).st_mode))
    os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
