"""Files of this user's alone: written in one piece, read with an error that names them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from azmlflow.localazure.machine.errors import UnreadableFile

REPAIR = "azmlflow local repair    (mends what can be mended, and keeps the damaged file)"


def read_json(path: Path) -> Any:
    """What a file says that we wrote.

    Raises:
        FileNotFoundError: it is not there.
        UnreadableFile: it is not JSON, or cannot be read.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise unreadable(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise unreadable(path) from error


def unreadable(path: Path, why: str = "it does not hold what this azmlflow writes there") -> UnreadableFile:
    """What to raise of a file that does not hold what it should."""
    return UnreadableFile(f"{path.name} cannot be read: {why}", where=str(path), next=REPAIR)


def write_private(path: Path, content: bytes) -> None:
    """Write a 0600 file in one piece: a reader sees the old content or the new."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def create_private(path: Path, content: bytes) -> None:
    """Write a 0600 file in one piece unless it exists: of two that try, the first one's content stays."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        with contextlib.suppress(FileExistsError):  # the first one's content stays
            os.link(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def kept_secret(state: Path | None, name: str, make: Callable[[], bytes]) -> bytes:
    """A secret of the state folder, 0600, made at its first use; without a folder (tests) it is made for once."""
    if state is None:
        return make()
    path = state / name
    if not path.exists():
        create_private(path, make())
    return path.read_bytes()
