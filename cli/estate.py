"""Everything that a removal is about, and what of it is there now, as Azure tells.

Nothing here changes anything: the steps are in `cli/teardown.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from azmlflow.cli import config_json
from azmlflow.cli.arm import Arm, ArmError
from azmlflow.cli.changes import OnChange
from azmlflow.cli.deployment import State
from azmlflow.cli.project import Project
from azmlflow.cli.stack import Stack

if TYPE_CHECKING:
    from azmlflow.infra.naming import Names

LOCKS = "2020-05-01"
GROUPS = "2024-03-01"
WORKSPACES = "2024-10-01"
VAULTS = "2023-07-01"
ROLES = "2022-04-01"
_ML = "providers/Microsoft.MachineLearningServices"
_AUTHORIZATION = "providers/Microsoft.Authorization"


@dataclass(frozen=True)
class Estate:
    """Everything that a removal is about.

    Attributes:
        project: the checkout.
        stack: the stack.
        arm: Azure Resource Manager.
        subscription: subscription id.
        names: of the stack's resources.
        location: the stack's region.
        owned: do these tags say that a resource is this stack's?
        state: the Pulumi state, read when the removal began.
        personas: names of all personas, whose role definitions may be there.
        on_change: hears what the engine does.
        notes: what could not be removed, and why; filled as steps run.
    """

    project: Project
    stack: Stack
    arm: Arm
    subscription: str
    names: Names
    location: str
    owned: Callable[[Any], bool]
    state: State
    personas: tuple[str, ...]
    on_change: OnChange | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def group(self) -> str:
        """ARM id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.names.resource_group}"

    @property
    def workspace(self) -> str:
        """ARM id of the workspace."""
        return f"{self.group}/{_ML}/workspaces/{self.names.workspace}"

    @property
    def deleted_vault(self) -> str:
        """ARM id of the vault's soft-deleted form."""
        place = f"/subscriptions/{self.subscription}/providers/Microsoft.KeyVault/locations/{self.location}"
        return f"{place}/deletedVaults/{self.names.key_vault}"

    @property
    def coordinates(self) -> config_json.Coordinates:
        """What a config.json of this stack says."""
        return config_json.Coordinates(self.subscription, self.names.resource_group, self.names.workspace)


def group_document(estate: Estate) -> dict[str, Any] | None:
    """The resource group as it is now."""
    return estate.arm.get(estate.group, GROUPS)


def locks(estate: Estate) -> tuple[str, ...]:
    """ARM ids of the locks on the group and what is in it."""
    found = estate.arm.list(f"{estate.group}/{_AUTHORIZATION}/locks", LOCKS)
    return tuple(str(entry["id"]) for entry in found)


def our_locks(estate: Estate) -> tuple[str, ...]:
    """Those of them that are in our state."""
    ids = {entry.id.lower() for entry in estate.state.resources if ":ManagementLock" in entry.type}
    return tuple(lock for lock in locks(estate) if lock.lower() in ids)


def workspace_left(estate: Estate) -> str | None:
    """The workspace as it is now: `stands`, `soft-deleted`, or None."""
    if estate.arm.get(estate.workspace, WORKSPACES) is not None:
        return "stands"
    place = f"/subscriptions/{estate.subscription}/{_ML}/locations/{estate.location}/deletedWorkspaces"
    for entry in _listed(estate, place, WORKSPACES):
        if str(entry.get("name", "")).lower() == estate.names.workspace.lower() and _in_our_group(estate, entry):
            return "soft-deleted"
    return None


def _in_our_group(estate: Estate, entry: dict[str, Any]) -> bool:
    """Does a soft-deleted thing say that it was in our group? Where it says nothing, our name for it must do."""
    text = str(entry.get("properties", {})).lower()
    return "/resourcegroups/" not in text or f"{estate.group.lower()}/" in text


def _listed(estate: Estate, path: str, version: str) -> tuple[dict[str, Any], ...]:
    """A list, or nothing where Azure doesn't know it: not every region has this one."""
    try:
        return tuple(estate.arm.list(path, version))
    except ArmError as fault:
        if fault.status in {400, 404, 405}:
            return ()
        raise


def orphan_group(estate: Estate) -> bool:
    """Is the group there, tagged as ours, though the state doesn't have it?"""
    document = group_document(estate)
    known = any(entry.id.lower() == estate.group.lower() for entry in estate.state.resources)
    return document is not None and not known and estate.owned(document.get("tags"))


def vault_left(estate: Estate) -> dict[str, Any] | None:
    """The soft-deleted vault, if it was in our group."""
    document = estate.arm.get(estate.deleted_vault, VAULTS)
    if document is None:
        return None
    vault_id = str((document.get("properties") or {}).get("vaultId", "")).lower()
    return document if not vault_id or vault_id.startswith(f"{estate.group.lower()}/") else None


def definitions_left(estate: Estate) -> tuple[str, ...]:
    """ARM ids of our role definitions that are still there, by the ids that we compute."""
    from azmlflow.infra.identifiers import Place

    place = Place(estate.subscription, estate.names.resource_group, estate.names.workspace)
    found = (place.role_definition_id(persona) for persona in estate.personas)
    return tuple(entry for entry in found if estate.arm.get(entry, ROLES) is not None)


def assignments_left(estate: Estate) -> tuple[str, ...]:
    """ARM ids of the assignments in our group, or of our role definitions, that are still there."""
    inside = f"{estate.group.lower()}/"
    ours = {entry.rsplit("/", 1)[-1].lower() for entry in definitions_left(estate)}
    everything = estate.arm.list(f"/subscriptions/{estate.subscription}/{_AUTHORIZATION}/roleAssignments", ROLES)
    found: list[str] = []
    for entry in everything:
        properties = entry.get("properties") or {}
        role = str(properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1].lower()
        if role in ours or f"{str(properties.get('scope', '')).lower()}/".startswith(inside):
            found.append(str(entry["id"]))
    return tuple(found)


def azure_name(resource_id: str) -> str:
    """The last part of an ARM id."""
    return resource_id.rsplit("/", 1)[-1]
