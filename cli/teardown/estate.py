"""Everything that the removal of a stack is about, and what of it is there now, as Azure tells. Nothing here changes
anything.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.project import config_json
from azmlflow.cli.project.project import Project
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import twins
from azmlflow.cli.teardown.ownership import Limits, Owner
from azmlflow.rbac import scopes

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_04_01.models import RoleAssignment
    from azure.mgmt.authorization.v2022_05_01_preview.models import RoleDefinition

    from azmlflow.infra.plan.naming import Names

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"


@dataclass(frozen=True)
class Estate:
    """Everything that the removal of a stack is about.

    Attributes:
        project: the checkout.
        stack: the stack.
        subscription: subscription id.
        names: of the stack's resources.
        location: the stack's region.
        state: the Pulumi state, read when the removal began.
    """

    project: Project
    stack: Stack
    subscription: str
    names: Names
    location: str
    state: State

    @property
    def group(self) -> str:
        """ARM id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.names.resource_group}"

    @property
    def workspace(self) -> str:
        """ARM id of the workspace."""
        return f"{self.group}/providers/{_WORKSPACE}/{self.names.workspace}"

    @property
    def coordinates(self) -> config_json.Coordinates:
        """What a config.json of this stack says."""
        return config_json.Coordinates(self.subscription, self.names.resource_group, self.names.workspace)


def workspace_state(arm: ResourceManager, estate: Estate) -> str | None:
    """The workspace as it is now: `stands`, `soft-deleted`, or None."""
    if arm.get(estate.workspace) is not None:
        return "stands"
    for entry in twins.deleted_workspaces(arm, estate.subscription, estate.location):
        if twins.may_be_of(entry, estate.names.workspace, estate.group):
            return "soft-deleted"
    return None


def azure_name(resource_id: str) -> str:
    """The last part of an ARM id."""
    return resource_id.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Access:
    """Role definitions and assignments that azmlflow made for a group.

    Attributes:
        definitions: ids of role definitions of ours, whose scope is the group.
        assignments: ids of assignments of ours, and of all of the definitions.
        beside: those of them outside of the group, on what is given.
    """

    definitions: tuple[str, ...] = ()
    assignments: tuple[str, ...] = ()
    beside: tuple[RoleAssignment, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.definitions or self.assignments)

    def without(self, spared: Collection[str]) -> Access:
        """The same but for some assignments, by their ids in lower case."""
        return replace(self, assignments=tuple(id_ for id_ in self.assignments if id_.lower() not in spared))


def access(arm: ResourceManager, group_id: str, holder: Owner | None, limits: Limits) -> Access:
    """What azmlflow granted in or around a group, and on what is given.

    A definition is ours by its GUID, which follows from the persona and the group's id (in another's group: from its
    `home`); an assignment by what its
    description says of its owner, where its scope is the group or inside it, or where its principal is deleted; or
    because it is of one of those definitions, which could not be deleted before it. Outside of the group one is ours by
    the id that the program gives it, and what it has it say, both. A definition that somebody has made
    assignable elsewhere, too, stays: there others may have it.
    """
    try:
        return _access(arm, "/".join(group_id.split("/")[:3]), group_id, holder, limits)
    except ArmError as fault:
        if fault.status != 403:
            raise
    # Whose rights are at the group sees nothing of the subscription: there the group's own lists tell the same.
    inside_ = _access(arm, group_id, group_id, holder, limits)
    names = (id_.rsplit("/", 1)[-1] for id_ in inside_.definitions)
    own = tuple(f"{group_id}/providers/Microsoft.Authorization/roleDefinitions/{name}" for name in names)
    return Access(own, inside_.assignments)


def _access(arm: ResourceManager, scope: str, group_id: str, holder: Owner | None, limits: Limits) -> Access:
    from azmlflow.rbac.roles import PERSONAS, custom_role_guid

    guids = {custom_role_guid(each.name, limits.home or group_id) for each in PERSONAS}
    roles = {
        str(role.name).lower(): str(role.id)
        for role in arm.custom_roles(scope)
        if str(role.name).lower() in guids and _only_here(role, group_id)
    }
    assignments: list[str] = []
    beside: list[RoleAssignment] = []
    for entry in arm.role_assignments(scope):
        ours = holder is not None and holder.says(entry.description) and scopes.contains(group_id, str(entry.scope))
        said = limits.given_roles.get(str(entry.id).lower())
        given = said is not None and entry.description == said
        if given:
            beside.append(entry)
        if ours or given or str(entry.role_definition_id).rsplit("/", 1)[-1].lower() in roles:
            assignments.append(str(entry.id))
    return Access(tuple(roles.values()), tuple(assignments), tuple(beside))


def _only_here(role: RoleDefinition, group_id: str) -> bool:
    """Whether a role is assignable in the group and nowhere else."""
    places = role.assignable_scopes or []
    return bool(places) and all(scopes.contains(group_id, place) for place in places)
