"""How Microsoft's management clients come by the errors that `azmlflow why` knows, at an embedded Azure in process.

By the record's name: what brings the error about. Each is given a clean Azure in which the chain of resources stands.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import requests
from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.rest import HttpRequest
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.core.exceptions import ARMErrorFormat
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient

from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.localazure.core.latency import profile
from tests.cli.wire import Credential
from tests.localazure.carrier import transport
from tests.localazure.control import (
    BLUE,
    BOB,
    BODIES,
    COMPUTE,
    DEVELOPER,
    ENDPOINT,
    RG,
    STORAGE,
    SUB,
    VAULT,
    WORKSPACE,
    Azure,
    version_for,
)
from tests.localazure.made import MADE, READER

ML = "Microsoft.MachineLearningServices/workspaces"
_ROLES, _ASSIGNMENTS = "Microsoft.Authorization/roleDefinitions", "Microsoft.Authorization/roleAssignments"


@dataclass
class Clients:
    """Microsoft's clients, as somebody, at an embedded Azure."""

    azure: Azure
    who: str = DEVELOPER
    subscription: str = SUBSCRIPTION_ID

    @cached_property
    def _options(self) -> dict[str, Any]:
        return {"transport": transport(requests.Session(), self._carry), "retry_total": 0, "polling_interval": 0}

    def _carry(self, method: str, url: str, content: bytes, _headers: Mapping[str, str]) -> tuple[int, Any, bytes]:
        split = urlsplit(url)
        came = self.azure.send(split.netloc, method, f"{split.path}?{split.query}", content, self.who)
        told = {name: value for name, value in came.headers.items() if name.lower() != "content-length"}
        return came.status, told, b"" if came.body is None else json.dumps(came.body).encode()

    @cached_property
    def resources(self) -> ResourceManagementClient:
        return ResourceManagementClient(Credential(), self.subscription, **self._options)

    @cached_property
    def access(self) -> AuthorizationManagementClient:
        return AuthorizationManagementClient(Credential(), self.subscription, **self._options)

    @cached_property
    def locks(self) -> ManagementLockClient:
        return ManagementLockClient(Credential(), self.subscription, **self._options)

    def get(self, id_: str) -> None:
        self.resources.resources.get_by_id(id_, api_version=version_for(id_))

    def put(self, id_: str, body: dict[str, Any], version: str = "") -> None:
        made: Any = self.resources.resources.begin_create_or_update_by_id
        made(id_, body, api_version=version or version_for(id_)).result()

    def delete(self, id_: str) -> None:
        self.resources.resources.begin_delete_by_id(id_, api_version=version_for(id_)).result()

    def post(self, id_: str, action: str, body: dict[str, Any] | None = None) -> None:
        url = f"https://management.azure.com{id_}/{action}?api-version={version_for(id_)}"
        core: PipelineClient[Any, Any] = PipelineClient("", policies=[], transport=self._options["transport"])
        response: Any = core.send_request(HttpRequest("POST", url, json=body or {}))
        if response.status_code >= 400:
            raise HttpResponseError(response=response, error_format=ARMErrorFormat)

    def assign(self, principal: str, role: str = READER, scope: str = RG) -> None:
        body: Any = {"role_definition_id": role, "principal_id": principal}
        self.access.role_assignments.create(scope, str(uuid.uuid4()), body)

    def define(self, name: str, *actions: str) -> str:
        body: Any = {"role_name": name, "assignable_scopes": [SUB], "permissions": [{"actions": list(actions)}]}
        return str(self.access.role_definitions.create_or_update(SUB, str(uuid.uuid4()), body).id)


Produce = Callable[[Clients], object]


def _linked(clients: Clients) -> None:
    clients.azure.give("carol@local.test", ["*/read", f"{ML}/write"], RG)
    Clients(clients.azure, "carol@local.test").put(f"{WORKSPACE}-hers", _like(WORKSPACE))


def _like(id_: str, **properties: Any) -> dict[str, Any]:
    return {**BODIES[id_], "properties": {**BODIES[id_]["properties"], **properties}}


def _twice_assigned(clients: Clients) -> None:
    for _ in range(2):
        clients.assign(clients.azure.who(BOB).object_id)


def _held_role(clients: Clients) -> None:
    role = clients.define("held", "*/read")
    clients.assign(clients.azure.who(BOB).object_id, role)
    clients.access.role_definitions.delete(SUB, role.rpartition("/")[2])


def _open_network(clients: Clients) -> str:
    id_ = f"{WORKSPACE}-net"
    clients.put(id_, _like(WORKSPACE, managedNetwork={"isolationMode": "AllowInternetOutbound"}))
    return id_


def _rule(clients: Clients) -> None:
    clients.put(f"{_open_network(clients)}/outboundRules/rule1", MADE[f"{ML}/outboundRules"][1])


def _network_undone(clients: Clients) -> None:
    clients.put(_open_network(clients), _like(WORKSPACE, managedNetwork={"isolationMode": "Disabled"}))


def _provisioning(clients: Clients) -> None:
    id_ = _open_network(clients)
    clients.azure.cloud.operations.latency = profile("azure")
    clients.post(id_, "provisionManagedNetwork", {"includeSpark": False})
    clients.put(f"{id_}/computes/other", _like(COMPUTE))


def _job(clients: Clients, name: str = "job1", **changed: Any) -> None:
    properties = {
        "jobType": "Command",
        "command": "echo",
        "environmentId": f"{WORKSPACE}/environments/AzureML-sklearn-1.5/versions/1",
        "computeId": COMPUTE,
        **changed,
    }
    clients.put(f"{WORKSPACE}/jobs/{name}", {"properties": properties})


def _same_job(clients: Clients) -> None:
    _job(clients)
    _job(clients, command="other")


def _compute(name: str, size: str) -> Produce:
    properties = {"vmSize": size, "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 1}}
    body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": properties}}
    return lambda clients: clients.put(f"{WORKSPACE}/computes/{name}", body)


def _buried_workspace(clients: Clients) -> None:
    clients.delete(WORKSPACE)
    clients.put(WORKSPACE, _like(WORKSPACE))


def _buried_vault(clients: Clients) -> None:
    clients.put(f"{VAULT}x", _like(VAULT))
    clients.delete(f"{VAULT}x")
    clients.put(f"{VAULT}x", _like(VAULT))


def _kept_vault(clients: Clients) -> None:
    clients.put(f"{VAULT}x", _like(VAULT, enablePurgeProtection=True))
    clients.delete(f"{VAULT}x")
    name = f"{VAULT}x".rpartition("/")[2]
    clients.post(f"{SUB}/providers/Microsoft.KeyVault/locations/westeurope/deletedVaults/{name}", "purge")


def _taken(clients: Clients) -> None:
    clients.put(f"{SUB}/resourceGroups/rg2", {"location": "westeurope"})
    clients.put(STORAGE.replace("rg1", "rg2"), _like(STORAGE))


def _unregistered(clients: Clients) -> None:
    clients.resources.providers.unregister("Microsoft.ContainerRegistry")
    clients.put(MADE["Microsoft.ContainerRegistry/registries"][0], MADE["Microsoft.ContainerRegistry/registries"][1])


def _busy(clients: Clients) -> None:
    clients.azure.cloud.operations.latency = profile("azure")
    body, later = _like(COMPUTE), version_for(COMPUTE)
    start: Any = clients.resources.resources.begin_create_or_update_by_id
    start(f"{COMPUTE}s", body, api_version=later, polling=False)
    start(f"{COMPUTE}s", body, api_version=later, polling=False)


def _served(clients: Clients) -> None:
    clients.put(ENDPOINT, BODIES[ENDPOINT])
    clients.azure.make(BLUE)
    clients.put(ENDPOINT, {**BODIES[ENDPOINT], "properties": {"authMode": "Key", "traffic": {"blue": 100}}})
    clients.delete(BLUE)


def _locked(clients: Clients) -> None:
    level: Any = {"level": "CanNotDelete"}
    clients.locks.management_locks.create_or_update_at_resource_group_level("rg1", "l1", level)
    clients.delete(STORAGE)


def _budget(clients: Clients) -> None:
    id_, body = MADE["Microsoft.Consumption/budgets"]
    clients.put(id_, body)
    later = {"startDate": "2031-02-01T00:00:00Z", "endDate": "2032-01-01T00:00:00Z"}
    clients.put(id_, {"properties": {**body["properties"], "timePeriod": later}})


REFUSED: dict[str, Produce] = {
    "A linked resource is refused": _linked,
    "Azure refuses an action": lambda clients: Clients(clients.azure, BOB).get(WORKSPACE),
    "The role assignment is there already": _twice_assigned,
    "The principal is not known": lambda clients: clients.assign(str(uuid.uuid4())),
    "A role is still assigned": _held_role,
    "An action of a role is not valid": lambda clients: clients.define("odd", f"{ML}/*/*"),
    "The subscription is not found": lambda clients: Clients(
        clients.azure, subscription=str(uuid.uuid4())
    ).resources.resource_groups.get("rg1"),
    "An outbound rule does not fit the isolation mode": _rule,
    "A managed network is not undone": _network_undone,
    "The managed network is being made": _provisioning,
    "A resource provider is not registered": _unregistered,
    "Another operation is under way": _busy,
    "A deployment with traffic is not deleted": _served,
    "The environment is not there": lambda clients: _job(
        clients, environmentId=f"{WORKSPACE}/environments/nope/versions/1"
    ),
    "The compute is not there": lambda clients: _job(clients, computeId=f"{WORKSPACE}/computes/nope"),
    "A job of this name is there": _same_job,
    "The region has no such VM size": _compute("other", "Standard_Nope"),
    "The name of a compute is not valid": _compute("gpu-1", "Standard_DS3_v2"),
    "A soft-deleted workspace holds the name": _buried_workspace,
    "A soft-deleted key vault holds the name": _buried_vault,
    "A key vault is protected from purge": _kept_vault,
    "A name is taken": _taken,
    "A lock stands in the way": _locked,
    "The resource group is gone": lambda clients: clients.resources.resource_groups.get("rg-nope"),
    "A resource is not there": lambda clients: clients.get(f"{WORKSPACE}-nope"),
    "The region does not offer it": lambda clients: clients.put(
        f"{STORAGE}x", {**_like(STORAGE), "location": "nowhere"}
    ),
    "The api-version is not known": lambda clients: clients.put(f"{STORAGE}x", _like(STORAGE), "2001-01-01"),
    "A budget's beginning is not changed": _budget,
}
