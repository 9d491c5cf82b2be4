"""Time and chance, injected: what the embedded Azure stamps, waits for and calls things by."""

from __future__ import annotations

import itertools
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

# Inferred: Azure's own bounds differ from setting to setting, and no cluster idles for a century.
LONGEST = timedelta(days=36_500)
_DURATION = re.compile(
    r"P(?=.)(?:([0-9]{1,9})D)?(?:T(?=.)(?:([0-9]{1,9})H)?(?:([0-9]{1,9})M)?(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)S)?)?"
)
_EPOCH = datetime.fromtimestamp(0, UTC)


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


_NAMES = uuid.UUID("a2f1c7de-3c0f-4b52-9a57-9f3c1d0e6b41")  # what GUIDs of names are made from


class Ids(Protocol):
    """Where the embedded Azure gets its GUIDs."""

    def guid(self) -> str:
        """A new GUID, lower case with dashes."""
        ...

    def named(self, name: str) -> str:
        """The GUID that a name gives, lower case with dashes."""
        ...


class RandomIds:
    """GUIDs from the operating system's randomness."""

    def guid(self) -> str:
        return str(uuid.uuid4())

    def named(self, name: str) -> str:
        """On every machine the same."""
        return str(uuid.uuid5(_NAMES, name))


@dataclass
class CountedIds:
    """GUIDs 0...1, 0...2, and so on: the same in every run of a test."""

    _counter: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def guid(self) -> str:
        return str(uuid.UUID(int=next(self._counter)))

    def named(self, name: str) -> str:
        del name
        return self.guid()


def timestamp(instant: datetime) -> str:
    """An instant as ARM writes it: `2026-01-01T00:00:00.0000000Z`."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0Z")


def read_instant(text: str) -> datetime:
    """The instant that an ISO 8601 text says; without a zone it is UTC.

    Raises:
        ValueError: it says none, or one beyond the calendar in UTC.
    """
    found = datetime.fromisoformat(text)
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"'{text[:40]}' is beyond the calendar") from error


def from_milliseconds(count: float) -> datetime:
    """The instant so many milliseconds after the beginning of 1970; the nearest that there is, of one beyond the
    calendar, which MLflow takes from any client."""
    try:
        return _EPOCH + timedelta(milliseconds=count)
    except (OverflowError, ValueError):
        return datetime.max.replace(tzinfo=UTC) if count > 0 else datetime.min.replace(tzinfo=UTC)


def duration(text: str) -> timedelta:
    """An ISO 8601 duration of days, hours, minutes, seconds; at most `LONGEST`.

    Raises:
        ValueError: it is none, or longer.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"'{text[:40]}' is not an ISO 8601 duration such as PT2H")
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        length = timedelta.max
    if length > LONGEST:
        raise ValueError(f"'{text[:40]}' is longer than {LONGEST.days} days")
    return length
