"""The pages without a browser, on a standing workspace."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.sessions import Granted
from azmlflow.localazure.services import ui
from tests.localazure.control import CHAIN, WORKSPACE, Azure

OWNER, READER, NOBODY = "developer@local.test", "bob@local.test", "alice@local.test"
HTML = {"Accept": "text/html,*/*;q=0.8"}
AJAX = "mlflow/ajax-api/2.0/mlflow"


@dataclass
class Browser:
    """Asks the pages as a browser would: with the cookie of its session, and an Origin where it posts.

    `beside` is what goes on while they answer.
    """

    azure: Azure
    base: str = ""
    cookie: str = ""
    beside: Callable[[], AbstractAsyncContextManager[object]] = contextlib.nullcontext

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{Folder(self.azure.cloud.state).ports().ui}"

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        sent = {"Origin": self.origin} if method != "GET" else {}
        sent |= {"Cookie": self.cookie} if self.cookie else {}
        app = ui.service(self.azure.cloud)

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with self.beside(), httpx.AsyncClient(transport=transport, base_url=self.origin) as client:
                return await client.request(method, path, headers={**HTML, **sent, **(headers or {})}, **options)

        return asyncio.run(once())

    def get(self, path: str = "", **options: Any) -> httpx.Response:
        return self.ask("GET", self.base + path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("POST", self.base + path, **options)

    def sign_in(self, who: str, *grants: Granted) -> httpx.Response:
        cloud = self.azure.cloud
        code = cloud.sessions.issue(self.azure.who(who).object_id, WORKSPACE, cloud.clock.now(), grants)
        answer = self.ask("GET", f"/sign-in?code={code}")
        assert answer.status_code == 200
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        self.base = re.search(r"0;url=(/[\w-]+/)", answer.text).group(1)  # type: ignore[union-attr]
        return answer


@pytest.fixture
def browser(azure: Azure) -> Browser:
    """A standing workspace with a cluster, on which one may read; nobody is signed in yet."""
    azure.make(*CHAIN)
    azure.assign(READER, "Reader", WORKSPACE)
    return Browser(azure)


def signed_in(browser: Browser, who: str) -> Browser:
    browser.sign_in(who)
    return browser


def foreign_scripts(page: str) -> list[str]:
    """The scripts of a page that are not its own."""
    return [each for each in re.findall("<script[^>]*>", page) if each != '<script src="/tables.js" defer>']
