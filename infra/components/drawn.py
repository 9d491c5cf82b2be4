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


class OnlineDeploymentArgs(TypedDict):
    """A model that an endpoint serves, with the machines that it runs on."""

    model: str
    """Name of a registered model that MLflow logged."""
    version: NotRequired[str]
    """Its version, or latest: the highest that there is when `up` is typed. Another version is another deployment,
    which answers before requests go there."""
    name: NotRequired[str]
    """What its name in Azure begins with, before model and version, to tell two of one model apart."""
    instance_type: NotRequired[str]
    """Azure's virtual machine size of each instance. Another one is another deployment."""
    instance_count: NotRequired[int]
    """How many instances, each of which costs while it stands."""
    traffic: NotRequired[int]
    """Percent of the endpoint's requests that it answers; of all deployments together 100, or 0."""
    mirror: NotRequired[int]
    """Percent of the requests of which it gets a copy, and whose answers nobody sees."""


class OutboundRuleArgs(TypedDict):
    """One outbound rule: a host, a service tag or a private endpoint."""

    name: NotRequired[str]
    """Its name in Azure. Default: made from what it lets out to."""
    fqdn: NotRequired[str]
    """A host that is let out to, on ports 80 and 443, or all hosts below one (*.example.com). The first such rule makes
    Azure add a firewall to the managed network, which costs by the hour."""
    service_tag: NotRequired[str]
    """A service tag of Azure that is let out to."""
    private_endpoint: NotRequired[str]
    """ARM id of a resource that Azure makes a private endpoint to; never of what the workspace itself stands on, to
    which Azure makes them unasked."""
    protocol: NotRequired[str]
    """Protocol of a service tag's rule."""
    ports: NotRequired[str]
    """Ports of a service tag's rule."""
    target: NotRequired[str]
    """Which part of the resource a private endpoint leads to (Azure's word: the sub-resource)."""


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


@dataclass(frozen=True)
class OnlineEndpointArgs:
    """What a `OnlineEndpoint` is made of; what is left out is as `EndpointSettings` has it."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """Workspace that it belongs to."""
    location: pulumi.Input[str]
    """Azure region; the workspace's."""
    name: str
    """Its name, which is a host's: unique in the region."""
    _: KW_ONLY
    auth: str | None = None
    """How callers prove who they are: by a key, which is nobody's; by a token that Azure Machine Learning gives; or by
    a token of their own, which wants the persona scorer."""
    identities: dict[str, str] | None = None
    """User-assigned identities instead of one that Azure makes: the ARM id of each, and its object id in the directory
    (`az identity show --ids ID --query principalId`), which gets the roles that it needs on what is the stack's. Other
    identities are another endpoint."""
    deployments: list[OnlineDeploymentArgs] | None = None
    """What answers there, each by its share of the traffic."""
    closed: bool | None = False
    """Whether it is reached by the workspace's private endpoints alone."""
    subscription_id: pulumi.Input[str] | None = None
    """Subscription of the workspace; the client's by default."""
    tags: dict[str, str] | None = None
    """Tags on the endpoint and its deployments."""
