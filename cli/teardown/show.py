"""Draws a removal while it runs: each resource that Azure is at work on, its state, the seconds.

On a terminal what is under way moves at the bottom; elsewhere each resource is one line when its turn comes, and one
more every half minute, so that a log shows life.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator

import click

from azmlflow.cli.teardown.outcome import OnProgress, Progress

_EVERY = 30.0


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
