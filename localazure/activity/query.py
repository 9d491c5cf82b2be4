"""Which events a request asks for: `$filter` and `$select`.

    filter = clause *( "and" clause )
    clause = "eventTimestamp" ( "ge" | "le" ) value | name "eq" value
    value  = "'" text with '' for ' "'" | word

Source: Microsoft, "Activity Logs - List" (REST 2015-04-01): a start is required, and "no other syntax is allowed".
Names beside those of that page: `eventChannels`, of the page before it ("Query activity log in Azure Monitor REST
API"), and `resourceId`, `caller` and `status`, which Azure CLI sends; it also leaves the quotes of instants away. The
refusals' words are those that people reported (MicrosoftDocs/feedback issue 319, Azure/azure-sdk-for-python issue
12907); those for a start that is too old, and for a member that no event has, are inferred.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from azmlflow.localazure.activity.recording import DAYS
from azmlflow.localazure.core.clock import read_instant
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document

_CLAUSE = re.compile(
    r"\s*(?P<name>[A-Za-z]+)\s+(?P<operator>ge|le|eq)\s+(?:'(?P<quoted>(?:[^']|'')*)'|(?P<word>[^\s']+))\s*",
    re.IGNORECASE,
)
_AND = re.compile(r"and\b", re.IGNORECASE)
_TIME = "eventtimestamp"
_NAMES = ("resourcegroupname", "resourceuri", "resourceid", "resourceprovider", "correlationid", "caller", "status")
_CHANNELS = "eventchannels"  # whatever is asked for: the embedded Azure's events have one channel
_MEMBERS = (
    "authorization", "caller", "category", "channels", "claims", "correlationId", "description", "eventDataId",
    "eventName", "eventTimestamp", "httpRequest", "id", "level", "operationId", "operationName", "properties",
    "resourceGroupName", "resourceId", "resourceProviderName", "resourceType", "status", "subStatus",
    "submissionTimestamp", "subscriptionId", "tenantId",
)  # fmt: skip


class Refused(AzureError):
    """A refusal as this service has them: code and message, in no `error` (REST 2015-04-01, `ErrorResponse`)."""

    def __init__(self, message: str) -> None:
        super().__init__(400, "BadRequest", message)

    def body(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message}


@dataclass(frozen=True)
class Query:
    """What is asked for.

    Attributes:
        start, end: instants between which the events are, both included.
        wanted: by lower-case name, what they are to be of, in lower case.
    """

    start: datetime
    end: datetime
    wanted: dict[str, str] = field(default_factory=dict)

    @property
    def resource(self) -> str:
        """ARM id of the resource that is asked about; empty if none."""
        return self.wanted.get("resourceuri") or self.wanted.get("resourceid") or ""

    def fits(self, record: Document) -> bool:
        """Whether a kept request is one of those, but for its time and its events' status."""
        kept = {
            "resourcegroupname": record["group"],
            "resourceprovider": record["provider"],
            "correlationid": record["correlation"],
            "caller": record["caller"],
        }
        at, below = record["resource"].lower(), self.resource.rstrip("/")
        if below and at != below and not at.startswith(f"{below}/"):
            return False
        return all(kept[name].lower() == value for name, value in self.wanted.items() if name in kept)

    def shows(self, event: Document) -> bool:
        """Whether one of its events is."""
        status = self.wanted.get("status")
        if status and event["status"]["value"].lower() != status:
            return False
        return self.start <= read_instant(event["eventTimestamp"][:26] + "Z") <= self.end


def read(text: str | None, now: datetime) -> Query:
    """A filter.

    Args:
        text: as it was sent.
        now: the current instant, until which events are told where no end is said.

    Raises:
        Refused: 400, there is none or it has no start; it asks by something else; the start is too old.
    """
    times: dict[str, datetime] = {}
    wanted: dict[str, str] = {}
    for name, operator, value in _clauses(text or ""):
        if name.lower() == _TIME and operator != "eq":
            times[operator] = _instant(value)
        elif operator == "eq" and name.lower() in _NAMES:
            wanted[name.lower()] = value.lower()
        elif operator != "eq" or name.lower() != _CHANNELS:
            raise Refused(f"$filter={name} is not supported.")
    if "ge" not in times:
        raise _invalid()
    if times["ge"] < now - timedelta(days=DAYS):
        raise Refused(f"The start time cannot be more than {DAYS} days in the past.")
    return Query(times["ge"], times.get("le", now), wanted)


def chosen(text: str | None) -> tuple[str, ...] | None:
    """The members of events that `$select` names; None for all.

    Raises:
        Refused: 400, no event has one of them.
    """
    if not text:
        return None
    known = {name.lower(): name for name in _MEMBERS}
    asked = [name.strip() for name in text.split(",")]
    for name in asked:
        if name.lower() not in known:
            raise Refused(f"$select={name} is not supported.")
    return tuple(known[name.lower()] for name in asked)


def _clauses(text: str) -> list[tuple[str, str, str]]:
    found, rest = [], text
    while True:
        clause = _CLAUSE.match(rest)
        if clause is None:
            raise _invalid()
        quoted = clause["quoted"]
        value = clause["word"] if quoted is None else quoted.replace("''", "'")
        found.append((clause["name"], clause["operator"].lower(), value))
        rest = rest[clause.end() :]
        if not rest:
            return found
        joint = _AND.match(rest)
        if joint is None:
            raise _invalid()
        rest = rest[joint.end() :]


def _instant(value: str) -> datetime:
    try:
        return read_instant(value)
    except ValueError:
        raise _invalid() from None


def _invalid() -> Refused:
    return Refused("$filter searching parameters invalid.")
