"""The plan of the removal of one group: what would go, and what forbids it. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.azure.rights import lacking
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.twins import id_of_vault, tags_of_vault
from azmlflow.cli.teardown import inventory
from azmlflow.cli.teardown.estate import Access, access
from azmlflow.cli.teardown.inventory import Inventory
from azmlflow.cli.teardown.ownership import (
    LOGS,
    UNPROVEN,
    UNTAGGED,
    WORKSPACE,
    Foreign,
    Limits,
    Owner,
    Proven,
    Verdict,
    judge,
    marks,
    proven_in,
)
from azmlflow.cli.teardown.uses import Sight
from azmlflow.infra.plan.tags import ownership
from azmlflow.resourcetypes.table import resource_type

if TYPE_CHECKING:
    from azure.mgmt.resource.locks.models import ManagementLockObject


_SHOWN = 20  # of what forbids a removal, beside the first


@dataclass(frozen=True)
class Refusal:
    """What forbids a removal: which thing, why, and what to type."""

    id: str
    why: str
    next: str


@dataclass(frozen=True)
class GroupPlan:
    """What a removal would do.

    Attributes:
        seen: the group as it was.
        verdict: what in it is meant.
        access: role definitions and assignments that go.
        limits: what the user allows.
        holder: whose group it is; None for one of nobody's.
        locks: ids of our locks, which are dropped.
        purge: vaults of ours that are soft-deleted, or will be, by the id that they had.
        refusals: what forbids the removal; empty if nothing does.
        notes: what else people should know of it, such as what stays.
        may_purge: whether the caller may purge vaults, a right at the subscription.
        buried_workspaces: soft-deleted workspaces of ours; for a group by itself, as a stack knows its own.
    """

    seen: Inventory
    verdict: Verdict
    access: Access
    limits: Limits
    holder: Owner | None
    locks: tuple[str, ...] = ()
    purge: frozenset[str] = frozenset()
    refusals: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()
    may_purge: bool = True
    buried_workspaces: tuple[str, ...] = ()

    @property
    def purgeable(self) -> frozenset[str]:
        """Those of `purge` that are not known yet to be kept by purge protection."""
        return self.purge - self.seen.protected

    def check(self) -> None:
        """Raises CliError if the removal is refused."""
        if self.refusals:
            first, *others = self.refusals
            more = "".join(f"\n  - {refusal.why}" for refusal in others[:_SHOWN])
            more += f"\n  - and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            raise CliError(
                f"resource group `{self.seen.name}` is not removed: {first.why}{more}", where=first.id, next=first.next
            )


def plan_group(arm: ResourceManager, group_id: str, limits: Limits | None = None) -> GroupPlan:
    """Look at a group, and say what its removal would do or why it is refused."""
    plan = plan_inside(arm, group_id, limits or Limits())
    seen, holder = plan.seen, plan.holder
    owned = seen.document is None or (holder is not None and holder.owns(seen.document.get("tags")))
    if owned or plan.limits.unmanaged or plan.limits.given:
        plan = replace(plan, access=access(arm, seen.id, holder, plan.limits))
    return plan if plan.refusals or seen.going else _with_rights(arm, plan)


def _with_rights(arm: ResourceManager, plan: GroupPlan) -> GroupPlan:
    """The plan with what the caller lacks the rights for. All are asked for before anything is done for good: a
    workspace that is purged does not come back when its grants then cannot be taken away.
    """
    subscription = "/".join(plan.seen.id.split("/")[:3])
    scope = subscription if plan.seen.document is None else plan.seen.id
    needed = tuple(action for action, wanted in _needed(plan).items() if wanted)
    refusals, notes, may_purge = plan.refusals, plan.notes, True
    if needed and (less := lacking(arm, scope, needed)):
        why = f"you may not do all that it takes: you lack {', '.join(less)}"
        refusals += (Refusal(scope, why, f"ask an Owner to run it, or ask for the role Owner on {scope}"),)
    if plan.purgeable and not (may_purge := _may_purge(arm, subscription)):
        names = ", ".join(id_.rsplit("/", 1)[-1] for id_ in sorted(plan.purgeable))
        notes += (f"key vault {names} stays, soft-deleted, and its name: you lack {_PURGE} at the subscription",)
    return replace(plan, refusals=refusals, notes=notes, may_purge=may_purge)


_PURGE = "Microsoft.KeyVault/locations/deletedVaults/purge/action"


def _needed(plan: GroupPlan) -> Mapping[str, bool]:
    """Azure's actions, and whether the removal of the group takes them. (Microsoft, "Azure Resource Manager resource
    group and resource deletion": what is in a group takes no right of its own.)
    """
    types = {one.type for one in plan.verdict.ours}
    return {
        "Microsoft.Resources/subscriptions/resourceGroups/delete": plan.seen.document is not None
        and not plan.limits.given,
        **{f"{resource_type(type_).name}/delete": plan.limits.given for type_ in types if type_.count("/") == 1},
        "Microsoft.Authorization/locks/delete": bool(plan.locks),
        "Microsoft.MachineLearningServices/workspaces/delete": WORKSPACE in types or bool(plan.buried_workspaces),
        "Microsoft.MachineLearningServices/workspaces/jobs/cancel/action": bool(plan.seen.jobs),
        "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/delete": bool(plan.seen.endpoints),
        "Microsoft.OperationalInsights/workspaces/delete": LOGS in types,
        "Microsoft.Authorization/roleAssignments/delete": bool(plan.access.assignments),
        "Microsoft.Authorization/roleDefinitions/delete": bool(plan.access.definitions),
    }


def _may_purge(arm: ResourceManager, subscription: str) -> bool:
    try:
        return not lacking(arm, subscription, (_PURGE,))
    except ArmError as fault:
        if fault.status != 403:
            raise
        return False


def plan_inside(arm: ResourceManager, group_id: str, limits: Limits) -> GroupPlan:
    """The plan without what is outside the group."""
    seen = inventory.read(arm, group_id, given=limits.given)
    holder = limits.holder or seen.holder or _buried_holder(seen)
    known = _known(seen, holder, limits)
    verdict = judge(seen.resources, holder, limits.known, proven=known, unmanaged=limits.unmanaged)
    notes: tuple[str, ...] = ()
    if limits.given:
        notes = inventory.notes(seen, verdict)
        seen, verdict = inventory.narrowed(seen, verdict)
    locks = tuple(str(lock.id) for lock in seen.locks if _our_lock(lock, seen, holder, limits))
    tagged = [entry for entry in seen.buried if holder is not None and holder.owns(tags_of_vault(entry))]
    meant = {id_of_vault(entry) for entry in tagged if known(id_of_vault(entry), tags_of_vault(entry))}
    # A vault that is in neither form ours is never purged, whatever its tags or its name alone.
    purge = [*meant, *(one.id for one in inventory.standing_vaults(verdict.ours))]
    purged = frozenset(map(str.lower, purge))
    spared = [id_of_vault(entry) for entry in tagged if id_of_vault(entry) not in meant]
    sight = Sight()
    buried = () if limits.known is not None else inventory.read_buried_workspaces(arm, seen, sight)
    gone = tuple(id_ for id_ in buried if known(id_, None))  # its list has no tags: the name proves, or nothing
    spared += [id_ for id_ in buried if id_ not in gone]
    unseen = dict.fromkeys((*seen.unseen, *sight.unseen))
    notes = (
        *notes,
        *(f"soft-deleted {short(id_)} stays: it {UNPROVEN}" for id_ in spared),
        *inventory.others(seen, holder),
        *inventory.kept(seen, purged),
        *(f"you may not see {what}: whether something there stands in the way is not known" for what in unseen),
    )
    plan = GroupPlan(seen, verdict, Access(), limits, holder, locks, purged, notes=notes, buried_workspaces=gone)
    return replace(plan, refusals=tuple(_refusals(plan)))


def _known(seen: Inventory, holder: Owner | None, limits: Limits) -> Proven:
    """Whether an id is proven to be the holder's: by the stack, where one is asked, else by names and record."""
    if (ids := limits.known) is not None:
        return lambda id_, _tags: id_.lower() in ids
    return proven_in(seen.id, holder)


def short(id_: str) -> str:
    """`storageAccounts/st1`: enough to know a resource by, inside its group."""
    return "/".join(id_.split("/")[-2:])


def _buried_holder(seen: Inventory) -> Owner | None:
    """Whose vaults were in a group that is gone, if all that name anybody name the same."""
    owners = {owner for entry in seen.buried if (owner := Owner.of(tags_of_vault(entry)))}
    return owners.pop() if seen.document is None and len(owners) == 1 else None


def _our_lock(lock: ManagementLockObject, seen: Inventory, holder: Owner | None, limits: Limits) -> bool:
    """By the state; or by name and note, where it is in the group itself."""
    id_ = str(lock.id)
    named = holder is not None and inventory.inside(seen.id, id_) and holder.locks(id_.rsplit("/", 1)[-1], lock.notes)
    return id_.lower() in limits.our_locks or named


def _refusals(plan: GroupPlan) -> Iterator[Refusal]:
    """All that forbids a removal. Where Azure is deleting the group already, there is nothing left to forbid."""
    seen, limits = plan.seen, plan.limits
    if seen.document is None:
        return
    if manager := str(seen.document.get("managedBy") or ""):
        # Microsoft, "Resource Groups" (REST): the id of what manages the group, such as a Databricks workspace.
        yield Refusal(
            seen.id, f"it is managed by {manager}", f"remove what manages it: az resource show --ids {manager}"
        )
        return
    if limits.chosen is not None and not limits.chosen(seen.document):
        yield Refusal(seen.id, "its tags have changed, and it is none of those that were chosen", "azmlflow sweep")
        return
    tags = seen.document.get("tags")
    if not limits.given and (plan.holder is None or not plan.holder.owns(tags)):
        refusal = _not_ours(seen, limits, tags)
        if refusal is not None:
            yield refusal
            return
    if seen.going:
        return
    for entry in plan.verdict.foreign:
        yield Refusal(entry.id, f"{short(entry.id)} {entry.why}", _foreign_way(plan, entry))
    for use in seen.uses:
        yield Refusal(
            use.user, f"{short(use.resource)} is used by {use.what}", "remove that first, or have it use another"
        )
    for lock in seen.locks:
        id_ = str(lock.id)
        if id_ not in plan.locks:
            yield Refusal(id_, f"lock `{short(id_)}` is not azmlflow's", f"az lock delete --ids {id_}")
    if seen.jobs and not limits.cancel_jobs:
        names = ", ".join(sorted(id_.rsplit("/", 1)[-1] for id_ in seen.jobs))
        yield Refusal(seen.jobs[0], f"running jobs: {names}", "wait for them, or type it again with --cancel-jobs")
    live = [each for each in seen.endpoints if each.is_live]
    if live and not limits.stop_endpoints:
        told = ", ".join(each.told() for each in live)
        way = "take the traffic off them, or type it again with --stop-endpoints"
        yield Refusal(live[0].id, f"endpoints answer requests: {told}", way)


def _not_ours(seen: Inventory, limits: Limits, tags: Mapping[str, str] | None) -> Refusal | None:
    project, stack = marks(tags)
    if limits.holder is not None:
        whose = (
            f"stack {stack or '?'} of project {project or '?'}" if project or stack else "nobody that azmlflow knows"
        )
        return Refusal(
            seen.id,
            f"its tags say that it belongs to {whose}, not to {limits.holder}",
            f"az group show --name {seen.name}",
        )
    if project or stack:
        return Refusal(
            seen.id,
            f"its tags name stack {stack or '?'} of project {project or '?'}, which is not whole",
            f"az group show --name {seen.name}",
        )
    if limits.unmanaged:
        return None
    return Refusal(
        seen.id, "it is not azmlflow's: no tags of ours", f"azmlflow down --resource-group {seen.name} --unmanaged"
    )


def _foreign_way(plan: GroupPlan, entry: Foreign) -> str:
    if entry.why not in (UNTAGGED, UNPROVEN):
        return "move or delete it, or remove it with its own stack; then type the command again"
    if plan.limits.known is not None and entry.id.lower() in plan.limits.known and plan.holder is not None:
        marked = " ".join(
            f"{name}={value}" for name, value in ownership(plan.holder.project, plan.holder.stack).items()
        )
        return f"if it is yours: az tag update --operation Merge --resource-id {entry.id} --tags {marked}"
    if plan.limits.known is None:
        return f"move or delete it, or azmlflow down --resource-group {plan.seen.name} --unmanaged"
    return "move or delete it; then type the command again"
