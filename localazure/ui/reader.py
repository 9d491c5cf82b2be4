"""Facts as Azure Resource Manager tells them to who looks, with the same rights.

So a page can show nothing that its principal could not read by a request of its own.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from azmlflow.localazure.arm import dispatch
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import paths
from azmlflow.resourcetypes.table import version_of


class Reader:
    """What a principal may read.

    Args:
        cloud: the embedded Azure.
        caller: who reads.
    """

    def __init__(self, cloud: Cloud, caller: Caller) -> None:
        self._cloud, self._caller = cloud, caller

    async def get(self, path: str) -> Document:
        """A resource.

        Raises:
            AzureError: it is not there, or may not be read.
        """
        return await self._ask(_url(path))

    async def all(self, path: str) -> list[Document]:
        """All of a list, page by page.

        Raises:
            AzureError: it may not be read.
        """
        found: list[Document] = []
        url: str | None = _url(path)
        while url:
            answer = await self._ask(url)
            found += answer["value"]
            url = answer.get("nextLink")
        return found

    async def _ask(self, url: str) -> Document:
        parts = urlsplit(url)
        query = {name.lower(): value for name, value in parse_qsl(parts.query)}
        asked = dispatch.ask(self._cloud, self._caller, "GET", parts.path, query)
        answer: Any = (await dispatch.answer(asked, "GET")).body
        return dict(answer)


def _url(path: str) -> str:
    return f"{path}?api-version={version_of(paths.parse(path, 'GET').type)}"
