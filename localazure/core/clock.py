"""Time and chance, injected: what the embedded Azure stamps, waits for and calls things by."""

from __future__ import annotations

import itertools
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the embedded Azure reads the time."""

    def now(self) -> datetime:
        """The current instant, aware, in UTC."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class ManualClock:
    """A clock that moves only when told: tests need not sleep."""

    instant: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.instant

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.instant += timedelta(seconds=seconds)


class Ids(Protocol):
    """Where the embedded Azure gets its GUIDs."""

    def guid(self) -> str:
        """A new GUID, lower case with dashes."""
        ...


class RandomIds:
    """GUIDs from the operating system's randomness."""

    def guid(self) -> str:
        return str(uuid.uuid4())


@dataclass
class CountedIds:
    """GUIDs 0...1, 0...2, and so on: the same in every run of a test."""

    _counter: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def guid(self) -> str:
        return str(uuid.UUID(int=next(self._counter)))


def timestamp(instant: datetime) -> str:
    """An instant as ARM writes it: `2026-01-01T00:00:00.0000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")
