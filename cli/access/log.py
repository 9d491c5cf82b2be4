"""Who gave whom what, when and till when, and who took it away again.

Of an assignment that stands Azure notes who made it, and when (`createdBy`, `createdOn`); of one that is gone the
activity log alone knows (`history.py`). The end is the stack's own: Azure does not know of it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from azmlflow.cli.access.history import RIGHT, Change, History
from azmlflow.cli.access.report import no_formula
from azmlflow.rbac import builtin, scopes
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.roles import PERSONAS, custom_role_name

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.records import RoleDefinition


_NAMES = {"ended_by": "endedBy"}  # as JSON and tables call them


@dataclass(frozen=True)
class Entry:
    """A role assignment, as an auditor asks for it.

    Attributes:
        on: when it was made, ISO 8601, UTC; empty where Azure does not tell.
        by: who made it.
        to: who has it.
        role: the role's name.
        at: ARM id of the scope.
        until: its last day, ISO 8601, as the stack has it; empty for one that does not end, or is not the stack's.
        ended: when it was taken away, ISO 8601, UTC; empty where it stands, or Azure does not tell.
        ended_by: who took it away.
        stands: whether it stands.
        id: ARM id of the assignment.
    """

    on: str
    by: str
    to: str
    role: str
    at: str
    until: str
    ended: str
    ended_by: str
    stands: bool
    id: str


def people(assignments: Iterable[RoleAssignment], changes: Iterable[Change]) -> tuple[str, ...]:
    """Object ids of everybody who is in the log."""
    found = [each for one in assignments for each in (one.created_by, one.principal_id)]
    found += [each for one in changes for each in (one.by, one.principal_id) if scopes.is_guid(each)]
    return tuple(dict.fromkeys(str(each).lower() for each in found if each))


def ends(where: Place, grants: Iterable[Grant]) -> Mapping[str, str]:
    """The last day of each assignment of the stack that has one, by its id in lower case."""
    ending = [grant for grant in grants if grant.until]
    return {each.id.lower(): str(grant.until) for grant in ending for each in where.assignments((grant,))}


def roles(where: Place, definitions: Iterable[RoleDefinition]) -> Callable[[str], str]:
    """A role's name by its id: as Azure has it, or as it was called, if it was the stack's own and is gone."""
    ours = {where.role_guid(each.name).lower(): custom_role_name(each.name, where.home) for each in PERSONAS}
    names = {role_guid(role.id): role.name for role in definitions}

    def name(id_: str) -> str:
        guid = role_guid(id_)
        known = builtin.of_guid(guid)
        return names.get(guid) or ours.get(guid) or (known.name if known else id_)

    return name


def entries(
    assignments: Iterable[RoleAssignment],
    changes: Iterable[Change],
    role: Callable[[str], str],
    who: WhoIsWho,
    until: Mapping[str, str],
) -> tuple[Entry, ...]:
    """The log, what was made last first.

    Args:
        assignments: those that stand.
        changes: what the activity log tells, the oldest first.
        role: a role's name by its id.
        who: who is who.
        until: the last day of an assignment, by its id in lower case.
    """
    made = [
        Entry(
            _instant(one.created_on),
            who.name(str(one.created_by)) if one.created_by else "",
            who.name(str(one.principal_id)),
            role(str(one.role_definition_id)),
            str(one.scope),
            until.get(str(one.id).lower(), ""),
            "",
            "",
            True,
            str(one.id),
        )
        for one in assignments
    ]
    made += _gone(changes, {each.id.lower() for each in made}, role, who)
    return tuple(sorted(made, key=lambda entry: (entry.on or entry.ended, entry.id), reverse=True))


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


def as_text(log: Sequence[Entry], history: History) -> str:
    """A line for each, for people."""
    lines = [_line(entry) for entry in log] or ["no role assignment reaches the workspace"]
    if history.since is None:
        return "\n".join([*lines, "times are UTC"])
    return "\n".join([*lines, f"times are UTC; what was taken away is told from {history.since:%Y-%m-%d} on"])


def unseen(history: History, where: Place) -> str:
    """What cannot be seen of what was taken away, and what it takes; empty if all can."""
    if history.since is not None and history.whole:
        return ""
    what, scope = "what was taken away again", where.group_id
    if history.since is not None:
        what, scope = f"{what} on the whole subscription", f"/subscriptions/{where.subscription_id}"
    return f"{what} cannot be seen: it takes {RIGHT} at {scope}, which the role Reader has, and Monitoring Reader"


def _gone(changes: Iterable[Change], standing: set[str], role: Callable[[str], str], who: WhoIsWho) -> Iterable[Entry]:
    """Those that do not stand any more; one whose end the log has not went with its scope."""
    open_: dict[str, Entry] = {}
    for one in changes:
        key, name = one.id.lower(), who.name(one.by) if one.by else ""
        told = Entry("", "", "", "", one.scope, "", "", "", False, one.id)
        if one.principal_id:
            told = replace(told, to=who.name(one.principal_id), role=role(one.role_id))
        if one.made:  # again, while it stands: a change of its description
            open_.setdefault(key, replace(told, on=_instant(one.on), by=name))
            continue
        began = open_.pop(key, told)
        yield replace(
            began, to=began.to or told.to, role=began.role or told.role, ended=_instant(one.on), ended_by=name
        )
    yield from (entry for key, entry in open_.items() if key not in standing)


def _line(entry: Entry) -> str:
    on, by = entry.on[:16].replace("T", " ") or "unknown", entry.by or "unknown"
    gave = f"{on:<16}  {by} gave {entry.to or 'unknown'} {entry.role or 'a role'} at {_place(entry.at)}"
    if entry.until:
        gave += f", until {entry.until}"
    if entry.stands:
        return gave
    if not entry.ended:
        return f"{gave}; it is gone"
    return f"{gave}; {entry.ended_by or 'unknown'} took it away on {entry.ended[:16].replace('T', ' ')}"


def _instant(created: datetime | None) -> str:
    return created.astimezone(UTC).isoformat(timespec="seconds") if created else ""


def _place(scope: str) -> str:
    name = scopes.parse(scope).id.rpartition("/")[2] if scope.strip("/") else "the tenant"
    return f"the subscription {name}" if scope.strip("/").count("/") == 1 else name or scope
