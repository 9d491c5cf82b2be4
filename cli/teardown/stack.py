"""The steps that a stack's removal has beyond its group's: what each would do, does, and leaves.

For a group that goes by itself there is no estate, and they have nothing to do.
"""

from __future__ import annotations

from pathlib import Path

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.frame.words import many
from azmlflow.cli.project import config_json
from azmlflow.cli.teardown import group, inventory
from azmlflow.cli.teardown.data import named
from azmlflow.cli.teardown.estate import Estate, azure_name, workspace_state
from azmlflow.cli.teardown.ownership import WORKSPACE, Resource
from azmlflow.cli.teardown.removal import Left, Removal
from azmlflow.resourcetypes.table import resource_type

_ROUNDS = 4  # something may stand on something else, which goes first


def plan_workspace(removal: Removal) -> tuple[str, ...]:
    """The group's workspaces; where a stack has none that stands, one that is soft-deleted."""
    lines, estate = group.plan_workspaces(removal), _without_workspace(removal)
    # Azure may not show a soft-deleted workspace; after `pulumi destroy`, or a deletion by hand, there is one.
    return lines if estate is None else (*lines, f"workspace {estate.names.workspace}, should it be soft-deleted")


def purge_workspace(removal: Removal) -> bool:
    """Purge the group's workspaces, or the stack's that is soft-deleted."""
    purged, estate = group.purge_workspaces(removal), _without_workspace(removal)
    if estate is None or removal.arm.get(estate.workspace) is not None:  # it came after the plan was made
        return purged
    return removal.arm.delete(estate.workspace, resource_type(WORKSPACE).purge) or purged


def _without_workspace(removal: Removal) -> Estate | None:
    """The stack, where it has none of the workspaces that stand, and may have one that is soft-deleted."""
    estate = removal.estate
    if estate is None or any(one.type == WORKSPACE for one in removal.plan.verdict.ours):
        return None
    may = estate.stack.exists() or workspace_state(removal.arm, estate) == "soft-deleted"
    return estate if may else None


def workspace_left(removal: Removal) -> tuple[Left, ...]:
    """The stack's or group's workspaces that are soft-deleted; one that stands is told with its group."""
    estate = removal.estate
    if estate is None:
        return group.workspaces_left(removal)
    if workspace_state(removal.arm, estate) != "soft-deleted":
        return ()
    return (Left("workspace", estate.names.workspace, estate.workspace, "soft-deleted"),)


def plan_destroy(removal: Removal) -> tuple[str, ...]:
    """What Pulumi's state holds, and which of it stands outside the group."""
    if removal.estate is None:
        return ()
    state = removal.estate.state
    managed = [entry for entry in state.resources if not entry.external]
    if managed:
        beside = [one for one in managed if stands_elsewhere(one.id, removal.plan.seen.id)]
        return (
            f"{many(len(managed), 'resource')} in Pulumi's state",
            *(f"{one.kind} {azure_name(one.id)}, outside of the group: {one.id}" for one in beside),
        )
    return ("an empty Pulumi state",) if state.components else ()


def stands_elsewhere(id_: str, group_id: str) -> bool:
    """Whether an id is of something outside of the group, access apart, which the plan counts elsewhere."""
    lower = id_.lower()
    own = lower == group_id.lower() or inventory.inside(group_id, id_)
    return lower.startswith("/subscriptions/") and not own and "/microsoft.authorization/role" not in lower


def destroy(removal: Removal) -> bool:
    """Have the engine destroy what is left in the state; where all of it went with the group it is not asked.

    Raises:
        CliError: the engine would delete what is not as the plan has it.
    """
    estate = removal.estate
    if estate is None or not estate.stack.exists() or not (estate.state.resources or estate.state.components):
        return False
    fate = removal.check_engine()
    if fate != "stands" and _all_went(removal, estate):
        return True
    if fate == "hidden":  # the engine may not see either that all in it is gone
        went = _went(removal, estate)
        estate.stack.forget([each.urn for each in estate.state.resources if each.id.lower() in went])
    if spared := [each.urn for each in estate.state.resources if each.id.lower() in removal.spared]:
        estate.stack.forget(spared)
    if protected := [each.urn for each in estate.state.resources if each.protected]:
        estate.stack.unprotect(protected)  # what is protected from slips is not from `down`, which asked
    estate.stack.destroy(removal.on_change)
    return True


def _all_went(removal: Removal, estate: Estate) -> bool:
    """Whether nothing of what the state holds is there any more but what is spared; the group is gone."""
    no_more = _went(removal, estate) | removal.spared
    return all(each.external or each.id.lower() in no_more for each in estate.state.resources)


def _went(removal: Removal, estate: Estate) -> frozenset[str]:
    """Ids, in lower case, of what of the state went: the group, what was in it, and access that an earlier step
    removed."""
    gone, access = removal.plan.seen.id, removal.plan.access
    ids = {each.lower() for each in (gone, *access.definitions, *access.assignments)}
    held = (each.id for each in estate.state.resources)
    return frozenset(id_.lower() for id_ in held if id_.lower() in ids or inventory.inside(gone, id_))


# In a group that is another's the engine deletes what its state holds; what it left, and what Azure made beside it,
# goes after it. The group stays, and all in it that is not proven to be the stack's.
def plan_ours(removal: Removal) -> tuple[str, ...]:
    """What of the stack's is in the group, with its data."""
    if not removal.plan.limits.given:
        return ()
    lines = []
    for one in removal.plan.verdict.ours:
        held = removal.describe(one) if one.type != WORKSPACE else ""
        lines.append(named(one) + (f": {held}" if held else ""))
    return tuple(lines)


def delete_ours(removal: Removal) -> bool:
    """Delete what is there still, the last one first; what another stands on waits for the next round."""
    there = _there(removal)
    if not there:
        return False
    removal.look_again()
    for number in range(1, _ROUNDS + 1):
        for one in reversed(there):
            removal.tell(one.id, "deleting")
            try:
                removal.arm.delete(one.id, resource_type(one.type).purge)
            except ArmError as fault:
                if number == _ROUNDS or fault.status not in (400, 409):
                    raise
        there = _there(removal)
        if not there:
            break
    return True


def ours_left(removal: Removal) -> tuple[Left, ...]:
    """What of the stack's is there still."""
    return tuple(Left(resource_type(one.type).called(), one.name, one.id) for one in _there(removal))


def _there(removal: Removal) -> tuple[Resource, ...]:
    given = removal.plan.limits.given and removal.plan.seen.document is not None
    return removal.inside() if given else ()


def plan_state(removal: Removal) -> tuple[str, ...]:
    """Pulumi's state of the stack."""
    estate = removal.estate
    return (f"Pulumi's state of stack {estate.stack.name}",) if estate and estate.stack.exists() else ()


def remove_state(removal: Removal) -> bool:
    """Remove the stack from Pulumi's backend, with what it holds where all of that went with the group."""
    estate = removal.estate
    if estate is None or not estate.stack.exists():
        return False
    state = estate.stack.state()
    held = bool(state.resources or state.components)
    estate.stack.remove(force=held and removal.fate() != "stands" and _all_went(removal, estate))
    return True


def state_left(removal: Removal) -> tuple[Left, ...]:
    """Pulumi's state, if it is there."""
    estate = removal.estate
    if estate is None or not estate.stack.exists():
        return ()
    return (Left("Pulumi state", estate.stack.name, f"azmlflow status --stack {estate.stack.name}"),)


def plan_files(removal: Removal) -> tuple[str, ...]:
    """Each config.json that names the stack's workspace."""
    return tuple(map(str, _files(removal)))


def remove_files(removal: Removal) -> bool:
    """Remove each config.json that names the stack's workspace, and our note of where they are."""
    files, estate = _files(removal), removal.estate
    if estate is not None:
        config_json.remove(estate.project, estate.stack.name, estate.coordinates)
    return bool(files)


def files_left(removal: Removal) -> tuple[Left, ...]:
    """Each config.json that is there still."""
    return tuple(Left("file", path.name, str(path)) for path in _files(removal))


def _files(removal: Removal) -> tuple[Path, ...]:
    estate = removal.estate
    return config_json.ours(estate.project, estate.stack.name, estate.coordinates) if estate else ()
