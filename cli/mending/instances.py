"""Compute instances: what of one that stands is changed, by Azure's actions, and when it has to be made anew.

Azure takes a PUT at an instance that stands without any effect (Azure/bicep-types-az issue 2543). Idle time and
schedules have actions of their own; all else takes another instance, which is removed over ARM before the engine's
turn, as clusters are (`computes`). Its disk goes with it: that is asked about first (`losses`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.infra.plan.changes import at
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.infra.settings.computes.instances import InstanceSettings

_COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"
# The idle time's action is in the previews, and in no stable version (Azure/azure-rest-api-specs, Compute; azure-ai-ml
# 1.35's client of 2025-12-01 has none).
_IDLE_VERSION = "2024-10-01-preview"
# The schedules' is in no later version (Azure SDK for JavaScript, arm-machinelearning, REST level client).
_SCHEDULES_VERSION = "2021-03-01-preview"
_INNER = "properties.properties"
# What another instance takes.
_FIXED = (
    f"{_INNER}.vmSize",
    f"{_INNER}.subnet.id",
    f"{_INNER}.enableNodePublicIp",
    f"{_INNER}.personalComputeInstanceSettings.assignedUser.objectId",
    f"{_INNER}.personalComputeInstanceSettings.assignedUser.tenantId",
    f"{_INNER}.setupScripts.scripts.creationScript.scriptData",
    "identity.type",
    "identity.userAssignedIdentities",
)
# What tells a schedule from another.
_SCHEDULED = (
    "action",
    "status",
    "triggerType",
    "cron.expression",
    "cron.timeZone",
    "recurrence.frequency",
    "recurrence.interval",
    "recurrence.timeZone",
    "recurrence.schedule.hours",
    "recurrence.schedule.minutes",
    "recurrence.schedule.weekDays",
)


@dataclass(frozen=True)
class Change:
    """An action that is to be called at an instance.

    Attributes:
        id: the instance.
        action: its name.
        body: what it is told.
        version: the api-version that has it.
        says: what it changes, for people.
    """

    id: str
    action: str
    body: Mapping[str, Any]
    version: str
    says: str


def is_instance(resource: Resource) -> bool:
    """Whether a resource of a state is a compute instance."""
    return resource.type == token_of(_COMPUTE) and at(resource.inputs, "properties.computeType") == "ComputeInstance"


def outdated(state: State, declared: Iterable[Declared]) -> Iterator[tuple[Resource, tuple[str, ...]]]:
    """The instances of a state that are declared no more, or otherwise, with what differs; nothing for the former.

    Args:
        state: the stack's.
        declared: what its program declares now.
    """
    wanted = {each.urn: each for each in declared}
    for resource in state.resources:
        if not is_instance(resource):
            continue
        then = wanted.get(resource.urn)
        if then is None:
            yield resource, ()
            continue
        ways = tuple(way for way in _FIXED if _plain(at(resource.inputs, way)) != _plain(at(then.inputs, way)))
        if ways:
            yield resource, ways


def _plain(value: object) -> object:
    if isinstance(value, list | Mapping):
        return sorted(str(each).lower() for each in value)
    return value.lower() if isinstance(value, str) else value


def changes(arm: ResourceManager, workspace: str, wanted: Iterable[InstanceSettings]) -> Iterator[Change]:
    """What has to be changed of the instances that stand, so that they are as the settings say.

    Args:
        arm: Azure Resource Manager.
        workspace: ARM id of the workspace.
        wanted: the settings of its instances.
    """
    from azmlflow.infra.settings.fields import marked

    for each in wanted:
        id_ = f"{workspace}/computes/{each.name}"
        inner = at(arm.get(id_) or {}, _INNER)
        if not isinstance(inner, Mapping):
            continue
        idle = marked(type(each))["idle_minutes"]
        if idle.read(inner.get("idleTimeBeforeShutdown")) != each.idle_minutes:
            says = f"compute instance `{each.name}` stops after {each.idle_minutes} minutes without work"
            body = {"idleTimeBeforeShutdown": idle.write(each.idle_minutes)}
            yield Change(id_, "updateIdleShutdownSetting", body, _IDLE_VERSION, says)
        schedules = [schedule.as_azure_has_it() for schedule in each.schedules]
        if _told(at(inner, "schedules.computeStartStop") or ()) != _told(schedules):
            says = f"compute instance `{each.name}` has {len(schedules) or 'no'} schedule{'s' * (len(schedules) != 1)}"
            yield Change(id_, "updateSchedules", {"computeStartStop": schedules}, _SCHEDULES_VERSION, says)


def _told(schedules: Iterable[Mapping[str, Any]]) -> list[str]:
    """Schedules without order, ids, and the case of Azure's words."""
    return sorted("|".join(str(_plain(at(each, way) or None)) for way in _SCHEDULED) for each in schedules)


def apply(arm: ResourceManager, workspace: str, wanted: Iterable[InstanceSettings], say: Callable[[str], None]) -> int:
    """Change what has to be changed; how many actions were called."""
    count = 0
    for change in changes(arm, workspace, wanted):
        say(change.says)
        arm.post(change.id, change.action, change.body, version=change.version)
        count += 1
    return count
