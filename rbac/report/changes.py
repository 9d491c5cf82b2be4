"""Role assignments that were made and taken away, as Azure's activity log has them: nothing else knows of those gone.

Source: Microsoft, "View activity logs for Azure RBAC changes" (the last 90 days), "Activity Logs - List" (REST
2015-04-01). Who has it, and which role, stands in `requestbody` of the event that begins a write, and in
`responseBody` of the one that ends a deletion, as Azure CLI's `az role assignment list-changelogs` reads them; events
of one request share their `operationId`. The members of these bodies are written in either case.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from azmlflow.rbac import scopes

RIGHT = "Microsoft.Insights/eventtypes/values/read"
_KEPT = timedelta(days=89)  # Azure refuses a start of more than 90 days ago, by its own clock
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_TYPE = "/providers/microsoft.authorization/roleassignments/"
_MADE, _TAKEN = "microsoft.authorization/roleassignments/write", "microsoft.authorization/roleassignments/delete"


class NoTime(ValueError):
    """An event's time is none; the argument is the ARM id of what it is about."""


@dataclass(frozen=True)
class Change:
    """A role assignment that was made or taken away.

    Attributes:
        id: ARM id of the assignment.
        on: when, UTC.
        by: object id of who did it, or the name that Azure tells.
        made: whether it was made, or else taken away.
        principal_id: who has it; empty where Azure does not tell.
        role_id: the role, likewise.
    """

    id: str
    on: datetime
    by: str
    made: bool
    principal_id: str
    role_id: str

    @property
    def scope(self) -> str:
        """ARM id of where it applies."""
        return self.id[: self.id.lower().rindex(_TYPE)]


@dataclass(frozen=True)
class History:
    """What the activity log tells.

    Attributes:
        changes: the oldest first.
        since: from when on it was read; None where it may not be read at all.
        whole: whether what applies to the whole subscription was read too.
        fault: what Azure answered instead, where that is not that the caller may not read them; empty else.
    """

    changes: tuple[Change, ...]
    since: datetime | None
    whole: bool = True
    fault: str = ""


@dataclass(frozen=True)
class Question:
    """What the activity log is asked.

    Attributes:
        path: of the list, below the address of Resource Manager.
        filter: its `$filter`.
        since: from when on.
        whole: whether it is of the whole subscription, or else of the group alone.
    """

    path: str
    filter: str
    since: datetime
    whole: bool


def questions(scope: str, now: datetime) -> tuple[Question, ...]:
    """What to ask, one after the other, until one may be asked: who reads the group's events alone gets no more.

    Args:
        scope: ARM id of a resource in a group.
        now: the current instant.
    """
    place, since = scopes.parse(scope), now - _KEPT
    subscription = scopes.subscription_id(place.subscription or "")
    kind = scopes.extension_id(subscription, "Microsoft.Insights/eventtypes", "management")
    # No end: one written in whole seconds would leave away what was done in this very second.
    time = f"eventTimestamp ge '{since:%Y-%m-%dT%H:%M:%SZ}'"
    of_all, of_group = "resourceProvider eq 'Microsoft.Authorization'", f"resourceGroupName eq '{place.resource_group}'"
    return tuple(Question(f"{kind}/values", f"{time} and {only}", since, only == of_all) for only in (of_all, of_group))


def read(events: Iterable[Mapping[str, Any]], asked: Question, scope: str) -> History:
    """What events tell of a scope, of what is above it and below.

    Raises:
        NoTime: an event has none.
    """
    found = [one for one in _changes(events) if _reaches(one.scope, scope)]
    return History(tuple(sorted(found, key=lambda one: one.on)), asked.since, asked.whole)


def _reaches(at: str, scope: str) -> bool:
    return scopes.contains(at, scope) or scopes.contains(scope, at)


def _changes(events: Iterable[Mapping[str, Any]]) -> Iterable[Change]:
    """Those requests that succeeded, each once."""
    asked: dict[str, str] = {}
    ended: dict[str, Mapping[str, Any]] = {}
    for event in events:
        if _value(event, "operationName").lower() not in (_MADE, _TAKEN):
            continue
        properties = event.get("properties") or {}
        if properties.get("requestbody"):
            asked[event["operationId"]] = properties["requestbody"]
        if _value(event, "status") == "Succeeded" and _value(event, "subStatus") != "NoContent":
            ended[event["operationId"]] = event
    for operation, event in ended.items():
        if _TYPE in str(event["resourceId"]).lower():
            body = (event.get("properties") or {}).get("responseBody") or asked.get(operation) or ""
            yield _change(event, _assignment(body))


def _change(event: Mapping[str, Any], assignment: Mapping[str, Any]) -> Change:
    try:
        on = datetime.fromisoformat(event["eventTimestamp"]).astimezone(UTC)
    except (TypeError, ValueError):
        raise NoTime(str(event["resourceId"])) from None
    return Change(
        str(event["resourceId"]),
        on,
        str((event.get("claims") or {}).get(_OBJECT_ID) or event.get("caller") or ""),
        _value(event, "operationName").lower() == _MADE,
        str(assignment.get("principalid") or ""),
        str(assignment.get("roledefinitionid") or ""),
    )


def _assignment(body: str) -> Mapping[str, Any]:
    """A role assignment's properties, by lower-case name; none where the body is not one."""
    try:
        document = _lowered(json.loads(body))
    except ValueError:
        return {}
    return _lowered(document.get("properties"))


def _lowered(document: Any) -> Mapping[str, Any]:
    return {str(name).lower(): value for name, value in document.items()} if isinstance(document, dict) else {}


def _value(event: Mapping[str, Any], name: str) -> str:
    """What a localizable member says to programs."""
    told = event.get(name)
    return str(told.get("value") or "") if isinstance(told, Mapping) else ""
