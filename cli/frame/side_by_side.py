"""One view of many that are at work side by side: those under way at the bottom, each that ends as a line."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from azmlflow.cli.frame.words import Say


class Piece(Protocol):
    """How far one of them is; `running` while it is under way."""

    @property
    def state(self) -> str: ...


P = TypeVar("P", bound=Piece)


@contextlib.contextmanager
def drawing(
    say: Say, total: int, *, name: Callable[[P], str], row: Callable[[P], str], line: Callable[[P], str]
) -> Iterator[Callable[[P], None]]:
    """Show how far each is; without a terminal only each end is a line.

    Args:
        say: tells a line where there is no terminal.
        total: how many there are.
        name: what tells one from the others.
        row: one that is under way.
        line: one that has ended.

    Yields:
        What hears how far one is, from any thread.
    """
    lock = threading.Lock()
    running: dict[str, P] = {}
    done = 0

    def take(piece: P, show: Callable[[str], object]) -> None:
        nonlocal done
        with lock:
            if piece.state == "running":
                running[name(piece)] = piece
                return
            running.pop(name(piece), None)
            done += 1
            show(line(piece))

    if not sys.stderr.isatty():
        yield lambda piece: take(piece, say)
        return
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = Console(stderr=True)

    def render() -> Group:
        with lock:
            rows = [row(piece) for piece in running.values()]
        return Group(*(Text(each, style="yellow", no_wrap=True) for each in rows), Text(f"  {done} of {total} done"))

    with Live(get_renderable=render, console=console, refresh_per_second=8, transient=True):
        yield lambda piece: take(piece, lambda text: console.print(Text.from_ansi(text)))
