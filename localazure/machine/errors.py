"""What can be wrong with the embedded Azure that its user can act on."""

from __future__ import annotations


class LocalError(Exception):
    """Something about the embedded Azure that its user can act on.

    Args:
        what: one sentence, what is wrong.
        where: the file, port or variable that it is about.
        next: the command to type next, or what to change.
    """

    def __init__(self, what: str, *, where: str | None = None, next: str | None = None) -> None:
        super().__init__(what)
        self.what, self.where, self.next = what, where, next


class PortTaken(LocalError):
    """One of the ports that this embedded Azure keeps is held by another program."""


class UnsafeFolder(LocalError):
    """The state folder, or the folder of its sockets, is open to other users or not ours."""


class UnreadableFile(LocalError):
    """A file that the embedded Azure keeps does not hold what it should."""


class RightsKept(LocalError):
    """Root started the embedded Azure, and the rights of root's that it has no need of cannot be given up."""
