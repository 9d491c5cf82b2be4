"""What Pulumi's state says of a stack, as plain records.

A deployment is the document of `pulumi stack export`; the file backend keeps the same one under `checkpoint.latest`
in `.pulumi/stacks/<project>/<stack>.json` (pulumi sdk/go/common/apitype: DeploymentV3, CheckpointV3).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import write_atomically
from azmlflow.cli.pulumi.changes import STACK_TYPE, masked, urn_name
from azmlflow.resourcetypes import inputs as parts
from azmlflow.resourcetypes.table import told_by_azure

_KNOWN = frozenset(("manifest", "resources", "pending_operations", "secrets_providers"))


@dataclass(frozen=True)
class Resource:
    """A resource in the state.

    Attributes:
        urn: its URN.
        type: its Pulumi type.
        id: its id in the cloud, empty for a component.
        inputs: as the program gave them; secrets masked.
        outputs: as the cloud answered; secrets masked.
        parent: URN of its parent.
        external: it is only read: another made it, and keeps it.
        protected: the engine refuses to delete it.
    """

    urn: str
    type: str
    id: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    parent: str = ""
    external: bool = False
    protected: bool = False

    @property
    def name(self) -> str:
        """Its name in the program."""
        return urn_name(self.urn)

    @property
    def kind(self) -> str:
        """Its type's last word."""
        return self.type.rsplit(":", 1)[-1]


@dataclass(frozen=True)
class Pending:
    """An operation that the engine began and whose end it never wrote down."""

    resource: Resource
    operation: str


@dataclass(frozen=True)
class Written:
    """A state as the file of a file backend has it, with nothing in it that is not known here.

    Attributes:
        entries: of its resources, components and providers; what is secret in them is encrypted.
        salt: of the passphrase by which it is.
    """

    entries: tuple[Mapping[str, Any], ...] = field(repr=False)
    salt: str


@dataclass(frozen=True)
class State:
    """A stack's state.

    Attributes:
        resources: the resources of providers, without components and providers.
        components: the components, which only group.
        outputs: the stack's outputs, secrets masked.
        pending: operations without an end.
        written: the same as its file has it; None of a backend that is not ours, and of a form that is not known.
    """

    resources: tuple[Resource, ...] = ()
    components: tuple[Resource, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    pending: tuple[Pending, ...] = ()
    written: Written | None = field(default=None, compare=False, repr=False)

    def has(self, urn: str) -> bool:
        """Is there a resource or component of this URN?"""
        return any(entry.urn == urn for entry in (*self.resources, *self.components))


def read_state(deployment: Mapping[str, Any] | None) -> State:
    """The records of a deployment; an empty state for None."""
    resources: list[Resource] = []
    components: list[Resource] = []
    outputs: Mapping[str, Any] = {}
    document = deployment or {}
    for entry in document.get("resources") or ():
        if entry.get("type") == STACK_TYPE:
            outputs = masked(entry.get("outputs") or {})
        elif not str(entry.get("type", "")).startswith("pulumi:providers:"):
            (resources if entry.get("custom") else components).append(_resource(entry))
    pending = tuple(
        Pending(_resource(entry["resource"]), str(entry.get("type", "")))
        for entry in document.get("pending_operations") or ()
    )
    return State(tuple(resources), tuple(components), outputs, pending)


def unprotected(deployment: Mapping[str, Any], urns: Collection[str]) -> dict[str, Any]:
    """A deployment in which the engine may delete some resources."""
    entries = deployment.get("resources") or ()
    freed = [{**entry, "protect": False} if entry.get("urn") in urns else entry for entry in entries]
    return {**deployment, "resources": freed}


def cleared(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """A deployment whose inputs hold nothing that Azure alone says of a resource: an import takes it for the program's,
    and each later update would send it as it was then.
    """
    return {**deployment, "resources": [_cleared(entry) for entry in deployment.get("resources") or ()]}


def is_clear(state: State) -> bool:
    """Whether no resource's inputs hold what Azure alone says of it."""
    return all(_without_told(each.type, each.inputs) == each.inputs for each in state.resources)


def _cleared(entry: Mapping[str, Any]) -> dict[str, Any]:
    inputs = entry.get("inputs")
    return {**entry, "inputs": _without_told(str(entry.get("type")), inputs)} if inputs else dict(entry)


def _without_told(token: str, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return parts.without(inputs, (way.split(".") for way in told_by_azure(token)))


def without(deployment: Mapping[str, Any], urns: Collection[str]) -> dict[str, Any]:
    """A deployment without some resources: what depended on them, or was to go with them, does so no more."""
    kept = [entry for entry in deployment.get("resources") or () if entry.get("urn") not in urns]
    return {**deployment, "resources": [_unlinked(entry, urns) for entry in kept]}


def _unlinked(entry: Mapping[str, Any], urns: Collection[str]) -> dict[str, Any]:
    found = {name: value for name, value in entry.items() if name != "deletedWith" or value not in urns}
    if "dependencies" in found:
        found["dependencies"] = [urn for urn in found["dependencies"] or () if urn not in urns]
    if "propertyDependencies" in found:
        links = found["propertyDependencies"] or {}
        found["propertyDependencies"] = {name: [u for u in of or () if u not in urns] for name, of in links.items()}
    return found


def checkpoint_path(backend: Path, project: str, stack: str) -> Path:
    """Where a file backend keeps a stack's state."""
    return backend / ".pulumi" / "stacks" / project / f"{stack}.json"


def write_checkpoint(backend: Path, project: str, stack: str) -> bool:
    """Make an empty state, as `pulumi stack init` does, without an engine: its salt comes with the first operation.

    Several processes may begin a backend at a time: each finds, or writes, one `meta.yaml` before it writes a state.

    Sources: pulumi's pkg/backend/diy (`meta.yaml` tells that stacks lie below their project), apitype.CheckpointV3.

    Returns:
        False where the backend has another layout, which the engine knows.

    Raises:
        CliError: it cannot be written.
    """
    home, path = backend / ".pulumi", checkpoint_path(backend, project, stack)
    if not (home / "meta.yaml").exists():
        if any((home / "stacks").glob("*.json*")):  # stacks of a layout without projects
            return False
        write_atomically(home / "meta.yaml", "version: 1\n")
    checkpoint = {"stack": f"organization/{project}/{stack}"}
    write_atomically(path, json.dumps({"version": 3, "checkpoint": checkpoint}), mode=0o600)
    return True


def read_checkpoint(path: Path) -> State | None:
    """The state that a file backend keeps, None if it has no such stack.

    Raises:
        CliError: the file cannot be read.
    """
    if not path.exists():
        return None
    fault = fault_of(path)
    if fault is not None:
        raise CliError(
            f"Pulumi's state of this stack cannot be read: {fault}",
            where=str(path),
            next="azmlflow local repair    (takes Pulumi's own copy of the state before, and keeps the damaged one)",
        )
    latest = json.loads(path.read_bytes())["checkpoint"].get("latest")
    return replace(read_state(latest), written=_written(latest or {}))


def _written(latest: Mapping[str, Any]) -> Written | None:
    secrets: Any = latest.get("secrets_providers") or {}
    if {name for name, value in latest.items() if value} - _KNOWN or secrets.get("type") != "passphrase":
        return None
    return Written(tuple(latest.get("resources") or ()), str((secrets.get("state") or {}).get("salt") or ""))


def fault_of(path: Path) -> str | None:
    """What is wrong with the state in a file backend's file (pulumi sdk/go/common/apitype: VersionedCheckpoint).

    None if nothing is.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        return error.strerror or str(error)
    except (ValueError, RecursionError):
        return "it is not JSON"
    checkpoint = document.get("checkpoint") if isinstance(document, dict) else None
    if not isinstance(checkpoint, dict) or not isinstance(checkpoint.get("latest"), dict | None):
        return "it holds no state"
    latest = checkpoint.get("latest") or {}
    for name in ("resources", "pending_operations"):
        if not isinstance(latest.get(name), list | None):
            return f"its {name.replace('_', ' ')} are no list"
    entries = [*(latest.get("resources") or ()), *_pending(latest)]
    good = all(isinstance(each, dict) and isinstance(each.get("urn"), str) and each.get("type") for each in entries)
    return None if good else "one of its resources has no name or no type"


def _pending(latest: Mapping[str, Any]) -> list[object]:
    """The resources of operations without an end."""
    found = latest.get("pending_operations") or ()
    return [each.get("resource") if isinstance(each, dict) else None for each in found]


def _resource(entry: Mapping[str, Any]) -> Resource:
    return Resource(
        urn=str(entry["urn"]),
        type=str(entry["type"]),
        id=str(entry.get("id", "")),
        inputs=masked(entry.get("inputs") or {}),
        outputs=masked(entry.get("outputs") or {}),
        parent=str(entry.get("parent", "")),
        external=bool(entry.get("external")),
        protected=bool(entry.get("protect")),
    )
