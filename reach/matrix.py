"""The matrix of origins and endpoints, each cell a decision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from azmlflow.reach.decide import CALLED, decide
from azmlflow.reach.records import Decision, Endpoint, Facts, Origin


@dataclass(frozen=True)
class Row:
    """An endpoint, and who reaches it.

    Attributes:
        endpoint: which.
        cells: the decision for each origin, in their order.
    """

    endpoint: Endpoint
    cells: tuple[Decision, ...]

    @property
    def title(self) -> str:
        """`storage account stacct (blob)`."""
        service = f" ({self.endpoint.service})" if self.endpoint.service in ("blob", "file") else ""
        return f"{CALLED[self.endpoint.service]} {self.endpoint.name}{service}"


@dataclass(frozen=True)
class Matrix:
    """Who reaches what.

    Attributes:
        origins: the columns.
        rows: the endpoints.
    """

    origins: tuple[Origin, ...]
    rows: tuple[Row, ...]


def matrix(facts: Facts, origins: Iterable[Origin], endpoints: Iterable[Endpoint]) -> Matrix:
    """Decide for each origin and endpoint."""
    columns = tuple(origins)
    return Matrix(columns, tuple(Row(each, tuple(decide(facts, one, each) for one in columns)) for each in endpoints))


def called(origin: Origin) -> str:
    """An origin for people: `internet`, `network vnet`, `Azure's computes`."""
    match origin.kind:
        case "internet":
            return "internet"
        case "network":
            return f"network {origin.where.rpartition('/')[2]}"
        case "managed":
            return "Azure's computes"
