"""Whom jobs run as: where we are root, a user and group of its own for each; otherwise the user who runs the embedded
Azure.

Such a user cannot go below root's home (0700), where interpreters often are; it is shown the interpreter there and
nothing else. Where the system does not let us (a container without CAP_SYS_ADMIN), or no user can be had, the job is
refused: it never runs as root.

Not as root, a job is a process of the same user: the operating system keeps nothing of that user's from it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import socket
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

from azmlflow.localazure.keeper import command
from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import CannotStart, Keeping
from azmlflow.localazure.machine.folder import Folder

_HERE = Path(__file__).parents[3]  # the folder in which `azmlflow` is
_WARDEN = f"import sys; sys.path.append({str(_HERE)!r}); from azmlflow.localazure.keeper.warden import main; main()"
# All that the warden and the keepers see; the last two are for a Python that cannot start without them.
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_FIXED = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
# An interpreter tells where it and its modules lie; then, as the job's user, that it starts and reads them.
_WHERE = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.exec_prefix, *sys.path]))"
_STARTS = "import ctypes, ssl, site"


class Users:
    """The users of an embedded Azure's jobs.

    Args:
        state: the state folder.
        root: whether jobs have users of their own; None: if we are root.
    """

    def __init__(self, state: Path, *, root: bool | None = None) -> None:
        self._state, self._root = state, os.geteuid() == 0 if root is None else root
        self.folder = Folder.at(state).jobs_path() if self._root else state / "jobs"
        self._warden: socket.socket | None = None
        self._needed: dict[Path, tuple[str, ...]] = {}
        self._startable: set[tuple[Path, tuple[str, ...]]] = set()
        self._clearing, self._is_clear = asyncio.Lock(), False

    def start(self) -> Users:
        """Start the warden, unless it runs; these users.

        Raises:
            OSError: it cannot be started.
        """
        if self._warden is not None:
            return self
        ours, theirs = socket.socketpair()
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        words = [sys.executable, "-I", "-S", "-c", _WARDEN, str(self.folder), "users" if self._root else "plain"]
        with theirs:
            # It goes on in a process of its own, in a session of its own; this one is over at once.
            subprocess.run(
                words, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env={**_FIXED, **kept}, cwd="/", check=True
            )
        weakref.finalize(self, ours.close)
        self._warden = ours
        return self

    async def open(self, name: str, own: Sequence[str]) -> Place:
        """A job's place: its user and its folder. To be closed.

        Args:
            name: the folder's.
            own: names of folders in it that are the job's to write to.

        Raises:
            UnsafeFolder: someone else has made the folder of the jobs' folders.
            CannotStart: no user, or no folder, can be had.
        """
        place = self._keeper()
        try:
            await place.open(name, own)
        except BaseException:
            await place.close()
            raise
        return place

    async def clear(self) -> None:
        """Remove the folders of jobs whose keepers are gone, and end what still runs there: what an embedded Azure that
        ended has left, hence once, before any place is opened."""
        async with self._clearing:
            if not self._is_clear:
                await self._clear()
                self._is_clear = True

    async def _clear(self) -> None:
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        for name in names:
            place = self._keeper()
            try:
                await place.ask({"do": "remove", "name": name})
            finally:
                await place.close()

    async def lay_open(self, place: Place, python: Path, base: Path, venv: Path | None = None) -> tuple[str, ...]:
        """The folders that have to be shown to a job so that it can start an interpreter.

        Args:
            place: the job's.
            python: the interpreter.
            base: the interpreter of the machine's own that `python` is, or is made of: no submitter chose it.
            venv: the environment that `python` belongs to, if it is one that was built for a job.

        Raises:
            CannotStart: the job's user cannot start it.
        """
        if place.user is None:
            return ()
        if base not in self._needed:
            self._needed[base] = await asyncio.to_thread(_needed, base)
        seen = (*self._needed[base], *([str(venv)] if venv is not None and command.closed_above(str(venv)) else []))
        if (place.private or not seen) and await self.starts(place, python, seen):
            return seen
        raise CannotStart(
            f"The job was not started: as a user of its own it cannot start {python}, and it cannot be laid open to it "
            "here.",
            where=str(python),
            next="name an interpreter outside root's home (AZMLFLOW_JOB_PYTHON), or run azmlflow as another user",
        )

    async def starts(self, place: Place, python: Path, seen: tuple[str, ...] = ()) -> bool:
        """Whether a job can start an interpreter; it is asked as the job's user."""
        if (python, seen) in self._startable:
            return True
        words = f"exec {shlex.quote(str(python))} -c '{_STARTS}'"
        process = await place.start(words, Path("/"), {"PATH": os.defpath}, Keeping(seconds=30, seen=seen))
        try:
            started = (await process.wait()).code == 0
        finally:
            await process.close()
        if started:
            self._startable.add((python, seen))
        return started

    def _keeper(self) -> Place:
        if self._root:
            Folder.at(self._state).jobs()
        self.start()
        assert self._warden is not None
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._warden, [b"j"], [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise CannotStart(
                    "The job was not started: the process that starts jobs has ended.",
                    next="azmlflow local stop, and the next command starts it again",
                ) from error
        return Place(ours)


def _needed(python: Path) -> tuple[str, ...]:
    """The folders that an interpreter of the machine's own needs: its own, those of its modules, and of the links that
    lead to it; as far as a job cannot go there."""
    told = subprocess.run(
        [python, "-I", "-c", _WHERE], capture_output=True, check=False, env=_FIXED, cwd="/", stdin=subprocess.DEVNULL
    )
    if told.returncode != 0:
        return ()  # an interpreter that does not start even as us: asked as the job's user, it does not either
    paths = [Path(name) for name in json.loads(told.stdout) if name]
    link = python
    while link.is_symlink():
        paths.append(link.parent)
        link = Path(os.path.normpath(link.parent / link.readlink()))
    folders = {str(path) for path in paths if path.is_dir()}
    return tuple(sorted(folder for folder in folders if command.closed_above(folder) is not None))
