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
from azmlflow.infra.plan.changes import at
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.settings.computes.clusters import ClusterSettings

_COMPUTE = "Microsoft.MachineLearningServices/workspaces/computes"


def outdated(state: State, wanted: Iterable[ClusterSettings]) -> tuple[Resource, ...]:
    """Clusters in the state that the settings no longer have, or have otherwise in what Azure does not change."""
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
        if _differs(_machine(resource.inputs), cluster):
            found.append(resource)
    return tuple(found)


def remove(resources: Iterable[Resource], arm: ResourceManager, say: Callable[[str], None]) -> None:
    """Delete computes with their machines, and wait for it."""
    for resource in resources:
        kind = "compute instance" if instances.is_instance(resource) else "cluster"
        say(f"removing {kind} `{resource.id.rsplit('/', 1)[-1]}` ...")
        arm.delete(resource.id, {"underlyingResourceAction": "Delete"})


def _differs(machine: Mapping[str, Any], wanted: ClusterSettings) -> bool:
    """Whether a cluster has otherwise what Azure changes in none that stands. A state from before there was a setting
    has nothing of it, which is as its default."""
    from azmlflow.infra.settings.fields import marked

    model = type(wanted)
    now = {name: at(machine, mark.path) for name, mark in marked(model).items() if mark.fixed}
    return not machine or any(
        _plain(model.model_fields[name].default if value in (None, "") else value) != _plain(getattr(wanted, name))
        for name, value in now.items()
    )


def _plain(value: object) -> str:
    return str(value).lower()


def _machine(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    properties = inputs.get("properties")
    nested = properties.get("properties") if isinstance(properties, Mapping) else None
    return nested if isinstance(nested, Mapping) else {}
