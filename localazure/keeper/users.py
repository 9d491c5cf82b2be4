"""Whom a job runs as: where we are root, a user and group of its own; otherwise the user who runs the embedded Azure.

A job's user is a number that nobody has, so nothing has to be added to the machine's list of users and nothing is left
behind: it owns the job's folder, and no other job and no file of the embedded Azure is its own. The numbers are from
a range that `useradd` comes to last and that neither systemd nor Debian give away for other things (50000 to 59999;
https://systemd.io/UIDS-GIDS, Debian policy 9.2.2); which of them is drawn from the job, so that two embedded Azures
hardly meet.

Such a user cannot go below root's home (0700), where interpreters often are; `child.lay_open` shows it the interpreter
there and nothing else. Where the kernel does not let us (a container without CAP_SYS_ADMIN), the job runs as we do,
and its log says so.

Not as root, a job is a process of the same user: the operating system keeps nothing of that user's from it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from azmlflow.localazure.keeper import child
from azmlflow.localazure.keeper.process import JobProcess, Keeping
from azmlflow.localazure.machine.errors import UnsafeFolder
from azmlflow.localazure.machine.folder import Folder

_FIRST, _COUNT = 50000, 10000
# An interpreter tells where it and its modules lie; then, as the job's user, that it starts and reads them.
_WHERE = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]))"
_STARTS = "import ctypes, ssl, site"


@dataclass(frozen=True)
class RunsAs:
    """Whom a job runs as, and what is laid open to it; `user` None: ourselves, and `why`."""

    user: int | None
    seen: tuple[str, ...] = ()
    why: str = ""


class Users:
    """The users of an embedded Azure's jobs.

    Args:
        state: the state folder.
        root: whether we are root.
    """

    def __init__(self, state: Path, *, root: bool | None = None) -> None:
        self._state, self._root = state, os.geteuid() == 0 if root is None else root
        self._why = ""
        self.folder = state / "jobs"
        self._taken: dict[str, int] = {}
        self._found: dict[Path, RunsAs] = {}
        if self._root:
            try:
                self.folder = Folder.at(state).jobs()
            except UnsafeFolder as error:
                self._root, self._why = False, f"{error.what} ({error.where})"

    def make(self, name: str) -> Path:
        """Make a job's folder, and the folder of them all should it have been taken away; ours, as is the log in it:
        the job can put nothing in their place.

        Args:
            name: the folder's.

        Raises:
            UnsafeFolder: someone else has made the folder of them all.
            OSError: it cannot be made.
        """
        if self._root:
            Folder.at(self._state).jobs()
        folder = self.folder / name
        folder.mkdir(parents=True)
        folder.chmod(0o711)
        return folder

    async def choose(self, key: str, python: Path, say: Callable[[str], None]) -> RunsAs:
        """Whom a job runs as; `give_back` when it has ended.

        Args:
            key: the job's key.
            python: the interpreter that it has to be able to start.
            say: writes a line into its log.
        """
        if not self._root:
            if self._why:
                say(f"the job runs as the embedded Azure's own user: {self._why}")
            return RunsAs(None, why=self._why)
        user = self._take(key)
        if python not in self._found:
            self._found[python] = await self._try(python, user)
        found = self._found[python]
        if found.user is None:
            self.give_back(key)
            say(f"the job runs as root: {found.why}")
            return found
        return RunsAs(user, found.seen)

    def give_back(self, key: str) -> None:
        """The job has ended and its folder is gone."""
        self._taken.pop(key, None)

    def _take(self, key: str) -> int:
        begin = int.from_bytes(hashlib.sha256(f"{self.folder}{key}".encode()).digest()[:4], "big")
        taken = set(self._taken.values())
        numbers = (_FIRST + (begin + step) % _COUNT for step in range(_COUNT))
        self._taken[key] = next(number for number in numbers if number not in taken and not _is_known(number))
        return self._taken[key]

    async def _try(self, python: Path, user: int) -> RunsAs:
        if await self._starts(python, RunsAs(user)):
            return RunsAs(user)
        seen = await asyncio.to_thread(_needed, python)
        if seen and await self._starts(python, RunsAs(user, seen)):
            return RunsAs(user, seen)
        why = (
            f"another user cannot start {python}, and it cannot be laid open to one here; "
            "an interpreter outside root's home gives each job a user of its own"
        )
        return RunsAs(None, why=why)

    async def _starts(self, python: Path, runs_as: RunsAs) -> bool:
        keeping = Keeping(os.devnull, str(self.folder), seconds=30, user=runs_as.user, seen=runs_as.seen)
        command = f"exec '{python}' -c '{_STARTS}'"
        process = await JobProcess.start(command, self.folder, {"PATH": os.defpath}, keeping)
        try:
            return (await process.wait()).code == 0
        finally:
            await process.close()


def _needed(python: Path) -> tuple[str, ...]:
    """The folders that an interpreter needs: its own, and those of its modules, and of the links that lead to it."""
    told = subprocess.run([python, "-c", _WHERE], capture_output=True, check=False, env={}, stdin=subprocess.DEVNULL)
    if told.returncode != 0:
        return ()  # an interpreter that does not start even as us: `_try` says so
    paths = [Path(name) for name in json.loads(told.stdout) if name]
    link = python
    while link.is_symlink():
        paths.append(link.parent)
        link = link.parent / link.readlink()
    folders = {str(path) for path in paths if path.is_dir()}
    return tuple(sorted(folder for folder in folders if child.closed_above(folder) is not None))


def _is_known(number: int) -> bool:
    try:
        pwd.getpwuid(number)
    except KeyError:
        return False
    return True
