"""Facts as Azure Resource Manager tells them to who looks: asked of the same application, with the same rights.

So a page can show nothing that its principal could not read by a request of its own.
"""

from __future__ import annotations

from typing import Any

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.enforce import Caller
from azmlflow.localazure.errors import AzureError
from azmlflow.localazure.services import arm
from azmlflow.localazure.store import Document

_HOST = "https://management.azure.com"
_VERSION = "2024-10-01"


class Reader:
    """What a principal may read.

    Args:
        cloud: the embedded Azure.
        caller: who reads.
    """

    def __init__(self, cloud: Cloud, caller: Caller) -> None:
        self._transport = httpx.ASGITransport(_signed_in(arm.service(cloud), caller))

    async def get(self, path: str, version: str = _VERSION) -> Document:
        """A resource.

        Raises:
            AzureError: it is not there, or may not be read.
        """
        return await self._ask(f"{_HOST}{path}?api-version={version}")

    async def all(self, path: str, version: str = _VERSION) -> list[Document]:
        """All of a list, page by page.

        Raises:
            AzureError: it may not be read.
        """
        found: list[Document] = []
        url: str | None = f"{_HOST}{path}?api-version={version}"
        while url:
            answer = await self._ask(url)
            found += answer["value"]
            url = answer.get("nextLink")
        return found

    async def _ask(self, url: str) -> Document:
        async with httpx.AsyncClient(transport=self._transport) as client:
            answer: Any = (await client.get(url)).json()
        return dict(answer)


def _signed_in(app: ASGIApp, caller: Caller) -> ASGIApp:
    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scope.setdefault("state", {})["caller"] = caller
        await app(scope, receive, send)  # a refusal is raised, and httpx lets it through

    return application


def said(error: AzureError) -> str:
    """A refusal, for people: the action that is missing, or the message."""
    return error.message
