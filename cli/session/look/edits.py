"""What others made of a resource: where it differs from what the last `up` left, and whether it is another one by now.

Azure's document is read as azure-native's outputs, and held beside those of the state, only where the program gave
something: so neither what Azure fills in counts, nor how it spells a value, nor what it made of one at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from azmlflow.cli.pulumi.changes import SECRET
from azmlflow.cli.pulumi.deployment import Resource
from azmlflow.infra.plan.tags import PROJECT_TAG, STACK_TAG
from azmlflow.localazure.plugin.schema import shapes
from azmlflow.localazure.plugin.schema.types import catalogue
from azmlflow.resourcetypes.table import token_of

_STORAGE = token_of("Microsoft.Storage/storageAccounts")
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
# Who else looks at these: `tags` the list of a group; firewalls that the settings close, and a storage account's in any
# case, `mending`; a deployment's instances are Azure Monitor's to scale (Microsoft, "Autoscale online endpoints").
_FIREWALL = ("publicNetworkAccess", "networkAcls", "networkRuleSet", "ipAllowlist")
_SCALED = token_of("Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments")
# What Azure gives a resource once, at its beginning, wherever it stands: the instant, or else a number.
_BORN = (
    ("creationTime", "createdDate", "creationDate", "systemData.createdAt", "properties.createdOn"),
    ("customerId", "appId", "resourceGuid", "principalId", "clientId"),
)
_IDENTITY = "identity.principalId"


def comparable(resource: Resource) -> bool:
    """Whether there is anything to compare: a type that is known, and what Azure once answered of it."""
    return bool(resource.outputs) and resource.type in catalogue().types


def ways(resource: Resource, document: Mapping[str, Any]) -> tuple[str, ...]:
    """What of a resource the program gave and others changed since, as dotted names of its inputs.

    Args:
        resource: of the state, `comparable`.
        document: Azure's, now.
    """
    kind, every = catalogue().types[resource.type], catalogue()
    now = shapes.projected_inputs(kind, shapes.outputs(kind, document, every), every)
    before = shapes.projected_inputs(kind, resource.outputs, every)
    given = {name: value for name, value in resource.inputs.items() if name in before and name != "tags"}
    found = [each for each in _differing(given, before, now, "") if not _elsewhere(resource, each)]
    was, is_ = _at(resource.outputs, _IDENTITY), (document.get("identity") or {}).get("principalId")
    if "identity" in given and was and is_ and not _same(was, is_) and "identity.type" not in found:
        found.append(_IDENTITY)  # taken away and given again: another one, which has none of the roles
    return tuple(found)


def made_anew(resource: Resource, document: Mapping[str, Any]) -> bool:
    """Whether what bears its name now is another resource: Azure gave that one a beginning of its own."""
    kind, every = catalogue().types[resource.type], catalogue()
    now = shapes.outputs(kind, document, every)
    for marks in _BORN:
        pairs = [(_at(resource.outputs, way), _at(now, way)) for way in marks]
        told = [(before, after) for before, after in pairs if isinstance(before, str) and isinstance(after, str)]
        if told:
            return not all(_same(before, after) for before, after in told)
    return False


def bears_our_tags(resource: Resource, tags: Mapping[str, Any] | None) -> bool:
    """Whether tags say that what bears a resource's name is the stack's; of what has none of ours, nothing says no."""
    ours = resource.inputs.get("tags") or {}
    found = {str(name).lower(): str(value) for name, value in (tags or {}).items()}
    return all(found.get(name) == str(ours[name]) for name in (PROJECT_TAG, STACK_TAG) if name in ours)


def _elsewhere(resource: Resource, way: str) -> bool:
    """Whether something else looks after a property."""
    names = way.split(".")
    if resource.type == _SCALED and names[0] == "sku":
        return True
    last = next((each for each in names if each in _FIREWALL), None)
    if last is None:
        return False
    inner = resource.inputs.get("properties")
    given = {**resource.inputs, **(inner if isinstance(inner, Mapping) else {})}
    rules = any(given.get(each) for each in _FIREWALL[1:])
    closed = rules or str(given.get("publicNetworkAccess")).lower() == "disabled"
    return resource.type == _STORAGE or closed


def _differing(given: Any, before: Any, now: Any, way: str) -> Iterator[str]:
    if isinstance(given, Mapping) and isinstance(before, Mapping):
        for name, value in given.items():
            if name in before:
                after = now.get(name) if isinstance(now, Mapping) else None
                yield from _differing(value, before[name], after, f"{way}.{name}" if way else str(name))
    elif isinstance(given, list) and isinstance(before, list):
        items = now if isinstance(now, list) else []
        if _set_of(given, before) != _set_of(given, items):
            yield way
    elif before != SECRET and not _same(before, now):
        yield way


def _set_of(given: Sequence[Any], items: Sequence[Any]) -> list[str]:
    """A list's items, in no order, cut down to what any of those given says."""
    return sorted(repr(_cut(given, each)) for each in items)


def _cut(given: Sequence[Any], value: Any) -> Any:
    if not isinstance(value, Mapping):
        return _plain(value)
    there = [each for each in given if isinstance(each, Mapping)]
    names = sorted({name for each in there for name in each})
    found = {name: _below([each.get(name) for each in there], value.get(name)) for name in names}
    return {name: each for name, each in found.items() if each is not None}


def _below(given: Sequence[Any], value: Any) -> Any:
    if isinstance(value, Mapping):
        return _cut(given, value)
    if isinstance(value, list):
        return _set_of([item for each in given if isinstance(each, list) for item in each], value) or None
    return _plain(value)


def _same(before: Any, now: Any) -> bool:
    return bool(_plain(before) == _plain(now))


def _plain(value: Any) -> Any:
    """A value without what Azure does not tell apart: the letter case of texts; nothing, and what is empty."""
    if isinstance(value, str):
        return value.lower() or None
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items() if _plain(each) is not None} or None
    if isinstance(value, list):
        return sorted(repr(_plain(each)) for each in value) or None
    return value


def _at(values: Mapping[str, Any], way: str) -> Any:
    return shapes.dig(values, tuple(way.split(".")))
