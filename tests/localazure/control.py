"""An embedded Azure without transport: services behind a header that says who asks, a clock that waits to be told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.arm.due import apply_due
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.operations import Operations
from azmlflow.localazure.core.clock import CountedIds, ManualClock
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID, TENANT_ID
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.latency import profile
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory, Principal
from azmlflow.localazure.principals.enforce import Caller, Enforcer
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.process.seed import seed
from azmlflow.localazure.services import arm, graph
from azmlflow.localazure.tracking.server import MlflowServer
from azmlflow.resourcetypes.table import find, types, version_of
from tests.localazure.registry import RegistryMlflow
from tests.localazure.remembered import remembered

DEVELOPER, ALICE, BOB = "developer@local.test", "alice@local.test", "bob@local.test"
SUB = f"/subscriptions/{SUBSCRIPTION_ID}"
RG = f"{SUB}/resourceGroups/rg1"
STORAGE = f"{RG}/providers/Microsoft.Storage/storageAccounts/stacct1"
VAULT = f"{RG}/providers/Microsoft.KeyVault/vaults/kv-one"
LOGS = f"{RG}/providers/Microsoft.OperationalInsights/workspaces/logs-one"
INSIGHTS = f"{RG}/providers/Microsoft.Insights/components/insights-one"
WORKSPACE = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces/ws-one"
COMPUTE = f"{WORKSPACE}/computes/cpu-cluster"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/wine"
BLUE, GREEN = f"{ENDPOINT}/deployments/blue", f"{ENDPOINT}/deployments/green"
MANAGED = f"{RG}/providers/Microsoft.MachineLearningServices/workspaces/ws-managed"
REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/crone"
NETWORK = f"{RG}/providers/Microsoft.Network/virtualNetworks/vnet-one"
SUBNET = f"{NETWORK}/subnets/endpoints"
ZONE = f"{RG}/providers/Microsoft.Network/privateDnsZones/privatelink.blob.core.windows.net"
PRIVATE_ENDPOINT = f"{RG}/providers/Microsoft.Network/privateEndpoints/pe-blob"

BODIES: dict[str, dict[str, Any]] = {
    RG: {"location": "westeurope"},
    STORAGE: {"location": "westeurope", "sku": {"name": "Standard_LRS"}, "kind": "StorageV2", "properties": {}},
    REGISTRY: {"location": "westeurope", "sku": {"name": "Premium"}},
    VAULT: {
        "location": "westeurope",
        "properties": {
            "tenantId": TENANT_ID,
            "sku": {"family": "A", "name": "standard"},
            "enableRbacAuthorization": True,
        },
    },
    LOGS: {"location": "westeurope", "properties": {"sku": {"name": "PerGB2018"}}},
    INSIGHTS: {
        "location": "westeurope",
        "kind": "web",
        "properties": {"Application_Type": "web", "WorkspaceResourceId": LOGS},
    },
    WORKSPACE: {
        "location": "westeurope",
        "identity": {"type": "SystemAssigned"},
        "properties": {"storageAccount": STORAGE, "keyVault": VAULT, "applicationInsights": INSIGHTS},
    },
    MANAGED: {
        "location": "westeurope",
        "properties": {
            "storageAccount": STORAGE,
            "keyVault": VAULT,
            "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"},
        },
    },
    COMPUTE: {
        "location": "westeurope",
        "properties": {
            "computeType": "AmlCompute",
            "properties": {
                "vmSize": "Standard_DS3_v2",
                "scaleSettings": {"minNodeCount": 0, "maxNodeCount": 2, "nodeIdleTimeBeforeScaleDown": "PT120S"},
            },
        },
    },
}
BODIES |= {
    NETWORK: {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}},
    SUBNET: {"properties": {"addressPrefix": "10.0.1.0/24"}},
    ZONE: {"location": "global"},
    PRIVATE_ENDPOINT: {
        "location": "westeurope",
        "properties": {
            "subnet": {"id": SUBNET},
            "privateLinkServiceConnections": [
                {"name": "blob", "properties": {"privateLinkServiceId": STORAGE, "groupIds": ["blob"]}}
            ],
        },
    },
}

_DEPLOYED = {
    "location": "westeurope",
    "sku": {"name": "Default", "capacity": 1},
    "properties": {
        "endpointComputeType": "Managed",
        "model": f"{WORKSPACE}/models/wine/versions/1",
        "instanceType": "Standard_DS3_v2",
    },
}
BODIES |= {
    ENDPOINT: {"location": "westeurope", "properties": {"authMode": "Key"}},
    BLUE: _DEPLOYED,
    GREEN: _DEPLOYED,
}


@dataclass
class Answer:
    """A response as tests look at it."""

    status: int
    body: Any
    headers: Mapping[str, str] = field(repr=False)

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.body["error"]["code"])

    @property
    def message(self) -> str:
        """The error's message."""
        return str(self.body["error"]["message"])


class Azure:
    """An embedded Azure to talk to."""

    def __init__(self, state: Path, latency: str = "none") -> None:
        self.clock, self.ids, store = ManualClock(), CountedIds(), Store()
        directory = Directory(store, self.ids)
        self.mlflow = RegistryMlflow(lambda: int(self.clock.now().timestamp() * 1000))
        self.cloud = Cloud(
            state=state,
            store=store,
            clock=self.clock,
            ids=self.ids,
            directory=directory,
            tokens=cast(Tokens, None),
            enforcer=Enforcer(store, directory, self.clock),
            operations=Operations(store, self.clock, self.ids, profile(latency)),
            mlflow=cast(MlflowServer, self.mlflow),
        )
        seed(self.cloud)
        self._services = {
            "management.azure.com": self._app(arm.service(self.cloud)),
            "graph.microsoft.com": self._app(graph.service(self.cloud)),
        }

    def who(self, upn: str) -> Principal:
        """The user of a sign-in name."""
        found = self.cloud.directory.find_user(upn)
        assert found is not None
        return found

    def arm(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        who: str = DEVELOPER,
        api: str | None = "",
        headers: Any = None,  # by names; a type here mypy would want of each mapping that is a query, too
        **query: str,
    ) -> Answer:
        """Ask Resource Manager, in the version that azmlflow sends for the type if `api` says no other (None: in none).

        A `path` with a version in it is taken as it is.
        """
        api = version_for(path) if api == "" else api
        if api is not None and "api-version=" not in path:
            path += ("&" if "?" in path else "?") + f"api-version={api}"
        path += "".join(("&" if "?" in path else "?") + f"{name}={value}" for name, value in query.items())
        content = b"" if body is None else json.dumps(body).encode()
        return self.send("management.azure.com", method, path, content, who, headers=headers)

    def graph(self, method: str, path: str, body: Any = None, *, who: str = DEVELOPER) -> Answer:
        """Ask Graph, below /v1.0."""
        return self._ask("graph.microsoft.com", method, f"/v1.0{path}", body, who)

    def raw(self, method: str, path: str, content: bytes, *, who: str = DEVELOPER) -> Answer:
        """Send Resource Manager these very bytes."""
        return self.send("management.azure.com", method, path, content, who)

    def follow(self, url: str, *, who: str = DEVELOPER) -> Answer:
        """GET an absolute URL that an answer gave."""
        host, _, path = url.removeprefix("https://").partition("/")
        return self.send(host, "GET", f"/{path}", b"", who)

    def make(self, *paths: str, tags: Mapping[str, str] | None = None) -> None:
        """PUT resources of `BODIES`, each to its end, with tags if any are given."""
        more = {"tags": tags} if tags else {}

        def put() -> None:
            for path in paths:
                answer = self.arm("PUT", path, {**BODIES[path], **more})
                assert answer.status in (200, 201, 202), answer
                self.wait()

        remembered(self, (paths, json.dumps(more)), put)

    def blob(self, container: str, name: str, content: bytes = b"content") -> None:
        """Make a blob in the storage account of `BODIES`, and its container."""
        blobs, address = Blobs(self.cloud), Address("stacct1", container, name)
        blobs.make_container("stacct1", container)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        received = asyncio.run(blobs.receive(address, chunks()))
        blobs.commit(address, received, md5=received.md5, headers={}, metadata={})

    def run(self, run_id: str) -> None:
        """Have MLflow know a run in the workspace of `BODIES`."""
        workspace = self.cloud.store.get("resources", WORKSPACE.lower())
        assert workspace is not None
        self.mlflow.runs[workspace["properties"]["workspaceId"], run_id] = "1"

    def wait(self) -> None:
        """Let everything that runs end; what waits for a process hears that it answers."""
        while running := [document for _, document in self.cloud.store.scan("running")]:
            for document in running:
                self.cloud.operations.release(document["target"])
            self.clock.advance(max(document["seconds"] for document in running))
            apply_due(self.cloud)

    def assign(self, upn: str, role: str, scope: str, name: str = "") -> str:
        """Give somebody a built-in role; returns the assignment's id."""
        found = self.arm(
            "GET", f"{scope}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq '{role}'"
        ).body["value"]
        name = name or self.cloud.ids.guid()
        id_ = f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}"
        properties = {"roleDefinitionId": found[0]["id"], "principalId": self.who(upn).object_id}
        answer = self.arm("PUT", id_, {"properties": properties})
        assert answer.status == 201, answer
        return id_

    def give(self, upn: str, actions: Iterable[str], scope: str = SUB, but: Iterable[str] = ()) -> None:
        """A role with these actions (but some) at a scope, for a person who may be new."""
        person = self.cloud.directory.find_user(upn) or self.cloud.directory.add_user(upn)
        key, store = f"/{self.cloud.ids.guid()}", self.cloud.store
        block = {"actions": [*actions], "notActions": [*but]}
        store.put(
            DEFINITIONS,
            key,
            {
                "id": key,
                "properties": {
                    "roleName": key,
                    "permissions": [block],
                    "type": "CustomRole",
                    "assignableScopes": [SUB],
                },
            },
        )
        told = {"principalId": person.object_id, "roleDefinitionId": key, "scope": scope}
        store.put(ASSIGNMENTS, key, {"id": key, "properties": told})

    def _app(self, service: ASGIApp) -> ASGIApp:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            apply_due(self.cloud)
            who = Request(scope).headers.get("x-who")
            if who:
                scope.setdefault("state", {})["caller"] = Caller(self.who(who))
            try:
                await service(scope, receive, send)
            except AzureError as error:
                await JSONResponse(error.body(), error.status, error.headers)(scope, receive, send)

        return app

    def _ask(self, host: str, method: str, path: str, body: Any, who: str) -> Answer:
        return self.send(host, method, path, b"" if body is None else json.dumps(body).encode(), who)

    def send(
        self,
        host: str,
        method: str,
        path: str,
        content: bytes,
        who: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a service these very bytes, at a path as it is."""
        answer = self.send_raw(host, method, path, content, who, headers=headers)
        return Answer(answer.status_code, answer.json() if answer.content else None, answer.headers)

    def send_raw(
        self,
        host: str,
        method: str,
        path: str,
        content: bytes,
        who: str,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """As `send`; the answer as it is."""

        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self._services[host])
            async with httpx.AsyncClient(transport=transport, base_url=f"https://{host}") as client:
                return await client.request(method, path, content=content, headers={"x-who": who, **(headers or {})})

        return asyncio.run(send())


def version_for(path: str) -> str:
    """What azmlflow sends at a path; where its table has no such type, what it sends for the provider's first one."""
    namespace, *rest = path.partition("?")[0].lower().rpartition("/providers/")[2].split("/")
    named = rest[::2]
    if "/providers/" in path.lower() and named and named[0] not in ("register", "unregister"):
        names = ["/".join((namespace, *named[:count])) for count in range(len(named), 0, -1)]
        of_provider = (kind for kind in types().values() if kind.namespace.lower() == namespace)
        found = next(filter(None, (*map(find, names), *of_provider)), None)
        if found is not None:
            return found.api_version
    return version_of("Microsoft.Resources/resourceGroups")


CHAIN = (RG, STORAGE, VAULT, LOGS, INSIGHTS, WORKSPACE, COMPUTE)
PROVIDERS = f"{SUB}/providers"
