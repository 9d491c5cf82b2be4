"""Ordered removal of a stack: one visible list of steps, each of which says what it would do, does it, and may be
done again.

The order is Azure's doing. A workspace must be purged before its group goes, for deleting the group soft-deletes it
and reserves its name for 14 days. A vault can be purged only once it is deleted. Role definitions and assignments
outlive the group. And a lock of ours would stop everything. The group goes by our own request and not the engine's, so
that what is in it is looked at right before; the engine then finds it gone, and forgets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from azmlflow.cli.frame.words import many
from azmlflow.cli.project import config_json
from azmlflow.cli.teardown import inventory
from azmlflow.cli.teardown.data import Describe, named
from azmlflow.cli.teardown.estate import Estate, azure_name, workspace_left
from azmlflow.cli.teardown.group import Removal
from azmlflow.cli.teardown.outcome import Left
from azmlflow.cli.teardown.ownership import LOGS, WORKSPACE
from azmlflow.cli.teardown.plan import GroupPlan
from azmlflow.resourcetypes.table import resource_type


@dataclass(frozen=True)
class Teardown:
    """One removal of a stack.

    Attributes:
        estate: what it is about.
        plan: what goes with the group.
        removal: the steps that are the group's.
        describe: tells what data a resource holds.
    """

    estate: Estate
    plan: GroupPlan
    removal: Removal
    describe: Describe


@dataclass(frozen=True)
class Step:
    """One step of a removal.

    Attributes:
        name: for the progress line.
        plan: what it would do now, a line each; nothing if there is nothing to do.
        act: do it, and wait for it. Safe to do again.
    """

    name: str
    plan: Callable[[Teardown], tuple[str, ...]]
    act: Callable[[Teardown], object]


def _plan_jobs(teardown: Teardown) -> tuple[str, ...]:
    jobs = teardown.plan.seen.jobs if teardown.plan.limits.cancel_jobs else ()
    return tuple(f"job {azure_name(job)}" for job in jobs)


def _plan_locks(teardown: Teardown) -> tuple[str, ...]:
    return tuple(f"lock {azure_name(lock)}" for lock in teardown.plan.locks)


def _plan_workspace(teardown: Teardown) -> tuple[str, ...]:
    estate = teardown.estate
    standing = [one for one in teardown.plan.verdict.ours if one.type == WORKSPACE]
    if standing:
        logs = [one for one in teardown.plan.verdict.ours if one.type == LOGS]
        return (
            *(f"{named(one)} (stands), with {teardown.describe(one)}" for one in standing),
            *(f"{named(one)}, by force: nobody can recover it" for one in logs),
        )
    # Azure does not show a soft-deleted workspace everywhere; after `pulumi destroy` there is one.
    return (f"workspace {estate.names.workspace}, should it be soft-deleted",) if estate.stack.exists() else ()


def _purge_workspace(teardown: Teardown) -> None:
    estate = teardown.estate
    if teardown.removal.purge_workspaces() or not estate.stack.exists():
        return
    if estate.arm.get(estate.workspace) is None:  # one that stands is in the plan, or came after it
        estate.arm.delete(estate.workspace, resource_type(WORKSPACE).purge)


def _plan_access(teardown: Teardown) -> tuple[str, ...]:
    return access_lines(teardown.plan)


def access_lines(plan: GroupPlan) -> tuple[str, ...]:
    """How many role definitions and assignments go."""
    found = plan.access
    counted = ((len(found.definitions), "role definition"), (len(found.assignments), "role assignment"))
    told = " and ".join(many(count, what) for count, what in counted if count)
    return (told,) if told else ()


def _plan_group(teardown: Teardown) -> tuple[str, ...]:
    return group_lines(teardown.plan, teardown.describe)


def group_lines(plan: GroupPlan, describe: Describe) -> tuple[str, ...]:
    """The group and each resource in it, with its data."""
    if plan.seen.document is None:
        return ()
    inside = []
    for one in plan.verdict.ours:
        held = describe(one) if one.type != WORKSPACE else ""
        inside.append(named(one) + (f": {held}" if held else ""))
    return (f"resource group {plan.seen.name}", *inside)


def _plan_destroy(teardown: Teardown) -> tuple[str, ...]:
    state = teardown.estate.state
    managed = [entry for entry in state.resources if not entry.external]
    if managed:
        beside = [one for one in managed if _stands_elsewhere(one.id, teardown.plan)]
        return (
            f"{many(len(managed), 'resource')} in Pulumi's state",
            *(f"{one.kind} {azure_name(one.id)}, outside of the group: {one.id}" for one in beside),
        )
    return ("an empty Pulumi state",) if state.components else ()


def _stands_elsewhere(id_: str, plan: GroupPlan) -> bool:
    """Whether an id is of something outside of the group, access apart, which the plan counts elsewhere."""
    lower = id_.lower()
    own = lower == plan.seen.id.lower() or inventory.inside(plan.seen.id, id_)
    return lower.startswith("/subscriptions/") and not own and "/microsoft.authorization/role" not in lower


def _destroy(teardown: Teardown) -> None:
    estate = teardown.estate
    if estate.stack.exists() and (estate.state.resources or estate.state.components):
        estate.stack.destroy(estate.on_change)


def _plan_vault(teardown: Teardown) -> tuple[str, ...]:
    return vault_lines(teardown.plan, teardown.describe)


def vault_lines(plan: GroupPlan, describe: Describe) -> tuple[str, ...]:
    """The vaults that are purged, or that nobody can purge."""
    standing = {one.id.lower(): describe(one) for one in plan.verdict.ours if one.id.lower() in plan.purge}
    return tuple(
        f"key vault {azure_name(id_)}, {standing.get(id_) or 'purged once it is deleted'}" for id_ in sorted(plan.purge)
    )


def _nothing_planned(_teardown: Teardown) -> tuple[str, ...]:
    return ()


def _plan_state(teardown: Teardown) -> tuple[str, ...]:
    stack = teardown.estate.stack
    return (f"Pulumi's state of stack {stack.name}",) if stack.exists() else ()


def _remove_state(teardown: Teardown) -> None:
    if teardown.estate.stack.exists():
        teardown.estate.stack.remove()


def _plan_files(teardown: Teardown) -> tuple[str, ...]:
    estate = teardown.estate
    return tuple(str(path) for path in config_json.ours(estate.project, estate.stack.name, estate.coordinates))


def _remove_files(teardown: Teardown) -> None:
    config_json.remove(teardown.estate.project, teardown.estate.stack.name, teardown.estate.coordinates)


STEPS: tuple[Step, ...] = (
    Step("cancel running jobs", _plan_jobs, lambda teardown: teardown.removal.cancel_jobs()),
    Step("drop our locks", _plan_locks, lambda teardown: teardown.removal.drop_locks()),
    Step("purge the workspace", _plan_workspace, _purge_workspace),
    Step("remove roles and grants", _plan_access, lambda teardown: teardown.removal.remove_access()),
    Step("delete the group", _plan_group, lambda teardown: teardown.removal.delete_group()),
    Step("destroy what the state holds", _plan_destroy, _destroy),
    Step("purge the key vault", _plan_vault, lambda teardown: teardown.removal.purge_vaults()),
    Step("sweep roles and grants", _nothing_planned, lambda teardown: teardown.removal.remove_access()),
    Step("remove Pulumi's state", _plan_state, _remove_state),
    Step("remove config.json", _plan_files, _remove_files),
)


def residue(teardown: Teardown) -> tuple[Left, ...]:
    """Look at everything again, and tell what is left."""
    estate = teardown.estate
    found = list(teardown.removal.residue())
    if workspace_left(estate) and not any(entry.kind == "resource group" for entry in found):
        found.append(Left("workspace", estate.names.workspace, estate.workspace, "soft-deleted"))
    if estate.stack.exists():
        found.append(Left("Pulumi state", estate.stack.name, "pulumi stack ls"))
    for path in config_json.ours(estate.project, estate.stack.name, estate.coordinates):
        found.append(Left("file", path.name, str(path)))
    return tuple(found)
