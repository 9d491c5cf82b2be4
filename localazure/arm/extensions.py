"""What can be read at any scope and is no resource of a kind: the caller's permissions, deny assignments, metrics.

Source: Microsoft, "Metrics - List" (REST 2023-10-01).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from azmlflow.localazure.arm import lists
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import bad_request, not_found
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.kinds.foundation.role_definitions import permissions as arm_permissions
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.rbac import scopes


def permissions(ask: Ask) -> Answer:
    """What the caller may do at a scope, as permission blocks."""
    blocks = ask.cloud.enforcer.permissions(ask.caller.principal.object_id, ask.target.scope or scopes.ROOT)
    return lists.paged(ask, arm_permissions(blocks))


def deny_assignments(ask: Ask) -> Answer:
    """None: only Azure itself makes deny assignments, and the emulation has no reason to."""
    at = ask.target.scope or scopes.ROOT
    ask.cloud.enforcer.require(ask.caller, "Microsoft.Authorization/denyAssignments/read", at)
    return lists.paged(ask, [])


def metrics(ask: Ask) -> Answer:
    """The metrics asked for.

    Raises:
        AzureError: 404, no such resource; 400, another metric or another type of resource.
    """
    at = ask.target.scope or "/"
    ask.cloud.enforcer.require(ask.caller, "Microsoft.Insights/metrics/read", at)
    document = find.resource(ask.cloud, at)
    if document is None:
        raise not_found(at)
    asked, kind = ask.query.get("metricnames", ""), BY_TYPE[document["type"].lower()]
    metric = next((each for each in kind.metrics if each.name.lower() == asked.lower()), None)
    if metric is None:
        raise bad_request("BadRequest", f"Failed to find metric configuration for the metric name '{asked}'.")
    point = {"timeStamp": timestamp(ask.cloud.clock.now()), "average": metric.read(ask.cloud, document)}
    measured = {
        "id": f"{document['id']}/providers/Microsoft.Insights/metrics/{metric.name}",
        "type": "Microsoft.Insights/metrics",
        "name": {"value": metric.name, "localizedValue": metric.title},
        "unit": metric.unit,
        "timeseries": [{"metadatavalues": [], "data": [point]}],
        "errorCode": "Success",
    }
    return Answer(200, {"cost": 0, "interval": "PT1H", "value": [measured]})


# Full type, lower case -> who lists it.
AT_ANY_SCOPE: Mapping[str, Callable[[Ask], Answer]] = {
    "microsoft.authorization/permissions": permissions,
    "microsoft.authorization/denyassignments": deny_assignments,
    "microsoft.insights/metrics": metrics,
}
