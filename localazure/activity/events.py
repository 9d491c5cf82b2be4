"""A kept request as Azure's events: its end, newest first, and its beginning.

Source: Microsoft, "Azure Activity Log event schema", administrative category, and the example of "Activity Logs - List"
(REST 2015-04-01). `requestbody` stands in the event of the beginning and `responseBody` in that of the end, as Azure
CLI's `az role assignment list-changelogs` reads them. Inferred: `eventCategory`, `entity`, `message` and `hierarchy`
of the properties, and that an accepted request has a third event at the end of what it began.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus

from azmlflow.localazure.core.clock import read_instant
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.core.store import Document

# As Azure's portal calls them (Microsoft, "View activity logs for Azure RBAC changes").
_TITLES = {
    "Microsoft.Authorization/roleAssignments/write": "Create role assignment",
    "Microsoft.Authorization/roleAssignments/delete": "Delete role assignment",
    "Microsoft.Authorization/roleDefinitions/write": "Create or update custom role definition",
    "Microsoft.Authorization/roleDefinitions/delete": "Delete custom role definition",
}
_CALENDAR = datetime(1, 1, 1, tzinfo=UTC)


def told(record: Document) -> tuple[Document, ...]:
    """The events of a kept request, or of the end of what one began; the last first."""
    if "operationEnded" in record:
        return (_later(record, record["operationEnded"]),)
    status = HTTPStatus(record["status"])
    succeeded = "Failed" if status >= 400 else "Accepted" if status == HTTPStatus.ACCEPTED else "Succeeded"
    properties = {"statusCode": _word(status)}
    if record.get("response") is not None:
        properties["responseBody"] = record["response"]
    if "refusal" in record:
        properties["statusMessage"] = record["refusal"]
    began = {"requestbody": record["request"]} if record.get("request") is not None else {}
    return (
        _event(record, "EndRequest", record["ended"], succeeded, properties, answered=status),
        _event(record, "BeginRequest", record["began"], "Started", began),
    )


def _later(record: Document, operation: Document) -> Document:
    """The end of a long-running operation."""
    error = operation.get("error")
    properties = {}
    if error is not None:
        properties["statusMessage"] = json.dumps({"error": {"code": error["code"], "message": error["message"]}})
    state = "Succeeded" if operation["status"] == "Succeeded" else "Failed"
    return _event(record, "EndRequest", operation["ended"], state, properties, of=operation["id"])


def _event(
    record: Document,
    name: str,
    at: str,
    status: str,
    properties: Mapping[str, str],
    *,
    answered: HTTPStatus | None = None,
    of: str = "",
) -> Document:
    id_ = str(uuid.uuid5(uuid.UUID(record["id"]), f"{name}{of}"))
    operation, resource = record["operation"], record["resource"]
    code = f"{_word(answered)} (HTTP Status Code: {answered.value})" if answered else ""
    return {
        "authorization": {"action": operation, "scope": resource},
        "caller": record["caller"],
        "channels": "Operation",
        "claims": record["claims"],
        "correlationId": record["correlation"],
        "description": "",
        "eventDataId": id_,
        "eventName": _named(name, "Begin request" if name == "BeginRequest" else "End request"),
        "category": _named("Administrative"),
        "httpRequest": {"clientRequestId": record["correlation"], "method": record["method"]},
        "id": f"{resource}/events/{id_}/ticks/{_ticks(at)}",
        "level": "Error" if status == "Failed" else "Informational",
        "resourceGroupName": record["group"],
        "resourceProviderName": _named(record["provider"]),
        "resourceId": resource,
        "resourceType": _named(record["type"]),
        "operationId": record["id"],
        "operationName": _named(operation, _TITLES.get(operation, operation)),
        "properties": {
            **properties,
            "eventCategory": "Administrative",
            "entity": resource,
            "message": operation,
            "hierarchy": f"{TENANT_ID}/{SUBSCRIPTION_ID}",
        },
        "status": _named(status),
        "subStatus": _named(_word(answered) if answered else "", code),
        "eventTimestamp": at,
        "submissionTimestamp": at,
        "subscriptionId": SUBSCRIPTION_ID,
        "tenantId": TENANT_ID,
    }


def _named(value: str, title: str | None = None) -> Document:
    return {"value": value, "localizedValue": value if title is None else title}


def _word(status: HTTPStatus) -> str:
    """As .NET names a status: `NoContent`."""
    return status.phrase.replace(" ", "").replace("-", "") if status != HTTPStatus.OK else "OK"


def _ticks(at: str) -> int:
    """As .NET counts time: tenths of a microsecond since the calendar's first day."""
    since = read_instant(at[:26] + "Z") - _CALENDAR
    return (since.days * 86_400 + since.seconds) * 10_000_000 + since.microseconds * 10
