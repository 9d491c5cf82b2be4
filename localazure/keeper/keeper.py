"""One job's keeper: its user, its folder, the processes that run there, and the end of all of it.

It is forked off the warden and asked over a socket, one request at a time: a line of JSON with descriptors, answered by
a line of JSON. Each request is one of these, and each word in it is checked; nothing of a submission is among them.

    open    name, own                the job's folder, with folders in it that are its user's -> folder, user, private
    start   log, limits, seen, own   a command under its limits; descriptors: what it is (read by the command's process
                                     alone), one at whose end it shall end, one for how it ended
    move                             a porter; descriptor: its socket
    hold                             descriptor: a lock that is held until all processes have ended
    lend    path                     the folder of an environment is made anew, for the user to fill
    take    path                     it becomes ours, and everybody's to read
    discard path                     it is removed
    remove  name                     the folder of a job whose keeper is gone
    close                            -> left: whether something of the folder stays

However the asking end closes, `kill -9` of the embedded Azure included, all processes are ended, the folder is removed,
and only then is the number of the user free.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import signal
import socket
import stat
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from azmlflow.localazure.keeper import command, ending, lending, numbers, porter
from azmlflow.localazure.keeper.command import World
from azmlflow.localazure.keeper.dropping import NotDropped, drop
from azmlflow.localazure.keeper.watch import Watch

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_VENV = re.compile(r"/[0-9a-f]{20}/venv\Z")
_MOST = 1 << 16  # bytes of a request


class Refused(Exception):
    """What was asked for cannot be done, or is none of the requests; the message says why."""


class Keeper:
    """A job's keeper.

    Args:
        asking: the socket that requests come from.
        jobs: the folder of all jobs' folders.
        root: whether jobs have users of their own.
        private: whether commands can have namespaces of their own.
    """

    def __init__(self, asking: socket.socket, jobs: str, *, root: bool, private: bool) -> None:
        self._asking, self._jobs, self._root, self._private = asking, jobs, root, root and private
        self._name, self._held = "", -1
        self._user: int | None = None
        self._life, self._life_end = os.pipe()  # at its end when this process ends
        self._commands: set[int] = set()
        self._porters: set[int] = set()
        if sys.platform == "linux":
            command.Calls().adopt_orphans()

    def serve(self) -> NoReturn:
        """Do what is asked, until the end."""
        closing = False
        while not closing:
            request, descriptors = self._hear()
            closing = request.get("do", "close") == "close"
            if not closing:
                try:
                    answer = self._do(request, descriptors)
                except (Refused, NotDropped, numbers.NoNumber, lending.NotTaken) as error:
                    answer = {"refused": str(error)}
                except (KeyError, TypeError, ValueError, RecursionError) as error:
                    answer = {"refused": f"this is not a request: {error!r}"}
                except OSError as error:
                    named = ": ".join(str(each) for each in (error.strerror or error, error.filename) if each)
                    answer = {"refused": named}
                self._answer(answer)
            for descriptor in descriptors:
                os.close(descriptor)
        left = self._close()
        self._answer({"left": left})
        os._exit(0)

    def _hear(self) -> tuple[dict[str, Any], list[int]]:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._asking, _MOST, 3)
            while data and not data.endswith(b"\n"):
                data += self._asking.recv(_MOST)
        except OSError:
            return {}, []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        return (json.loads(data) if data else {}), list(descriptors)

    def _answer(self, answer: dict[str, Any]) -> None:
        with contextlib.suppress(OSError):  # nobody asks any more, which the next `_hear` finds
            self._asking.sendall(json.dumps(answer).encode() + b"\n")

    def _do(self, request: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        act: dict[str, Callable[..., dict[str, Any]]] = {
            "open": self._open,
            "start": self._start,
            "move": self._move,
            "hold": self._hold,
            "lend": self._lend,
            "discard": self._discard,
            "take": self._take,
            "remove": self._remove,
        }
        words = {key: value for key, value in request.items() if key != "do"}
        return act[request["do"]](*descriptors, **words)

    def _open(self, name: str, own: list[str]) -> dict[str, Any]:
        folder = self._folder_of(name)
        if self._root:
            self._user, self._held = numbers.allot(folder)
        os.makedirs(self._jobs, 0o711, exist_ok=True)
        os.mkdir(folder, 0o711)
        self._name = name
        os.chmod(folder, 0o711)  # ours, as is the log in it: the job can put nothing in their place
        for each in own:
            inner = f"{folder}/{_checked(each)}"
            os.mkdir(inner, 0o700)
            if self._user is not None:
                os.chown(inner, self._user, self._user)
        return {"folder": folder, "user": self._user, "private": self._private}

    def _start(
        self, data: int, asked: int, result: int, *, log: str, limits: dict[str, float], seen: list[str], own: list[str]
    ) -> dict[str, Any]:
        folder = self._own_folder()
        for path in (*seen, *own):
            _check_path(path)
        shared = f"{folder}/{secrets.token_hex(4)}-shared"
        if self._private:
            os.mkdir(shared, 0o711)
        world = World(
            folder,
            self._user,
            self._private,
            shared,
            tuple(seen),
            tuple(own),
            int(limits["memory"]),
            int(limits["disk"]),
        )
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        kept = os.open(f"{folder}/{_checked(log)}" if log else os.devnull, flags, 0o600)
        watch = Watch(world, limits["seconds"], int(limits["log_limit"]), data, kept, (asked, self._life))

        def run() -> None:
            os.write(result, json.dumps(watch.run()).encode())

        self._commands.add(self._fork(run))
        os.close(kept)
        return {}

    def _move(self, end: int) -> dict[str, Any]:
        folder, user = self._own_folder(), self._user

        def run() -> None:
            root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if user is not None:
                drop(user)
            with os.fdopen(os.dup(end), "rb") as asked, os.fdopen(os.dup(end), "wb") as answers:
                porter.serve(root, asked, answers)

        self._porters.add(self._fork(run))
        return {}

    def _hold(self, lock: int) -> dict[str, Any]:
        os.dup(lock)
        return {}

    def _lend(self, path: str) -> dict[str, Any]:
        self._discard(path)
        os.mkdir(path, 0o755)
        if self._user is not None:
            lending.lend(path, self._user)
        return {}

    def _discard(self, path: str) -> dict[str, Any]:
        _check_venv(path)
        parent, _, name = path.rpartition("/")
        if not _remove(parent, name):
            raise Refused(f"{path} cannot be removed whole")
        return {}

    def _take(self, path: str) -> dict[str, Any]:
        _check_venv(path)
        self._end_porters()
        if self._user is not None:
            if ending.is_alive(self._user):
                raise Refused("processes of the job still run")
            lending.take_back(path, self._user)
        return {}

    def _remove(self, name: str) -> dict[str, Any]:
        folder = self._folder_of(name, any_name=True)
        gone = numbers.holder(folder) if self._root else None
        if gone is not None:
            ending.end_user(gone[0])
        left = not _remove(self._jobs, name)
        if gone is not None and not left:
            numbers.free(gone[1])
        return {"left": left}

    def _folder_of(self, name: str, *, any_name: bool = False) -> str:
        if self._name or not (porter.is_part(name) if any_name else _NAME.fullmatch(name)):
            raise Refused("the job's folder has no valid name, or has one already")
        return f"{self._jobs}/{name}"

    def _own_folder(self) -> str:
        if not self._name:
            raise Refused("the job has no folder yet")
        return f"{self._jobs}/{self._name}"

    def _fork(self, run: Callable[[], None]) -> int:
        child = os.fork()
        if child:
            return child
        try:
            self._asking.close()
            os.close(self._life_end)
            run()
        except BaseException as error:  # noqa: BLE001 - a copy of the keeper must not go on as one
            os.write(2, f"keeper of jobs: {error!r}\n".encode())
        finally:
            os._exit(0)

    def _end_porters(self) -> None:
        for child in self._porters:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        self._porters.clear()

    def _close(self) -> bool:
        """End everything; whether something of the job's folder stays."""
        os.close(self._life_end)  # every command under way ends by that
        self._end_porters()
        for child in self._commands:
            os.waitpid(child, 0)
        if self._user is None:
            ending.end_descendants(0)
        else:
            ending.end_user(self._user)
        left = bool(self._name) and not _remove(self._jobs, self._name)
        if self._held >= 0 and not left:
            numbers.free(self._held)
        return left


def _remove(jobs: str, name: str) -> bool:
    try:
        place = os.open(jobs, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return ending.remove(place, name)
    finally:
        os.close(place)


def _checked(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_.-]{0,39}", name):
        raise Refused(f"'{name}' is not a name in a job's folder")
    return name


def _check_path(path: str) -> None:
    if not path.startswith("/") or not all(map(porter.is_part, path.split("/")[1:])):
        raise Refused(f"'{path}' is not a path of a folder")


def _check_venv(path: str) -> None:
    """See that a path is that of an environment: in a folder of our own, named by a digest."""
    _check_path(path)
    parent = os.path.dirname(path)
    found = os.lstat(parent)
    if not _VENV.search(path) or not stat.S_ISDIR(found.st_mode):
        raise Refused(f"'{path}' is not a folder of an environment")
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise Refused(f"{parent} is not ours alone")
