"""One command at a time on a stack, and a note of what the last one left unfinished.

The note is `.azmlflow/holders/<stack>.json`. Its holder keeps the file beside it locked (`.lock`), and the system drops
the lock of a process that dies; so a note without a lock is what a dead or failed command left, and says that `up` has
something to mend.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from io import TextIOWrapper
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, make_state
from azmlflow.localazure.machine.locks import refuse_odd
from azmlflow.localazure.machine.shortage import remedy


@dataclass(frozen=True)
class Note:
    """Who works on a stack.

    Attributes:
        pid: the command's process.
        command: what it is, e.g. `azmlflow up`.
        since: when it began, ISO 8601, UTC.
        engine: the process of the Pulumi engine that it started last, 0 if none.
    """

    pid: int
    command: str
    since: str
    engine: int = 0

    @property
    def words(self) -> str:
        """For people: ``azmlflow up` (pid 123, since 10:20:30)`."""
        when = self.since
        with contextlib.suppress(ValueError):
            when = datetime.datetime.fromisoformat(self.since).astimezone().strftime("%H:%M:%S")
        return f"`{self.command}` (pid {self.pid}, since {when})"


class Holder:
    """The holding of one stack by this process. `previous` is the note that an unfinished command left."""

    def __init__(self, lock: BaseFileLock, file: TextIOWrapper, note: Note, previous: Note | None) -> None:
        self._lock, self._file, self._note, self.previous = lock, file, note, previous
        self._done = False
        self._write()

    @property
    def command(self) -> str:
        """The command that holds it, e.g. `azmlflow down`."""
        return self._note.command

    def engine(self, pid: int) -> None:
        """Note the engine that was started."""
        self._note = Note(self._note.pid, self._note.command, self._note.since, pid)
        self._write()

    def finish(self) -> None:
        """The command came to its end: nothing to mend next time."""
        self._done = True

    def keep(self, note: Note) -> None:
        """Leave an earlier command's note instead of this one's."""
        self._note = note
        self._write()

    def close(self) -> None:
        """Let go of the stack. The note stays if an engine was started and the command did not finish."""
        if self._done:
            self._file.truncate(0)
        elif not self._note.engine and self.previous:
            self.keep(self.previous)
        elif not self._note.engine:
            self._file.truncate(0)
        self._file.close()
        self._lock.release()

    def _write(self) -> None:
        # Over the old note, and only then cut: at no instant is there none, should we be killed.
        self._file.seek(0)
        self._file.write(json.dumps(asdict(self._note)))
        self._file.flush()
        self._file.truncate()


def note_path(project: Project, stack: str) -> Path:
    """Where the note of a stack is."""
    return project.state / "holders" / f"{stack}.json"


@contextlib.contextmanager
def hold(
    project: Project, stack: str, command: str, patient: Callable[[str], bool] = lambda _: False
) -> Iterator[Holder]:
    """Hold a stack for the time of a command.

    Args:
        project: the checkout.
        stack: the stack.
        command: what will hold it.
        patient: waits a while for the one that holds it, whose name it is told; False to give up.

    Raises:
        CliError: another command of this machine holds it; the error says which, since when.
        UnreadableFile: note or lock are no plain files.
    """
    path = note_path(project, stack)
    make_state(project)
    refuse_odd(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = _waited_for(path, patient)
        previous = read_note(path)
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8")  # noqa: PTH123, SIM115
    except Timeout:
        raise CliError(
            f"stack `{stack}` is held by {_who(path)}",
            where=str(path),
            next=f"wait for it: type the command with --wait 10m; `azmlflow status --stack {stack}` tells who holds it",
        ) from None
    except OSError as fault:
        raise CliError(
            f"cannot write {path.name}: {fault.strerror}", where=str(path), next=remedy(fault, f"ls -l {path}")
        ) from fault
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    holder = Holder(lock, file, Note(os.getpid(), command, now), previous)
    try:
        yield holder
    finally:
        holder.close()


def _waited_for(path: Path, patient: Callable[[str], bool]) -> BaseFileLock:
    while True:
        try:
            return _locked(path)
        except Timeout:
            if not patient(_who(path)):
                raise


def _who(path: Path) -> str:
    other = read_note(path)
    return other.words if other else "another azmlflow"


def holding(project: Project, stack: str) -> Note | None:
    """Who holds the stack now, None if nobody does."""
    path = note_path(project, stack)
    refuse_odd(path)
    if not path.exists():
        return None
    try:
        _locked(path).release()
    except Timeout:
        return read_note(path)
    except OSError:
        return None
    return None


def _locked(note: Path) -> BaseFileLock:
    """The lock beside a note, taken. Timeout where somebody else has it."""
    path = note.with_suffix(".lock")
    refuse_odd(path)
    lock = FileLock(path, mode=0o600)
    lock.acquire(blocking=False)
    return lock


def read_note(path: Path) -> Note | None:
    """The note in a file, None if there is none that can be read."""
    try:
        # What follows is the rest of a longer note before it.
        document, _ = json.JSONDecoder().raw_decode(path.read_text(encoding="utf-8"))
        return Note(
            int(document["pid"]), str(document["command"]), str(document["since"]), int(document.get("engine", 0))
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def finish(holder: Holder) -> None:
    """A command that did its own part: what another before it left unfinished stays noted."""
    if holder.previous is None or holder.previous.command == holder.command:
        holder.finish()
    else:
        holder.keep(holder.previous)
