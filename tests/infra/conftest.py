"""Runs the real program against a recording monitor in place of Pulumi's engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, resource_pb2

from azmlflow.infra.__main__ import main
from azmlflow.infra.rehearsal import Monitor, answered, play, struct

TENANT = "11111111-1111-4111-8111-111111111111"
SUBSCRIPTION = "22222222-2222-4222-8222-222222222222"
PROJECT, STACK = "azmlflow", "dev"

# What Azure computes, by type: enough for the program's own outputs.
COMPUTED: Mapping[str, Mapping[str, Any]] = {
    "azure-native:machinelearningservices:Workspace": {"mlFlowTrackingUri": "azureml://westeurope.api.azureml.ms/x"},
    "azure-native:keyvault:Key": {"keyUriWithVersion": "https://kv.vault.azure.net/keys/k/1"},
    "azure-native:machinelearningservices:OnlineEndpoint": {
        "properties": {"scoringUri": "https://wine.westeurope.inference.ml.azure.com/score"},
        "systemData": {"createdAt": "2026-11-26T12:00:00Z"},
    },
    "azure-native:applicationinsights:Component": {"connectionString": "c", "instrumentationKey": "i"},
}
LATEST = {"wine": "7"}  # of the models that are registered
NAME_INPUTS = (
    "computeName",  # before its workspace's
    "keyName",  # before its vault's
    "deploymentName",  # before its endpoint's
    "endpointName",
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
    aliases: tuple[str, ...]


class Recorder(Monitor):
    """Writes down all that an engine would be told."""

    def __init__(self) -> None:
        super().__init__()
        self.declared: list[Declared] = []
        self.outputs: dict[str, Any] = {}
        self.told: dict[str, Mapping[str, Any]] = {}
        self._with: dict[str, str] = {}

    def _deleted_with(self, urn: str, request: Any) -> str:
        """As the engine has it: of a child that says nothing its parent's (source_eval.go, inheritFromParent)."""
        self._with[urn] = request.deletedWith or self._with.get(request.parent, "")
        return self._with[urn]

    def Invoke(self, request: Any) -> Any:
        answer: Any = {"clientId": "c", "objectId": "o", "subscriptionId": SUBSCRIPTION, "tenantId": TENANT}
        if request.tok == "azure-native:managedidentity:getUserAssignedIdentity":
            answer = {"principalId": "p", "clientId": "c"}
        elif request.tok == "azure-native:keyvault:getKey":
            asked = rpc.deserialize_properties(request.args)
            answer = {"keyUriWithVersion": f"https://{asked['vaultName']}.vault.azure.net/keys/{asked['keyName']}/7"}
        elif request.tok == "azure-native:machinelearningservices:getModelContainer":
            name = rpc.deserialize_properties(request.args)["name"]
            if name not in LATEST:
                refused = provider_pb2.CheckFailure(reason="Status=404 Code=UserError: not found")
                return resource_pb2.ResourceInvokeResponse(failures=[refused])
            answer = {"name": name, "properties": {"latestVersion": LATEST[name]}}
        else:
            assert request.tok == "azure-native:authorization:getClientConfig"
        returned: Any = {"return": struct(answer)}
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
                deleted_with=self._deleted_with(urn, request),
                depends_on=frozenset(request.dependencies),
                secret_outputs=tuple(request.additionalSecretOutputs),
                retained=bool(request.retainOnDelete),
                ignored=tuple(request.ignoreChanges),
                aliases=tuple(request.aliasURNs) + tuple(each.urn or each.spec.name for each in request.aliases),
            )
        )
        state = {**answered(inputs), **COMPUTED.get(request.type, {}), "name": name}
        return resource_pb2.RegisterResourceResponse(urn=urn, id=f"/id/{request.name}", object=struct(state))

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


def deploy(program: Callable[[], Any], config: Mapping[str, Any] | None = None) -> Deployment:
    """Run a program as an engine would, in a context and an event loop of its own."""
    monitor = Recorder()
    named = {f"azmlflow:{key}": value for key, value in (config or {}).items()}
    play(program, monitor, named, project=PROJECT, stack=STACK)
    return Deployment(tuple(monitor.declared), monitor.outputs, monitor.told)


@pytest.fixture
def up() -> Callable[..., Deployment]:
    """Runs the real program with settings given by their keys: `up(prefix="x", clusters=[...])`."""
    return lambda **settings: deploy(main, settings)


@pytest.fixture
def run() -> Callable[..., Deployment]:
    """Runs a program of the test's own."""
    return deploy
