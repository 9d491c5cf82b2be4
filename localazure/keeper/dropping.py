"""The step from root to a job's user: taken whole, seen to be taken, or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

FIRST, COUNT = 50000, 10000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
# Calls that make namespaces, by the kernel's name for a processor's calls (linux/audit.h): the numbers of clone and
# unshare; clone3 has one number everywhere.
_CALLS = {
    0xC000003E: (56, 272),  # x86-64
    0x40000003: (120, 310),  # i386
    0xC00000B7: (220, 97),  # ARM, 64 bits
    0x40000028: (120, 337),  # ARM
}
_CLONE3, _NEWUSER, _X32 = 435, 0x10000000, 0x40000000


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
        _forbid_user_namespaces()
        _see_no_capability()


def _forbid_user_namespaces() -> None:
    """Have the kernel refuse user namespaces to this process and all that it starts (seccomp(2)).

    In one of its own a job would be root: it could mount a tmpfs and have System V's memory where nobody counts it. On
    other processors than those above nothing is forbidden.

    Raises:
        NotDropped: the system has such namespaces, and does not let us.
    """
    if not os.path.exists("/proc/self/ns/user"):
        return
    program = ctypes.create_string_buffer(_filter())
    told = struct.pack("HP", len(program) // 8, ctypes.addressof(program))
    if ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(told), 0, 0):
        raise NotDropped("the system does not let us forbid user namespaces")


def _filter() -> bytes:
    """The program that the kernel asks about each call: linux/bpf_common.h, linux/seccomp.h.

    clone3 has its flags where no filter can look: it is told to be unknown, and libraries then use clone.
    """
    load, equal, any_bit, mask, answer = 0x20, 0x15, 0x45, 0x54, 0x06
    number, kind, flags = 0, 4, 16  # where the kernel's struct has these
    allow, refuse, unknown = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
    steps: list[tuple[int, int, int, int]] = [(load, 0, 0, kind)]
    for processor, (clone, unshare) in _CALLS.items():
        steps += [
            (equal, 0, 10, processor),  # another's are the next steps but ten
            (load, 0, 0, number),
            (mask, 0, 0, ~_X32 & 0xFFFFFFFF),
            (equal, 5, 0, _CLONE3),
            (equal, 1, 0, clone),
            (equal, 0, 2, unshare),
            (load, 0, 0, flags),
            (any_bit, 2, 0, _NEWUSER),
            (answer, 0, 0, allow),
            (answer, 0, 0, unknown),
            (answer, 0, 0, refuse),
        ]
    steps.append((answer, 0, 0, allow))
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def _see_no_capability() -> None:
    # As bytes: the modules of an encoding may lie where we cannot go any more.
    with open("/proc/self/status", "rb") as told:
        held = {line.partition(b":")[0]: int(line.split()[1], 16) for line in told if line.startswith(b"Cap")}
    for name in (b"CapEff", b"CapPrm", b"CapInh", b"CapAmb"):
        if held.get(name, 0):
            raise NotDropped(f"the process still has capabilities ({name.decode()} {held[name]:x})")
