"""Who else relies on a role on what is another's: several stacks may stand on it, and none takes a role from another.

Azure has one assignment of a role to a principal at a scope (`RoleAssignmentExists`). So two stacks that give an
identity, or a person, the same role on one storage account have that one between them: the first made it, the second
found it, and nothing in Azure says so of the second. Before one is deleted, all workspaces of the subscription are
asked: another that stands on the same, and as which the principal works, or to which it has a role, may rely on it.
(What a workspace stands on is in its own subscription: Microsoft, "Manage Azure Machine Learning workspaces".)

`pulumi destroy` asks nobody: where something is shared, `azmlflow down` is the way. The provider on Azure is not ours,
and the embedded Azure's does no more than it. Of a stack whose `protect` holds, as it does on Azure unless said
otherwise, the engine stops at the workspace: the roles of its identity stay (tried), those of people, which depend on
nothing that is left, are gone by then (inferred).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.pulumi.deployment import State
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment

    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.pulumi.stack import Stack
    from azmlflow.cli.session.session import Session
    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.rbac.grants import Grant

ASSIGNMENT = token_of("Microsoft.Authorization/roleAssignments")
_ROLE = token_of("Microsoft.Authorization/roleDefinitions")
_WORKSPACES = "Microsoft.MachineLearningServices/workspaces"
# Microsoft, "Workspaces - Get": what a workspace stands on, beside the vault of the key that encrypts it.
_STANDS_ON = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
_MEMBERS = ("computes", "onlineEndpoints")  # which may work as identities of their own


@dataclass(frozen=True)
class Role:
    """A role assignment: its id, whose it is, where, and what it says of itself; None where that was looked at."""

    id: str
    principal: str
    scope: str
    description: str | None = None


def outside(state: State, group: str, seen: Iterable[RoleAssignment] = ()) -> tuple[Role, ...]:
    """The role assignments that a stack would delete outside of its group.

    Args:
        state: the stack's.
        group: id of its group.
        seen: those of its settings, as they stand; a state that is lost tells none.
    """
    found = [Role(str(each.id), str(each.principal_id), str(each.scope), each.description or "") for each in seen]
    for each in state.resources:
        if each.type == ASSIGNMENT and not each.external:
            said = {**each.outputs, **each.inputs}
            words = (str(said.get(name) or "") for name in ("principalId", "scope", "description"))
            found.append(Role(each.id, *words))
    by_id = {each.id.lower(): each for each in found if each.scope and not scopes.contains(group, each.scope)}
    return tuple(by_id.values())


def kept(arm: ResourceManager, own: str, roles: Sequence[Role]) -> Mapping[str, str]:
    """Which of these role assignments a stack may not delete, and why, by their ids in lower case.

    Args:
        arm: Azure Resource Manager.
        own: id of the stack's workspace.
        roles: those outside of its group that it would delete.
    """
    found = {each.id.lower(): why for each in roles if (why := _others(arm, each))}
    left = [each for each in roles if each.id.lower() not in found]
    if not left:
        return found
    try:
        workspaces = arm.list(f"{'/'.join(own.split('/')[:3])}/providers/{_WORKSPACES}")
    except ArmError as fault:
        if fault.status != 403:
            raise
        return found | {each.id.lower(): "who else relies on it is not yours to see" for each in left}
    for workspace in workspaces:
        if str(workspace["id"]).lower() != own.lower():
            found |= {each.id.lower(): why for each, why in _relied(arm, workspace, left)}
    return found


def _others(arm: ResourceManager, role: Role) -> str:
    """Why an assignment is another's by now: it went, and came again under the same name."""
    now = arm.role_assignment(role.id) if role.description is not None else None
    said = (now.description or "") if now is not None else role.description
    return f"it says `{said}`" if said != role.description else ""


def _relied(arm: ResourceManager, workspace: Mapping[str, Any], roles: Sequence[Role]) -> Iterator[tuple[Role, str]]:
    beneath = [str(each) for each in _beneath(workspace.get("properties") or {})]
    shared = [each for each in roles if any(scopes.contains(id_, each.scope) for id_ in beneath)]
    if shared:
        works = _principals(arm, workspace)
        name = str(workspace["id"]).rpartition("/")[2]
        why = f"workspace {name}, which stands on the same, may rely on it"
        yield from ((each, why) for each in shared if each.principal.lower() in works)


def _beneath(properties: Mapping[str, Any]) -> Iterator[object]:
    key = ((properties.get("encryption") or {}).get("keyVaultProperties") or {}).get("keyVaultArmId")
    yield from (each for each in (*(properties.get(name) for name in _STANDS_ON), key) if each)


def _principals(arm: ResourceManager, workspace: Mapping[str, Any]) -> frozenset[str]:
    """Object ids of who works in a workspace: its identities, those of what is in it, and who has a role on it."""
    id_ = str(workspace["id"])
    members = (member for name in _MEMBERS for member in arm.list(f"{id_}/{name}"))
    found = {each for one in (workspace, *members) for each in _identities(one.get("identity") or {})}
    group = "/".join(id_.split("/")[:5])
    found |= {str(each.principal_id) for each in arm.role_assignments(id_) if scopes.contains(group, str(each.scope))}
    return frozenset(map(str.lower, found))


def _identities(identity: Mapping[str, Any]) -> Iterator[str]:
    users = (identity.get("userAssignedIdentities") or {}).values()
    yield from (str(each["principalId"]) for each in (identity, *users) if each and each.get("principalId"))


def told(found: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each that stays, with what takes it all the same."""
    for id_, why in sorted(found.items()):
        name, way = id_.rpartition("/")[2], f"az role assignment delete --ids {id_}"
        yield f"role assignment {name} stays: {why}; once nobody does: {way}"


def let_go(session: Session, stack: Stack, declared: Iterable[Declared], group: str, own: str) -> None:
    """Before an `up`: forget the role assignments outside of the group that it would delete, and others rely on.

    Args:
        session: the stack's.
        stack: the stack.
        declared: what its program declares now.
        group: id of the stack's group.
        own: id of its workspace.
    """
    wanted = {each.id.lower() for each in declared}
    leave(session, stack, own, [each for each in outside(stack.state(), group) if each.id.lower() not in wanted])


def leave(session: Session, stack: Stack, own: str, going: Sequence[Role]) -> frozenset[str]:
    """Tell which of these role assignments others rely on, and have the state forget them; their ids in lower case."""
    if not going:
        return frozenset()
    found = kept(session.invocation.ports.open_arm(), own, going)
    for line in told(found):
        session.invocation.say(line)
    urns = [each.urn for each in stack.state().resources if each.id.lower() in found]
    if urns:
        stack.forget(urns)
    return frozenset(found)


def leave_roles(session: Session, stack: Stack, state: State, place: Place, grants: Iterable[Grant]) -> None:
    """Before custom roles of the stack's go with their last grant: tell which of them others have assigned, and have
    the state forget those. Azure refuses to delete them (`RoleDefinitionHasAssignments`), so that nothing would come to
    its end as long as somebody else's assignment is there.

    Args:
        session: the stack's.
        stack: the stack.
        state: its state, as it is now.
        place: where it grants.
        grants: those that are to be.
    """
    if session.project.own_program:
        return  # which roles it declares is its own
    resources = state.resources
    wanted = {each.urn(session.name, session.project.name) for each in place.roles(grants)}
    going = [each for each in resources if each.type == _ROLE and not each.external and each.urn not in wanted]
    if not going:
        return
    ours = {each.id.lower() for each in resources if each.type == ASSIGNMENT}
    assigned = {
        str(each.role_definition_id).rpartition("/")[2].lower(): str(each.id)
        for each in session.invocation.ports.open_arm().role_assignments(place.group_id)
        if str(each.id).lower() not in ours
    }
    staying = [(each, by) for each in going if (by := assigned.get(each.id.rpartition("/")[2].lower()))]
    for each, by in staying:
        name = each.inputs.get("roleName") or each.id
        session.invocation.say(f"role `{name}` stays in Azure: somebody else has assigned it: {by}")
    if staying:
        stack.forget([each.urn for each, _ in staying])
