"""What a removal tells: what is under way, what it did, what is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What is under way: `deleting` resource `x` since so many seconds."""

    step: str
    what: str
    state: str
    seconds: float


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Left:
    """Something that is still there after a removal.

    Attributes:
        kind: what it is.
        name: which one.
        where: ARM id or path.
        why: the reason, if it is known.
    """

    kind: str
    name: str
    where: str
    why: str = ""


@dataclass(frozen=True)
class Report:
    """What a removal did.

    Attributes:
        group: the group's id.
        steps: (step, seconds), those that had something to do.
        left: what is still there.
    """

    group: str
    steps: tuple[tuple[str, float], ...] = ()
    left: tuple[Left, ...] = ()
