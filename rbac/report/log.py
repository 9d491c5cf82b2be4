"""Who gave whom what, when and till when, and who took it away again.

Of an assignment that stands Azure notes who made it, and when (`createdBy`, `createdOn`); of one that is gone the
activity log alone knows (`changes.py`). The end is the stack's own: Azure does not know of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from azmlflow.rbac import builtin, scopes
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.records import RoleDefinition
from azmlflow.rbac.report.access import WhoIsWho
from azmlflow.rbac.report.changes import RIGHT, Change, History
from azmlflow.rbac.roles import PERSONAS, custom_role_guid, custom_role_name


@dataclass(frozen=True)
class Standing:
    """A role assignment that stands.

    Attributes:
        id: its ARM id.
        on: when it was made; None where Azure does not tell.
        by: object id of who made it; empty likewise.
        principal_id: who has it.
        role_id: the role's ARM id.
        scope: ARM id of where it applies.
    """

    id: str
    on: datetime | None
    by: str
    principal_id: str
    role_id: str
    scope: str


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


@dataclass(frozen=True)
class Log:
    """The log, whole.

    Attributes:
        entries: what was made last first.
        since: from when on is told what was taken away; None where that cannot be seen.
        unseen: what cannot be seen of it, and what it takes; empty if all can.
    """

    entries: tuple[Entry, ...]
    since: datetime | None
    unseen: str = ""

    @property
    def told(self) -> str:
        """Under what conditions it is told."""
        if self.since is None:
            return "times are UTC"
        return f"times are UTC; what was taken away is told from {self.since:%Y-%m-%d} on"


def people(assignments: Iterable[Standing], changes: Iterable[Change]) -> tuple[str, ...]:
    """Object ids of everybody who is in the log."""
    found = [each for one in assignments for each in (one.by, one.principal_id)]
    found += [each for one in changes for each in (one.by, one.principal_id) if scopes.is_guid(each)]
    return tuple(dict.fromkeys(each.lower() for each in found if each))


def roles(home: str, definitions: Iterable[RoleDefinition]) -> Callable[[str], str]:
    """A role's name by its id: as Azure has it, or as it was called, if it was the stack's own and is gone.

    Args:
        home: ARM id of what the names of the stack's own roles follow from.
        definitions: those that are there.
    """
    ours = {custom_role_guid(each.name, home): custom_role_name(each.name, home) for each in PERSONAS}
    names = {role_guid(role.id): role.name for role in definitions}

    def name(id_: str) -> str:
        guid = role_guid(id_)
        known = builtin.of_guid(guid)
        return names.get(guid) or ours.get(guid) or (known.name if known else id_)

    return name


def entries(
    assignments: Iterable[Standing],
    changes: Iterable[Change],
    role: Callable[[str], str],
    who: WhoIsWho,
    until: Mapping[str, str],
) -> tuple[Entry, ...]:
    """What is in the log, what was made last first.

    Args:
        assignments: those that stand.
        changes: what the activity log tells, the oldest first.
        role: a role's name by its id.
        who: who is who.
        until: the last day of an assignment, by its id in lower case.
    """
    made = [
        Entry(
            _instant(one.on),
            who.name(one.by) if one.by else "",
            who.name(one.principal_id),
            role(one.role_id),
            one.scope,
            until.get(one.id.lower(), ""),
            "",
            "",
            True,
            one.id,
        )
        for one in assignments
    ]
    made += _gone(changes, {each.id.lower() for each in made}, role, who)
    return tuple(sorted(made, key=lambda entry: (entry.on or entry.ended, entry.id), reverse=True))


def unseen(history: History, scope: str) -> str:
    """What cannot be seen of what was taken away, and what it takes; empty if all can.

    Args:
        history: what could be read.
        scope: ARM id of the resource that it is about.
    """
    if history.since is not None and history.whole:
        return ""
    what = "what was taken away again"
    if history.fault:
        return f"{what} cannot be seen: of its activity log Azure says: {history.fault}"
    place = scopes.parse(scope)
    at = scopes.resource_group_id(place.subscription or "", place.resource_group or "")
    if history.since is not None:
        what, at = f"{what} on the whole subscription", scopes.subscription_id(place.subscription or "")
    return f"{what} cannot be seen: it takes {RIGHT} at {at}, which the role Reader has, and Monitoring Reader"


def place(scope: str) -> str:
    """Where an assignment applies, in words."""
    name = scopes.parse(scope).id.rpartition("/")[2] if scope.strip("/") else "the tenant"
    return f"the subscription {name}" if scope.strip("/").count("/") == 1 else name or scope


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


def _instant(created: datetime | None) -> str:
    return created.astimezone(UTC).isoformat(timespec="seconds") if created else ""
