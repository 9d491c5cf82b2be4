"""Ordered removal: one visible list of steps, each of which can say what it would do, do it, and be done again.

The order is Azure's doing. A workspace must be purged before its group goes, for deleting the group soft-deletes it
and reserves its name for 14 days. A vault can be purged only once it is deleted. Role definitions and assignments
outlive the group. And a lock of ours would stop everything.
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


@dataclass(frozen=True)
class Step:
    """One step of a removal.

    Attributes:
        name: for the progress line.
        plan: what it would do now, a line each; nothing if there is nothing to do.
        act: do it, and wait for it. Safe to do again.
    """

    name: str
    plan: Callable[[Estate], tuple[str, ...]]
    act: Callable[[Estate], None]


def _group_document(estate: Estate) -> dict[str, Any] | None:
    return estate.arm.get(estate.group, GROUPS)


def locks(estate: Estate) -> tuple[str, ...]:
    """ARM ids of the locks on the group and what is in it."""
    found = estate.arm.list(f"{estate.group}/{_AUTHORIZATION}/locks", LOCKS)
    return tuple(str(entry["id"]) for entry in found)


def our_locks(estate: Estate) -> tuple[str, ...]:
    """Those of them that are in our state."""
    ids = {entry.id.lower() for entry in estate.state.resources if ":ManagementLock" in entry.type}
    return tuple(lock for lock in locks(estate) if lock.lower() in ids)


def _plan_locks(estate: Estate) -> tuple[str, ...]:
    return tuple(f"lock {lock.rsplit('/', 1)[-1]}" for lock in our_locks(estate))


def _drop_locks(estate: Estate) -> None:
    for lock in our_locks(estate):
        estate.arm.delete(lock, LOCKS)


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


def _plan_workspace(estate: Estate) -> tuple[str, ...]:
    left = workspace_left(estate)
    if left:
        return (f"workspace {estate.names.workspace} ({left}), with all experiments, runs and models",)
    # Azure does not show a soft-deleted workspace everywhere; after `pulumi destroy` there is one.
    return (f"workspace {estate.names.workspace}, should it be soft-deleted",) if estate.stack.exists() else ()


def _purge_workspace(estate: Estate) -> None:
    estate.arm.delete(estate.workspace, WORKSPACES, {"forceToPurge": "true"})


def _plan_destroy(estate: Estate) -> tuple[str, ...]:
    # A role's name in Azure is a GUID; its name in the program says more.
    lines = tuple(
        f"{entry.kind} {entry.name if entry.kind.startswith('Role') else _azure_name(entry.id) or entry.name}"
        for entry in estate.state.resources
    )
    return lines if lines else (("an empty Pulumi state",) if estate.state.components else ())


def _azure_name(resource_id: str) -> str:
    return resource_id.rsplit("/", 1)[-1]


def _destroy(estate: Estate) -> None:
    if estate.stack.exists() and (estate.state.resources or estate.state.components):
        estate.stack.destroy(estate.on_change)


def orphan_group(estate: Estate) -> bool:
    """Is the group there, tagged as ours, though the state doesn't have it?"""
    document = _group_document(estate)
    known = any(entry.id.lower() == estate.group.lower() for entry in estate.state.resources)
    return document is not None and not known and estate.owned(document.get("tags"))


def _plan_orphan(estate: Estate) -> tuple[str, ...]:
    if orphan_group(estate):
        return (f"resource group {estate.names.resource_group}, which bears our tags but is not in the state",)
    return ()


def _delete_orphan(estate: Estate) -> None:
    document = _group_document(estate)
    if document is not None and estate.owned(document.get("tags")):
        estate.arm.delete(estate.group, GROUPS)


def vault_left(estate: Estate) -> dict[str, Any] | None:
    """The soft-deleted vault, if it was in our group."""
    document = estate.arm.get(estate.deleted_vault, VAULTS)
    if document is None:
        return None
    vault_id = str((document.get("properties") or {}).get("vaultId", "")).lower()
    return document if not vault_id or vault_id.startswith(f"{estate.group.lower()}/") else None


def _plan_vault(estate: Estate) -> tuple[str, ...]:
    stands = any(entry.type == "azure-native:keyvault:Vault" for entry in estate.state.resources)
    if stands or vault_left(estate):
        return (f"key vault {estate.names.key_vault}, purged once it is deleted",)
    return ()


def _purge_vault(estate: Estate) -> None:
    if vault_left(estate) is None:
        return
    try:
        estate.arm.post(f"{estate.deleted_vault}/purge", VAULTS)
    except ArmError as fault:
        # Purge protection: nobody can purge it, not even Azure's support, before its time is over.
        if fault.code not in {"MethodNotAllowed", "405"} and fault.status != 405:
            raise
        estate.notes.append(f"key vault {estate.names.key_vault} is under purge protection: {fault.message}")


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


def _plan_sweep(estate: Estate) -> tuple[str, ...]:
    definitions, assignments = len(definitions_left(estate)), len(assignments_left(estate))
    if definitions or assignments:
        return (f"{definitions} role definitions and {assignments} role assignments, in the group or of it",)
    return ()


def _sweep(estate: Estate) -> None:
    # A definition in use cannot be deleted: its assignments go first.
    for assignment in assignments_left(estate):
        estate.arm.delete(assignment, ROLES)
    for definition in definitions_left(estate):
        estate.arm.delete(definition, ROLES)


def _plan_state(estate: Estate) -> tuple[str, ...]:
    return (f"Pulumi's state of stack {estate.stack.name}",) if estate.stack.exists() else ()


def _remove_state(estate: Estate) -> None:
    if estate.stack.exists():
        estate.stack.remove()


def _plan_files(estate: Estate) -> tuple[str, ...]:
    return tuple(str(path) for path in config_json.ours(estate.project, estate.stack.name, estate.coordinates))


def _remove_files(estate: Estate) -> None:
    config_json.remove(estate.project, estate.stack.name, estate.coordinates)


STEPS: tuple[Step, ...] = (
    Step("drop our locks", _plan_locks, _drop_locks),
    Step("purge the workspace", _plan_workspace, _purge_workspace),
    Step("destroy what the state holds", _plan_destroy, _destroy),
    Step("delete the group", _plan_orphan, _delete_orphan),
    Step("purge the key vault", _plan_vault, _purge_vault),
    Step("sweep role definitions and assignments", _plan_sweep, _sweep),
    Step("remove Pulumi's state", _plan_state, _remove_state),
    Step("remove config.json", _plan_files, _remove_files),
)


@dataclass(frozen=True)
class Left:
    """Something that is still there after a removal.

    Attributes:
        kind: what it is.
        name: which one.
        where: ARM id or path.
        why: the reason, if it is known.
    """

    kind: str
    name: str
    where: str
    why: str = ""


def residue(estate: Estate) -> tuple[Left, ...]:
    """Look at everything again, and tell what is left."""
    found: list[Left] = []
    if _group_document(estate) is not None:
        found.append(Left("resource group", estate.names.resource_group, estate.group))
    if workspace_left(estate):
        found.append(Left("workspace", estate.names.workspace, estate.workspace, "soft-deleted"))
    if vault_left(estate) is not None:
        why = next((note for note in estate.notes if note.startswith("key vault")), "soft-deleted")
        found.append(Left("key vault", estate.names.key_vault, estate.deleted_vault, why))
    found += [Left("role definition", _azure_name(entry), entry) for entry in definitions_left(estate)]
    found += [Left("role assignment", _azure_name(entry), entry) for entry in assignments_left(estate)]
    if estate.stack.exists():
        found.append(Left("Pulumi state", estate.stack.name, "pulumi stack ls"))
    for path in config_json.ours(estate.project, estate.stack.name, estate.coordinates):
        found.append(Left("file", path.name, str(path)))
    return tuple(found)
