"""Ordered removal: one visible list of steps, each of which can say what it would do, do it, and be done again.

The order is Azure's doing. A workspace must be purged before its group goes, for deleting the group soft-deletes it
and reserves its name for 14 days. A vault can be purged only once it is deleted. Role definitions and assignments
outlive the group. And a lock of ours would stop everything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from azmlflow.cli import config_json
from azmlflow.cli.arm import ArmError
from azmlflow.cli.estate import (
    GROUPS,
    LOCKS,
    ROLES,
    VAULTS,
    WORKSPACES,
    Estate,
    assignments_left,
    azure_name,
    definitions_left,
    group_document,
    orphan_group,
    our_locks,
    vault_left,
    workspace_left,
)


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


def _plan_locks(estate: Estate) -> tuple[str, ...]:
    return tuple(f"lock {lock.rsplit('/', 1)[-1]}" for lock in our_locks(estate))


def _drop_locks(estate: Estate) -> None:
    for lock in our_locks(estate):
        estate.arm.delete(lock, LOCKS)


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
        f"{entry.kind} {entry.name if entry.kind.startswith('Role') else azure_name(entry.id) or entry.name}"
        for entry in estate.state.resources
    )
    return lines if lines else (("an empty Pulumi state",) if estate.state.components else ())


def _destroy(estate: Estate) -> None:
    if estate.stack.exists() and (estate.state.resources or estate.state.components):
        estate.stack.destroy(estate.on_change)


def _plan_orphan(estate: Estate) -> tuple[str, ...]:
    if orphan_group(estate):
        return (f"resource group {estate.names.resource_group}, which bears our tags but is not in the state",)
    return ()


def _delete_orphan(estate: Estate) -> None:
    document = group_document(estate)
    if document is not None and estate.owned(document.get("tags")):
        estate.arm.delete(estate.group, GROUPS)


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
    if group_document(estate) is not None:
        found.append(Left("resource group", estate.names.resource_group, estate.group))
    if workspace_left(estate):
        found.append(Left("workspace", estate.names.workspace, estate.workspace, "soft-deleted"))
    if vault_left(estate) is not None:
        why = next((note for note in estate.notes if note.startswith("key vault")), "soft-deleted")
        found.append(Left("key vault", estate.names.key_vault, estate.deleted_vault, why))
    found += [Left("role definition", azure_name(entry), entry) for entry in definitions_left(estate)]
    found += [Left("role assignment", azure_name(entry), entry) for entry in assignments_left(estate)]
    if estate.stack.exists():
        found.append(Left("Pulumi state", estate.stack.name, "pulumi stack ls"))
    for path in config_json.ours(estate.project, estate.stack.name, estate.coordinates):
        found.append(Left("file", path.name, str(path)))
    return tuple(found)
