"""Draws what the engine does while it does it: resource, state, seconds.

On a terminal the resources under way stay at the bottom and move while they run; elsewhere each resource that is done
is one plain line. Everything goes to standard error.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

from azmlflow.cli.frame.folding import short
from azmlflow.cli.pulumi.changes import Change, OnChange

if TYPE_CHECKING:
    from rich.console import RenderableType

_DONE = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "made anew",
    "delete-replaced": "old deleted",
    "import": "taken over",
    "discard": "forgotten",
    "discard-replaced": "forgotten",
}
_DOING = {
    "create": "creating",
    "update": "updating",
    "delete": "deleting",
    "replace": "replacing",
    "create-replacement": "making anew",
    "delete-replaced": "deleting old",
    "import": "taking over",
}
_PLANNED = {"create": "create", "update": "change", "delete": "delete", "replace": "replace"}
_SIGN = {"create": "+", "update": "~", "delete": "-", "replace": "±"}
_COLOUR = {"create": "green", "update": "yellow", "delete": "red", "replace": "magenta"}


def line(change: Change) -> str:
    """One finished change as a line: `  created   Workspace  mlw-mlflow-local   3.2 s`."""
    word = "failed" if change.state == "failed" else _DONE.get(change.operation, change.operation)
    return f"  {word:<12} {_called(change)} {change.seconds:6.1f} s"


def _called(change: Change) -> str:
    """Kind and name, a long kind in the columns of a short name."""
    return f"{f'{change.kind:<20} {short(change.name)}':<51}"


def plan_line(change: Change) -> str:
    """One planned change as a line, with the properties that differ: `  ~ change  Workspace  name  [tags]`."""
    base = "replace" if "replace" in change.operation else change.operation
    word = _PLANNED.get(base, change.operation)
    keys = f"  [{', '.join(change.keys)}]" if change.keys else ""
    text = f"  {_SIGN.get(base, '?')} {word:<8} {change.kind:<20} {short(change.name)}{keys}"
    return click.style(text, fg=_COLOUR.get(base))


@contextlib.contextmanager
def drawing(title: str, clock: Callable[[], float] = time.monotonic) -> Iterator[OnChange]:
    """Draw changes as they come, until the block ends.

    Args:
        title: what is under way, for people.
        clock: seconds, monotonic.
    """
    if not sys.stderr.isatty():
        yield _plain
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True)
    board = _Board(title, clock, console.print)
    with Live(get_renderable=board.render, console=console, refresh_per_second=8, transient=True):
        yield board.take


def _plain(change: Change) -> None:
    if not change.quiet and change.state in {"done", "failed"}:
        click.echo(line(change), err=True)


class _Board:
    """The resources under way, for rich to draw again and again."""

    def __init__(self, title: str, clock: Callable[[], float], show: Callable[[str], None]) -> None:
        self._title, self._clock, self._show = title, clock, show
        self._began = clock()
        self._running: dict[str, tuple[Change, float]] = {}

    def take(self, change: Change) -> None:
        """A change: under way, or done and then a line that stays."""
        if change.quiet:
            return
        if change.state == "running":
            self._running[change.urn] = (change, self._clock())
            return
        self._running.pop(change.urn, None)
        colour = "red" if change.state == "failed" else "green"
        self._show(f"[{colour}]{line(change)}[/{colour}]")

    def render(self) -> RenderableType:
        """What stands at the bottom of the screen now."""
        from rich.console import Group
        from rich.spinner import Spinner
        from rich.text import Text

        now = self._clock()
        rows: list[RenderableType] = [
            Text(
                f"  {_DOING.get(change.operation, change.operation):<12} {_called(change)} {now - began:6.1f} s",
                style="yellow",
            )
            for change, began in list(self._running.values())
        ]
        return Group(Spinner("dots", Text(f"{self._title}  {now - self._began:.0f} s")), *rows)
