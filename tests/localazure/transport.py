"""What the tests of the transport share: a cloud over a folder of the test's, with a clock that stands still."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from starlette.types import ASGIApp

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.operations import Operations
from azmlflow.localazure.core.clock import CountedIds, ManualClock
from azmlflow.localazure.core.latency import NONE
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.principals.directory import Directory
from azmlflow.localazure.principals.enforce import Enforcer
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.tracking.server import MlflowServer


def make_cloud(state: Path) -> Cloud:
    """A cloud with an empty directory; `cloud.clock` is a ManualClock, and the store is in memory."""
    store, clock, ids = Store(), ManualClock(), CountedIds()
    directory = Directory(store, ids)
    return Cloud(
        state=state,
        store=store,
        clock=clock,
        ids=ids,
        directory=directory,
        tokens=Tokens(store, clock, state),
        enforcer=Enforcer(store, directory, clock),
        operations=Operations(store, clock, ids, NONE),
        mlflow=MlflowServer(state),
    )


def advance(cloud: Cloud, seconds: float) -> None:
    """Let time pass."""
    assert isinstance(cloud.clock, ManualClock)
    cloud.clock.advance(seconds)


@dataclass(frozen=True)
class Client:
    """Asks an ASGI application, one request at a time, without a server."""

    app: ASGIApp
    base_url: str = ""

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Make a request; what `httpx.AsyncClient.request` takes."""

        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, url, **options)

        return asyncio.run(once())

    def get(self, url: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", url, **options)
