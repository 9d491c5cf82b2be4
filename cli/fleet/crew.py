"""Runs one command for each member of a fleet: bounded width, one failure leaves the others whole, bounded memory.

Each is a process of its own, so that neither a fault nor a lock of one reaches another. Of what it prints the last line
is shown, and its result alone is kept.
"""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.project.fleet import Member

State = Literal["running", "done", "failed"]
_LONGEST_LINE, _LARGEST = 400, 4 * 1024 * 1024
_MAIN = "import sys; from azmlflow.cli.main import run; sys.exit(run())"


@dataclass(frozen=True)
class Fate:
    """What became of a member so far.

    Attributes:
        stack: its stack.
        state: how far it is.
        says: what it said last, or why it failed.
        next: the command that mends it.
        seconds: since it began.
        result: what its command answered.
    """

    stack: str
    state: State
    says: str = ""
    next: str = ""
    seconds: float = 0.0
    result: dict[str, Any] = field(default_factory=dict)


Run = Callable[[Member, Callable[[str], None]], dict[str, Any]]  # raises CliError


def work(
    members: Sequence[Member],
    run: Run,
    *,
    width: int,
    on_change: Callable[[Fate], None],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Fate, ...]:
    """Run a command for each member, a given number at a time.

    Raises:
        Interrupted: Ctrl-C. The commands under way were interrupted too; typed again, it goes on.
    """
    waiting: queue.SimpleQueue[Member] = queue.SimpleQueue()
    for member in members:
        waiting.put(member)
    ends: dict[str, Fate] = {}
    halted = threading.Event()

    def take() -> None:
        while not halted.is_set():
            try:
                member = waiting.get_nowait()
            except queue.Empty:
                return
            began = clock()
            on_change(Fate(member.stack, "running", "beginning"))
            try:
                if member.fault:
                    raise CliError(member.fault, next="edit fleet.yaml")
                tell = _teller(member, began, on_change, clock)
                result = run(member, tell)
                end = Fate(member.stack, "done", "", "", clock() - began, result)
            except Exception as fault:  # noqa: BLE001 - one member's failure must not stop the others
                from azmlflow.cli.project import report

                known = report.known(fault) or report.unexpected(fault)
                end = Fate(member.stack, "failed", known.what, known.next or "", clock() - began)
            ends[member.stack] = end
            on_change(end)

    threads = [threading.Thread(target=take, name=f"fleet {at}") for at in range(min(width, len(members)))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        halted.set()
        for thread in threads:
            thread.join()  # their commands heard of the Ctrl-C, and halt their engines
        raise Interrupted from None
    return tuple(ends[member.stack] for member in members)


def _teller(
    member: Member, began: float, on_change: Callable[[Fate], None], clock: Callable[[], float]
) -> Callable[[str], None]:
    return lambda says: on_change(Fate(member.stack, "running", says, "", clock() - began))


def command(words: Sequence[str], environment: dict[str, str], tell: Callable[[str], None]) -> dict[str, Any]:
    """Run a command, with its result as JSON, in a process of its own.

    Args:
        words: the command's.
        environment: its variables.
        tell: hears each line that it says meanwhile.

    Raises:
        CliError: it failed, as it says itself.
    """
    line, fault = "", ""
    with tempfile.TemporaryFile() as answer:
        with subprocess.Popen(
            [sys.executable, "-c", _MAIN, *words, "-o", "json"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        ) as process:
            assert process.stderr is not None
            for said in process.stderr:
                line = said.strip()[:_LARGEST]
                if line.startswith('{"error"'):
                    fault = line
                elif line:
                    tell(line[:_LONGEST_LINE])
        if process.returncode == 0:
            answer.seek(0)
            return _document(answer.read(_LARGEST).decode(errors="replace"))
    told = _document(fault).get("error") or {}
    again = f"azmlflow {' '.join(words)}"
    raise CliError(
        str(told.get("what") or line or f"it ended with {process.returncode}"), next=told.get("next") or again
    )


def _document(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
