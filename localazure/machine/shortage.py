"""What the machine itself refuses: no room, no descriptor, no process, no permission. In words, with what to do.

The operating system's own codes decide (errno(3)); a library that hides them (SQLite, a thread that cannot start) is
known by what it says.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from azmlflow.localazure.machine.cache import cache_folder

_AGAIN = "then type the command again"
_ROOM = f"df -h {{path}}    (make room there, {_AGAIN})"
_PROCESSES = f"ulimit -u    (the limit; end what runs needlessly, or raise it, {_AGAIN})"
_DESCRIPTORS = f"ulimit -n 4096    (the limit of open files; {_AGAIN})"


@dataclass(frozen=True)
class Shortage:
    """One thing that the machine has not, or does not allow.

    Attributes:
        code: in one word, as an answer of the embedded Azure has it.
        what: one sentence.
        next: what to type or change.
        where: the file or folder that it is about, if the system said.
        room: whether it is a matter of amounts, which pass: not of one file.
    """

    code: str
    what: str
    next: str
    where: str | None = None
    room: bool = True

    def answer(self) -> str:
        """As a client of the embedded Azure hears it: not where the files of its user lie."""
        next_ = self.next.replace(self.where, ".") if self.where else self.next
        return f"The machine of the embedded Azure: {self.what}. Next: {next_}"


# Of amounts: code, words, what to do. `{path}` is the file, or the current folder.
_AMOUNTS: Mapping[int, tuple[str, str, str]] = {
    errno.ENOSPC: ("DiskFull", "the disk is full", _ROOM),
    errno.EDQUOT: ("QuotaExceeded", "your quota of the disk is used up", f"quota -s    (make room, {_AGAIN})"),
    errno.EMFILE: ("NoFileDescriptor", "there is no file descriptor left for this process", _DESCRIPTORS),
    errno.ENFILE: ("NoFileDescriptor", "there is no file descriptor left on this machine", "lsof | wc -l"),
    errno.EAGAIN: ("NoProcess", "no further process or thread can be started here", _PROCESSES),
    errno.ENOMEM: ("NoMemory", "there is no memory left", f"free -h    (end what needs it, {_AGAIN})"),
}
# Of one file or folder.
_PLACES: Mapping[int, str] = {
    errno.EROFS: "it lies on a disk that cannot be written",
    errno.EACCES: "you have no permission",
    errno.EPERM: "you have no permission",
    errno.EISDIR: "it is a folder, where a file should be",
    errno.ENOTDIR: "a file stands where a folder should be",
    errno.EEXIST: "a file stands where a folder should be",
    errno.ELOOP: "its links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long for this disk",
    errno.EIO: "the disk cannot be read or written",
    errno.ENODEV: "it is not a file that can be used",
    errno.ESTALE: "the disk that it lay on has gone away",
}
# What is said by those that tell no code: programs that we start, SQLite, Python's threads.
_SAID: tuple[tuple[str, int], ...] = (
    ("no space left on device", errno.ENOSPC),
    ("database or disk is full", errno.ENOSPC),
    ("disk quota exceeded", errno.EDQUOT),
    ("too many open files in system", errno.ENFILE),
    ("too many open files", errno.EMFILE),
    ("can't start new thread", errno.EAGAIN),
    ("resource temporarily unavailable", errno.EAGAIN),
    ("cannot allocate memory", errno.ENOMEM),
)
_STATE = ".azmlflow"  # of a project
# Whose folder may lie elsewhere, by which variable.
_ELSEWHERE: tuple[tuple[str, str], ...] = ((".pulumi", "PULUMI_HOME"), (".azure", "AZURE_CONFIG_DIR"))


def shortage(fault: BaseException, environment: Mapping[str, str] = os.environ) -> Shortage | None:
    """What the machine refused, if that is what a fault, or what caused it, comes from; None if not.

    Args:
        fault: any exception.
        environment: the user's, for the folders that may lie elsewhere.
    """
    chain = list(_chain(fault))
    for each in chain:
        if found := _amount(each):
            return found
    return _place(fault, environment) if isinstance(fault, OSError) else None


def remedy(fault: OSError, otherwise: str) -> str:
    """What to type after a file could not be written: what the machine lacks, else the command given."""
    found = shortage(fault)
    return found.next if found is not None and found.room else otherwise


def said(text: str) -> Shortage | None:
    """What the machine refused to a program, by what the program said of it; None if it said nothing of the kind."""
    lowered = text.lower()
    return next((_of(number, None) for words, number in _SAID if words in lowered), None)


def _amount(fault: BaseException) -> Shortage | None:
    if isinstance(fault, OSError):
        # A socket that would block has the same number; what cannot be started is a process.
        if fault.errno == errno.EAGAIN and fault.filename is None and not _forked(fault):
            return None
        path = fault.filename if isinstance(fault.filename, str) else None
        return _of(fault.errno, path) if fault.errno in _AMOUNTS else None
    if isinstance(fault, MemoryError):
        return _of(errno.ENOMEM, None)
    if isinstance(fault, RuntimeError | sqlite3.Error):
        return said(str(fault))
    return None


def _forked(fault: BaseException) -> bool:
    """Whether it comes from starting a process: by `subprocess`, through which everything here starts one."""
    trace = fault.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_name != "_execute_child":
        trace = trace.tb_next
    return trace is not None


def _of(number: int | None, path: str | None) -> Shortage:
    code, what, next_ = _AMOUNTS[number or 0]
    return Shortage(code, what, next_.format(path=path or "."), path)


def _place(fault: OSError, environment: Mapping[str, str]) -> Shortage | None:
    why = _PLACES.get(fault.errno or 0)
    if why is None or not isinstance(fault.filename, str):
        return None
    path = Path(fault.filename)
    if fault.errno == errno.EEXIST and path.is_dir():
        return None  # it was not to be there at all
    owner = _another(path) if fault.errno in (errno.EACCES, errno.EPERM) else None
    if owner is not None:
        own = "cd FOLDER    (one of your own: a project's state is its owner's alone)"
        next_ = own if _STATE in path.parts else _elsewhere(path, environment)
        what = f"{path.name or path} cannot be used: it belongs to {owner}, and you are another"
        return Shortage("FileUnusable", what, next_, str(path), room=False)
    return Shortage(
        "FileUnusable",
        f"{path.name or path} cannot be used: {why}",
        _elsewhere(path, environment),
        str(path),
        room=False,
    )


def _another(path: Path) -> str | None:
    """Whose a file is, or the folder that it would be in, where it is another's than who asks; None if it is not."""
    for each in (path, *path.parents):
        try:
            number = each.stat().st_uid
        except OSError:
            continue  # not there, or in a folder that does not let in: the first that answers is what refuses
        if not hasattr(os, "getuid") or number == os.getuid():
            return None
        try:
            import pwd

            return pwd.getpwuid(number).pw_name
        except (ImportError, KeyError):
            return f"user {number}"
    return None


def _elsewhere(path: Path, environment: Mapping[str, str]) -> str:
    """The variable that moves a folder to where it can be written; a look at the file where there is none."""
    cache = cache_folder(environment)
    if path.is_relative_to(cache) or cache.is_relative_to(path):
        return "export AZMLFLOW_CACHE=FOLDER    (one that you can write to)"
    for name, variable in _ELSEWHERE:
        if path.is_relative_to(Path.home() / name):
            return f"export {variable}=FOLDER    (one that you can write to)"
    return f"ls -ld {path}"


def _chain(fault: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    link: BaseException | None = fault
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__
