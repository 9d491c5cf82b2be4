"""The steps on a resource group and on what outlives it: what each would do, does, and leaves.

Everything is safe to do again: what is gone counts as done, what Azure is deleting already is waited for. The plan is
checked anew before every step that cannot be undone, and nothing that was not in it is deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.frame.words import many
from azmlflow.cli.session.twins import id_of_vault, keeping, protected_until
from azmlflow.cli.teardown import inventory
from azmlflow.cli.teardown.data import named
from azmlflow.cli.teardown.estate import Access, access, azure_name
from azmlflow.cli.teardown.ownership import LOGS, WORKSPACE, Resource
from azmlflow.cli.teardown.removal import Left, Removal
from azmlflow.cli.teardown.uses import Sight
from azmlflow.resourcetypes.table import resource_type


def plan_jobs(removal: Removal) -> tuple[str, ...]:
    """The jobs that run, where the user allows to cancel them."""
    return tuple(f"job {azure_name(job)}" for job in _jobs(removal))


def cancel_jobs(removal: Removal) -> bool:
    """Cancel the jobs that the plan lists, where the user allows it, and wait until their machines are free."""
    jobs = _jobs(removal)
    for job in jobs:
        removal.tell(job, "cancelling")
        _cancel(removal, job)
    for job in jobs:
        removal.arm.until(
            job,
            inventory.has_ended,
            lambda _, job=job: removal.tell(job, "cancelling"),  # type: ignore[misc]
        )
    return bool(jobs)


def _jobs(removal: Removal) -> tuple[str, ...]:
    return removal.plan.seen.jobs if removal.plan.limits.cancel_jobs else ()


def _cancel(removal: Removal, job: str) -> None:
    try:
        removal.arm.post(job, "cancel")
    except ArmError:  # Azure refuses for one that has come to its end meanwhile
        if not inventory.has_ended(removal.arm.get(job)):
            raise


def plan_locks(removal: Removal) -> tuple[str, ...]:
    """Our locks."""
    return tuple(f"lock {azure_name(lock)}" for lock in removal.plan.locks)


def drop_locks(removal: Removal) -> bool:
    """Delete the locks that are ours; others make the plan a refusal."""
    if removal.plan.locks:
        removal.look_again()
    for lock in removal.plan.locks:
        removal.tell(lock, "deleting")
        removal.arm.delete(lock)
    return bool(removal.plan.locks)


def plan_endpoints(removal: Removal) -> tuple[str, ...]:
    """The online endpoints, with their traffic."""
    return tuple(f"endpoint {each.told()}" for each in removal.plan.seen.endpoints)


def delete_endpoints(removal: Removal) -> bool:
    """Delete the endpoints of the plan with their deployments; a live one that is not allowed makes it a refusal."""
    if not removal.plan.seen.endpoints:
        return False
    removal.look_again()
    for each in removal.plan.seen.endpoints:
        removal.tell(each.id, "deleting")
        removal.arm.delete(each.id)
    return True


def plan_workspaces(removal: Removal) -> tuple[str, ...]:
    """The workspaces that are purged, with their data, and the Log Analytics that goes for good."""
    return (
        *(f"{named(one)} (stands), with {removal.describe(one)}" for one in _ours(removal, WORKSPACE)),
        *(f"workspace {azure_name(id_)}, which is soft-deleted" for id_ in removal.plan.buried_workspaces),
        *(f"{named(one)}, by force: nobody can recover it" for one in _ours(removal, LOGS)),
    )


def purge_workspaces(removal: Removal) -> bool:
    """Purge the workspaces of ours, and delete Log Analytics with force, and wait: their names are free then."""
    workspaces, logs = _ours(removal, WORKSPACE), _ours(removal, LOGS)
    ids = [(one.id, one.type) for one in (*workspaces, *logs)]
    ids += [(id_, WORKSPACE) for id_ in removal.plan.buried_workspaces]
    if not ids:
        return False
    removal.look_again()
    begun = [_begin(removal, *each) for each in ids]
    for finish in begun:
        removal.persist(finish)
    return True


def workspaces_left(removal: Removal) -> tuple[Left, ...]:
    """The soft-deleted workspaces of the plan that are still so."""
    if not removal.plan.buried_workspaces:
        return ()
    now = inventory.read_buried_workspaces(removal.arm, removal.plan.seen, Sight())
    meant = {id_.lower() for id_ in removal.plan.buried_workspaces}
    return tuple(Left("workspace", azure_name(id_), id_, "soft-deleted") for id_ in now if id_.lower() in meant)


def _ours(removal: Removal, type_: str) -> tuple[Resource, ...]:
    return tuple(one for one in removal.plan.verdict.ours if one.type == type_)


def _begin(removal: Removal, id_: str, type_: str) -> Callable[[], bool]:
    """Begin a deletion for good; what it gives waits for it, and when called again begins it anew."""
    purge = resource_type(type_).purge
    begun = [removal.arm.begin_delete(id_, purge)]

    def finish() -> bool:
        operation = begun.pop() if begun else removal.arm.begin_delete(id_, purge)
        if operation is not None:
            removal.tell(id_, "purging")
            operation.wait(lambda _: removal.tell(id_, "purging"))
        return True

    return finish


def plan_access(removal: Removal) -> tuple[str, ...]:
    """How many role definitions and assignments go."""
    found = removal.plan.access
    counts = ((len(found.definitions), "role definition"), (len(found.assignments), "role assignment"))
    line = " and ".join(many(count, what) for count, what in counts if count)
    return (line,) if line else ()


def remove_access(removal: Removal) -> bool:
    """Delete our assignments, then our definitions: one in use cannot be deleted."""
    if not removal.plan.seen.document and not removal.plan.access:
        return False
    found = _access_now(removal)
    for id_ in (*found.assignments, *found.definitions):
        removal.tell(id_, "deleting")
        removal.arm.delete(id_)
    return bool(found)


def _access_now(removal: Removal) -> Access:
    try:
        found = access(removal.arm, removal.plan.seen.id, removal.plan.holder, removal.plan.limits)
        return found.without(removal.spared)
    except ArmError as fault:
        if fault.status != 403 or removal.fate() != "hidden":
            raise
        return Access()  # what was given in the group went with it, and our roles were removed before


def access_left(removal: Removal) -> tuple[Left, ...]:
    """Role definitions and assignments of ours that are there still."""
    found = _access_now(removal)
    return (
        *(Left("role definition", azure_name(id_), id_) for id_ in found.definitions),
        *(Left("role assignment", azure_name(id_), id_) for id_ in found.assignments),
    )


def plan_group(removal: Removal) -> tuple[str, ...]:
    """The group and each resource in it, with its data."""
    if removal.plan.seen.document is None or removal.plan.limits.given:
        return ()
    inside = []
    for one in removal.plan.verdict.ours:
        held = removal.describe(one) if one.type != WORKSPACE else ""
        inside.append(named(one) + (f": {held}" if held else ""))
    return (f"resource group {removal.plan.seen.name}", *inside)


def delete_group(removal: Removal) -> bool:
    """Delete the group, unless something in it is not in the plan."""
    if removal.plan.seen.document is None or removal.plan.limits.given:
        return False
    return removal.persist(lambda: _delete_group(removal))


def _delete_group(removal: Removal) -> bool:
    if not removal.look_again():
        return False
    operation = removal.arm.begin_delete(removal.plan.seen.id)
    if operation is not None:
        operation.wait(lambda _: _watch(removal))
    return True


def _watch(removal: Removal) -> None:
    for one in removal.inside():
        removal.tell(one.id, "deleting")


def group_left(removal: Removal) -> tuple[Left, ...]:
    """The group, if it stands."""
    group = removal.plan.seen
    stands = not removal.plan.limits.given and removal.fate() == "stands"
    return (Left("resource group", group.name, group.id),) if stands else ()


def plan_vaults(removal: Removal) -> tuple[str, ...]:
    """The vaults that are purged, or that nobody can purge; of one that is soft-deleted already a note tells that."""
    plan = removal.plan
    if not plan.may_purge:
        return ()
    standing = {one.id.lower(): removal.describe(one) for one in plan.verdict.ours if one.id.lower() in plan.purge}
    return tuple(
        f"key vault {azure_name(id_)}, {standing.get(id_) or 'purged once it is deleted'}"
        for id_ in sorted(plan.purgeable)
    )


def purge_vaults(removal: Removal) -> bool:
    """Purge the soft-deleted vaults of the plan, where the caller may, and wait."""
    if not removal.plan.may_purge:
        return False
    purged = [entry for entry in _buried(removal) if not protected_until(entry)]
    for entry in purged:
        removal.tell(str(entry["id"]), "purging")
        try:
            removal.persist(lambda entry=entry: removal.arm.post(str(entry["id"]), "purge"))  # type: ignore[misc]
        except ArmError as fault:
            if fault.status != 405:
                raise
    return bool(purged)


def vaults_left(removal: Removal) -> tuple[Left, ...]:
    """The vaults of the plan that are soft-deleted."""
    seen = {id_of_vault(entry).lower(): entry for entry in _buried(removal)}
    unseen = removal.plan.purge - set(seen) if not removal.plan.may_purge and removal.fate() != "stands" else ()
    left = [_vault_left(removal, id_, entry) for id_, entry in sorted(seen.items())]
    return (*left, *(_not_purged(id_, id_) for id_ in sorted(unseen)))


def _vault_left(removal: Removal, id_: str, entry: Mapping[str, Any]) -> Left:
    where = str(entry["id"])
    if until := protected_until(entry):
        return Left("key vault", azure_name(where), where, keeping(until), until)
    return (
        Left("key vault", azure_name(where), where, "soft-deleted")
        if removal.plan.may_purge
        else _not_purged(id_, where)
    )


def _not_purged(id_: str, where: str) -> Left:
    way = f"az keyvault purge --name {azure_name(id_)}    (typed by an owner of the subscription)"
    return Left("key vault", azure_name(id_), where, "soft-deleted, and not yours to purge", way=way)


def _buried(removal: Removal) -> tuple[dict[str, Any], ...]:
    """The soft-deleted vaults of the plan, as they are now."""
    if not removal.plan.purge:
        return ()
    now = inventory.read_buried(removal.arm, removal.plan.seen.id, Sight())
    return tuple(dict(entry) for entry in now if id_of_vault(entry).lower() in removal.plan.purge)
