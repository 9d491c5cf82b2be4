"""What whoever listens is told of a wait that Azure asks for (`policies.Retries`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

WORTH_A_WORD = 5.0  # seconds of a wait


@dataclass(frozen=True)
class Wait:
    """A wait that was asked for.

    Attributes:
        host: who asks for it.
        status: the HTTP status that it came with.
        seconds: how long it is.
    """

    host: str
    status: int
    seconds: float


OnWait = Callable[[Wait], None]
