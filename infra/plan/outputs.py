"""What a stack tells: the names and types of its outputs, once.

The program exports them with `export`; the `azmlflow` command reads them with `StackOutputs.parse`. A field
`tracking_uri` is the output `trackingUri`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant


class GrantOutput(TypedDict):
    """One grant, as the output `grants` lists it."""

    principalId: str
    principalType: str
    displayName: str
    persona: str
    scope: str
    until: str
    assignmentId: str
    adopted: list[str]


class MissingOutputs(Exception):
    """A stack lacks outputs that it should have: it was never brought up, or not to the end."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"The stack has no output {', '.join(names)}; bring it up with: azmlflow up")
        self.names = names


@dataclass(frozen=True)
class StackOutputs:
    """The outputs of a stack that stands.

    Attributes:
        subscription_id: the subscription that holds it.
        resource_group: name of the resource group.
        workspace_name: name of the workspace.
        workspace_id: ARM id of the workspace.
        tracking_uri: what `mlflow.set_tracking_uri` takes.
        studio_url: the workspace in Azure Machine Learning studio.
        storage_account: name of the storage account that holds the artifacts.
        clusters: the compute clusters, each by the keys and values of its settings.
        grants: who may do what, and the role assignments that say so.
        endpoints: the online endpoints, each with `name` and `scoringUri`.
    """

    subscription_id: str
    resource_group: str
    workspace_name: str
    workspace_id: str
    tracking_uri: str
    studio_url: str
    storage_account: str
    clusters: tuple[Mapping[str, Any], ...]
    grants: tuple[GrantOutput, ...]
    endpoints: tuple[Mapping[str, str], ...] = ()

    @classmethod
    def parse(cls, outputs: Mapping[str, Any]) -> StackOutputs:
        """Outputs by their Pulumi names to plain values; others are left alone.

        Raises:
            MissingOutputs: naming those that are not there.
        """
        missing = tuple(name for field, name in NAMES.items() if name not in outputs and field not in _LATER)
        if missing:
            raise MissingOutputs(missing)
        values: dict[str, Any] = {field: outputs[name] for field, name in NAMES.items() if name in outputs}
        return cls(**values | {field: tuple(values[field]) for field in _LISTS if field in values})


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


_LISTS = ("clusters", "grants", "endpoints")
_LATER = ("endpoints",)  # which a stack that an earlier azmlflow brought up does not tell
NAMES: Mapping[str, str] = {field.name: _camel(field.name) for field in dataclasses.fields(StackOutputs)}


def grant(record: Grant, place: Place) -> GrantOutput:
    """One grant as the output `grants` lists it."""
    return GrantOutput(
        principalId=record.principal_id,
        principalType=record.principal_type,
        displayName=record.display_name,
        persona=record.persona,
        scope=record.scope,
        until=record.until.isoformat() if record.until else "",
        assignmentId=place.assignment(record).id,
        adopted=sorted(record.adopted.values()),
    )


def export(**values: object) -> None:
    """Export a stack's outputs.

    Args:
        values: a value, or a Pulumi output of one, for each field of `StackOutputs`; `endpoints` may be left out.

    Raises:
        TypeError: when a field is missing or unknown.
    """
    import pulumi

    if set(values) | set(_LATER) != set(NAMES):
        raise TypeError(f"outputs are {', '.join(NAMES)}; not {', '.join(values)}")
    for field, name in NAMES.items():
        if field in values:
            pulumi.export(name, values[field])
