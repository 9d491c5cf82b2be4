"""Processes of this machine: which live, and the end of those that a dead engine left behind.

An engine is started in a session of its own (`engine_stack.py`), whose id is the engine's process id. Its plugins
change their process group but not their session, so a plugin is provably that engine's as long as it runs.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable


def alive(pid: int) -> bool:
    """Does a process of this id run here?"""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's
    return _state(pid) not in {"Z", ""}


def _state(pid: int) -> str:
    answer = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()[:1]


def command_of(pid: int) -> str:
    """The command line of a process, empty if there is none."""
    answer = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def session_members(session: int) -> tuple[int, ...]:
    """The processes of a session that live, without this one."""
    answer = subprocess.run(["ps", "-axo", "pid=,stat="], capture_output=True, text=True, check=False)
    found: list[int] = []
    for row in answer.stdout.splitlines():
        word, _, stat = row.strip().partition(" ")
        if stat.strip().startswith("Z"):
            continue  # dead, and not yet waited for
        pid = int(word)
        try:
            if pid != os.getpid() and os.getsid(pid) == session:
                found.append(pid)
        except (ProcessLookupError, PermissionError):
            continue
    return tuple(found)


def end_session(session: int, *, grace: float = 5.0, sleep: Callable[[float], None] = time.sleep) -> int:
    """End the processes of a session: asked first, then killed.

    Args:
        session: its id, never this process's own.
        grace: seconds between asking and killing.
        sleep: waits.

    Returns:
        How many there were.
    """
    if session <= 1 or session == os.getsid(0):
        return 0
    members = session_members(session)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in members:
            _signal(pid, number)
        waited = 0.0
        while waited < grace and any(alive(pid) for pid in members):
            sleep(0.1)
            waited += 0.1
    return len(members)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
