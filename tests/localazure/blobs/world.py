"""A blob service under test: one storage account with its keys, and clients without a network."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote
from xml.etree import ElementTree as Xml

import httpx
from starlette.types import ASGIApp

from azmlflow.localazure.blobs.signing import Signing
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import ManualClock, RandomIds
from azmlflow.localazure.core.collections import ASSIGNMENTS, SECRETS
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory
from azmlflow.localazure.principals.enforce import Enforcer
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.services.blobs import service
from azmlflow.rbac.roles import built_in_role

ACCOUNT = "stmlflow"
HOST = f"https://{ACCOUNT}.blob.core.windows.net"
ACCOUNT_ID = f"/subscriptions/s/resourcegroups/g/providers/microsoft.storage/storageaccounts/{ACCOUNT}"
KEY1, KEY2 = (base64.b64encode(bytes([n]) * 64).decode() for n in (1, 2))


class Client:
    """Requests to an ASGI application, one after the other."""

    def __init__(self, app: ASGIApp) -> None:
        self._transport = httpx.ASGITransport(app)

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self._transport) as client:
                return await client.request(method, url, **options)

        return asyncio.run(ask())

    def carry(self, method: str, url: str, content: bytes, headers: Mapping[str, str]) -> tuple[int, Any, bytes]:
        """As `carrier` hands requests over."""
        told = self.request(method, url, content=content, headers=dict(headers))
        return told.status_code, told.headers, told.content

    def get(self, url: str, **options: Any) -> httpx.Response:
        return self.request("GET", url, **options)

    def head(self, url: str, **options: Any) -> httpx.Response:
        return self.request("HEAD", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)

    def delete(self, url: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", url, **options)


@dataclass
class Azure:
    """A blob service under test, and a client that signs its URLs."""

    cloud: Cloud
    clock: ManualClock
    http: Client

    def url(self, name: str, permissions: str = "rwcdl", more: str = "") -> str:
        """The address of a blob of the container `azureml`, or of that container itself, signed for an hour."""
        path = "/azureml" + (f"/{name}" if name else "")
        expires = self.clock.now() + timedelta(hours=1)
        signing = Signing(self.cloud)
        query = (
            signing.url(f"/{ACCOUNT}{path}", permissions, expires)
            if name
            else signing.container(ACCOUNT, "azureml", permissions, expires)
        )
        return f"{HOST}{quote(path)}?{query}{more}"

    def put(self, name: str, content: bytes, **headers: str) -> httpx.Response:
        return self.http.put(self.url(name), content=content, headers=told(headers, x_ms_blob_type="BlockBlob"))

    def put_block(self, name: str, number: int, content: bytes, **headers: str) -> httpx.Response:
        url = self.url(name, more=f"&comp=block&blockid={quote(block_id(number))}")
        return self.http.put(url, content=content, headers=told(headers))

    def put_block_list(self, name: str, *named: tuple[str, int], **headers: str) -> httpx.Response:
        url = self.url(name, more="&comp=blocklist")
        return self.http.put(url, content=block_list(*named), headers=told(headers))

    def files(self) -> list[Path]:
        return [path for path in self.cloud.state.rglob("*") if path.is_file()]

    def describe_account(self, **properties: Any) -> None:
        """Write the account, as ARM would, with these properties."""
        document = {"id": ACCOUNT_ID, "type": "Microsoft.Storage/storageAccounts", "name": ACCOUNT}
        self.cloud.store.put("resources", ACCOUNT_ID, {**document, "properties": properties})

    def sign_in(self, role: str | None = None, scope: str = ACCOUNT_ID) -> str:
        """The access token of a new user with a role."""
        someone = self.cloud.directory.add_user(f"{self.cloud.ids.guid()}@local.test")
        if role is not None:
            assign(self.cloud, someone.object_id, role, scope)
        token, _ = self.cloud.tokens.issue(someone.object_id, "https://storage.azure.com")
        return token


def make_azure(folder: Path, keys: Path) -> Azure:
    """A new blob service: the account is there, with the container `azureml`."""
    clock = ManualClock()
    cloud = open_cloud(folder, clock, keys)
    azure = Azure(cloud, clock, Client(service(cloud)))
    azure.describe_account()
    cloud.store.put(SECRETS, ACCOUNT_ID, {"keys": [KEY1, KEY2]})
    cloud.store.put("containers", f"{ACCOUNT}/azureml", {"etag": '"0x1"', "modified": clock.now().isoformat()})
    return azure


def open_cloud(folder: Path, clock: ManualClock, keys: Path) -> Cloud:
    """A cloud over what a folder holds."""
    state = folder / "state"
    state.mkdir(exist_ok=True)
    store = Store(folder / "azure.db")
    others = cast(Any, None)
    directory = Directory(store, RandomIds())
    tokens, enforcer = Tokens(store, clock, keys), Enforcer(store, directory, clock)
    return Cloud(state, store, clock, RandomIds(), directory, tokens, enforcer, others, others)


def assign(cloud: Cloud, principal_id: str, role: str, scope: str = ACCOUNT_ID) -> None:
    """Give a principal a role."""
    key = f"{scope}/providers/microsoft.authorization/roleassignments/{principal_id}"
    properties = {
        "principalId": principal_id,
        "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{built_in_role(role).id}",
        "scope": scope,
    }
    cloud.store.put(ASSIGNMENTS, key, {"id": key, "properties": properties})


def told(headers: dict[str, str], **more: str) -> dict[str, str]:
    """Headers from keyword arguments."""
    return {name.replace("_", "-"): value for name, value in (more | headers).items()}


def block_id(number: int) -> str:
    return base64.b64encode(f"{number:06}".encode()).decode()


def block_list(*named: tuple[str, int]) -> bytes:
    blocks = "".join(f"<{kind}>{block_id(number)}</{kind}>" for kind, number in named)
    return f'<?xml version="1.0" encoding="utf-8"?><BlockList>{blocks}</BlockList>'.encode()


def names_of(answer: httpx.Response, tag: str) -> list[str | None]:
    """The names of a list of blobs."""
    return [name.text for name in Xml.fromstring(answer.content).iterfind(f"Blobs/{tag}/Name")]
