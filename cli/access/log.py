"""Who gave whom what, and when, as Azure notes it at each role assignment (`createdBy`, `createdOn`).

An assignment that is gone has no such note: Azure's activity log has its removal, for 90 days (Microsoft, "View
activity logs for Azure RBAC changes").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azmlflow.cli.access.report import no_formula
from azmlflow.rbac import scopes
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.report.access import WhoIsWho

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from azmlflow.rbac.records import RoleDefinition


@dataclass(frozen=True)
class Entry:
    """A role assignment, as an auditor asks for it.

    Attributes:
        on: when it was made, ISO 8601, UTC; empty where Azure does not tell.
        by: who made it.
        to: who has it.
        role: the role's name.
        at: ARM id of the scope.
        id: ARM id of the assignment.
    """

    on: str
    by: str
    to: str
    role: str
    at: str
    id: str


def people(assignments: Iterable[RoleAssignment]) -> tuple[str, ...]:
    """Object ids of everybody who is in the log."""
    found = (each for one in assignments for each in (one.created_by, one.principal_id))
    return tuple(dict.fromkeys(str(each).lower() for each in found if each))


def entries(assignments: Iterable[RoleAssignment], roles: Iterable[RoleDefinition], who: WhoIsWho) -> tuple[Entry, ...]:
    """The log, what is newest first."""
    names = {role_guid(role.id): role.name for role in roles}
    made = [
        Entry(
            _instant(one.created_on),
            who.name(str(one.created_by)) if one.created_by else "",
            who.name(str(one.principal_id)),
            names.get(role_guid(str(one.role_definition_id)), str(one.role_definition_id)),
            str(one.scope),
            str(one.id),
        )
        for one in assignments
    ]
    return tuple(sorted(made, key=lambda entry: (entry.on, entry.id), reverse=True))


def document(log: Iterable[Entry]) -> list[Mapping[str, str]]:
    """As `--output json` prints it."""
    return [asdict(entry) for entry in log]


def as_csv(log: Iterable[Entry]) -> str:
    """As comma-separated values; what a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("on", "by", "to", "role", "at", "id"))
    writer.writerows([no_formula(value) for value in asdict(entry).values()] for entry in log)
    return out.getvalue()


def as_text(log: Sequence[Entry]) -> str:
    """A line for each, for people."""
    if not log:
        return "no role assignment reaches the workspace"
    lines = [
        f"{entry.on[:16].replace('T', ' ') or 'unknown':<16}  {entry.by or 'unknown'} gave {entry.to} {entry.role} "
        f"at {_place(entry.at)}"
        for entry in log
    ]
    return "\n".join([*lines, "times are UTC; what was taken away again is in Azure's activity log, for 90 days"])


def _instant(created: datetime | None) -> str:
    return created.astimezone(UTC).isoformat(timespec="seconds") if created else ""


def _place(scope: str) -> str:
    name = scopes.parse(scope).id.rpartition("/")[2] if scope.strip("/") else "the tenant"
    return name or scope
