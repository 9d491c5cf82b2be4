"""Removes many groups side by side: bounded width, an audit line before and after each, no failure stops the others.

The width bounds how many are being removed. The next ones are looked at meanwhile, and what is gone is looked for
outside of the width too, so that the removals follow each other without a gap.

The log is JSON lines, appended and flushed one by one, so that what a killed sweep did and what it had begun can be
read off it.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from azmlflow.cli.frame.errors import CliError, Interrupted
from azmlflow.cli.sweep.groups import Found

if TYPE_CHECKING:
    from azmlflow.cli.teardown import Left

# `left`: the removal ran to its end, and something of the group still stands.
State = Literal["waiting", "running", "removed", "left", "failed"]


@dataclass(frozen=True)
class Fate:
    """What became of a group so far.

    Attributes:
        group: the group.
        state: how far it is.
        says: the step under way, or why it failed.
        seconds: since it began.
        left: what still stands of it, or is kept by Azure for a time.
    """

    group: Found
    state: State
    says: str = ""
    seconds: float = 0.0
    left: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """As `--output json` prints it."""
        return {
            "id": self.group.id,
            "result": self.state,
            "seconds": round(self.seconds, 1),
            "says": self.says,
            "left": list(self.left),
        }


Tell = Callable[[str], None]
Turn = AbstractContextManager[object]
# Removes one group, telling its steps, and changing things during its turn only; gives what is left of it, and what
# Azure keeps. Raises typed errors.
Remove = Callable[[Found, Tell, Turn], Sequence["Left"]]


class AuditLog:
    """Who removed what, when, and how it went: one JSON document a line.

    Args:
        path: the file; made for this user alone.
        who: the caller.
        now: the time.
    """

    def __init__(self, path: Path, who: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path, self._who, self._now = path, who, now
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as fault:
            raise CliError(
                f"cannot write the audit log: {fault.strerror}", where=str(path), next=f"ls -ld {path.parent}"
            ) from fault

    def write(self, group: Found, result: str, **more: object) -> None:
        """Append a line."""
        line = {
            "when": self._now().isoformat(timespec="milliseconds"),
            "who": self._who,
            "command": "sweep",
            "what": group.id,
            "stack": group.stack,
            "result": result,
            **more,
        }
        with self._lock:
            os.write(self._file, (json.dumps(line) + "\n").encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def sweep(
    groups: Sequence[Found],
    remove: Remove,
    *,
    width: int,
    audit: AuditLog,
    on_change: Callable[[Fate], None],
    clock: Callable[[], float] = time.monotonic,
) -> tuple[Fate, ...]:
    """Remove groups side by side.

    Args:
        groups: what goes.
        remove: removes one.
        width: how many at a time.
        audit: hears of each beginning, when its turn comes, and of each end.
        on_change: hears how far each is, from any thread.
        clock: seconds, monotonic.

    Returns:
        What became of each, in the order of `groups`.

    Raises:
        Interrupted: Ctrl-C. What was under way goes on in Azure; typing the command again picks it up.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    ends: dict[int, Fate] = {}
    halted, turns = threading.Event(), threading.BoundedSemaphore(width)
    for number in range(len(groups)):
        waiting.put(number)

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        with turns:
            if halted.is_set():
                raise Interrupted
            yield

    def work() -> None:
        while not halted.is_set():
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            with contextlib.suppress(Interrupted):
                ends[number] = _one(groups[number], remove, turn, audit, on_change, clock=clock)

    # Daemons: after Ctrl-C nobody waits for a deletion of ten minutes, which Azure brings to its end by itself.
    count = min(2 * width, len(groups))
    threads = [threading.Thread(target=work, name=f"sweep {at}", daemon=True) for at in range(count)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)
    except KeyboardInterrupt:
        halted.set()
        for number, group in enumerate(groups):
            if number not in ends:
                audit.write(group, "interrupted")
        raise Interrupted from None
    return tuple(ends[number] for number in range(len(groups)))


def _one(
    group: Found,
    remove: Remove,
    turns: Callable[[], Turn],
    audit: AuditLog,
    on_change: Callable[[Fate], None],
    *,
    clock: Callable[[], float],
) -> Fate:
    began = clock()

    @contextlib.contextmanager
    def turn() -> Iterator[None]:
        nonlocal began
        with turns():
            began = clock()
            audit.write(group, "began")
            yield

    def tell(says: str) -> None:
        on_change(Fate(group, "running", says, clock() - began))

    tell("looking")
    try:
        left = remove(group, tell, turn())
        told = tuple(each.told() for each in left)
        end = Fate(group, "removed" if all(each.until for each in left) else "left", "", clock() - began, told)
    except Interrupted:
        raise
    except Exception as fault:  # noqa: BLE001 - one group's failure must not stop the others
        from azmlflow.cli.project import report

        known = report.known(fault) or report.unexpected(fault)
        end = Fate(group, "failed", known.what, clock() - began)
    audit.write(group, end.state, seconds=round(end.seconds, 2), says=end.says, left=list(end.left))
    on_change(end)
    return end
