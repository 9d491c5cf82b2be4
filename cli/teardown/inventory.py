"""What stands in a resource group, and what would outlive it, as Azure tells it now. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.errors import ArmError, MalformedAnswer
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import many
from azmlflow.cli.session import twins
from azmlflow.cli.teardown.data import asked_per_day
from azmlflow.cli.teardown.ownership import VAULT, WORKSPACE, Owner, Resource
from azmlflow.cli.teardown.uses import Sight, Use, find_uses
from azmlflow.rbac import scopes

if TYPE_CHECKING:
    from azure.mgmt.authorization.v2022_05_01_preview.models import RoleDefinition
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
        uses: what in other groups uses what is in it.
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
    def holder(self) -> Owner | None:
        """Whose tags the group bears."""
        return Owner.of((self.document or {}).get("tags"))


def read(arm: ResourceManager, group_id: str) -> Inventory:
    """Look at a group, by whatever case its id is written in."""
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
    uses = find_uses(arm, group_id, resources, sight)
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


def is_protected(buried: Mapping[str, Any]) -> bool:
    """Whether nobody can purge it before it was kept as long as it had to be."""
    return bool((buried.get("properties") or {}).get("purgeProtectionEnabled"))


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
    return Resource.of({"type": one.type, **document, "tags": document.get("tags") or one.tags}) if document else one


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


@dataclass(frozen=True)
class Access:
    """Role definitions and assignments that azmlflow made for a group.

    Attributes:
        definitions: ids of role definitions of ours, whose scope is the group.
        assignments: ids of assignments of ours, and of all of the definitions.
    """

    definitions: tuple[str, ...] = field(default=())
    assignments: tuple[str, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.definitions or self.assignments)


def access(arm: ResourceManager, group_id: str, holder: Owner | None) -> Access:
    """What azmlflow granted in or around a group.

    A definition is ours by its GUID, which is computed from the group's id and the persona; an assignment by what its
    description says of its owner, where its scope is the group or inside it, or where its principal is deleted; or
    because it is of one of those definitions, which could not be deleted before it. A definition that somebody has made
    assignable elsewhere, too, stays: there others may have it.
    """
    try:
        return _access(arm, _subscription(group_id), group_id, holder)
    except ArmError as fault:
        if fault.status != 403:
            raise
    # Whose rights are at the group sees nothing of the subscription: there the group's own lists tell the same.
    inside_ = _access(arm, group_id, group_id, holder)
    names = (id_.rsplit("/", 1)[-1] for id_ in inside_.definitions)
    own = tuple(f"{group_id}/providers/Microsoft.Authorization/roleDefinitions/{name}" for name in names)
    return Access(own, inside_.assignments)


def _access(arm: ResourceManager, scope: str, group_id: str, holder: Owner | None) -> Access:
    from azmlflow.rbac.roles import PERSONAS, custom_role_guid

    guids = {custom_role_guid(each.name, group_id) for each in PERSONAS}
    roles = {
        str(role.name).lower(): str(role.id)
        for role in arm.custom_roles(scope)
        if str(role.name).lower() in guids and _only_here(role, group_id)
    }
    assignments: list[str] = []
    for entry in arm.role_assignments(scope):
        ours = holder is not None and holder.says(entry.description) and scopes.contains(group_id, str(entry.scope))
        if ours or str(entry.role_definition_id).rsplit("/", 1)[-1].lower() in roles:
            assignments.append(str(entry.id))
    return Access(tuple(roles.values()), tuple(assignments))


def _only_here(role: RoleDefinition, group_id: str) -> bool:
    """Whether a role is assignable in the group and nowhere else."""
    places = role.assignable_scopes or []
    return bool(places) and all(scopes.contains(group_id, place) for place in places)


def standing_vaults(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The key vaults among resources."""
    return tuple(one for one in resources if one.type == VAULT)
