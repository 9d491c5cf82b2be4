"""What is soft-deleted of groups that are gone, and keeps its names. Changes nothing.

A key vault bears its tags still: by them its group was one of ours, and it is purged where its name, or its record,
proves it ours as well. A workspace bears none, and without its group nobody purges it: it is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.session import twins
from azmlflow.cli.sweep.groups import Found, Wanted
from azmlflow.rbac.live.pool import Pool

_VAULT = "Microsoft.KeyVault/vaults"


@dataclass(frozen=True)
class Buried:
    """What was found of groups that are gone.

    Attributes:
        groups: those of which something is proven to be ours, and can be purged.
        notes: what else keeps its name, a sentence each.
    """

    groups: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass
class _Group:
    """What is soft-deleted of a group: vaults that bear our tags, and the ids of workspaces."""

    id: str
    vaults: list[Mapping[str, Any]] = field(default_factory=list)
    workspaces: list[str] = field(default_factory=list)

    def found(self) -> Found:
        """The group as its vaults tell of it."""
        tags = dict(twins.tags_of_vault(self.vaults[0])) if self.vaults else {}
        return Found(self.id, tags, gone=True)


def find_buried(
    arm: ResourceManager,
    wanted: Wanted,
    now: datetime,
    width: int,
    warn: Callable[[str], None],
    *,
    workspaces: bool = True,
) -> Buried:
    """What is soft-deleted of groups that are gone, in all subscriptions that are seen.

    Args:
        arm: Azure Resource Manager.
        wanted: which groups are meant, by their names and by the tags that their vaults bear.
        now: the time.
        width: how many are asked at a time.
        warn: hears of what may not be seen.
        workspaces: ask for them, too; each region is asked, and nothing can be done about what is found.
    """
    # Those who want tags or an age want what no workspace has by itself.
    alone = workspaces and not (wanted.tags or wanted.older_than is not None or wanted.expired)
    subscriptions = [str(each.subscription_id) for each in arm.subscriptions()]
    with Pool(width, "buried") as pool:
        lists = pool.map(lambda each: _groups(arm, each, warn, workspaces=workspaces, alone=alone), subscriptions)
        meant = [each for found in lists for each in found if wanted.fits(each.found(), now)]
        looks = tuple(pool.map(lambda each: _look(arm, each, warn), meant))
    return Buried(
        tuple(group for look in looks for group in look.groups), tuple(note for look in looks for note in look.notes)
    )


def _groups(
    arm: ResourceManager, subscription: str, warn: Callable[[str], None], *, workspaces: bool, alone: bool
) -> tuple[_Group, ...]:
    """The groups of a subscription, standing or not, of which something that may be ours is soft-deleted."""
    from azmlflow.cli.teardown.ownership import Owner
    from azmlflow.cli.teardown.uses import Sight

    sight = Sight()
    groups: dict[str, _Group] = {}
    for entry in sight.seen("soft-deleted key vaults", lambda: twins.deleted_vaults(arm, subscription)):
        if Owner.of(twins.tags_of_vault(entry)) is not None and (
            id_ := _group_of(twins.id_of_vault(entry), subscription)
        ):
            groups.setdefault(id_.lower(), _Group(id_)).vaults.append(entry)
    if alone or (workspaces and groups):
        entries = sight.seen("soft-deleted workspaces", lambda: twins.deleted_in_every_region(arm, subscription))
        for was in map(twins.id_of_workspace, entries):
            id_ = _group_of(was, subscription)
            if id_ and (id_.lower() in groups or _is_named_after(was, id_)):
                groups.setdefault(id_.lower(), _Group(id_)).workspaces.append(was)
    for what in sight.unseen:
        warn(f"{what} of subscription {subscription} are not yours to see: whether some keep their names is not known")
    return tuple(groups.values())


def _look(arm: ResourceManager, group: _Group, warn: Callable[[str], None]) -> Buried:
    """What of it can be purged, and what is to be said of the rest; nothing if the group stands."""
    from azmlflow.cli.teardown import inventory
    from azmlflow.cli.teardown.ownership import UNPROVEN, Limits
    from azmlflow.cli.teardown.plan import plan_inside, short

    try:
        plan = plan_inside(arm, group.id, Limits())
    except ArmError as fault:
        if fault.status != 403:
            raise
        warn(f"whether resource group {group.id} is gone is not yours to see")
        return Buried()
    if plan.seen.document is not None:
        return Buried()
    of = f"of {plan.seen.name}, which is gone,"
    others = [id_ for id_ in map(twins.id_of_vault, group.vaults) if id_.lower() not in plan.purge]
    notes = (
        *(f"soft-deleted {short(id_)} {of} stays: it {UNPROVEN}" for id_ in others),
        *inventory.kept(plan.seen, plan.purge),
        *(
            f"soft-deleted {short(id_)} {of} keeps its name until Azure purges it, 14 days after it went"
            for id_ in group.workspaces
        ),
    )
    ours = (replace(group.found(), contents={_VAULT: len(plan.purgeable)}),) if plan.purgeable else ()
    return Buried(ours, notes)


def _group_of(id_: str, subscription: str) -> str:
    """The id of the group that something was in; empty where it is none of this subscription."""
    words = id_.split("/")
    inside = len(words) > 5 and words[2].lower() == subscription.lower() and words[3].lower() == "resourcegroups"
    return "/".join(words[:5]) if inside else ""


def _is_named_after(workspace: str, group_id: str) -> bool:
    """Whether a workspace has the name that follows from its group's, for some stack."""
    from azmlflow.cli.teardown.ownership import Owner, proven_in

    return any(proven_in(group_id, Owner("", stack))(workspace, None) for stack in _stacks(group_id.rpartition("/")[2]))


def _stacks(group: str) -> Iterator[str]:
    """What the stack may be called whose group has a name: `rg-<prefix>-<stack>`."""
    words = group.lower().split("-")
    return ("-".join(words[count:]) for count in range(1, len(words)))
