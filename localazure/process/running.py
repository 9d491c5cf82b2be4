"""Whether the embedded Azure runs, and who starts or stops it.

It runs if, and only if, `daemon.lock` is held: the kernel drops a lock however its holder ends. What runs is then in
`daemon.json`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.locks import refuse_odd
from azmlflow.localazure.machine.private import read_json, unreadable, write_private

_HELD_WITHIN = 120.0


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


def status(state: Path) -> Running | None:
    """What runs over a state folder, or None.

    Raises:
        UnreadableFile: its record is not what this azmlflow writes.
    """
    folder = Folder.at(state)
    if pid_of(folder) is None:
        return None
    try:
        return Running(state=folder.path, **read_json(folder.record))
    except FileNotFoundError:  # it has just begun to start, or to stop
        return None
    except TypeError as error:
        raise unreadable(folder.record) from error


@contextlib.contextmanager
def held(folder: Folder) -> Iterator[int]:
    """One starter or stopper at a time; the kernel drops the lock of one that dies.

    Gives the lock's descriptor: an embedded Azure that is being started holds it too until it answers, so that whoever
    comes after a starter that was killed waits for it, and does not start a second.

    Raises:
        LocalError: another one does not come to an end.
        UnreadableFile: the lock is no plain file.
    """
    folder.start_lock.parent.mkdir(parents=True, exist_ok=True)
    refuse_odd(folder.start_lock)
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
        yield file.fileno()


def pid_of(folder: Folder) -> int | None:
    """The daemon's process id, or None if it does not run; 0 while it has the lock and is about to write its number.

    Raises:
        UnreadableFile: the lock is held, and not by a daemon of ours; or it is no plain file.
    """
    refuse_odd(folder.lock)
    try:
        with folder.lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read() or 0)
            return None
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise unreadable(folder.lock) from error


def wait_until_gone(folder: Folder, seconds: float) -> bool:
    """Wait that long for the daemon's end; whether it has ended."""
    deadline = time.monotonic() + seconds
    while pid_of(folder) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def lifetime(folder: Folder) -> Iterator[None]:
    """Hold the daemon's lock, with our pid in it: what the daemon itself does for as long as it lives.

    Raises:
        LocalError: another one holds it.
    """
    descriptor = os.open(folder.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for attempt in range(40):
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 39:
                    raise LocalError("it runs already", where=str(folder.path)) from None
                time.sleep(0.05)  # somebody is only looking whether it is held
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def write_record(folder: Folder, latency: str) -> None:
    """Say what runs: what the daemon itself does once it listens."""
    ports = folder.ports()
    content = {
        "pid": os.getpid(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "proxy_port": ports.proxy,
        "identity_port": ports.identity,
        "latency": latency,
    }
    write_private(folder.record, json.dumps(content).encode())
