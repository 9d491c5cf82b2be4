"""What the program would declare, found out without an engine: it runs against a monitor that writes everything down.

A tenth of a second, and nothing is asked of a cloud. What Azure would answer is made up only as far as the program
reads it: names, ids, and a workspace's addresses.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2

from azmlflow.infra.__main__ import declare
from azmlflow.resourcetypes.table import UnknownType, of_token

_STACK = "pulumi:pulumi:Stack"
# What Azure computes, and the program's own outputs tell.
_COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "azure-native:machinelearningservices:Workspace": {"mlFlowTrackingUri": "azureml://"},
    "azure-native:keyvault:Key": {"keyUriWithVersion": "https://"},
    "azure-native:managedidentity:UserAssignedIdentity": {"principalId": "", "clientId": ""},
    "azure-native:machinelearningservices:OnlineEndpoint": {"properties": {"scoringUri": "https://"}},
    "azure-native:applicationinsights:Component": {"connectionString": "", "instrumentationKey": ""},
}


# The highest version of a model, by the names of group, workspace and model.
Latest = Callable[[str, str, str], str]
_UNKNOWN = "0"  # none that a model has
_OCCUPIED: Any = object()


@dataclass(frozen=True)
class Declared:
    """One resource, as the engine would be told of it.

    Attributes:
        type: Pulumi's type token.
        name: its name in the program.
        urn: its name in the state.
        id: where it would be in Azure; empty for a component.
        parent: URN of the component that declares it.
        inputs: its inputs.
        protected: whether the engine is to refuse its deletion.
    """

    type: str
    name: str
    urn: str
    id: str
    parent: str
    inputs: Mapping[str, Any]
    protected: bool


def rehearse(
    config: Mapping[str, Any],
    *,
    project: str,
    stack: str,
    subscription: str,
    tenant: str,
    program: Callable[[], None] = declare,
    latest: Latest = lambda *_: _UNKNOWN,
) -> tuple[Declared, ...]:
    """What the program would declare of Azure's resources, in its order.

    Args:
        config: the stack's, as its file has it, namespaces included.
        project: Pulumi's project.
        stack: the stack's name.
        subscription: id of the subscription.
        tenant: id of the directory.
        program: the program.
        latest: tells the highest version of a model; empty if there is none. Without it a stand-in is taken, so that
            the names of such a deployment are not those that an `up` would give.

    Raises:
        Exception: whatever the program raises; SettingsError where the settings are at fault.
    """
    monitor = Rehearsal(project, stack, {"subscriptionId": subscription, "tenantId": tenant}, latest)
    play(program, monitor, config, project=project, stack=stack)
    return tuple(monitor.declared)


def play(program: Callable[[], Any], monitor: Monitor, config: Mapping[str, Any], *, project: str, stack: str) -> None:
    """Run a program to its end against a monitor, in a context and an event loop of its own.

    Args:
        program: the program.
        monitor: answers in the engine's place.
        config: the stack's, namespaces included.
        project: Pulumi's project.
        stack: the stack's name.

    Raises:
        Exception: whatever the program raises.
    """
    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in config.items()}

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            with ThreadPoolExecutor(max_workers=4) as workers:
                loop.set_default_executor(workers)
                settings.ROOT.set(_OCCUPIED)  # else set_mocks makes a stack of its own, and registers it
                pulumi.runtime.set_mocks(monitor.mocks, project, stack, preview=False, monitor=monitor)
                settings.ROOT.set(None)
                pulumi.runtime.set_all_config(texts)
                loop.run_until_complete(pulumi.runtime.run_in_stack(program))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    contextvars.copy_context().run(run)


class _Nothing(mocks.Mocks):
    """The monitor answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(args.name)


class Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which answers directly: no event loops in worker threads that nobody would close."""

    def __init__(self) -> None:
        super().__init__(_Nothing())


class Rehearsal(Monitor):
    """Writes down what is registered.

    Args:
        project: Pulumi's project.
        stack: the stack's name.
        caller: who the program runs as: `subscriptionId`, `tenantId`.
        latest: tells the highest version of a model.

    Attributes:
        declared: what was registered of Azure's resources, in the program's order.
    """

    def __init__(self, project: str, stack: str, caller: Mapping[str, str], latest: Latest) -> None:
        super().__init__()
        self.declared: list[Declared] = []
        self._latest = latest
        self._project, self._stack, self._caller = project, stack, caller

    def Invoke(self, request: Any) -> Any:
        """What the program asks: who it runs as; of an identity or a key that stands, what its name makes up; of a
        model its highest version."""
        asked = rpc.deserialize_properties(request.args)
        place = [str(asked.get(name, "")) for name in ("resourceGroupName", "workspaceName", "name")]
        kind = request.tok.rpartition(":")[2]
        version = self._latest(*place) or _UNKNOWN if kind == "getModelContainer" else ""
        found: Mapping[str, Any] = {
            "getClientConfig": {"clientId": "", "objectId": "", **self._caller},
            "getUserAssignedIdentity": {"principalId": str(asked.get("resourceName")), "clientId": ""},
            "getKey": {"keyUriWithVersion": f"https://{asked.get('vaultName')}/keys/{asked.get('keyName')}"},
            "getModelContainer": {"name": place[2], "properties": {"latestVersion": version}},
        }
        returned: Any = {"return": struct(found[kind])}
        return resource_pb2.ResourceInvokeResponse(**returned)

    def RegisterResource(self, request: Any) -> Any:
        """Write a resource down."""
        urn = self.urn(request)
        inputs = rpc.deserialize_properties(request.object)
        id_ = _id(request.type, {**inputs, **self._caller})
        if id_:
            protected = bool(request.protect)
            self.declared.append(Declared(request.type, request.name, urn, id_, request.parent, inputs, protected))
        state = {**answered(inputs), **_COMPUTED.get(request.type, {}), "name": id_.rpartition("/")[2] or request.name}
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_ or request.name, object=struct(state))

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: ARG002
        """Nobody reads them."""
        return empty_pb2.Empty()

    def urn(self, request: Any) -> str:
        """The name in the state of what is registered."""
        above = request.parent.split("::")[2] if request.parent else _STACK
        kind = request.type if above == _STACK else f"{above}${request.type}"
        return f"urn:pulumi:{self._stack}::{self._project}::{kind}::{request.name}"


def answered(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Inputs as Azure answers them: user-assigned identities, a list, are a map of what is known of each."""
    identity = inputs.get("identity")
    if not isinstance(identity, Mapping) or "userAssignedIdentities" not in identity:
        return inputs
    used: dict[str, Any] = {id_: {} for id_ in identity["userAssignedIdentities"]}
    return {**inputs, "identity": {**identity, "userAssignedIdentities": used}}


def _id(token: str, inputs: Mapping[str, Any]) -> str:
    """Where a resource of the table would be; empty for all else."""
    try:
        path = of_token(token).paths[token]
    except UnknownType:
        return token if token.startswith("azure-native:") else ""
    filled = re.sub(r"{(\w+)}", lambda word: str(inputs.get(word[1], "")).strip("/"), path)
    return filled.replace("/resourcegroups/", "/resourceGroups/")


def struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    """Values as a monitor answers them."""
    return json_format.ParseDict(dict(values), struct_pb2.Struct())
