"""What can go wrong when access is asked of a live cloud. Each message says what, where, and what to do next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


class AccessError(Exception):
    """Who may do what could not be read, or is not what was said; the message ends with the next step."""


class PrincipalUnknown(AccessError):
    """Nobody in the directory is called so.

    Attributes:
        what: that, in a sentence.
        listing: the command that lists who is there; "" if none helps.
    """

    def __init__(self, what: str, listing: str = "") -> None:
        super().__init__(f"{what}; `{listing}` shows who is there" if listing else what)
        self.what, self.listing = what, listing


class AmbiguousPrincipal(AccessError):
    """Several are called so.

    Attributes:
        candidates: (object id, type, display name) of each.
    """

    def __init__(self, text: str, candidates: tuple[tuple[str, str, str], ...]) -> None:
        listed = "\n".join(f"  {object_id}  {type_:<16}  {name}" for object_id, type_, name in candidates)
        super().__init__(
            f"'{text}' names {len(candidates)} principals of the directory; say which by its object id:\n{listed}"
        )
        self.candidates = candidates


class DirectoryForbidden(AccessError):
    """The directory may not be read by who asks."""


class AssignmentsForbidden(AccessError):
    """Role assignments, definitions or deny assignments may not be read by who asks."""


class ForeignAnswer(AccessError):
    """An answer leads to another host than the one that gave it; nothing was sent there."""

    def __init__(self, ours: str, theirs: str, path: str) -> None:
        super().__init__(f"an answer of {ours} ({path}) leads to {theirs}: nothing was sent there")


class MalformedAnswer(AccessError):
    """What was answered has another form than Azure's answers have: something between may have given it."""

    def __init__(self, lacks: str, path: str) -> None:
        super().__init__(f"what was answered at {path} is not Azure's: {lacks}")


@contextlib.contextmanager
def reading(path: str) -> Iterator[None]:
    """Read what was answered: a member that is not there, or is something else, is the answer's fault.

    Raises:
        MalformedAnswer: so it is.
    """
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer(f"{type(error).__name__} {error}", path) from error
