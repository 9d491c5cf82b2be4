"""Who uses a folder of temporary files: the processes that were started with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def used(folder: Path) -> bool:
    """Whether a process that runs was started with a folder for its temporary files.

    One that may not be looked at is not ours, or was not: the system takes TMPDIR from a program that runs as another
    user than who starts it (ld.so(8), "Secure-execution mode").
    """
    import psutil  # most commands ask nothing of it

    return any(_folder(process) == str(folder) for process in psutil.process_iter())


def _folder(process: Any) -> str | None:
    import psutil

    try:
        return str(process.environ().get("TMPDIR"))
    except (psutil.Error, OSError):
        return None
