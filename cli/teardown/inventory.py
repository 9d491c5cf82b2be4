"""What stands in a resource group, and what would outlive it, as Azure tells it now. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import MalformedAnswer
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import many
from azmlflow.cli.session import twins
from azmlflow.cli.teardown.data import asked_per_day
from azmlflow.cli.teardown.ownership import UNTAGGED, VAULT, WORKSPACE, Owner, Resource, Verdict, marks
from azmlflow.cli.teardown.uses import Sight, Use, find_uses

if TYPE_CHECKING:
    from azure.mgmt.resource.locks.models import ManagementLockObject

# States in which a job holds machines, or is about to (Microsoft, "Jobs - Get", `JobStatus`).
_RUNNING = frozenset(
    ("notstarted", "starting", "provisioning", "preparing", "queued", "running", "finalizing", "notresponding")
)


@dataclass(frozen=True)
class Endpoint:
    """An online endpoint: its id, and the percent of its requests that each deployment answers, where it has any.

    Attributes:
        asked: how many requests it had in the last day; None where that is not known.
    """

    id: str
    traffic: Mapping[str, int]
    asked: int | None = None

    @property
    def is_live(self) -> bool:
        """Whether requests to it are answered."""
        return any(self.traffic.values())

    def told(self) -> str:
        """For people: `wine (blue 90 %, green 10 %; 2880 requests in the last day)`."""
        shares = ", ".join(f"{name} {share} %" for name, share in sorted(self.traffic.items()) if share)
        if shares:
            asked = None if self.asked is None else many(self.asked, "request")
            shares += f"; {asked} in the last day" if asked else "; requests of the last day unknown"
        return f"{self.id.rsplit('/', 1)[-1]} ({shares or 'no traffic'})"


@dataclass(frozen=True)
class Inventory:
    """A group and its surroundings at one instant.

    Attributes:
        id: the group's ARM id.
        document: the group; None where there is none.
        resources: all that is in it.
        locks: the locks on it, above it and in it.
        buried: documents of the soft-deleted vaults that were in it.
        jobs: ids of the jobs that run in its workspaces.
        endpoints: the online endpoints of its workspaces.
        uses: what elsewhere uses what is in it; of a given group, what in it does, too.
        unseen: what may not be seen: lists that could hold further uses, locks above, soft-deleted things.
    """

    id: str
    document: Mapping[str, Any] | None
    resources: tuple[Resource, ...] = ()
    locks: tuple[ManagementLockObject, ...] = ()
    buried: tuple[Mapping[str, Any], ...] = ()
    jobs: tuple[str, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    uses: tuple[Use, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The group's name."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def going(self) -> bool:
        """Whether Azure is deleting it already."""
        return str(((self.document or {}).get("properties") or {}).get("provisioningState", "")) == "Deleting"

    @property
    def protected(self) -> frozenset[str]:
        """The ids that soft-deleted vaults had which nobody can purge."""
        return frozenset(twins.id_of_vault(each).lower() for each in self.buried if twins.protected_until(each))

    @property
    def holder(self) -> Owner | None:
        """Whose tags the group bears."""
        return Owner.of((self.document or {}).get("tags"))


def read(arm: ResourceManager, group_id: str, *, given: bool = False) -> Inventory:
    """Look at a group, by whatever case its id is written in.

    Args:
        arm: Azure Resource Manager.
        group_id: the group's ARM id.
        given: whether it is another's: what in it uses something of ours counts, too.
    """
    sight = Sight()
    buried = read_buried(arm, group_id, sight)
    document = arm.group(group_id)
    if document is None:
        return Inventory(group_id, None, buried=buried, unseen=tuple(sight.unseen))
    resources = tuple(_linked(arm, one) for one in resources_of(arm, group_id))
    subscription = _subscription(group_id)
    locks = (*arm.locks(group_id), *_locks_above(arm, subscription, sight))
    if sight.unseen:  # of lists of the subscription Azure shows what one may read, and says nothing of the rest
        sight.miss("all other groups of the subscription")
    uses = find_uses(arm, group_id, resources, sight, within=given)
    return Inventory(
        str(document.get("id") or group_id),
        document,
        resources,
        tuple({str(lock.id).lower(): lock for lock in locks}.values()),
        buried,
        tuple(_jobs(arm, resources)),
        tuple(_endpoints(arm, resources, sight)),
        uses,
        tuple(sight.unseen),
    )


def resources_of(arm: ResourceManager, group_id: str) -> Iterable[Resource]:
    """All that is in a group, in short form."""
    return map(Resource.of, arm.resources(group_id))


def _subscription(id_: str) -> str:
    return "/".join(id_.split("/")[:3])


def _locks_above(arm: ResourceManager, subscription: str, sight: Sight) -> tuple[ManagementLockObject, ...]:
    """The locks of the subscription itself, which all in it inherit."""
    own = f"{subscription}/providers/microsoft.authorization/locks/".lower()
    found = sight.seen("locks of the subscription", lambda: arm.locks(subscription))
    return tuple(lock for lock in found if str(lock.id).lower().startswith(own))


def _linked(arm: ResourceManager, one: Resource) -> Resource:
    """A workspace with what it uses: lists tell no properties."""
    if one.type != WORKSPACE:
        return one
    document = arm.get(one.id)
    if document is None:
        return one
    found = Resource.of(document)
    return replace(found, type=one.type, tags=found.tags or one.tags)


def read_buried(arm: ResourceManager, group_id: str, sight: Sight) -> tuple[Mapping[str, Any], ...]:
    """The soft-deleted vaults that were in a group."""
    subscription = _subscription(group_id).rpartition("/")[2]
    listed = sight.seen("soft-deleted key vaults", lambda: twins.deleted_vaults(arm, subscription))
    return tuple(entry for entry in listed if inside(group_id, twins.id_of_vault(entry)))


def read_buried_workspaces(arm: ResourceManager, seen: Inventory, sight: Sight) -> tuple[str, ...]:
    """The ids of the workspaces, soft-deleted in a group's region, that say of themselves that they were in it."""
    location = str((seen.document or {}).get("location", "")).lower().replace(" ", "")
    if not location:
        return ()
    subscription = _subscription(seen.id).rpartition("/")[2]
    listed = sight.seen("soft-deleted workspaces", lambda: twins.deleted_workspaces(arm, subscription, location))
    named = map(twins.id_of_workspace, listed)
    standing = {one.id.lower() for one in seen.resources}
    return tuple(id_ for id_ in named if inside(seen.id, id_) and id_.lower() not in standing)


def read_buried_of_gone(arm: ResourceManager, group_id: str, sight: Sight) -> tuple[str, ...]:
    """The ids of the soft-deleted workspaces that say that they were in a group which is gone, with its region."""
    subscription = _subscription(group_id).rpartition("/")[2]
    entries = sight.seen("soft-deleted workspaces", lambda: twins.deleted_in_every_region(arm, subscription))
    return tuple(id_ for id_ in map(twins.id_of_workspace, entries) if inside(group_id, id_))


def inside(group_id: str, id_: str) -> bool:
    """Whether an id is of something in the group: by whole segments, in any case."""
    return id_.lower().startswith(f"{group_id.lower()}/")


def _jobs(arm: ResourceManager, resources: Iterable[Resource]) -> Iterable[str]:
    for one in resources:
        if one.type == WORKSPACE:
            for job in arm.list(f"{one.id}/jobs"):
                if _status(job) in _RUNNING:
                    yield str(job["id"])


def _endpoints(arm: ResourceManager, resources: Iterable[Resource], sight: Sight) -> Iterable[Endpoint]:
    for one in resources:
        if one.type == WORKSPACE:
            asked = f"{one.id}/onlineEndpoints"
            for entry in sight.seen(f"online endpoints of workspace {one.name}", lambda asked=asked: arm.list(asked)):  # type: ignore[misc]
                told = (entry.get("properties") or {}).get("traffic")
                shares = told if isinstance(told, Mapping) else {}
                found = Endpoint(str(entry["id"]), {str(name): int(share or 0) for name, share in shares.items()})
                yield replace(found, asked=asked_per_day(arm, found.id)) if found.is_live else found


def has_ended(job: Mapping[str, Any] | None) -> bool:
    """Whether a job holds no machine any more, nor is about to let one go; nor does one that is not there."""
    return job is None or _status(job) not in _RUNNING | {"cancelrequested"}


def _status(job: Mapping[str, Any]) -> str:
    status = (job.get("properties") or {}).get("status")
    if not isinstance(status, str):
        raise MalformedAnswer("a job without a status", str(job.get("id")))
    return status.lower()


def standing_vaults(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The key vaults among resources."""
    return tuple(one for one in resources if one.type == VAULT)


def narrowed(seen: Inventory, verdict: Verdict) -> tuple[Inventory, Verdict]:
    """A group as if the stack's things were all that is in it; nothing of others stands in their way, or goes."""
    ours = [one.id for one in verdict.ours]
    return replace(
        seen,
        jobs=tuple(id_ for id_ in seen.jobs if _of(id_, ours)),
        endpoints=tuple(each for each in seen.endpoints if _of(each.id, ours)),
        uses=tuple(each for each in seen.uses if _of(each.resource, ours) and not _of(each.user, ours)),
        locks=tuple(lock for lock in seen.locks if _binds(str(lock.id), ours)),
    ), Verdict(verdict.ours, ())


def notes(seen: Inventory, verdict: Verdict) -> tuple[str, ...]:
    """What stays, for people."""
    if seen.document is None:
        return ()
    others = f", and {many(len(verdict.foreign), 'resource')} in it" if verdict.foreign else ""
    return (f"resource group {seen.name} stays{others}: not this stack's",)


def _of(id_: str, ours: Iterable[str]) -> bool:
    """Whether an id is of something of ours, or below it."""
    return any(f"{id_}/".lower().startswith(f"{own}/".lower()) for own in ours)


def _binds(lock: str, ours: Iterable[str]) -> bool:
    """Whether a lock is on something of ours, in it, or above it."""
    scope = lock.lower().partition("/providers/microsoft.authorization/locks/")[0]
    return any(_of(own, (scope,)) or _of(scope, (own,)) for own in ours)


def others(seen: Inventory, holder: Owner | None) -> Iterator[str]:
    """Of a group that is gone: a sentence for each vault of another's. Whoever asks for the group may take its name."""
    for entry in seen.buried if seen.document is None else ():
        tags = twins.tags_of_vault(entry)
        if holder is None or not holder.owns(tags):
            project, stack = marks(tags)
            whose = f"belongs to stack {stack or '?'} of project {project or '?'}" if project or stack else UNTAGGED
            yield f"soft-deleted vaults/{_name(twins.id_of_vault(entry))} stays: it {whose}"


def kept(seen: Inventory, meant: Collection[str]) -> Iterator[str]:
    """A sentence for each soft-deleted vault, of those that are meant, that nobody can purge."""
    for entry in seen.buried:
        id_ = twins.id_of_vault(entry)
        if id_.lower() in meant and (day := twins.protected_until(entry)):
            yield f"key vault {_name(id_)}: {twins.keeping(day)}"


def _name(id_: str) -> str:
    return id_.rpartition("/")[2]
