"""Starting and stopping the embedded Azure's process, and knowing whether it runs.

It runs if, and only if, `daemon.lock` is held: the kernel drops a lock however its holder ends. What runs is then in
`daemon.json`. MLflow's server lives as long as the daemon's end of a pipe is open, so no end of the daemon, `kill -9`
included, leaves it behind.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.localazure.clients import control, environ
from azmlflow.localazure.clients.control import NotRunning, UnknownPrincipal
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.localazure.machine.folder import Folder, LocalError, PortTaken, UnsafeFolder

__all__ = [
    "LocalError",
    "NotRunning",
    "PortTaken",
    "Running",
    "StartFailed",
    "UnknownPrincipal",
    "UnsafeFolder",
    "add_user",
    "reset",
    "start",
    "status",
    "stop",
]

_READY_WITHIN = 90.0
_STOPPED_WITHIN = 20.0
_KILLED_WITHIN = 5.0
_HELD_WITHIN = 120.0
_LOG_LIMIT = 10 * 1024 * 1024
_TAIL = 15  # lines of the log in an error


class StartFailed(LocalError):
    """The process ended, or did not answer, while it started."""


@dataclass(frozen=True)
class Running:
    """An embedded Azure that runs.

    Attributes:
        state: its state folder.
        pid: its process.
        started: when, in ISO format.
        proxy_port, identity_port: its ports on 127.0.0.1.
        latency: its latency profile.
    """

    state: Path
    pid: int
    started: str
    proxy_port: int
    identity_port: int
    latency: str


def start(state: Path, latency: str = "none", on_progress: Callable[[str], None] | None = None) -> Running:
    """Start the embedded Azure unless it runs, and wait until it answers.

    Args:
        state: its state folder, made if absent.
        latency: `none` or `azure`; one that runs keeps its own.
        on_progress: told, in a few words, what goes on.

    Raises:
        PortTaken: another program holds one of its ports.
        StartFailed: it ended or did not answer; the message has the end of its log.
        UnsafeFolder: the state folder, or that of its sockets, is not this user's alone.
        LocalError: another start or stop does not come to an end.
    """
    say = on_progress or (lambda _text: None)
    folder = Folder.at(state)
    with _held(folder):
        folder.make()
        running = status(folder.path)
        if running is None:
            if _pid(folder) is None:
                folder.check_ports()
                say("starting the embedded Azure")
                _spawn(folder, latency)
            running = _wait_for_record(folder)
        _check_health(folder)
        return running


def status(state: Path) -> Running | None:
    """What runs over a state folder, or None."""
    folder = Folder.at(state)
    if _pid(folder) is None:
        return None
    try:
        found = json.loads(folder.record.read_bytes())
    except FileNotFoundError:  # it has just begun to start, or to stop
        return None
    return Running(state=folder.path, **found)


def stop(state: Path) -> None:
    """Stop it if it runs: in order, or else by force. What it holds stays.

    Raises:
        LocalError: another start or stop does not come to an end, or it cannot be stopped.
    """
    folder = Folder.at(state)
    with _held(folder):
        _stop(folder)


def reset(state: Path) -> None:
    """Stop it, and delete all that it holds: resources, data, keys and certificate authority.

    Raises:
        LocalError: see `stop`.
    """
    folder = Folder.at(state)
    with _held(folder):
        _stop(folder)
        if folder.path.exists():
            shutil.rmtree(folder.path)


def add_user(state: Path, upn: str, display_name: str | None = None) -> dict[str, Any]:
    """Add a user to the directory of the running embedded Azure, as the developer, through Graph.

    Returns:
        The user, as Graph answers it (`id`, `userPrincipalName`, `displayName`, ...).

    Raises:
        NotRunning: it does not answer.
        LocalError: Graph refuses, e.g. because the name is taken.
    """
    local = upn.partition("@")[0]
    answer = control.ask(
        Folder.at(state),
        "POST",
        "https://graph.microsoft.com/v1.0/users",
        principal=DEVELOPER,
        body={
            "accountEnabled": True,
            "displayName": display_name or local,
            "mailNickname": local,
            "userPrincipalName": upn,
            "passwordProfile": {"forceChangePasswordNextSignIn": False, "password": secrets.token_urlsafe(24)},
        },
    )
    if answer.status != 201:
        told = answer.body["error"]["message"] if isinstance(answer.body, dict) else f"HTTP {answer.status}"
        raise LocalError(f"'{upn}' cannot be added: {told}", next="azmlflow local user list")
    added: dict[str, Any] = answer.body
    return added


@contextlib.contextmanager
def _held(folder: Folder) -> Iterator[None]:
    """One starter or stopper at a time; the kernel drops the lock of one that dies."""
    folder.start_lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _HELD_WITHIN
    with folder.start_lock.open("ab") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalError(
                        "another azmlflow is still starting or stopping the embedded Azure",
                        where=str(folder.path),
                        next="wait for it, or end it, and type the command again",
                    ) from None
                time.sleep(0.05)
        yield


def _pid(folder: Folder) -> int | None:
    """The daemon's process id, or None if it does not run."""
    try:
        with folder.lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)  # 0: it has the lock and is about to write its number
            return None
    except FileNotFoundError:
        return None


def _spawn(folder: Folder, latency: str) -> None:
    """Start the process and wait until it listens."""
    if folder.log.exists() and folder.log.stat().st_size > _LOG_LIMIT:
        folder.log.replace(folder.log.with_suffix(".log.1"))
    folder.log.touch(mode=0o600)
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb", buffering=0) as report, folder.log.open("ab") as log:
        begin = log.tell()
        try:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "azmlflow.localazure.process.serve", "--detach"),
                    *("--state", str(folder.path), "--latency", latency, "--ready", str(writable)),
                ],
                cwd=folder.path,
                env=environ.daemon_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(writable,),
            )
        finally:
            os.close(writable)
        with child:  # it leaves a child of its own behind and ends
            answered, _, _ = select.select([report], [], [], _READY_WITHIN)
            if answered and report.read(1):
                return
            if not answered:
                child.kill()
        _kill(folder)
    told = "ended while it started" if answered else f"did not answer within {_READY_WITHIN:.0f} s"
    raise StartFailed(f"the embedded Azure {told}:\n{_tail(folder, begin)}", where=str(folder.log), next=_START_NEXT)


_START_NEXT = "azmlflow local logs; azmlflow local reset starts from nothing"


def _wait_for_record(folder: Folder) -> Running:
    """What runs, once it has said so: at once after `_spawn`; a while if somebody runs it in the foreground."""
    deadline = time.monotonic() + _READY_WITHIN
    while (running := status(folder.path)) is None:
        if _pid(folder) is None or time.monotonic() > deadline:
            raise StartFailed(
                f"the embedded Azure ended while it started:\n{_tail(folder)}", where=str(folder.log), next=_START_NEXT
            )
        time.sleep(0.05)
    return running


def _check_health(folder: Folder) -> None:
    """Ask for something public through proxy and TLS, as a client would."""
    url = "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1"
    try:
        healthy = control.ask(folder, "GET", url).status == 200
    except NotRunning:
        healthy = False
    if not healthy:
        raise StartFailed(
            f"the embedded Azure runs but does not answer:\n{_tail(folder)}",
            where=str(folder.log),
            next="azmlflow local stop, then azmlflow local start",
        )


def _tail(folder: Folder, begin: int = 0) -> str:
    with folder.log.open("rb") as log:
        log.seek(max(begin, log.seek(0, os.SEEK_END) - 64 * 1024))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL:]) or "  (it wrote no log)"


def _stop(folder: Folder) -> None:
    pid = _pid(folder)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if not _wait_until_gone(folder, _STOPPED_WITHIN):
            _kill(folder)
    if _pid(folder) is not None:
        raise LocalError("the embedded Azure cannot be stopped", where=f"pid {pid}", next=f"kill -9 {pid}")
    folder.remove_sockets()  # one that was killed has left them


def _kill(folder: Folder) -> None:
    pid = _pid(folder)
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _wait_until_gone(folder, _KILLED_WITHIN)


def _wait_until_gone(folder: Folder, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _pid(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
