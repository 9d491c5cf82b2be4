"""The log of role assignments (`rbac/report/log.py`), read by our clients, and told as text, JSON and a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from azmlflow.cli.access import history
from azmlflow.cli.access.report import no_formula
from azmlflow.rbac.report.log import Entry, Log, Standing, entries, people, place, roles, unseen

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from azmlflow.cli.session.collaborators import Collaborators
    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.rbac.grants import Grant


_NAMES = {"ended_by": "endedBy"}  # as JSON and tables call them


def read(ports: Collaborators, where: Place, grants: Iterable[Grant], now: datetime) -> Log:
    """The log of what reaches a stack's workspace.

    Args:
        ports: ways to the outside.
        where: the stack's place.
        grants: the stack's.
        now: the current instant.

    Raises:
        ArmError: Azure refuses.
        MalformedAnswer: what is answered is not Azure's.
    """
    arm = ports.open_arm()
    assignments = tuple(map(standing, arm.role_assignments(where.workspace_id)))
    past = history.read(arm, where.workspace_id, now)
    tenant = ports.read_tenant(where.subscription_id, where.workspace_id, people(assignments, past.changes))
    role = roles(where.home, tenant.facts.definitions)
    found = entries(assignments, past.changes, role, tenant.directory, ends(where, grants))
    return Log(found, past.since, unseen(past, where.workspace_id))


def standing(one: RoleAssignment) -> Standing:
    """A role assignment, as Azure's client reads it."""
    return Standing(
        str(one.id),
        one.created_on,
        str(one.created_by or ""),
        str(one.principal_id),
        str(one.role_definition_id),
        str(one.scope),
    )


def ends(where: Place, grants: Iterable[Grant]) -> Mapping[str, str]:
    """The last day of each assignment of the stack that has one, by its id in lower case."""
    ending = [grant for grant in grants if grant.until]
    return {each.id.lower(): str(grant.until) for grant in ending for each in where.assignments((grant,))}


def document(log: Iterable[Entry]) -> list[Mapping[str, object]]:
    """As `--output json` prints it."""
    return [{_NAMES.get(name, name): value for name, value in asdict(entry).items()} for entry in log]


def as_csv(log: Iterable[Entry]) -> str:
    """As comma-separated values; what a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([_NAMES.get(name, name) for name in Entry.__dataclass_fields__])
    for entry in log:
        told = {**asdict(entry), "stands": "yes" if entry.stands else "no"}
        writer.writerow([no_formula(value) for value in told.values()])
    return out.getvalue()


def as_text(log: Log) -> str:
    """A line for each, for people."""
    lines = [_line(entry) for entry in log.entries] or ["no role assignment reaches the workspace"]
    return "\n".join([*lines, log.told])


def _line(entry: Entry) -> str:
    on, by = entry.on[:16].replace("T", " ") or "unknown", entry.by or "unknown"
    gave = f"{on:<16}  {by} gave {entry.to or 'unknown'} {entry.role or 'a role'} at {place(entry.at)}"
    if entry.until:
        gave += f", until {entry.until}"
    if entry.stands:
        return gave
    if not entry.ended:
        return f"{gave}; it is gone"
    return f"{gave}; {entry.ended_by or 'unknown'} took it away on {entry.ended[:16].replace('T', ' ')}"
