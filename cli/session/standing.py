"""What of a stack's state stands in the cloud, asked of the cloud: others delete and change things too.

One list of each resource group, one of its role assignments and of what is below a workspace, a network, a DNS zone or
an endpoint, and a request for each of our roles, locks, diagnostic settings and budgets, side by side. A list tells
that a resource is there, and its tags; our roles are asked for what they allow, online endpoints for their traffic.
What else was changed, only the engine's refresh would tell, at the price of a request for each resource.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import called_token
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import traffic
from azmlflow.cli.session.session import Session
from azmlflow.rbac import scopes
from azmlflow.rbac.live.pool import Pool
from azmlflow.resourcetypes.table import resource_type, token_of

_GROUP = token_of("Microsoft.Resources/resourceGroups")
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
_VAULT = token_of("Microsoft.KeyVault/vaults")
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
_AT_ONCE = 4


@dataclass(frozen=True)
class Standing:
    """A state beside its cloud.

    Attributes:
        gone: resources of the state that are in the cloud no more.
        retagged: those that are there with other tags than ours.
        rewritten: our roles that allow something else than the program says.
        moved: the templates that give online endpoints their traffic, of those that have another now.
        unseen: what could not be asked, for people.
    """

    gone: tuple[Resource, ...] = ()
    retagged: tuple[Resource, ...] = ()
    rewritten: tuple[Resource, ...] = ()
    moved: tuple[Resource, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def without_workspace(self) -> bool:
        """Whether the workspace itself is gone."""
        return any(each.type == _WORKSPACE for each in self.gone)

    def says(self) -> tuple[str, ...]:
        """What differs, a line for each."""
        groups = [each for each in self.gone if each.type == _GROUP]
        alone = [each for each in self.gone if not any(scopes.contains(group.id, each.id) for group in groups)]
        return (
            *(
                f"resource group `{scopes.parse(each.id).name}` was deleted elsewhere, with all in it"
                for each in groups
            ),
            *(f"{_called(each)} was deleted elsewhere" for each in alone),
            *(f"the tags of {_called(each)} were changed elsewhere" for each in self.retagged),
            *(f"what {_called(each)} allows was changed elsewhere" for each in self.rewritten),
            *(f"the traffic of online endpoint `{traffic.endpoint(each)}` was moved elsewhere" for each in self.moved),
        )


def _called(resource: Resource) -> str:
    """What people call it."""
    return f"{called_token(resource.type)} `{resource.name}`"


def _name(resource: Resource) -> str:
    """Its name in the cloud."""
    return resource.id.rpartition("/")[2]


def look(arm: ResourceManager, state: State) -> Standing:
    """Ask the cloud which resources of a state stand; those that may not be seen count as standing, and are told."""
    arm.load()
    with Pool(_AT_ONCE, "look") as pool:
        found = list(pool.map(lambda question: question(), _questions(arm, state)))
    return Standing(
        tuple(resource for each in found for resource in each.gone),
        tuple(resource for each in found for resource in each.retagged),
        tuple(resource for each in found for resource in each.rewritten),
        tuple(resource for each in found for resource in each.moved),
        tuple(dict.fromkeys(text for each in found for text in each.unseen)),
    )


def of(session: Session, state: State) -> Standing:
    """What of the state of a session's stack stands; what could not be asked is a warning."""
    if not state.resources:
        return Standing()
    found = look(session.invocation.ports.open_arm(), state)
    for each in found.unseen:
        session.invocation.warn(each)
    return found


def has_workspace(state: State) -> bool:
    """Whether a state holds a workspace: its outputs go on naming one that was found to be gone."""
    return any(each.type == _WORKSPACE for each in state.resources)


def has_vault(state: State) -> bool:
    """Whether a state holds a key vault."""
    return any(each.type == _VAULT for each in state.resources)


def mend(stack: Stack, standing: Standing, say: Callable[[str], None], open_arm: Callable[[], ResourceManager]) -> None:
    """Have the state say what the cloud does, so that the next `up` makes again what is missing."""
    for line in standing.says():
        say(line)
    for each in standing.moved:
        open_arm().delete(each.id)  # Azure's note of it, since the engine makes nothing that is there
    if gone := (*standing.gone, *standing.moved):
        stack.forget([each.urn for each in gone])
    if changed := (*standing.retagged, *standing.rewritten):
        stack.refresh([each.urn for each in changed])


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
    return Standing(
        tuple(each for each in members if each.id.lower() not in there),
        tuple(each for each, now in standing if not _tagged(each, now.get("tags"))),
    )


def _tagged(resource: Resource, now: Mapping[str, Any] | None) -> bool:
    """Whether a resource bears the tags that the program gave it; others' beside them are theirs."""
    return {str(k): str(v) for k, v in (resource.inputs.get("tags") or {}).items()}.items() <= (now or {}).items()


def _assignments(arm: ResourceManager, group: str, members: Sequence[Resource]) -> Standing:
    return _named(members, (each.name for each in arm.role_assignments(group)))


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
    return Standing(() if arm.get(id_) is not None else tuple(members))


def _served(arm: ResourceManager, id_: str, members: Sequence[Resource]) -> Standing:
    now = arm.get(id_)  # one that is gone is told by the list
    return Standing(moved=tuple(each for each in members if now is not None and not traffic.stands(each, now)))


def _listed(arm: ResourceManager, collection: str, members: Sequence[Resource]) -> Standing:
    return _named(members, (each["name"] for each in arm.list(collection)))


def _named(members: Sequence[Resource], names: Iterable[object]) -> Standing:
    there = {str(name).lower() for name in names}
    return Standing(tuple(each for each in members if _name(each).lower() not in there))
