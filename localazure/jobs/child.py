"""A job's keeper, a process of its own: `python -I -S child.py LOG LIMIT SECONDS COMMAND...`.

It lives as long as its standard input is open, as `mlflow_child` does: the embedded Azure holds the other end of that
pipe, and the operating system closes it however the embedded Azure ends, `kill -9` included. Then, when SECONDS are
over (0: never), and when the command has ended by itself, whatever the command started is ended too: its session, and
on Linux also what has left the session, since orphans are given to this process (`PR_SET_CHILD_SUBREAPER`).

The command's output goes to LOG until it holds LIMIT bytes; what follows is read and dropped. The exit code is the
command's, 128 + n after signal n, 124 when the time was over.

Nothing but the standard library is imported: this process stands before each job.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

TIMED_OUT = 124
_GRACE = 2.0  # seconds between SIGTERM and SIGKILL
_PR_SET_CHILD_SUBREAPER = 36


def main(arguments: list[str]) -> int:
    """Run the command to its end, or to ours."""
    log, limit, seconds, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    assert child.stdout is not None
    pump = threading.Thread(target=_pump, args=(child.stdout.fileno(), log, int(limit)), daemon=True)
    pump.start()
    threading.Thread(target=_watch, args=(child,), daemon=True).start()
    try:
        code = child.wait(float(seconds) or None)
    except subprocess.TimeoutExpired:
        _end(child)
        code = TIMED_OUT
    _kill_all(child.pid)
    pump.join(5)
    return code if code >= 0 else 128 - code


def _watch(child: subprocess.Popen[bytes]) -> None:
    while os.read(0, 64):
        pass
    _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(_GRACE)
    _kill_all(child.pid)


def _kill_all(group: int) -> None:
    """Kill the command's session, then whatever else is left of our descendants, until nobody is."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
    until = time.monotonic() + _GRACE
    while time.monotonic() < until:
        left = descendants(os.getpid()) - {group}
        if not left:
            return
        for process in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(process, os.WNOHANG)
        time.sleep(0.01)


def descendants(ancestor: int) -> set[int]:
    """The processes below one, by /proc; none where there is no /proc."""
    parents: dict[int, int] = {}
    for told in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            content = told.read_text(encoding="utf-8", errors="replace")
            parents[int(told.parent.name)] = int(content.rpartition(")")[2].split()[1])
    found: set[int] = set()
    layer = {ancestor}
    while layer:
        layer = {process for process, parent in parents.items() if parent in layer} - found
        found |= layer
    return found


def _pump(source: int, log: str, limit: int) -> None:
    with Path(log).open("ab", buffering=0) as file:
        left = limit
        while data := os.read(source, 65536):
            if left > 0:
                file.write(data[:left])
                left -= len(data)
                if left <= 0:
                    file.write(f"\n[azmlflow] the log has reached {limit} bytes: the rest is not kept\n".encode())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
