"""Runs the real program against a recording monitor in place of Pulumi's engine."""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi.runtime
import pytest
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.proto import resource_pb2

from azmlflow.infra.__main__ import main

TENANT = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
PROJECT, STACK = "azmlflow", "dev"

# What Azure computes, by type: enough for the program's own outputs.
COMPUTED: Mapping[str, Mapping[str, str]] = {
    "azure-native:machinelearningservices:Workspace": {"mlFlowTrackingUri": "azureml://westeurope.api.azureml.ms/x"},
    "azure-native:applicationinsights:Component": {"connectionString": "c", "instrumentationKey": "i"},
}
NAME_INPUTS = (
    "computeName",  # before its workspace's
    "workspaceName",
    "accountName",
    "vaultName",
    "resourceName",
    "roleAssignmentName",
    "roleDefinitionId",
    "resourceGroupName",
)


@dataclass(frozen=True)
class Declared:
    """One registered resource, as the engine is told of it."""

    type: str
    name: str
    urn: str
    parent: str
    inputs: Mapping[str, Any]
    deleted_with: str
    depends_on: frozenset[str]
    secret_outputs: tuple[str, ...]
    retained: bool
    ignored: tuple[str, ...]


class Nothing(mocks.Mocks):
    """The recorder answers by itself."""

    def call(self, args: mocks.MockCallArgs) -> Any:
        raise AssertionError(args.token)

    def new_resource(self, args: mocks.MockResourceArgs) -> Any:
        raise AssertionError(args.name)


class Recorder(mocks.MockMonitor):
    """Pulumi's mock monitor without event loops in worker threads, which nobody would close."""

    def __init__(self) -> None:
        super().__init__(Nothing())
        self.declared: list[Declared] = []
        self.outputs: dict[str, Any] = {}
        self.told: dict[str, Mapping[str, Any]] = {}

    def Invoke(self, request: Any) -> Any:
        assert request.tok == "azure-native:authorization:getClientConfig"
        answer: Any = {"clientId": "c", "objectId": "o", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}
        returned: Any = {"return": _struct(answer)}
        return resource_pb2.ResourceInvokeResponse(**returned)

    def RegisterResource(self, request: Any) -> Any:
        stacks = "pulumi:pulumi:Stack"
        above = request.parent.split("::")[2] if request.parent else stacks
        kind = request.type if above == stacks else f"{above}${request.type}"
        urn = f"urn:pulumi:{STACK}::{PROJECT}::{kind}::{request.name}"
        if request.type == stacks:
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = rpc.deserialize_properties(request.object)
        name = next((inputs[key] for key in NAME_INPUTS if key in inputs), request.name)
        self.declared.append(
            Declared(
                type=request.type,
                name=request.name,
                urn=urn,
                parent=request.parent,
                inputs=inputs,
                deleted_with=request.deletedWith,
                depends_on=frozenset(request.dependencies),
                secret_outputs=tuple(request.additionalSecretOutputs),
                retained=bool(request.retainOnDelete),
                ignored=tuple(request.ignoreChanges),
            )
        )
        state = {**inputs, **COMPUTED.get(request.type, {}), "name": name}
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"/id/{request.name}", object=_struct(state))

    def RegisterResourceOutputs(self, request: Any) -> Any:
        outputs = rpc.deserialize_properties(request.outputs)
        self.told[request.urn] = outputs
        if "pulumi:pulumi:Stack" in request.urn:
            self.outputs.update(outputs)
        return empty_pb2.Empty()


@dataclass(frozen=True)
class Deployment:
    """What a run of the program declared and exported."""

    declared: tuple[Declared, ...]
    outputs: Mapping[str, Any]
    told: Mapping[str, Mapping[str, Any]]  # URN of a component -> its outputs

    def of(self, type_: str) -> list[Declared]:
        """The resources whose type ends so."""
        return [one for one in self.declared if one.type.endswith(type_)]

    def one(self, type_: str) -> Declared:
        """The only resource whose type ends so."""
        (found,) = self.of(type_)
        return found


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    return json_format.ParseDict(dict(values), struct_pb2.Struct())


def deploy(program: Callable[[], Any], config: Mapping[str, Any] | None = None) -> Deployment:
    """Run a program as an engine would, in a context and an event loop of its own."""
    monitor = Recorder()
    texts = {
        f"azmlflow:{key}": value if isinstance(value, str) else json.dumps(value)
        for key, value in (config or {}).items()
    }

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            with ThreadPoolExecutor(max_workers=4) as workers:
                loop.set_default_executor(workers)
                pulumi.runtime.set_mocks(monitor.mocks, PROJECT, STACK, preview=False, monitor=monitor)
                settings.ROOT.set(None)  # set_mocks made a stack of its own
                pulumi.runtime.set_all_config(texts)
                loop.run_until_complete(pulumi.runtime.run_in_stack(program))
        finally:
            asyncio.set_event_loop(None)
            loop.close()

    contextvars.copy_context().run(run)
    return Deployment(tuple(monitor.declared), monitor.outputs, monitor.told)


@pytest.fixture
def up() -> Callable[..., Deployment]:
    """Runs the real program with settings given by their keys: `up(prefix="x", clusters=[...])`."""
    return lambda **settings: deploy(main, settings)


@pytest.fixture
def run() -> Callable[..., Deployment]:
    """Runs a program of the test's own."""
    return deploy
