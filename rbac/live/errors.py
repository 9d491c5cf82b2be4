"""What can go wrong when access is asked of a live cloud. Each message says what, where, and what to do next."""

from __future__ import annotations


class AccessError(Exception):
    """Who may do what could not be read, or is not what was said; the message ends with the next step."""


class PrincipalUnknown(AccessError):
    """Nobody in the directory is called so."""


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
