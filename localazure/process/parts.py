"""What a state folder is made of, part by part: what is wrong with each, and how it is mended.

A start looks at them first, so that a damaged file is named, with the command that mends it; `azmlflow local repair`
mends. Nothing is thrown away: what is damaged goes into `damaged/` beside it, under the instant at which it went.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization

from azmlflow.localazure.core import collections
from azmlflow.localazure.front.faults import FILE, read_faults
from azmlflow.localazure.machine import database
from azmlflow.localazure.machine.errors import LocalError, UnreadableFile
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.private import REPAIR
from azmlflow.localazure.tracking.child import DATABASE
from azmlflow.localazure.work.limits import FILE as LIMITS
from azmlflow.localazure.work.limits import read_limits

_log = logging.getLogger("azmlflow.local")


class DamagedPart(LocalError):
    """A part of the state folder is damaged; `part` is the part."""

    def __init__(self, part: Part, why: str, where: Path) -> None:
        super().__init__(
            f"{part.words} cannot be used: {why}",
            where=str(where),
            next=REPAIR,
        )
        self.part = part


@dataclass(frozen=True)
class Part:
    """One part of a state folder.

    Attributes:
        words: what people call it.
        path: where it is, below the state folder.
        fault: what is wrong with it; None if nothing is.
        anew: what becomes of it once the damaged one is out of the way, for people.
        mend: makes it anew from the damaged one (second) and what is kept of it; tells what it could save.
            None where nothing is to be saved: it is made at the next start.
    """

    words: str
    path: Path
    fault: Callable[[Folder], str | None]
    anew: str = "it is made anew at the next start"
    mend: Callable[[Folder, Path], str] | None = None


@dataclass(frozen=True)
class Looked:
    """What came of looking at a part.

    Attributes:
        part: the part.
        fault: what is wrong; None if nothing is.
        done: what was done about it.
        kept: where the damaged one is now.
    """

    part: Part
    fault: str | None = None
    done: str = ""
    kept: Path | None = None


def check(folder: Folder) -> None:
    """Look at every part before a start.

    Raises:
        DamagedPart: one is damaged.
    """
    for part in PARTS:
        why = part.fault(folder)
        if why is not None:
            raise DamagedPart(part, why, folder.path / part.path)


def repair(folder: Folder, now: datetime) -> Iterable[Looked]:
    """Look at every part, and mend what is damaged; the folder's embedded Azure does not run.

    Raises:
        OSError, sqlite3.Error: the disk refuses.
    """
    for part in PARTS:
        why = part.fault(folder)
        if why is None:
            yield Looked(part)
            continue
        aside = set_aside(folder.path / part.path, folder.path / "damaged" / f"{now:%Y%m%dT%H%M%S}")
        done = part.mend(folder, aside) if part.mend is not None else part.anew
        yield Looked(part, why, done, aside)


def set_aside(path: Path, into: Path) -> Path:
    """Move a file, with what SQLite keeps beside it, into a folder; where it is now."""
    into.mkdir(parents=True, exist_ok=True, mode=0o700)
    for each in database.companions(path):
        if each.exists():
            shutil.move(each, into / each.name)
    return into / path.name


def keep_copies(folder: Folder) -> None:
    """Keep copies of the databases, which the check before this start has found whole."""
    for path in (Path("azure.db"), _MLFLOW):
        try:
            database.keep_copy(folder.path / path, _copy(folder, path))
        except (OSError, sqlite3.Error) as error:
            _log.warning("no copy of %s is kept: %s", path, error)


def _copy(folder: Folder, path: Path) -> Path:
    return folder.path / "kept" / path.name


_MLFLOW = Path("mlflow") / DATABASE


def _database(path: Path) -> Callable[[Folder], str | None]:
    def fault(folder: Folder) -> str | None:
        file = folder.path / path
        if file.is_file() and file.stat().st_size == 0 and _copy(folder, path).exists():
            return "it is empty"  # SQLite takes that for a new one
        return database.fault_of(file)

    return fault


def _saving(path: Path, what: str, groups: tuple[str, ...] = ()) -> Callable[[Folder, Path], str]:
    def mend(folder: Folder, aside: Path) -> str:
        new, copy = folder.path / path.with_name(f".{path.name}-saved"), _copy(folder, path)
        new.unlink(missing_ok=True)
        saved = database.save(aside, copy, new, groups)
        if not saved.rows and not saved.filled:
            new.unlink()
            return f"nothing of it could be read, and no copy is kept: it begins anew, without {what}"
        new.replace(folder.path / path)
        told = f"{saved.rows} rows were read off it"
        if saved.filled:
            told += f", {saved.filled} that it lost came from the copy kept at the last start"
        elif saved.lost:
            told += "; some could not be read"
        return told

    return mend


def _readable(read: Callable[[Folder], object]) -> Callable[[Folder], str | None]:
    def fault(folder: Folder) -> str | None:
        try:
            read(folder)
        except (UnreadableFile, ValueError) as error:
            return str(error).partition(": ")[2] or "it does not hold what this azmlflow writes there"
        except OSError as error:
            return error.strerror or str(error)
        return None

    return fault


def _kept(name: str, read: Callable[[Path], object]) -> Callable[[Folder], str | None]:
    """Of a file that is made at its first use."""
    return _readable(lambda folder: read(folder.path / name) if (folder.path / name).exists() else None)


def _pem(path: Path) -> None:
    serialization.load_pem_private_key(path.read_bytes(), password=None)


def _no_folder(folder: Folder) -> str | None:
    return "it is a folder, where a file should be" if folder.log.is_dir() else None


def _no_file(folder: Folder) -> str | None:
    path = folder.path / "blobs"
    return "a file stands where a folder should be" if path.exists() and not path.is_dir() else None


_GROUPS = tuple(value for name, value in vars(collections).items() if name.isupper() and isinstance(value, str))
PARTS: tuple[Part, ...] = (
    Part(
        "the database of resources, people and access",
        Path("azure.db"),
        _database(Path("azure.db")),
        mend=_saving(Path("azure.db"), "resources, people and access", _GROUPS),
    ),
    Part(
        "MLflow's database",
        _MLFLOW,
        _database(_MLFLOW),
        mend=_saving(_MLFLOW, "experiments, runs and models"),
    ),
    Part(
        "the list of ports",
        Path("ports.json"),
        _kept("ports.json", lambda path: Folder(path.parent).ports()),
        "other ports are chosen at the next start; a shell that `azmlflow env` set up needs it again",
    ),
    Part("the secrets", Path("secrets.json"), _kept("secrets.json", lambda path: Folder(path.parent).secrets())),
    Part("the key of tokens", Path("signing.pem"), _kept("signing.pem", _pem)),
    Part(
        "the list of faults",
        Path(FILE),
        _kept(FILE, lambda path: read_faults(path.parent)),
        "no fault is on any more",
    ),
    Part(
        "the limits of jobs",
        Path(LIMITS),
        _kept(LIMITS, lambda path: read_limits(path.parent)),
        "no limit is set any more",
    ),
    Part("the log", Path("daemon.log"), _no_folder),
    Part("the folder of files", Path("blobs"), _no_file),
)
