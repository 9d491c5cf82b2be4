"""What a lock's file has to be: a plain file.

Opening a pipe waits for whoever writes into it, and a folder or a link that leads nowhere cannot be locked at all; so
a lock is looked at before it is opened. Who holds one, the kernel alone knows: what stands in it is its holder's word.
"""

from __future__ import annotations

import stat
from pathlib import Path

from azmlflow.localazure.machine.errors import UnreadableFile


def refuse_odd(path: Path) -> None:
    """Refuse a lock, or a note beside one, that is no plain file; one that is not there will be.

    Raises:
        UnreadableFile: it is a folder, a pipe, or a link that leads nowhere.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        if not path.is_symlink():
            return
        why = "it is a link that leads nowhere"
    else:
        if stat.S_ISREG(found.st_mode):
            return
        why = "it is a folder, where a file should be" if stat.S_ISDIR(found.st_mode) else "it is not a plain file"
    raise UnreadableFile(
        f"{path.name} cannot be used: {why}",
        where=str(path),
        next=f"mv {path} {path}.old    (another is made; then type the command again)",
    )


def may_hold(pid: int, path: Path) -> bool:
    """Whether a process can be the one that holds a lock: only who has it open can, and who may not be looked at."""
    import psutil  # most commands ask nothing of it

    try:
        return any(Path(each.path) == path for each in psutil.Process(pid).open_files())
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
