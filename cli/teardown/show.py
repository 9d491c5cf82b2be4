"""What people see and are asked of a removal: its plan before, each resource that Azure is at work on, what is left.

While it runs: on a terminal what is under way moves at the bottom; elsewhere each resource is one line when its turn
comes, and one more every half minute, so that a log shows life.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.cli.teardown.removal import Left, OnProgress, Progress
from azmlflow.cli.teardown.steps import Planned

_EVERY = 30.0


def plan(say: Say, what: str, steps: Planned, notes: Iterable[str] = ()) -> None:
    """Say what goes, step by step.

    Args:
        say: hears each line.
        what: what the removal is of.
        steps: what each step would do.
        notes: what else people should know.
    """
    say(click.style(f"{what}: this goes, for good", bold=True))
    for step, lines in steps:
        say(f"  {step.name}")
        for each in lines:
            say(click.style(f"    - {each}", fg="red"))
    for note in notes:
        say(click.style(f"  ! {note}", fg="yellow"))


def confirm(what: str, name: str, again: str) -> None:
    """Have the name typed back.

    Raises:
        CliError: nobody is there to type it, or it is another.
    """
    if not sys.stdin.isatty():
        words = again.replace("azmlflow down --stack local", "azmlflow down")
        raise CliError("`down` asks before it removes, and nobody is there to answer", next=f"{words} --yes")
    typed = click.prompt(f"type the {what}'s name ({name}) to remove it", err=True, default="", show_default=False)
    if typed.strip() != name:
        raise CliError("not removed: the name typed is another", next=again)


def residue(what: str, left: Sequence[Left], kept: Sequence[Left] = (), then: str = "") -> str:
    """What is left, for people.

    Args:
        what: what was removed.
        left: what is there still.
        kept: what Azure keeps for a time, whoever asks.
        then: what is to be known of that before the next `up`.
    """
    rows = [f"  {entry.told()}" for entry in (*left, *kept)]
    rows += [f"  {then}"] if kept and then else []
    if left:
        return "\n".join([f"{what}: left behind", *rows])
    looked = "groups, soft-deleted things, role definitions and assignments, Pulumi state, files"
    end = "nothing left that anybody could remove" if kept else "nothing left"
    gone = click.style(f"{what} is gone: {end}", fg="green", bold=True) + f"  (looked at: {looked})"
    return "\n".join([gone, *rows])


def names_taken(stack: str, word: str) -> str:
    """What a stack's next `up` does about a vault that purge protection keeps, and what there is to choose.

    Args:
        stack: its name.
        word: its setting `onSoftDeleted`.
    """
    if word == "recover":
        return "the next `up` of these settings brings the vault back, with what is in it (onSoftDeleted: recover)"
    if word == "rename":
        return "the next `up` of these settings takes other names (onSoftDeleted: rename)"
    return (
        f"the next `up` of these settings would stop at it: azmlflow set onSoftDeleted recover --stack {stack}    "
        "(it then brings the vault back, with what is in it; or azmlflow set salt 2, other names)"
    )


def leftover(what: str, left: tuple[Left, ...], again: str) -> CliError:
    """The error of a removal that leaves something."""
    return CliError(
        f"{len(left)} thing{'s are' if len(left) > 1 else ' is'} left of {what}",
        where=left[0].where,
        next=left[0].way or again,
    )


@contextlib.contextmanager
def watching(title: str) -> Iterator[OnProgress]:
    """What a removal tells is drawn until the block ends.

    Args:
        title: what is under way, for people.
    """
    if not sys.stderr.isatty():
        yield Lines().take
        return
    from rich.console import Console
    from rich.status import Status

    board: dict[str, Progress] = {}
    with Status(title, console=Console(stderr=True)) as status:

        def take(progress: Progress) -> None:
            board.pop(progress.what, None)
            board[progress.what] = progress
            newest = [one for one in board.values() if progress.seconds - one.seconds < 5 and one.step == progress.step]
            rows = "".join(f"\n    {line(one)}" for one in newest[-8:])
            status.update(f"{title}: {progress.step}{rows}")

        yield take


class Lines:
    """One line a resource and state, and one more every half minute."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def take(self, progress: Progress) -> None:
        """Tell, unless it was told lately."""
        key = (progress.what, progress.state)
        with self._lock:
            last = self._told.get(key)
            if last is None or progress.seconds - last >= _EVERY:
                self._told[key] = progress.seconds
                click.echo(f"  {line(progress)}", err=True)


def line(progress: Progress) -> str:
    """`deleting     storageAccounts/st1     3 s`."""
    return f"{progress.state:<12} {progress.what:<52} {progress.seconds:5.0f} s"
