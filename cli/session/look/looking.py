"""What of a stack's state stands in the cloud, asked of the cloud: others delete and change things too.

One list of each resource group, one of its role assignments and of what is below a workspace, a network, a DNS zone or
an endpoint, and a request for each of our roles, locks, diagnostic settings and budgets, side by side. A list tells
that a resource is there, and its tags; our roles are asked for what they allow, online endpoints for their traffic. Of
what a group has in it, each is asked for, or many of a type by one list, so that what others changed of it is seen
(`edits.py`), and that it is another one of the same name by now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import called_token
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.look import edits, traffic
from azmlflow.cli.session.look.differences import Standing
from azmlflow.rbac import scopes
from azmlflow.rbac.live.pool import Pool
from azmlflow.resourcetypes.table import resource_type, token_of

_GROUP = token_of("Microsoft.Resources/resourceGroups")
_ASSIGNMENT = token_of("Microsoft.Authorization/roleAssignments")
_DEFINITION = token_of("Microsoft.Authorization/roleDefinitions")
# Below a resource, and in a list of it.
_BELOW = frozenset(
    token_of(f"Microsoft.{name}")
    for name in (
        "KeyVault/vaults/keys",
        "MachineLearningServices/workspaces/computes",
        "MachineLearningServices/workspaces/datastores",
        "MachineLearningServices/workspaces/onlineEndpoints",
        "MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "MachineLearningServices/workspaces/outboundRules",
        "Network/virtualNetworks/subnets",
        "Network/privateDnsZones/virtualNetworkLinks",
        "Network/privateEndpoints/privateDnsZoneGroups",
    )
)
# On a resource, or on a group, and in no list of it.
_ALONE = frozenset(
    token
    for name in ("Authorization/locks", "Insights/diagnosticSettings", "Consumption/budgets")
    for token in resource_type(f"Microsoft.{name}").paths
)
_TEMPLATE = token_of("Microsoft.Resources/deployments")
_ENDPOINT = token_of("Microsoft.Network/privateEndpoints")
_MANY = 3  # of a type in a group: then a list is less to ask than each by itself
_AT_ONCE = 8


def look(arm: ResourceManager, state: State) -> Standing:
    """Ask the cloud which resources of a state stand; those that may not be seen count as standing, and are told."""
    arm.load()
    with Pool(_AT_ONCE, "look") as pool:
        found = list(pool.map(lambda question: question(), _questions(arm, state)))
    return _without_twice(
        Standing(
            **{
                each.name: tuple(value for one in found for value in getattr(one, each.name))
                for each in fields(Standing)
            }
        )
    )


def _without_twice(found: Standing) -> Standing:
    """Without what follows from another: whose resource is another's has no tags of ours to be set back."""
    others = {each.urn for each in (*found.foreign, *found.anew)}
    return replace(
        found,
        unseen=tuple(dict.fromkeys(found.unseen)),
        retagged=tuple(each for each in found.retagged if each.urn not in others),
        edited=tuple(each for each in found.edited if each[0].urn not in others),
    )


def _questions(arm: ResourceManager, state: State) -> Iterable[Callable[[], Standing]]:
    ours = [each for each in state.resources if not each.external and each.id.lower().startswith("/subscriptions/")]
    groups: dict[str, list[Resource]] = {}
    for each in ours:
        parts = each.id.split("/")
        if len(parts) > 4 and parts[3].lower() == "resourcegroups":
            groups.setdefault("/".join(parts[:5]).lower(), []).append(each)
    for members in groups.values():
        group = "/".join(members[0].id.split("/")[:5])
        inside = [each for each in members if each.type == _GROUP or _is_in_list(each)]
        assignments = [each for each in members if each.type == _ASSIGNMENT]
        if inside:
            yield _asker(_inside, arm, group, inside)
            yield from _looked_into(arm, inside)
        if assignments:
            yield _asker(_assignments, arm, group, assignments)
    for each in ours:
        if each.type == _DEFINITION:
            yield _asker(_definition, arm, each.id, [each])
        if each.type in _ALONE:
            yield _asker(_alone, arm, each.id, [each])
        if each.type == _TEMPLATE and traffic.endpoint(each):
            yield _asker(_served, arm, traffic.endpoint_id(each), [each])
    below: dict[str, list[Resource]] = {}
    for each in ours:
        if each.type in _BELOW:
            below.setdefault(each.id.rpartition("/")[0], []).append(each)
    for collection, members in below.items():
        yield _asker(_listed, arm, collection, members)


def _looked_into(arm: ResourceManager, inside: Sequence[Resource]) -> Iterable[Callable[[], Standing]]:
    """Of what is in a group, each by itself, or many of a type by one list."""
    types: dict[str, list[Resource]] = {}
    for each in inside:
        if each.type != _GROUP and edits.comparable(each):
            types.setdefault(each.id.rpartition("/")[0], []).append(each)
    for collection, members in types.items():
        if len(members) >= _MANY:
            yield _asker(_documents, arm, collection, members)
        else:
            yield from (_asker(_document, arm, each.id, [each]) for each in members)


Asking = Callable[[ResourceManager, str, Sequence[Resource]], Standing]


def _asker(asking: Asking, arm: ResourceManager, place: str, members: Sequence[Resource]) -> Callable[[], Standing]:
    def ask() -> Standing:
        try:
            return asking(arm, place, members)
        except ArmError as fault:
            if fault.status != 403:
                raise
            kinds = ", ".join(sorted({called_token(each.type) for each in members}))
            return Standing(unseen=(f"whether they stand may not be asked: {kinds} ({fault.code})",))

    return ask


def _is_in_list(resource: Resource) -> bool:
    """Whether the list of a group shows it: a resource of its own, neither on another, nor below one, nor a right."""
    try:
        parsed = scopes.parse(resource.id)
    except scopes.InvalidScope:
        return False
    extends = "/providers/" in parsed.scope.lower()
    if resource.type in _ALONE or resource.type == _TEMPLATE:
        return False
    return len(parsed.names) == 1 and not extends and str(parsed.namespace).lower() != "microsoft.authorization"


def _inside(arm: ResourceManager, group: str, members: Sequence[Resource]) -> Standing:
    there: dict[str, Mapping[str, Any]] = {str(each.id).lower(): each for each in arm.resources(group)}
    if any(each.type == _GROUP for each in members) or not there:
        document = arm.group(group)
        there |= {group.lower(): document} if document is not None else {}
    standing = [(each, there[each.id.lower()]) for each in members if each.id.lower() in there]
    gone = tuple(each for each in members if each.id.lower() not in there)
    # Of a group Azure does not say when it was made: one without our tags, and without all that was ours, is another's.
    empty = len(gone) > 0 and all(each.type == _GROUP for each, _ in standing)
    foreign = tuple(each for each, now in standing if empty and not edits.bears_our_tags(each, now.get("tags")))
    return Standing(
        gone,
        tuple(each for each, now in standing if not _tagged(each, now.get("tags"))),
        foreign=foreign,
    )


def _tagged(resource: Resource, now: Mapping[str, Any] | None) -> bool:
    """Whether a resource bears the tags that the program gave it; others' beside them are theirs."""
    return {str(k): str(v) for k, v in (resource.inputs.get("tags") or {}).items()}.items() <= (now or {}).items()


def _assignments(arm: ResourceManager, group: str, members: Sequence[Resource]) -> Standing:
    there = {str(each.name).lower(): each for each in arm.role_assignments(group)}
    standing = [(each, there[_name(each).lower()]) for each in members if _name(each).lower() in there]
    edited = tuple((each, ("condition",)) for each, now in standing if _condition(each) != (now.condition or ""))
    return replace(_named(members, there), edited=edited)


def _condition(assignment: Resource) -> str:
    return str(assignment.inputs.get("condition") or "")


def _definition(arm: ResourceManager, id_: str, members: Sequence[Resource]) -> Standing:
    # By its id in the subscription, as Azure tells it: a role outlives the group that it was made for.
    found = arm.role_definition(id_)
    if found is None:
        return Standing(tuple(members))
    now = [_permission(each.as_dict()) for each in found.permissions or ()]
    return Standing(rewritten=tuple(each for each in members if not _allows(each, now)))


# Of a permission, by its names in Microsoft's client (Python) and in the program's inputs (ARM).
_PARTS = {
    "actions": "actions",
    "not_actions": "notActions",
    "data_actions": "dataActions",
    "not_data_actions": "notDataActions",
}


def _permission(document: Mapping[str, Any]) -> tuple[frozenset[str], ...]:
    """The parts of a permission; neither order nor case matter, and a part that is not there is empty."""
    return tuple(
        frozenset(str(each).lower() for each in document.get(ours) or document.get(theirs) or ())
        for ours, theirs in _PARTS.items()
    )


def _allows(resource: Resource, now: list[tuple[frozenset[str], ...]]) -> bool:
    """Whether a role has the permissions that the program gave it."""
    wanted = resource.inputs.get("permissions")
    return not isinstance(wanted, list) or sorted(map(_sorted, map(_permission, wanted))) == sorted(map(_sorted, now))


def _sorted(permission: tuple[frozenset[str], ...]) -> list[list[str]]:
    return [sorted(part) for part in permission]


def _alone(arm: ResourceManager, id_: str, members: Sequence[Resource]) -> Standing:
    now = arm.get(id_)
    return Standing(tuple(members)) if now is None else _compared((each, now) for each in members)


def _document(arm: ResourceManager, id_: str, members: Sequence[Resource]) -> Standing:
    now = arm.get(id_)  # one that is gone is told by the list
    return Standing() if now is None else _compared((each, now) for each in members)


def _documents(arm: ResourceManager, collection: str, members: Sequence[Resource]) -> Standing:
    there = {str(each["id"]).lower(): each for each in arm.list(collection)}
    return _compared((each, there[each.id.lower()]) for each in members if each.id.lower() in there)


def _compared(pairs: Iterable[tuple[Resource, Mapping[str, Any]]]) -> Standing:
    """What others made of resources, by their documents."""
    edited, apart = list[tuple[Resource, tuple[str, ...]]](), list[str]()
    anew, foreign = list[Resource](), list[Resource]()
    for each, now in pairs:
        if not edits.comparable(each):
            continue
        if edits.made_anew(each, now):
            (anew if edits.bears_our_tags(each, now.get("tags")) else foreign).append(each)
        elif found := edits.ways(each, now):
            edited.append((each, found))
        if each.type == _ENDPOINT and (state := _connection(now)) in ("rejected", "disconnected"):
            apart.append(
                f"private endpoint `{_name(each)}` was {state} by whom its target belongs to, and leads nowhere: "
                "delete it, and `azmlflow up` makes another"
            )
    return Standing(edited=tuple(edited), anew=tuple(anew), foreign=tuple(foreign), apart=tuple(apart))


def _connection(endpoint: Mapping[str, Any]) -> str:
    """What became of a private endpoint's connection, in Azure's words and lower case."""
    inner = endpoint.get("properties") or {}
    every = [
        *(inner.get("privateLinkServiceConnections") or ()),
        *(inner.get("manualPrivateLinkServiceConnections") or ()),
    ]
    states = [(each.get("properties") or {}).get("privateLinkServiceConnectionState") or {} for each in every]
    return next((str(each.get("status")).lower() for each in states if each.get("status")), "")


def _served(arm: ResourceManager, id_: str, members: Sequence[Resource]) -> Standing:
    now = arm.get(id_)  # one that is gone is told by the list
    return Standing(moved=tuple(each for each in members if now is not None and not traffic.stands(each, now)))


def _listed(arm: ResourceManager, collection: str, members: Sequence[Resource]) -> Standing:
    there = {str(each["name"]).lower(): each for each in arm.list(collection)}
    found = _compared((each, there[_name(each).lower()]) for each in members if _name(each).lower() in there)
    return replace(found, gone=_named(members, there).gone)


def _named(members: Sequence[Resource], names: Iterable[object]) -> Standing:
    there = {str(name).lower() for name in names}
    return Standing(tuple(each for each in members if _name(each).lower() not in there))


def _name(resource: Resource) -> str:
    """Its name in the cloud."""
    return resource.id.rpartition("/")[2]
