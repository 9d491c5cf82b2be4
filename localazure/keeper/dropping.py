"""The step from root to a job's user: taken whole, seen to be taken, or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

FIRST, COUNT = 50000, 10000
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
# Calls that are forbidden, by the kernel's name for a processor's calls (linux/audit.h): the numbers of clone and
# unshare, which make namespaces (clone3 has one number everywhere), and the first of three that reach the kernel's
# keys: add_key, request_key, keyctl.
_CALLS = {
    0xC000003E: (56, 272, 248),  # x86-64
    0x40000003: (120, 310, 286),  # i386
    0xC00000B7: (220, 97, 217),  # ARM, 64 bits
    0x40000028: (120, 337, 309),  # ARM
}
# keyctl by what uname(2) calls the machine, for processes of 64 bits (the kernel's tables of calls).
_KEYCTL = {
    "x86_64": 250,
    "aarch64": 219,
    "riscv64": 219,
    "loongarch64": 219,
    "ppc64le": 271,
    "ppc64": 271,
    "s390x": 280,
}
_JOIN_SESSION_KEYRING = 1
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
        _leave_the_keys()
        _forbid()
        _see_no_capability()


def _leave_the_keys() -> None:
    """Have a session's keyring of our own, empty: the one that we were started with is root's, and whoever has it may
    read, change and revoke the keys in it, tickets of Kerberos among them (keyrings(7), "possession").

    Raises:
        NotDropped: the kernel has keys, and does not let us.
    """
    number = _KEYCTL.get(os.uname().machine) if struct.calcsize("P") == 8 else None
    if number is None or not os.path.exists("/proc/keys"):
        return
    if ctypes.CDLL(None, use_errno=True).syscall(number, _JOIN_SESSION_KEYRING, None) == -1:
        refused = ctypes.get_errno()
        # Where a container's rules forbid the call to us, they forbid it to the job.
        if refused not in (errno.ENOSYS, errno.EPERM):
            raise NotDropped(f"the system does not let us leave root's keys: {os.strerror(refused)}")


def _forbid() -> None:
    """Have the kernel refuse user namespaces and its keys to this process and all that it starts (seccomp(2)).

    In a namespace of its own a job would be root: it could mount a tmpfs and have System V's memory where nobody counts
    it. Keys in a user's own keyring stay when the last process of that user has ended, for the next job that has the
    number. On other processors than those above nothing is forbidden.

    Raises:
        NotDropped: the system has such namespaces or keys, and does not let us.
    """
    if not any(os.path.exists(each) for each in ("/proc/self/ns/user", "/proc/keys")):
        return
    program = ctypes.create_string_buffer(_filter())
    told = struct.pack("HP", len(program) // 8, ctypes.addressof(program))
    if ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _FILTER, ctypes.create_string_buffer(told), 0, 0):
        raise NotDropped("the system does not let us forbid user namespaces and the kernel's keys")


def _filter() -> bytes:
    """The program that the kernel asks about each call: linux/bpf_common.h, linux/seccomp.h.

    clone3 has its flags where no filter can look: it is told to be unknown, and libraries then use clone.
    """
    load, equal, any_bit, above, from_, mask, answer = 0x20, 0x15, 0x45, 0x25, 0x35, 0x54, 0x06
    number, kind, flags = 0, 4, 16  # where the kernel's struct has these
    allow, refuse, unknown = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
    steps: list[tuple[int, int, int, int]] = [(load, 0, 0, kind)]
    for processor, (clone, unshare, keys) in _CALLS.items():
        steps += [
            (equal, 0, 12, processor),  # another's are the next steps but twelve
            (load, 0, 0, number),
            (mask, 0, 0, ~_X32 & 0xFFFFFFFF),
            (equal, 7, 0, _CLONE3),
            (from_, 0, 1, keys),
            (above, 0, 6, keys + 2),
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
