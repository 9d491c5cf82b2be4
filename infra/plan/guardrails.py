"""What of a stack's resources is watched, and by what: which diagnostic settings, locks and budget there are. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

REGISTRY = "registry"
# Parts of a workspace, by the ends of their logical names, that send logs, and that may be locked: Microsoft's pages
# forbid locks on the workspace, its computes and their group.
_WATCHED = ("workspace", "storage", "vault", REGISTRY)
_LOCKABLE = ("storage", "vault", REGISTRY)


@dataclass(frozen=True)
class Guardrails:
    """What watches over a stack's resources.

    Attributes:
        own: the parts that are the stack's own: on what is another's there is none of it.
        diagnostics: whether logs go to Log Analytics.
        locks: whether what holds data is locked.
        locks_storage: whether the storage account is among it.
        budget: whether there is a budget.
    """

    own: frozenset[str] = frozenset(("workspace", "storage", "vault"))
    diagnostics: bool = False
    locks: bool = False
    locks_storage: bool = True
    budget: bool = False

    def __bool__(self) -> bool:
        return self.diagnostics or self.locks or self.budget

    def watched(self) -> Iterator[str]:
        """The parts whose logs are sent."""
        return (part for part in _WATCHED if self.diagnostics and part in self.own)

    def locked(self) -> Iterator[str]:
        """The parts that are locked."""
        own = self.own if self.locks_storage else self.own - {"storage"}
        return (part for part in _LOCKABLE if self.locks and part in own)


NO_GUARDRAILS = Guardrails()


def logged_id(part: str, id_: str) -> str:
    """ARM id of what sends the logs of a part: of a storage account its blob service."""
    return f"{id_}/blobServices/default" if part == "storage" else id_
