"""What serves the deployments of online endpoints now: where requests for each go, and how many are under way.

`serving` keeps it; `services/inference.py` asks it. Nothing of it outlives the process: what has to is in the store.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from azmlflow.localazure.core.bell import Bell
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.store import Store

LOG_KEPT = 256 * 1024  # bytes of a log's end that are kept of a process that is gone


@dataclass(eq=False)
class Backend:
    """The process of a deployment that answers.

    Attributes:
        socket: the path of its unix socket.
        pending: requests that it has not answered yet.
    """

    socket: str
    pending: int = 0


@dataclass
class Serving:
    """All that serve, by the deployment's id in lower case.

    Attributes:
        backends: those that answer.
        logs: the file that a deployment's process writes to now, one that only starts too.
        secret: what must not be told of what a process has printed.
        asked: requests for predictions that are not written down yet, by the endpoint's id in lower case.
        bell: wakes whoever starts and ends the processes.
    """

    backends: dict[str, Backend] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)
    secret: dict[str, tuple[str, ...]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    bell: Bell = field(default_factory=Bell)

    def log(self, store: Store, key: str) -> str:
        """The end of what a deployment's process has said, the one before it if there is none.

        Args:
            store: keeps what the last one said.
            key: the deployment's.
        """
        path = self.logs.get(key)
        if path is None:
            return str((store.get(DEPLOYMENTS, key) or {}).get("log", ""))
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LOG_KEPT))
                told = file.read().decode(errors="replace")
        except OSError:  # it has just ended
            return ""
        for word in self.secret.get(key, ()):
            told = told.replace(word, "***")
        return told
