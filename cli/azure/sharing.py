"""ARM with a short memory, for many removals side by side that all ask the same of a whole subscription.

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
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from azmlflow.cli.azure.arm import Arm, OnWait, Wait

_SHARED = (
    "/providers/microsoft.authorization/roleassignments",
    "/providers/microsoft.authorization/locks",
    "/providers/microsoft.keyvault/deletedvaults",
    "/providers/microsoft.machinelearningservices/workspaces",
)
_ROLES = "/providers/microsoft.authorization/roledefinitions"
_CUSTOM = {"$filter": "type eq 'CustomRole'"}


Entries = tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class _Answer:
    """A list as it was, with its place among all questions and deletions, and the instant of the question."""

    place: int
    asked: float
    entries: Entries


@dataclass(frozen=True)
class _Memory:
    """What all share: counts questions and deletions in their order."""

    answers: dict[str, _Answer] = field(default_factory=dict)
    locks: dict[str, threading.Lock] = field(default_factory=dict)
    places: Iterator[int] = field(default_factory=itertools.count)


class SharingArm:
    """An `Arm` that asks another.

    Args:
        arm: what is asked.
        seconds: how long an answer serves.
        clock: seconds, monotonic.
    """

    def __init__(self, arm: Arm, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._arm, self._seconds, self._clock = arm, seconds, clock
        self._memory, self._deleted = _Memory(), -1

    def apart(self) -> Self:
        """The same memory for one removal, which must know at once what it deletes itself, and not what others do."""
        return copy.copy(self)

    def get(self, path: str, version: str) -> dict[str, Any] | None:
        """One document; a role definition is looked up among the subscription's custom roles."""
        place, _, name = path.rpartition("/")
        if not _of_subscription(place, (_ROLES,)):
            return self._arm.get(path, version)
        roles = self._once(place, version, _CUSTOM)
        return next((role for role in roles if str(role["id"]).lower().endswith(f"/{name.lower()}")), None)

    def list(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
        """A list's entries."""
        if query is None and _of_subscription(path, _SHARED):
            yield from self._once(path, version, None)
        else:
            yield from self._arm.list(path, version, query)

    def delete(self, path: str, version: str, query: Mapping[str, str] | None = None) -> bool:
        """Delete and wait for it."""
        try:
            return self._arm.delete(path, version, query)
        finally:
            self._forget()

    def begin(self, path: str, version: str, query: Mapping[str, str] | None = None) -> Wait | None:
        """Delete without waiting; what it changed is forgotten when the wait ends."""
        wait = self._arm.begin(path, version, query)
        if wait is None:
            return None

        def forgetful(on_wait: OnWait | None) -> None:
            try:
                wait(on_wait)
            finally:
                self._forget()

        return forgetful

    def post(self, path: str, version: str) -> bool:
        """POST without a body and wait for it."""
        try:
            return self._arm.post(path, version)
        finally:
            self._forget()

    def ask(self, path: str, version: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """POST a question."""
        return self._arm.ask(path, version, body)

    def call(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Ask another of Azure's services."""
        return self._arm.call(method, url, body)

    def now(self) -> datetime | None:
        """Azure's own time."""
        return self._arm.now()

    def until(
        self, path: str, version: str, good: Callable[[dict[str, Any] | None], bool], on_wait: OnWait | None = None
    ) -> None:
        """Read a document until it is as wanted."""
        self._arm.until(path, version, good, on_wait)

    def within(self, seconds: float | None) -> Self:
        """The same, with a memory of its own, that gives up so many seconds from now."""
        bounded = copy.copy(self)
        bounded._arm, bounded._memory, bounded._deleted = self._arm.within(seconds), _Memory(), -1
        return bounded

    def _once(self, path: str, version: str, query: Mapping[str, str] | None) -> Entries:
        key, memory = path.lower(), self._memory
        with memory.locks.setdefault(key, threading.Lock()):  # who comes meanwhile waits for the answer under way
            held, now = memory.answers.get(key), self._clock()
            if held is not None and held.place > self._deleted and now - held.asked <= self._seconds:
                return held.entries
            place = next(memory.places)
            entries = tuple(self._arm.list(path, version, query))
            memory.answers[key] = _Answer(place, now, entries)
            return entries

    def _forget(self) -> None:
        self._deleted = next(self._memory.places)


def _of_subscription(path: str, kinds: tuple[str, ...]) -> bool:
    """Is it one of these lists, of a subscription as a whole?"""
    return path.count("/") == 5 and path.lower().endswith(kinds)
