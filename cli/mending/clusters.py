"""Clusters that go, or are made anew, are removed over ARM before the engine's turn.

Azure's DELETE of a compute wants `underlyingResourceAction`, which the provider doesn't send; and Azure changes neither
the machines, the priority nor the network of a cluster that stands. Once it is gone, the engine's own deletion finds
nothing, and its update makes the cluster anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.mending import instances
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.settings.computes.clusters import ClusterSettings

_COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"


def outdated(state: State, wanted: Iterable[ClusterSettings]) -> tuple[Resource, ...]:
    """Clusters in the state that the settings no longer have, or have with other machines, priority or network."""
    by_name = {cluster.name.lower(): cluster for cluster in wanted}
    found: list[Resource] = []
    token = token_of(_COMPUTE)
    for resource in state.resources:
        if resource.type != token or instances.is_instance(resource):
            continue
        cluster = by_name.get(str(resource.inputs.get("computeName", "")).lower())
        if cluster is None:
            found.append(resource)
            continue
        machine = _machine(resource.inputs)
        size, priority = str(machine.get("vmSize", "")), str(machine.get("vmPriority", ""))
        subnet, public = machine.get("subnet") or {}, machine.get("enableNodePublicIp", True)
        # A state from before there was a setting has nothing of it, which is as its default.
        now = (size, priority or cluster.priority, str(subnet.get("id", "")), bool(public))
        if _plain(now) != _plain((cluster.vm_size, cluster.priority, cluster.subnet or "", cluster.public_ip)):
            found.append(resource)
    return tuple(found)


def remove(resources: Iterable[Resource], arm: ResourceManager, say: Callable[[str], None]) -> None:
    """Delete computes with their machines, and wait for it."""
    for resource in resources:
        kind = "compute instance" if instances.is_instance(resource) else "cluster"
        say(f"removing {kind} `{resource.id.rsplit('/', 1)[-1]}` ...")
        arm.delete(resource.id, {"underlyingResourceAction": "Delete"})


def _plain(values: tuple[str | bool, ...]) -> tuple[str, ...]:
    return tuple(str(each).lower() for each in values)


def _machine(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = inputs.get("properties")
    nested = properties.get("properties") if isinstance(properties, Mapping) else None
    return nested if isinstance(nested, Mapping) else {}
