"""What stands in a workspace and settings describe, as a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]


class Undescribed(Exception):
    """No settings describe it; the text says why."""


@dataclass(frozen=True)
class Member:
    """Something in a workspace that the settings describe.

    Attributes:
        key: the setting that lists it.
        kind: what it is, for people.
        path: where it is below the workspace, `computes/cpu`.
        resource: its logical name in the program.
        says: its settings.
    """

    key: str
    kind: str
    path: str
    resource: str
    says: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name in the workspace."""
        return self.path.rpartition("/")[2]


# Names, for people, each with how it is described.
Described = Iterator[tuple[str, Callable[[], Member]]]


def name_of(document: Document) -> str:
    """The name of what an answer of Resource Manager is of."""
    return str(document["id"]).rpartition("/")[2]
