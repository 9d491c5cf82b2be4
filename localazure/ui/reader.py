"""Facts as Azure Resource Manager tells them to who looks, with the same rights; and what a page's button asks of it.

So a page can show and do nothing that its principal could not by a request of its own.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from azmlflow.localazure.arm import dispatch
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import paths
from azmlflow.localazure.tracking import answers
from azmlflow.rbac.operations import TRACKING, operation
from azmlflow.rbac.report import changes
from azmlflow.rbac.report.changes import History
from azmlflow.resourcetypes.table import find, version_of

_MANY = {"max_results": "1000"}
_ACTIVITY = "Microsoft.Insights/eventtypes/values"
_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"


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
        return await self._every(_url(path))

    async def history(self, scope: str, now: datetime) -> History:
        """Role assignments that were made and taken away at a scope, above it and below, as far as may be read."""
        for asked in changes.questions(scope, now):
            query = urlencode({"api-version": version_of(_ACTIVITY), "$filter": asked.filter})
            try:
                return changes.read(await self._every(f"{asked.path}?{query}"), asked, scope)
            except AzureError as error:
                if error.status != HTTPStatus.FORBIDDEN:
                    return History((), None, fault=f"{error.code}: {error.message}")
        return History((), None)

    async def post(self, path: str) -> Document:
        """What an action of a resource answers, such as `.../jobs/NAME/cancel`.

        Raises:
            AzureError: it is not there, or may not be done.
        """
        return await self._ask(_url(path.rpartition("/")[0]).replace("?", f"/{path.rpartition('/')[2]}?"), "POST")

    async def experiments(self, workspace: Document) -> str:
        """How many experiments a workspace has, as far as MLflow tells at once.

        Raises:
            AzureError: they may not be read.
            MlflowUnavailable: MLflow cannot answer now.
        """
        for action in operation("read_experiments").actions:
            self._cloud.enforcer.require(self._caller, action, workspace["id"])
        found = await self._cloud.mlflow.request(
            "GET", f"{TRACKING}/experiments/search", workspace["properties"]["workspaceId"], params=_MANY
        )
        told = answers.body(found)
        return f"{len(told.get('experiments', ()))}{'+' if told.get('next_page_token') else ''}"

    async def _every(self, url: str | None) -> list[Document]:
        found: list[Document] = []
        while url:
            answer = await self._ask(url)
            found += answer["value"]
            url = answer.get("nextLink")
        return found

    async def _ask(self, url: str, method: str = "GET") -> Document:
        parts = urlsplit(url)
        query = {name.lower(): value for name, value in parse_qsl(parts.query)}
        asked = dispatch.ask(self._cloud, self._caller, method, parts.path, query)
        answer: Any = (await dispatch.answer(asked, method)).body
        return dict(answer or {})


def _url(path: str) -> str:
    type_ = paths.parse(path, "GET").type
    # Of what is in a workspace, and not in azmlflow's table, the workspace's version.
    return f"{path}?api-version={version_of(type_ if find(type_) else _WORKSPACE)}"
