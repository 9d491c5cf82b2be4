"""Arguments of components that are settings too.

Made from the settings' fields by `pytest tests/infra/settings --renew`; not to be edited by hand.
"""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import NotRequired, TypedDict

import pulumi


class RecurrenceArgs(TypedDict):
    """How often something is done, and at which times of the day."""

    frequency: str
    """What is counted."""
    hours: list[int]
    """At which hours, 0 to 23."""
    interval: NotRequired[int]
    """Every how many of them, from when it was set."""
    minutes: NotRequired[list[int]]
    """At which minutes of them, 0 to 59."""
    week_days: NotRequired[list[str]]
    """On which days; of the frequency Week alone."""


class ScheduleArgs(TypedDict):
    """When an instance starts or stops by the clock."""

    action: NotRequired[str]
    """What is done then."""
    cron: NotRequired[str]
    """When, by minute, hour, day of the month, month and day of the week (0 is Sunday)."""
    recurrence: NotRequired[RecurrenceArgs]
    """When, in place of cron: how often, and at which times of the day."""
    time_zone: NotRequired[str]
    """The time zone, by Windows' name. Azure's schedules know no summer time."""


@dataclass(frozen=True)
class ComputeClusterArgs:
    """What a `ComputeCluster` is made of; what is left out is as `ClusterSettings` has it."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """Workspace that it belongs to."""
    location: pulumi.Input[str]
    """Azure region; the workspace's."""
    name: str
    """Name of the compute in the workspace."""
    _: KW_ONLY
    vm_size: str | None = None
    """Azure's virtual machine size of each node."""
    identity: str | None = None
    """Whether Azure makes the compute an identity of its own, which jobs use to reach data and images."""
    identities: dict[str, str] | None = None
    """User-assigned identities instead: the ARM id of each, and its object id in the directory (`az identity show --ids
    ID --query principalId`), which gets the roles that it needs on what is the stack's."""
    subnet: str | None = None
    """ARM id of the subnet that its nodes are in; of the workspace's subscription and region."""
    public_ip: bool | None = None
    """Whether its nodes have public IP addresses. Without, they need a network that is managed, or one's own, in which
    they have none by default."""
    min_nodes: int | None = None
    """Nodes kept running when idle; 0 costs nothing."""
    max_nodes: int | None = None
    """Most nodes at a time."""
    idle_seconds: int | None = None
    """Seconds that an idle node waits before it is released."""
    priority: str | None = None
    """LowPriority nodes cost less, and Azure may take them back at any time."""
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Tags on the cluster."""


@dataclass(frozen=True)
class ComputeInstanceArgs:
    """What a `ComputeInstance` is made of; what is left out is as `InstanceSettings` has it."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """Workspace that it belongs to."""
    location: pulumi.Input[str]
    """Azure region; the workspace's."""
    name: str
    """Name of the compute in the workspace."""
    _: KW_ONLY
    vm_size: str | None = None
    """Azure's virtual machine size of each node."""
    identity: str | None = None
    """Whether Azure makes the compute an identity of its own, which jobs use to reach data and images."""
    identities: dict[str, str] | None = None
    """User-assigned identities instead: the ARM id of each, and its object id in the directory (`az identity show --ids
    ID --query principalId`), which gets the roles that it needs on what is the stack's."""
    subnet: str | None = None
    """ARM id of the subnet that its nodes are in; of the workspace's subscription and region."""
    public_ip: bool | None = None
    """Whether its nodes have public IP addresses. Without, they need a network that is managed, or one's own, in which
    they have none by default."""
    owner: str | None = None
    """Object id of whom it is for, who alone works on it. Default: whoever makes it."""
    owner_tenant: str | None = None
    """The owner's tenant. Default: the subscription's."""
    idle_minutes: int | None = None
    """Minutes without work after which it stops; stopped, it costs its disk and its address."""
    schedules: list[ScheduleArgs] | None = None
    """When it starts and stops by the clock."""
    setup_script: str | None = None
    """Shell script that is run once, as root, when it is made; no place for secrets. For another owner, Azure then
    leaves single sign-on off, until the owner switches it on."""
    tenant_id: str | None = None
    """The subscription's tenant; needed with an owner who has none said."""
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Tags on the instance, when it is made."""
