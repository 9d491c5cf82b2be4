"""Starting and stopping the embedded Azure's process.

MLflow's server lives as long as the daemon's end of a pipe is open, so no end of the daemon, `kill -9` included, leaves
it behind.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azmlflow.localazure.clients import control
from azmlflow.localazure.clients.control import NotRunning, UnknownPrincipal
from azmlflow.localazure.clients.environ import outer
from azmlflow.localazure.core.constants import DEVELOPER
from azmlflow.localazure.machine.errors import LocalError, PortTaken, UnsafeFolder
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.locks import may_hold
from azmlflow.localazure.process.running import Running, held, pid_of, status, wait_until_gone
from azmlflow.localazure.process.starting import StartFailed, check_health, kill, spawn, wait_for_record

if TYPE_CHECKING:
    from datetime import datetime

    from azmlflow.localazure.process.parts import Looked

__all__ = [
    "LocalError",
    "NotRunning",
    "PortTaken",
    "Running",
    "StartFailed",
    "UnknownPrincipal",
    "UnsafeFolder",
    "add_user",
    "repair",
    "reset",
    "start",
    "status",
    "stop",
]

_STOPPED_WITHIN = 20.0
_GONE_WITHIN = 2.0


def start(state: Path, latency: str = "none", on_progress: Callable[[str], None] | None = None) -> Running:
    """Start the embedded Azure unless it runs, and wait until it answers.

    Args:
        state: its state folder, made if absent.
        latency: name of a profile (core/latency.py); one that runs keeps its own.
        on_progress: told, in a few words, what goes on.

    Raises:
        PortTaken: another program holds one of its ports.
        DamagedPart: a file of its is damaged.
        StartFailed: it ended or did not answer; the message has the end of its log.
        UnsafeFolder: the state folder, or that of its sockets, is not this user's alone.
        LocalError: another start or stop does not come to an end, or another program holds the lock.
    """
    say = on_progress or (lambda _text: None)
    folder = Folder.at(state)
    with held(folder) as lock:
        folder.make()
        running = _found(folder)
        if running is None:
            from azmlflow.localazure.process import parts

            parts.check(folder)
            folder.check_ports()
            say("starting the embedded Azure")
            spawn(folder, latency, lock)
            running = wait_for_record(folder)
            check_health(folder)
        return running


def _found(folder: Folder) -> Running | None:
    """What runs and answers, if anything does. One that has just begun to start or to end is waited for.

    The kernel closes the ports of one that was killed before it lets go of its lock: for so long it seems to run.

    Raises:
        StartFailed: it does not answer, and does not end.
        LocalError: another program holds the lock.
    """
    pid = pid_of(folder)
    if pid is None:
        return None
    if pid and status(folder.path) is None:
        _refuse_foreign(folder, pid)
    try:
        running = wait_for_record(folder)
        check_health(folder)
    except StartFailed:
        if wait_until_gone(folder, _GONE_WITHIN):
            return None
        raise
    return running


def stop(state: Path) -> None:
    """Stop it if it runs: in order, or else by force. What it holds stays.

    Raises:
        LocalError: another start or stop does not come to an end, or it cannot be stopped.
    """
    folder = Folder.at(state)
    with held(folder):
        _stop(folder)


def reset(state: Path) -> None:
    """Stop it, and delete all that it holds: resources, data, keys and certificate authority.

    Raises:
        LocalError: see `stop`.
    """
    folder = Folder.at(state)
    with held(folder):
        _stop(folder)
        if folder.path.exists():
            shutil.rmtree(folder.temporary(outer(os.environ).get("TMPDIR")), ignore_errors=True)
            shutil.rmtree(folder.path)


def repair(state: Path, now: datetime, on_progress: Callable[[str], None]) -> tuple[Looked, ...]:
    """Look at all that it holds, and mend what is damaged; what is damaged is kept aside. It is stopped for that.

    Args:
        state: its state folder, which exists.
        now: names the folder in which damaged files are kept.
        on_progress: told, in a few words, what goes on.

    Raises:
        LocalError: see `stop`.
    """
    from azmlflow.localazure.process import parts

    folder = Folder.at(state)
    with held(folder):
        if pid_of(folder) is not None:
            on_progress("stopping the embedded Azure, to look at what it holds")
            _stop(folder)
        return tuple(parts.repair(folder, now))


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


def _refuse_foreign(folder: Folder, pid: int) -> None:
    """The number that stands in the lock may be any program's by now, where another than ours holds it."""
    if not may_hold(pid, folder.lock):
        raise LocalError(
            f"{folder.lock.name} is held by another program than the embedded Azure",
            where=str(folder.lock),
            next=f"see which with `lsof {folder.lock}`, and end it",
        )


def _stop(folder: Folder) -> None:
    pid = pid_of(folder)
    if pid:
        _refuse_foreign(folder, pid)
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(pid, signal.SIGTERM)
        if not wait_until_gone(folder, _STOPPED_WITHIN):
            kill(folder)
    if pid_of(folder) is not None:
        raise LocalError("the embedded Azure cannot be stopped", where=f"pid {pid}", next=f"kill -9 {pid}")
    folder.remove_sockets()  # one that was killed has left them
    folder.remove_temporary(outer(os.environ).get("TMPDIR"))
