"""When MLflow is to hear what it has not heard of jobs: that they ended, were changed, or were deleted."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.runner import runs
from azmlflow.localazure.work import records

_LATEST = 60.0  # seconds after which one looks anyway


class Dues:
    """What is due, in the memory of the process: after its end everything is due at once.

    Args:
        cloud: the embedded Azure.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._ends: dict[str, datetime] = {}
        self._deaf: dict[str, datetime] = {}  # jobs of whose changes MLflow could not hear, and when to tell it again

    def note_end(self, key: str, seconds: float = 0.0) -> None:
        """The end of a job is due in a while, unless MLflow has heard it."""
        if runs.is_unclosed(self._cloud, key):
            self._ends[key] = self._cloud.clock.now() + timedelta(seconds=seconds)

    def note_deaf(self, key: str, seconds: float) -> None:
        """MLflow could not hear what is untold of a job; it is due in a while."""
        self._deaf[key] = self._cloud.clock.now() + timedelta(seconds=seconds)

    def ends(self, busy: Collection[str]) -> list[str]:
        """The jobs whose end is due, but for those that somebody is at; they are due no more."""
        now = self._cloud.clock.now()
        found = [key for key, due in self._ends.items() if due <= now and key not in busy]
        for key in found:
            del self._ends[key]
        return found

    def changes(self, busy: Collection[str]) -> list[str]:
        """The jobs for which something else is due, without those that are being worked on."""
        now, untold = self._cloud.clock.now(), records.untold(self._cloud)
        self._deaf = {key: due for key, due in self._deaf.items() if key in untold}
        return [key for key in untold if key not in busy and self._deaf.get(key, now) <= now]

    def next(self, busy: Collection[str]) -> float:
        """In how many seconds something is due; a job that is worked on reports its own end."""
        now = self._cloud.clock.now()
        later = (due for key, due in (*self._ends.items(), *self._deaf.items()) if key not in busy)
        return min(((due - now).total_seconds() for due in later), default=_LATEST)
