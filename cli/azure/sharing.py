"""A short memory, for many removals side by side that all ask the same of a whole subscription.

Role assignments, custom roles, locks, workspaces and soft-deleted vaults are asked for by subscription, the same for
each of its groups, several times each. One answer serves all who ask within `seconds`, but nobody is served one that
was asked for before a deletion of their own. Azure's own lists of these lag longer than that (Microsoft, "Troubleshoot
Azure RBAC": changes take up to 10 minutes).
"""

from __future__ import annotations

import copy
import itertools
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, TypeVar

Entry = TypeVar("Entry")
LASTING = 30.0


@dataclass(frozen=True)
class _Answer:
    """A list as it was, with its place among all questions and deletions, and the instant of the question."""

    place: int
    asked: float
    entries: tuple[Any, ...]


class Memory:
    """What was answered lately; counts questions and deletions in their order.

    Args:
        seconds: how long an answer serves.
        clock: seconds, monotonic.
    """

    def __init__(self, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock, self._deleted = seconds, clock, -1
        self._answers: dict[str, _Answer] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._places = itertools.count()

    def apart(self) -> Self:
        """The same memory for one removal, which must know at once what it deletes itself, and not what others do."""
        return copy.copy(self)

    def empty(self) -> Memory:
        """A memory of its own, as this one was in the beginning."""
        return Memory(self._seconds, self._clock)

    def once(self, key: str, ask: Callable[[], tuple[Entry, ...]], *, lasting: bool = False) -> tuple[Entry, ...]:
        """A list, as it was answered lately, or as it is now. Who comes meanwhile waits for the answer under way.

        Args:
            key: which list.
            ask: asks for it.
            lasting: it serves for `LASTING` seconds, for it is of what is another's, and no deletion here changes it.
        """
        with self._locks.setdefault(key, threading.Lock()):
            held, now = self._answers.get(key), self._clock()
            old = held is None or now - held.asked > (LASTING if lasting else self._seconds)
            if held is None or old or (not lasting and held.place <= self._deleted):
                held = _Answer(next(self._places), now, ask())
                self._answers[key] = held
            return held.entries

    def forget(self) -> None:
        """Something was deleted: what was asked before serves no longer."""
        self._deleted = next(self._places)
