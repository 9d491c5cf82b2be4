"""Everything that the removal of a stack is about, and what of it is there now, as Azure tells. Nothing here changes
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.project import config_json
from azmlflow.cli.project.project import Project
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import twins

if TYPE_CHECKING:
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
