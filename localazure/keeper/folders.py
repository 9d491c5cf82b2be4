"""Folders that a job or a build works in: given to its user, and removed when it has ended."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

_log = logging.getLogger("azmlflow.local")


def give(folders: Iterable[Path], user: int) -> None:
    """Make a user the owner of folders and of all that is in them."""
    for folder in folders:
        os.chown(folder, user, user, follow_symlinks=False)
        for path, inner, names in os.walk(folder):
            for name in (*inner, *names):
                os.chown(Path(path, name), user, user, follow_symlinks=False)


def remove(folder: Path) -> None:
    """Remove a job's folder, whatever its job made of the permissions in it; what stays all the same is told in the
    log, since what the job came to does not depend on it."""

    def retry(_function: object, name: str, _info: object) -> None:
        with contextlib.suppress(OSError):  # it is gone, or stays and is told
            Path(name).parent.chmod(0o700)
        shutil.rmtree(name, ignore_errors=True)

    shutil.rmtree(folder, onerror=retry)
    if folder.exists():
        _log.warning("%s could not be removed whole", folder)
