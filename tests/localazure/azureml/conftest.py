"""The data plane of a workspace for SDK v1: one workspace with a cluster, another beside it, and people."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING, Tokens
from azmlflow.localazure.services import azureml
from azmlflow.localazure.tracking.server import MlflowServer
from azmlflow.localazure.work import run_token
from azmlflow.rbac.roles import persona
from tests.localazure.azureml.tracking import TrackingMlflow
from tests.localazure.control import BODIES, CHAIN, DEVELOPER, SUB, WORKSPACE, Azure
from tests.localazure.remembered import remembered

OTHER = f"{WORKSPACE}-other"
HOST = "westeurope.api.azureml.ms"
VERSIONS = {"content": "v2.0", "metric": "v2.0", "artifact": "v2.0", "rp": "workspaces"}


class DataPlane:
    """The data plane, as its clients see it.

    Args:
        azure: the control plane.
        keys: folder of the signing keys.
    """

    def __init__(self, azure: Azure, keys: Path) -> None:
        self.azure, self.mlflow = azure, TrackingMlflow()
        store, clock = azure.cloud.store, azure.clock
        tokens = Tokens(store, clock, keys)
        self.cloud = dataclasses.replace(azure.cloud, tokens=tokens, mlflow=cast(MlflowServer, self.mlflow))
        self._app = azureml.service(self.cloud)

    def use(self, mlflow: Any) -> None:
        """Ask another MLflow from now on: the one that knows models, say."""
        self.cloud = dataclasses.replace(self.cloud, mlflow=cast(MlflowServer, mlflow))
        self._app = azureml.service(self.cloud)

    @property
    def workspace_id(self) -> str:
        """The workspace's GUID."""
        document = self.cloud.store.get("resources", WORKSPACE.lower())
        assert document is not None
        return str(document["properties"]["workspaceId"])

    def ask(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        *,
        who: str = DEVELOPER,
        workspace: str = WORKSPACE,
        claims: dict[str, Any] | None = None,
        version: str | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Ask a service about the workspace."""
        caller = Caller(self.azure.who(who), claims or {})

        async def signed_in(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("state", {})["caller"] = caller
            await self._app(scope, receive, send)

        async def request() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(signed_in)) as client:
                url = f"https://{HOST}/{service}/{version or VERSIONS.get(service, 'v1.0')}{workspace}{path}"
                return await client.request(method, url, json=body, **options)

        return asyncio.run(request())

    def good(self, *words: Any, **options: Any) -> Any:
        """As `ask`; the answer's body, which must be a success."""
        answer = self.ask(*words, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def refused(self, status: int, *words: Any, **options: Any) -> str:
        """As `ask`; the message of the answer, which must be this refusal."""
        answer = self.ask(*words, **options)
        assert answer.status_code == status, answer.text
        return str(answer.json()["message"])

    def experiment(self, name: str = "e1") -> str:
        """Make an experiment; its id."""
        return str(self.good("POST", "history", f"/experiments/{name}")["experimentId"])

    def plain_run(self, run_id: str, experiment: str = "e1", workspace: str | None = None, **tags: str) -> None:
        """A run that plain MLflow made."""
        owner = workspace or self.workspace_id

        async def make() -> None:
            body = {
                "experiment_id": await self.mlflow.experiment(owner, experiment),
                "start_time": int(self.azure.clock.now().timestamp() * 1000),
                "tags": [{"key": key, "value": value} for key, value in tags.items()],
            }
            await self.mlflow.request("POST", "/api/2.0/mlflow/runs/create", owner, json_body=body, run_id=run_id)

        asyncio.run(make())

    def put(self, url: str, content: bytes) -> None:
        """What a PUT to a signed URL does."""
        parts = urlsplit(url)
        account = str(parts.hostname).partition(".")[0]
        container, _, name = unquote(parts.path).lstrip("/").partition("/")
        address, blobs = Address(account, container, name), Blobs(self.cloud)

        async def chunks() -> AsyncIterator[bytes]:
            yield content

        async def upload() -> None:
            kept = await blobs.receive(address, chunks())
            blobs.commit(address, kept, md5=kept.md5, headers={}, metadata={})

        asyncio.run(upload())

    def blobs(self, container: str, prefix: str = "") -> dict[str, bytes]:
        """Names below a prefix and contents of a container of the workspace's account."""
        kept, found = Blobs(self.cloud), {}
        for name, blob in kept.list("stacct1", container, prefix):
            with kept.open(Address("stacct1", container, name), blob) as content:
                found[name.removeprefix(prefix)] = content.read()
        return found

    def run_claims(self, run_id: str) -> dict[str, Any]:
        """The claims of a run's token, as the runner issues it."""
        workspace = self.cloud.store.get("resources", WORKSPACE.lower())
        assert workspace is not None
        token, _ = run_token.issue(self.cloud, workspace, run_id, self.azure.who(DEVELOPER).object_id)
        return dict(self.cloud.tokens.verify(token, MACHINE_LEARNING.audiences))


def _grant(azure: Azure, name: str) -> None:
    """A user who has the persona of that name on the workspace."""
    upn = f"{name}@local.test"
    if azure.cloud.directory.find_user(upn) is None:
        azure.cloud.directory.add_user(upn)
    ids, store = azure.cloud.ids, azure.cloud.store
    definition = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/{ids.guid()}"
    permissions = [{"actions": list(persona(name).actions)}]
    store.put(
        DEFINITIONS,
        definition.lower(),
        {"id": definition, "properties": {"roleName": name, "permissions": permissions}},
    )
    assignment = f"{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/{ids.guid()}"
    told = {"principalId": azure.who(upn).object_id, "roleDefinitionId": definition, "scope": WORKSPACE}
    store.put(ASSIGNMENTS, assignment.lower(), {"id": assignment, "properties": told})


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the signing keys are kept: making them for each test would take most of the time."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture
def plane(azure: Azure, keys: Path) -> DataPlane:
    remembered(azure, "a data plane", lambda: _build(azure))
    return DataPlane(azure, keys)


def _build(azure: Azure) -> None:
    azure.make(*CHAIN)
    azure.arm("PUT", OTHER, BODIES[WORKSPACE])
    azure.wait()
    for name in ("viewer", "tracker", "submitter"):
        _grant(azure, name)
