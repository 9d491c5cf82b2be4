"""What is had at any scope and is not a resource of a kind: the caller's permissions, deny assignments, metrics, tags.

Sources: Microsoft, "Metrics - List" (REST 2023-10-01); "Tags" (REST 2025-04-01: Get, Create Or Update, Update, Delete
At Scope, and List) and "Use tags to organize your Azure resources": to tag a resource takes
`Microsoft.Resources/tags/write` alone, as the role Tag Contributor has it, and no right to the resource itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from azmlflow.localazure.arm import checks, effects, lists, subscription
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.collections import SUBSCRIPTION_TAGS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.errors import AzureError, bad_request, not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.kinds.foundation.locks import require_unlocked
from azmlflow.localazure.kinds.foundation.role_definitions import permissions as arm_permissions
from azmlflow.localazure.resources import find
from azmlflow.localazure.resources.ask import Answer, Ask
from azmlflow.localazure.resources.fields import checked_tags, choice
from azmlflow.rbac import scopes

TAGS_TYPE = "Microsoft.Resources/tags"
_SUBSCRIPTION = scopes.subscription_id(SUBSCRIPTION_ID)
_MERGES: Mapping[str, Callable[[dict[str, str], dict[str, str]], dict[str, str]]] = {
    "Merge": lambda old, new: {**_without(old, dict.fromkeys(new)), **new},
    "Replace": lambda _old, new: new,
    "Delete": lambda old, new: _without(old, dict(new)),
}


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
    at = ask.target.scope  # never the tenant's, at which Microsoft.Insights has nothing
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


def tagging(ask: Ask, method: str) -> Answer:
    """GET, PUT, PATCH or DELETE of `<scope>/providers/Microsoft.Resources/tags/default`.

    Raises:
        AzureError: 403; 404, no such resource; 400; 405; 409 `ScopeLocked`, `AnotherOperationInProgress`.
    """
    if method not in _VERBS or ask.target.is_collection or ask.target.name.lower() != "default":
        raise AzureError(405, "MethodNotAllowed", f"The requested resource does not support http method '{method}'.")
    verb, change = _VERBS[method]
    ask.cloud.enforcer.require(ask.caller, f"{TAGS_TYPE}/{verb}", ask.target.scope)
    id_, kept = _kept(ask)
    if change is None:
        return Answer(200, _shown(id_, kept))
    return Answer(200, _write(ask, id_, kept, change(ask, kept)))


def tag_names(ask: Ask) -> Answer:
    """The tag names of the subscription, with their values and how often each is used."""
    subscription.require_visible(ask, "Microsoft.Resources/subscriptions/tagNames/read")
    used: dict[str, Counter[str]] = {}
    for document in find.below(ask.cloud, _SUBSCRIPTION):
        for name, value in (document.get("tags") or {}).items():
            used.setdefault(name, Counter())[value] += 1
    return lists.paged(ask, [_name(name, values) for name, values in sorted(used.items())])


def _name(name: str, values: Counter[str]) -> Document:
    id_ = f"{_SUBSCRIPTION}/tagNames/{name}"
    return {
        "id": id_,
        "tagName": name,
        "count": {"type": "Total", "value": values.total()},
        "values": [
            {"id": f"{id_}/tagValues/{value}", "tagValue": value, "count": {"type": "Total", "value": count}}
            for value, count in sorted(values.items())
        ],
    }


def _kept(ask: Ask) -> tuple[str, dict[str, str]]:
    """The id of what is tagged, as it was made, and its tags."""
    scope = ask.target.scope
    if scope.lower() == _SUBSCRIPTION:
        return _SUBSCRIPTION, subscription.tags(ask.cloud)
    document = find.resource(ask.cloud, scope)
    if document is None:
        if ask.target.group:
            find.group(ask.cloud, ask.target)
        raise not_found(scope)
    if "tags" not in document:
        raise bad_request("TagsNotSupportedForResource", f"Resources of type '{document['type']}' do not support tags.")
    return str(document["id"]), dict(document["tags"] or {})


def _write(ask: Ask, id_: str, old: dict[str, str], new: dict[str, str]) -> Document:
    require_unlocked(ask.cloud, id_, "write")
    checked_tags(new)  # as many as there are after a merge
    document = find.resource(ask.cloud, id_)
    checks.idle(ask, document)
    with ask.cloud.store.transaction():
        if document is None:
            ask.cloud.store.put(SUBSCRIPTION_TAGS, SUBSCRIPTION_ID, {"tags": new})
        elif new != old:
            find.keep(ask.cloud, {**document, "tags": new})
            if BY_TYPE[document["type"].lower()].is_tracked:
                effects.touch(ask.cloud, id_)
    return _shown(id_, new)


def _given(ask: Ask) -> dict[str, str]:
    return checked_tags(ask.properties.get("tags"))


def _patched(ask: Ask, kept: dict[str, str]) -> dict[str, str]:
    how = choice("operation", ask.body.get("operation"), tuple(_MERGES), "InvalidTagPatchOperation")
    return _MERGES[how](kept, _given(ask))


def _without(kept: dict[str, str], gone: Mapping[str, str | None]) -> dict[str, str]:
    """The tags but those named; a name is compared without case, and goes with any value if none is given."""
    lowered = {name.lower(): value for name, value in gone.items()}
    return {
        name: value
        for name, value in kept.items()
        if name.lower() not in lowered or lowered[name.lower()] not in (None, "", value)
    }


def _shown(id_: str, kept: dict[str, str]) -> Document:
    return {
        "id": f"{id_}/providers/{TAGS_TYPE}/default",
        "name": "default",
        "type": TAGS_TYPE,
        "properties": {"tags": kept},
    }


_VERBS: Mapping[str, tuple[str, Callable[[Ask, dict[str, str]], dict[str, str]] | None]] = {
    "GET": ("read", None),
    "PUT": ("write", lambda ask, _kept: _given(ask)),
    "PATCH": ("write", _patched),
    "DELETE": ("delete", lambda _ask, _kept: {}),
}


# Full type, lower case -> who lists it.
AT_ANY_SCOPE: Mapping[str, Callable[[Ask], Answer]] = {
    "microsoft.authorization/permissions": permissions,
    "microsoft.authorization/denyassignments": deny_assignments,
    "microsoft.insights/metrics": metrics,
}
