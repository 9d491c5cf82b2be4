"""What the embedded Azure gives up where root started it: every capability but one, and all of the machine's files to
write but its own.

The warden, which needs root for the sake of jobs, is started before. What is left is a process in root's name without
root's power: it changes no owner, mounts nothing, traces nobody, and neither it nor a program that it starts can ever
gain a right (no_new_privs). It keeps the right to open what its owner closed to others (CAP_DAC_OVERRIDE): a
deployment listens on a socket in a folder that is its user's alone. Where the system has namespaces of mounts
for us, all is read-only to it but the folders it is told; and since what is read-only may still be a disk to write to,
or a socket of root's to speak to, it sees no devices but those that hold nothing, and nothing of /run but its own and
what names are resolved by. It is not a user of its own: what that means is in `docs/security.md`.

Threads have rights of their own: this is done before there is a second one. Each step is tried in a copy of the process
first, so nothing is half done.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from azmlflow.localazure.builder.build import environments_folder
from azmlflow.localazure.keeper.command import Calls
from azmlflow.localazure.machine.cache import databases_folder
from azmlflow.localazure.machine.errors import RightsKept
from azmlflow.localazure.machine.folder import Folder

_NEWNS, _BIND, _REC, _SLAVE, _NOSUID, _NODEV = 0x20000, 0x1000, 0x4000, 0x80000, 2, 4
# What is seen of folders with devices and sockets: hier(7), null(4), random(4).
_SEEN = {"/dev": ("null", "zero", "full", "random", "urandom", "tty", "shm"), "/run": ()}
_RESOLVER = "/etc/resolv.conf"  # often a link to below /run, in a folder with the resolver's own socket
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _CLEAR_ALL = 24, 38, 47, 4
_VERSION = 0x20080522  # capget(2): of two words for each set
_DAC_OVERRIDE = 1  # capability(7): its number
_MOST = 64  # more than there are capabilities
_KEPT = "it holds no capability but that to open files"
_log = logging.getLogger("azmlflow.local")


def give_up(folder: Folder) -> None:
    """Give up what the embedded Azure over a state folder does not need; the log says what.

    Raises:
        OSError, RightsKept: see `shed`; UnsafeFolder: see `Folder.socket`.
    """
    # It writes to its state, to the caches of environments and databases, and where sockets and the jobs' folders are.
    temporary, sockets = Path(tempfile.gettempdir()), folder.socket().parent
    own = [folder.path, environments_folder(os.environ), databases_folder(os.environ), temporary]
    if not sockets.is_relative_to(temporary):  # in XDG_RUNTIME_DIR, say, beside sockets of its user's other programs
        own.append(sockets)
    for each in own:
        with contextlib.suppress(OSError):  # nothing can be kept there then, which is told when something is to be
            each.mkdir(parents=True, exist_ok=True)
    if told := shed([each for each in own if each.is_dir()], (Path(sys.executable), Path(__file__))):
        _log.info("root started this: %s", told)


def shed(writes: Sequence[Path], reads: Sequence[Path]) -> str:
    """Give up what is not needed, if we are root on Linux; what was given up, for the log.

    Args:
        writes: the folders that are written to; all of them exist.
        reads: what must be there to read all the same.

    Raises:
        RightsKept: nothing could be given up: it does not go on with all of root's rights.
        OSError: a step is refused that had been seen to work.
    """
    if sys.platform != "linux" or os.geteuid() != 0:
        return ""
    folders = sorted({os.path.realpath(each) for each in writes})  # an outer one before what lies in it
    seen = [*folders, *map(str, reads)]
    ways: tuple[tuple[str, Callable[[], None]], ...] = (
        (f"{_KEPT}, and can write to its own folders alone", lambda: _close(folders)),
        (_KEPT, _drop),
    )
    for words, way in ways:
        if _works(way, folders, seen):
            way()
            return words
    raise RightsKept(
        "root started this, and the rights of root's that it does not need cannot be given up here",
        where=", ".join(folders),
        next="start it as a user of your own: `azmlflow local start` without root",
    )


def _works(way: Callable[[], None], writes: Sequence[str], reads: Sequence[str]) -> bool:
    """Whether all is still to be reached after a way, as a copy of this process finds."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            way()
            os.close(os.open(os.devnull, os.O_RDWR))
            for each in writes:
                with tempfile.TemporaryFile(dir=each):
                    pass
            code = 0 if all(os.access(each, os.R_OK) for each in reads) else 1
        except BaseException:  # noqa: BLE001 - a copy must not go on as the embedded Azure
            code = 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _close(folders: Sequence[str]) -> None:
    """Make everything read-only but some folders, to this process and what it starts; then drop all rights."""
    calls, here = Calls(), Path.cwd()
    calls.unshare(_NEWNS)
    calls.mount("none", "/", None, _REC | _SLAVE)  # what is mounted elsewhere later is seen here too
    for folder in folders:
        calls.mount(folder, folder, None, _BIND | _REC)
    resolver = Path(os.path.realpath(_RESOLVER))
    resolver = resolver if str(resolver.parent) in _SEEN else resolver.parent
    for top, names in _SEEN.items():
        if Path(top).is_dir() and top not in folders:
            own = [each for each in (*folders, str(resolver)) if each.startswith(f"{top}/")]
            _cover(calls, top, [*(f"{top}/{name}" for name in names), *own])
    calls.set_read_only("/", on=True)
    for folder in folders:
        calls.set_read_only(folder, on=False)
    os.chdir(here)  # else we stand on what is below the new mount
    _drop()


def _cover(calls: Calls, top: str, seen: Sequence[str]) -> None:
    """Put an empty folder over one, in which some of what is in it is there still."""
    held = [(each, os.open(each, os.O_PATH | os.O_CLOEXEC)) for each in seen if Path(each).exists()]
    calls.mount("tmpfs", top, "tmpfs", _NOSUID | _NODEV, "mode=0755,size=1m")
    for each, descriptor in held:
        source = Path(f"/proc/self/fd/{descriptor}")
        if source.is_dir():
            Path(each).mkdir(parents=True, exist_ok=True)
        else:
            Path(each).touch()
        calls.mount(str(source), each, None, _BIND | _REC)
        os.close(descriptor)


def _drop() -> None:
    """Drop every capability but the one to open files, of this process and of all that it starts."""
    keep = 1 << _DAC_OVERRIDE
    library = ctypes.CDLL(None, use_errno=True)
    if library.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    library.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    for number in range(_MOST):
        if not keep >> number & 1:
            library.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # one that there is not, or was not ours to drop
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)(keep, keep, 0, 0, 0, 0)  # effective, permitted, inheritable; then those from 32 on
    if library.capset(header, sets):
        raise OSError(ctypes.get_errno(), "capset")
