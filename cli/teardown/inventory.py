"""What stands in a resource group, and what would outlive it, as Azure tells it now. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azmlflow.cli.azure.arm import Arm, ArmError
from azmlflow.cli.teardown.ownership import VAULT, WORKSPACE, Owner, Resource
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import resource_type, version_of

GROUP = "Microsoft.Resources/resourceGroups"
LOCK = "Microsoft.Authorization/locks"
JOB = "Microsoft.MachineLearningServices/workspaces/jobs"
ROLE_DEFINITION = "Microsoft.Authorization/roleDefinitions"
ROLE_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"
BURIED = "Microsoft.KeyVault/locations/deletedVaults"
_ALL_BURIED = "Microsoft.KeyVault/deletedVaults"
# States in which a job holds machines, or is about to (Microsoft, "Jobs - Get", `JobStatus`).
_RUNNING = frozenset(
    ("notstarted", "starting", "provisioning", "preparing", "queued", "running", "finalizing", "notresponding")
)


@dataclass(frozen=True)
class Use:
    """A workspace elsewhere that needs something of the group: ids of both."""

    workspace: str
    resource: str


@dataclass(frozen=True)
class Inventory:
    """A group and its surroundings at one instant.

    Attributes:
        id: the group's ARM id.
        document: the group; None where there is none.
        resources: all that is in it.
        locks: documents of the locks on it, above it and in it.
        buried: documents of the soft-deleted vaults that were in it.
        jobs: ids of the jobs that run in its workspaces.
        uses: the subscription's workspaces in other groups that use what is in it.
    """

    id: str
    document: Mapping[str, Any] | None
    resources: tuple[Resource, ...] = ()
    locks: tuple[Mapping[str, Any], ...] = ()
    buried: tuple[Mapping[str, Any], ...] = ()
    jobs: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()

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


def read(arm: Arm, group_id: str) -> Inventory:
    """Look at a group, by whatever case its id is written in."""
    buried = read_buried(arm, group_id)
    document = arm.get(group_id, version_of(GROUP))
    if document is None:
        return Inventory(group_id, None, buried=buried)
    resources = tuple(_linked(arm, one) for one in resources_of(arm, group_id))
    subscription = _subscription(group_id)
    locks = (*arm.list(f"{group_id}/providers/{LOCK}", version_of(LOCK)), *_locks_above(arm, subscription))
    workspaces = _listed(arm, f"{subscription}/providers/{resource_type(WORKSPACE).name}", version_of(WORKSPACE))
    return Inventory(
        str(document.get("id") or group_id),
        document,
        resources,
        tuple({str(lock["id"]).lower(): lock for lock in locks}.values()),
        buried,
        tuple(_jobs(arm, resources)),
        tuple(_uses(map(Resource.of, workspaces), group_id, resources)),
    )


def resources_of(arm: Arm, group_id: str) -> Iterable[Resource]:
    """All that is in a group, in short form."""
    listed = arm.list(f"{group_id}/resources", version_of("Microsoft.Resources/resources"))
    return (Resource.of(entry) for entry in listed)


def _subscription(id_: str) -> str:
    return "/".join(id_.split("/")[:3])


def _listed(arm: Arm, path: str, version: str) -> tuple[Mapping[str, Any], ...]:
    """A list of the whole subscription; empty for who may not see that, but may still delete the group."""
    try:
        return tuple(arm.list(path, version))
    except ArmError as fault:
        if fault.status != 403:
            raise
        return ()


def _uses(workspaces: Iterable[Resource], group_id: str, resources: Iterable[Resource]) -> Iterable[Use]:
    there = {one.id.lower(): one.id for one in resources}
    for workspace in workspaces:
        if not inside(group_id, workspace.id):
            yield from (Use(workspace.id, there[link]) for link in sorted(workspace.links & there.keys()))


def vault_id(buried: Mapping[str, Any]) -> str:
    """Where a soft-deleted vault was; empty where Azure doesn't say."""
    return str((buried.get("properties") or {}).get("vaultId", ""))


def is_protected(buried: Mapping[str, Any]) -> bool:
    """Whether nobody can purge it before its time is over."""
    return bool((buried.get("properties") or {}).get("purgeProtectionEnabled"))


def _locks_above(arm: Arm, subscription: str) -> tuple[Mapping[str, Any], ...]:
    """The locks of the subscription itself, which all in it inherit."""
    place = f"{subscription}/providers/{LOCK}"
    listed = _listed(arm, place, version_of(LOCK))
    return tuple(lock for lock in listed if str(lock["id"]).lower().startswith(f"{place.lower()}/"))


def _linked(arm: Arm, one: Resource) -> Resource:
    """A workspace with what it uses: lists tell no properties."""
    if one.type != WORKSPACE:
        return one
    document = arm.get(one.id, version_of(WORKSPACE))
    return Resource.of({"type": one.type, **document, "tags": document.get("tags") or one.tags}) if document else one


def read_buried(arm: Arm, group_id: str) -> tuple[Mapping[str, Any], ...]:
    """The soft-deleted vaults that were in a group."""
    listed = _listed(arm, f"{_subscription(group_id)}/providers/{_ALL_BURIED}", version_of(_ALL_BURIED))
    return tuple(entry for entry in listed if inside(group_id, vault_id(entry)))


def inside(group_id: str, id_: str) -> bool:
    """Whether an id is of something in the group: by whole segments, in any case."""
    return id_.lower().startswith(f"{group_id.lower()}/")


def _jobs(arm: Arm, resources: Iterable[Resource]) -> Iterable[str]:
    for one in resources:
        if one.type == WORKSPACE:
            for job in arm.list(f"{one.id}/jobs", version_of(JOB)):
                if _status(job) in _RUNNING:
                    yield str(job["id"])


def has_ended(job: Mapping[str, Any] | None) -> bool:
    """Whether a job holds no machine any more, nor is about to let one go; nor does one that is not there."""
    return job is None or _status(job) not in _RUNNING | {"cancelrequested"}


def _status(job: Mapping[str, Any]) -> str:
    return str((job.get("properties") or {}).get("status", "")).lower()


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


def access(arm: Arm, group_id: str, holder: Owner | None) -> Access:
    """What azmlflow granted in or around a group.

    A definition is ours by its GUID, which is computed from the group's id and the persona; an assignment by what its
    description says of its owner, where its scope is the group or inside it, or where its principal is deleted; or
    because it is of one of those definitions, which could not be deleted before it. A definition that somebody has made
    assignable elsewhere, too, stays: there others may have it.
    """
    from azmlflow.rbac.roles import PERSONAS, custom_role_guid

    place = f"{_subscription(group_id)}/providers"
    candidates = (f"{place}/{ROLE_DEFINITION}/{custom_role_guid(each.name, group_id)}" for each in PERSONAS)
    version = version_of(ROLE_DEFINITION)
    definitions = tuple(id_ for id_ in candidates if _only_here(arm.get(id_, version), group_id))
    roles = {id_.rsplit("/", 1)[-1].lower() for id_ in definitions}
    assignments: list[str] = []
    for entry in arm.list(f"{place}/{ROLE_ASSIGNMENT}", version_of(ROLE_ASSIGNMENT)):
        properties = entry.get("properties") or {}
        role = str(properties.get("roleDefinitionId", "")).rsplit("/", 1)[-1].lower()
        at = str(properties.get("scope", ""))
        ours = holder is not None and holder.says(properties.get("description")) and scopes.contains(group_id, at)
        if role in roles or ours:
            assignments.append(str(entry["id"]))
    return Access(definitions, tuple(assignments))


def _only_here(definition: Mapping[str, Any] | None, group_id: str) -> bool:
    """Whether a role is there, and assignable nowhere but in the group."""
    if definition is None:
        return False
    places = (definition.get("properties") or {}).get("assignableScopes") or ()
    return all(scopes.contains(group_id, str(place)) for place in places)


def standing_vaults(resources: Iterable[Resource]) -> tuple[Resource, ...]:
    """The key vaults among resources."""
    return tuple(one for one in resources if one.type == VAULT)
