"""The unix socket of a deployment's process, held so that it stays the one that was looked at.

The process made it in a folder of its own, and could put a link to another socket in its place: a request would then go
there with our rights. So what is connected to is the very inode that was found to be a socket of the process's user.
That way it can also be longer than the 108 bytes that a socket's path may have (unix(7)).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path


class Held:
    """A socket that is held; to be closed.

    Args:
        path: where it is.
        user: the number of the user who must have made it; None: ours.

    Raises:
        OSError: it is not there, or no socket of that user's.
    """

    def __init__(self, path: Path, user: int | None) -> None:
        self._descriptor = -1
        owner = os.geteuid() if user is None else user
        if hasattr(os, "O_PATH"):
            self._descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
            found, self.path = os.fstat(self._descriptor), f"/proc/self/fd/{self._descriptor}"
        else:  # macOS: no process there has another user than ours
            found, self.path = os.lstat(path), str(path)
        if not stat.S_ISSOCK(found.st_mode) or found.st_uid != owner:
            self.close()
            raise OSError(0, "it is not a socket of the deployment's", str(path))

    def close(self) -> None:
        """Let it go."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
