"""Processes of this machine: which live, and the end of those that a dead engine left behind.

An engine is started in a session of its own (`automation.py`), whose id is the engine's process id. Its plugins change
their process group but not their session, so a plugin is provably that engine's as long as it runs. Windows has no
sessions: there a plugin is the engine's as its child.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

import psutil

_GONE = (psutil.NoSuchProcess, psutil.AccessDenied)


def alive(pid: int) -> bool:
    """Does a process of this id run here? One that is dead, and not yet waited for, does not."""
    if pid <= 0:
        return False
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True  # somebody else's


def command_of(pid: int) -> str:
    """The command line of a process, empty if there is none."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except _GONE:
        return ""


def is_engine(pid: int) -> bool:
    """Does an engine, or one of its plugins, run here under this id? Process ids come again: another program may.

    All of Pulumi's programs bear its name, in their own or in that of the script that they run. What may not be looked
    at counts as one.
    """
    if not alive(pid):
        return False
    try:
        name = psutil.Process(pid).name()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
    return "pulumi" in f"{name} {command_of(pid)}"


def session_members(session: int) -> tuple[psutil.Process, ...]:
    """The processes of a session that live, without this one."""
    return tuple(
        each for each in psutil.process_iter() if each.pid != os.getpid() and _within(each, session) and alive(each.pid)
    )


if sys.platform == "win32":

    def _own(session: int) -> bool:
        return session == os.getpid()

    def _within(process: psutil.Process, session: int) -> bool:
        try:
            return process.pid == session or process.ppid() == session
        except _GONE:
            return False

else:

    def _own(session: int) -> bool:
        return session == os.getsid(0)

    def _within(process: psutil.Process, session: int) -> bool:
        try:
            return os.getsid(process.pid) == session
        except (ProcessLookupError, PermissionError):
            return False


def end_session(session: int, *, grace: float = 5.0, sleep: Callable[[float], None] = time.sleep) -> int:
    """End the processes of a session: asked first, then killed.

    Args:
        session: its id, never this process's own.
        grace: seconds between asking and killing.
        sleep: waits.

    Returns:
        How many there were.
    """
    if session <= 1 or _own(session):
        return 0
    members = session_members(session)
    if not any(is_engine(each.pid) for each in members):
        return 0  # another program's by now
    for end in (psutil.Process.terminate, psutil.Process.kill):
        for each in members:
            _end(each, end)
        waited = 0.0
        while waited < grace and any(alive(each.pid) for each in members):
            sleep(0.1)
            waited += 0.1
    return len(members)


def _end(process: psutil.Process, way: Callable[[psutil.Process], None]) -> None:
    try:
        way(process)
    except _GONE:
        return
