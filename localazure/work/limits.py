"""What a job may take: the settings of the embedded Azure, the job's own limits, and the size of its cluster's nodes.

The least of them holds. A node has the memory and the temporary disk of its VM size, as on Azure; the settings are for
machines that have less. They are read when a job starts.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from azmlflow.localazure.core.clock import duration
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.machine.private import read_json, unreadable, write_private
from azmlflow.localazure.work import quota

FILE = "job-limits.json"
_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class JobLimits:
    """Limits of one job; 0: none.

    Attributes:
        seconds: of wall time.
        memory: bytes that all its processes have resident together.
        disk: bytes in its folder, and of one file.
    """

    seconds: float = 0
    memory: int = 0
    disk: int = 0

    def reason(self, passed: str) -> str:
        """Why a job failed that passed the limit of this name (`time`, `memory`, `disk`)."""
        told = {
            "time": f"The job took longer than its limit of {self.seconds:g} seconds.",
            "memory": f"The job had more memory than its limit of {amount(self.memory)}.",
            "disk": f"The job wrote more to disk than its limit of {amount(self.disk)}.",
        }
        return told[passed]


def read_limits(state: Path) -> JobLimits:
    """The settings of an embedded Azure.

    Args:
        state: its state folder.

    Raises:
        UnreadableFile: they are not what `write_limits` wrote.
    """
    path = state / FILE
    try:
        found = JobLimits(**read_json(path)) if path.exists() else JobLimits()
    except TypeError as error:
        raise unreadable(path) from error
    if not all(isinstance(each, int | float) for each in (found.seconds, found.memory, found.disk)):
        raise unreadable(path)
    return found


def write_limits(state: Path, limits: JobLimits) -> None:
    """Keep settings; jobs that start from now on are held to them."""
    write_private(state / FILE, json.dumps(asdict(limits)).encode())


def limits_of(state: Path, compute: Document | None, job: Document) -> JobLimits:
    """What holds for a job.

    Args:
        state: the state folder.
        compute: the document of its cluster.
        job: its document.
    """
    settings = read_limits(state)
    size = quota.size_of(compute) if compute is not None else None
    asked = duration(str((job["properties"].get("limits") or {}).get("timeout") or "PT0S")).total_seconds()
    return JobLimits(
        _least(settings.seconds, asked),
        int(_least(settings.memory, size.memory if size else 0)),
        int(_least(settings.disk, size.disk if size else 0)),
    )


def amount(count: int) -> str:
    """Bytes as people write them: `14 GiB`."""
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_UNITS) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.3g} {_UNITS[unit]}"


def _least(*values: float) -> float:
    return min((value for value in values if value), default=0)
