"""System V's shared memory, queues and semaphores of a job's user, in the namespace that we are in: they lie in memory
whether or not a process uses them, and stay when all have ended. Nobody else has the user's number.

Source: proc_sysvipc(5), of which `rss` and `swap` are in bytes; shmctl(2), msgctl(2), semctl(2).
"""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

_KINDS = {"shm": "shmid", "msg": "msqid", "sem": "semid"}
_RMID = 0
_EACH = 64  # bytes that the kernel has for a message, beside its text, or for a semaphore: a line of its cache (ipc/)
_WORTH = {"rss": 1, "swap": 1, "cbytes": 1, "qnum": _EACH, "nsems": _EACH}


def size(user: int) -> int:
    """Bytes that they take."""
    return sum(
        int(words[name]) * worth
        for kind in _KINDS
        for words in _of(kind, user)
        for name, worth in _WORTH.items()
        if name in words
    )


def remove(user: int) -> None:
    """Remove them, as that user or as root."""
    library = ctypes.CDLL(None)
    for kind, name in _KINDS.items():
        for words in list(_of(kind, user)):
            which = int(words[name])
            if kind == "sem":
                library.semctl(which, 0, _RMID)
            else:
                library[f"{kind}ctl"](which, _RMID, None)


def _of(kind: str, user: int) -> Iterator[dict[str, str]]:
    with contextlib.suppress(OSError), open(f"/proc/sysvipc/{kind}") as told:  # there is none on macOS
        heads = told.readline().split()
        for line in told:
            words = dict(zip(heads, line.split(), strict=True))
            if words["cuid"] == str(user):
                yield words
