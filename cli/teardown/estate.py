"""Everything that the removal of a stack is about, and what of it is there now, as Azure tells. Nothing here changes
anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.project import config_json
from azmlflow.cli.project.project import Project
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack

if TYPE_CHECKING:
    from azmlflow.infra.plan.naming import Names

_ML = "Microsoft.MachineLearningServices"
_WORKSPACE = f"{_ML}/workspaces"


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
    place = f"/subscriptions/{estate.subscription}/providers/{_ML}/locations/{estate.location}/deletedWorkspaces"
    for entry in _listed(arm, place):
        if str(entry.get("name", "")).lower() == estate.names.workspace.lower() and _in_our_group(estate, entry):
            return "soft-deleted"
    return None


def _in_our_group(estate: Estate, entry: dict[str, Any]) -> bool:
    """Does a soft-deleted thing say that it was in our group? Where it says nothing, our name for it must do."""
    text = str(entry.get("properties", {})).lower()
    return "/resourcegroups/" not in text or f"{estate.group.lower()}/" in text


def _listed(arm: ResourceManager, path: str) -> tuple[dict[str, Any], ...]:
    """A list, or nothing where Azure doesn't know it: not every region has this one."""
    try:
        return arm.list(path)
    except ArmError as fault:
        if fault.status in {400, 404, 405}:
            return ()
        raise


def azure_name(resource_id: str) -> str:
    """The last part of an ARM id."""
    return resource_id.rsplit("/", 1)[-1]
