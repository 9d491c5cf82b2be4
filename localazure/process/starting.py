"""The embedded Azure's process, started and waited for until it answers; ended by force where it does not."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time

from azmlflow.localazure.clients import control, environ
from azmlflow.localazure.clients.control import NotRunning
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.locks import may_hold
from azmlflow.localazure.machine.shortage import shortage
from azmlflow.localazure.process.bounds import LOG_LIMIT
from azmlflow.localazure.process.running import Running, pid_of, status, wait_until_gone

_READY_WITHIN = 90.0
_KILLED_WITHIN = 5.0
_TAIL = 15  # lines of the log in an error
_START_NEXT = "azmlflow local logs; azmlflow local repair looks at all that it holds, and throws nothing away"
READY = b"ready"  # what the process says when it listens; else what is wrong, as JSON


class StartFailed(LocalError):
    """The process ended, or did not answer, while it started."""


def spawn(folder: Folder, latency: str, lock: int) -> None:
    """Start the process and wait until it listens.

    Args:
        folder: the state folder.
        latency: the latency profile.
        lock: descriptor of the lock of whoever starts or stops, which the process holds until it listens.

    Raises:
        StartFailed: it ended or did not answer; in its own words, or with the end of its log.
    """
    if folder.log.exists() and folder.log.stat().st_size > LOG_LIMIT:
        folder.log.replace(folder.log.with_suffix(".log.1"))
    folder.log.touch(mode=0o600)
    readable, writable = os.pipe()
    with os.fdopen(readable, "rb", buffering=0) as report, folder.log.open("ab") as log:
        begin = log.tell()
        try:
            child = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "azmlflow.localazure.process.serve", "--detach"),
                    *("--state", str(folder.path), "--latency", latency, "--ready", str(writable), "--lock", str(lock)),
                ],
                cwd=folder.path,
                env=environ.daemon_environment(os.environ),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(writable, lock),
            )
        finally:
            os.close(writable)
        with child:  # it leaves a child of its own behind and ends
            answered, _, _ = select.select([report], [], [], _READY_WITHIN)
            said = report.read() if answered else b""
            if said.startswith(READY):
                return
            if not answered:
                child.kill()
        kill(folder)
    own = _own_words(said)
    if own is not None:
        raise StartFailed(str(own["what"]), where=own["where"], next=own["next"] or _START_NEXT)
    told = "ended while it started" if answered else f"did not answer within {_READY_WITHIN:.0f} s"
    raise StartFailed(f"the embedded Azure {told}:\n{_tail(folder, begin)}", where=str(folder.log), next=_START_NEXT)


def say_why(report: int | None, error: Exception) -> None:
    """Tell the waiting starter why there is no start; an unforeseen fault is in the log alone."""
    lacks = shortage(error)
    if lacks is not None:
        told = {"what": f"the embedded Azure cannot start: {lacks.what}", "where": lacks.where, "next": lacks.next}
    elif isinstance(error, LocalError):
        told = {"what": error.what, "where": error.where, "next": error.next}
    else:
        return
    if report is not None:
        with contextlib.suppress(OSError):  # nobody waits any more
            os.write(report, json.dumps(told).encode())


def _own_words(said: bytes) -> dict[str, str | None] | None:
    try:
        found = json.loads(said)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def wait_for_record(folder: Folder) -> Running:
    """What runs, once it has said so: at once after `spawn`; a while if somebody runs it in the foreground.

    Raises:
        StartFailed: it ended, or said nothing.
    """
    deadline = time.monotonic() + _READY_WITHIN
    while (running := status(folder.path)) is None:
        if pid_of(folder) is None or time.monotonic() > deadline:
            raise StartFailed(
                f"the embedded Azure ended while it started:\n{_tail(folder)}", where=str(folder.log), next=_START_NEXT
            )
        time.sleep(0.05)
    return running


def check_health(folder: Folder) -> None:
    """Ask for something public through proxy and TLS, as a client would.

    Raises:
        StartFailed: it does not answer, or with a fault.
    """
    url = "https://login.microsoftonline.com/common/discovery/instance?api-version=1.1"
    try:
        answered = control.ask(folder, "GET", url)
        if answered.status == 200:
            return
        told = f"answers {answered.status}"
    except NotRunning as error:
        told = error.what
    raise StartFailed(
        f"the embedded Azure runs, but is not well ({told}):\n{_tail(folder)}",
        where=str(folder.log),
        next="azmlflow local stop, then azmlflow local start",
    )


def kill(folder: Folder) -> None:
    """End the daemon by force, if it runs, and wait for that."""
    pid = pid_of(folder)
    if pid and may_hold(pid, folder.lock):
        with contextlib.suppress(ProcessLookupError):  # it has ended by itself
            os.kill(pid, signal.SIGKILL)
        wait_until_gone(folder, _KILLED_WITHIN)


def _tail(folder: Folder, begin: int = 0) -> str:
    with folder.log.open("rb") as log:
        log.seek(max(begin, log.seek(0, os.SEEK_END) - 64 * 1024))
        lines = log.read().decode("utf-8", "replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-_TAIL:]) or "  (it wrote no log)"
