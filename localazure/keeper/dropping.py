"""The step from root to a job's user: taken whole, seen to be taken, or not at all."""

from __future__ import annotations

import ctypes
import os
import sys

FIRST, COUNT = 50000, 10000
_PR_SET_NO_NEW_PRIVS = 38


class NotDropped(Exception):
    """The process still has rights that a job must not have."""


def drop(user: int) -> None:
    """Become a job's user: no other group, no capability, no way to gain one.

    Args:
        user: the number of the user and of the group, from the range of jobs' users.

    Raises:
        NotDropped: some right is left; nothing of a job's may be done then.
    """
    if not FIRST <= user < FIRST + COUNT:
        raise NotDropped(f"{user} is not a number of a job's user")
    try:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except OSError as error:
        raise NotDropped(f"the system does not let us become user {user}: {error.strerror}") from error
    held = (*os.getresuid(), *os.getresgid())
    if set(held) != {user} or os.getgroups():
        raise NotDropped(f"the process runs as {held} and in {os.getgroups()}, not as {user} alone")
    if sys.platform == "linux":
        if ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
            raise NotDropped("the system does not let us forbid new privileges")
        _see_no_capability()


def _see_no_capability() -> None:
    # As bytes: the modules of an encoding may lie where we cannot go any more.
    with open("/proc/self/status", "rb") as told:
        held = {line.partition(b":")[0]: int(line.split()[1], 16) for line in told if line.startswith(b"Cap")}
    for name in (b"CapEff", b"CapPrm", b"CapInh", b"CapAmb"):
        if held.get(name, 0):
            raise NotDropped(f"the process still has capabilities ({name.decode()} {held[name]:x})")
