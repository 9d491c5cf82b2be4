"""Jobs that can run, with everything real but MLflow."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any, cast

import httpx
import pytest

from azmlflow.localazure.blobs.content import read_range
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.core.clock import SystemClock
from azmlflow.localazure.core.collections import JOB_RECORDS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.front import authority
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.runner import files
from azmlflow.localazure.runner.execution import Execution
from azmlflow.localazure.tracking.server import MlflowServer
from azmlflow.localazure.work import records
from tests.localazure.control import CHAIN, COMPUTE, STORAGE, WORKSPACE, Azure
from tests.localazure.failures import Failure, fail

JOB = {"jobType": "Command", "computeId": COMPUTE, "experimentName": "tried"}
ACCOUNT = STORAGE.rpartition("/")[2]
RUN = {"status": "SCHEDULED", "experiment_id": "id-of-tried"}


class Mlflow:
    """Notes what is asked of it.

    Attributes:
        asked: acts (`create`, `update`), and of what: the run's id, or the state that it is to have.
        fails: what is asked, by its second word, and how it fails, one time after the other.
        refuses: the experiment's name is not taken.
        there: the tags of the run that is there already.
        heard: told of what was asked and did not fail.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.fails: dict[str, list[Failure]] = {}
        self.refuses = False
        self.there: dict[str, str] | None = None
        self.heard: Callable[[str], object] = lambda _what: None

    async def experiment(self, _workspace: str, name: str) -> str:
        self._fail("experiment")
        if self.refuses:
            raise AzureError(400, "UserError", "'name' exceeds the maximum length")
        return f"id-of-{name}"

    async def request(
        self,
        _method: str,
        path: str,
        _workspace: str,
        *,
        params: Any = None,
        json_body: Any = None,
        run_id: str | None = None,
    ) -> httpx.Response:
        act = path.rpartition("/")[2]
        if act == "get":
            tags = [{"key": key, "value": value} for key, value in (self.there or {}).items()]
            return httpx.Response(200, json={"run": {"info": RUN, "data": {"tags": tags}}})
        what = str(run_id if act == "create" else json_body.get("status") or json_body.get("run_name") or "tags")
        self.asked.append((act, what))
        failed = self._fail(what)
        if failed is not None:
            return failed
        if act == "create" and self.there is not None:
            told = {"error_code": "RESOURCE_ALREADY_EXISTS", "message": f"A run with id {run_id} exists."}
            return httpx.Response(400, json=told)
        self.heard(what)
        return httpx.Response(200, json={})

    def forget(self, _workspace: str) -> None:
        """A workspace went."""

    def _fail(self, what: str) -> httpx.Response | None:
        return fail(self.fails[what].pop(0)) if self.fails.get(what) else None


@pytest.fixture
def jobs(azure: Azure) -> Azure:
    """A control plane whose jobs can run."""
    folder = Folder.at(azure.cloud.state)
    folder.make()
    authority.ensure(folder, SystemClock())
    azure.make(*CHAIN[:6], COMPUTE)
    tokens = Tokens(azure.cloud.store, azure.clock, azure.cloud.state)
    azure.cloud = dataclasses.replace(azure.cloud, tokens=tokens, mlflow=cast(MlflowServer, Mlflow()))
    return azure


def submit(azure: Azure, command: str, **more: Any) -> str:
    """Submit a job; its key."""
    answer = azure.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": {**JOB, "command": command, **more}})
    assert answer.status == 201, answer
    return f"{WORKSPACE}/jobs/job-1".lower()


def mlflow(azure: Azure) -> Mlflow:
    """The stand-in of MLflow."""
    return cast(Mlflow, azure.cloud.mlflow)


def run(azure: Azure, key: str) -> tuple[str | None, str]:
    """Run a job to its end: its state, and the reason that is told."""
    users = Users(azure.cloud.state, root=False)
    asyncio.run(Execution(azure.cloud, users, key).run(lambda _key, _process: None, lambda: None, lambda: None))
    record = azure.cloud.store.get(JOB_RECORDS, key)
    assert record is not None
    assert list(users.folder.glob("*")) == []
    return records.status(azure.cloud, key), str(record.get("error"))


def content(azure: Azure, path: str) -> str:
    """An artifact of the job."""
    blobs, address = Blobs(azure.cloud), files.artifact(ACCOUNT, "job-1", path)
    blob = blobs.get(address)
    assert blob is not None, path

    async def read() -> bytes:
        return b"".join([data async for data in read_range(blobs.open(address, blob), 0, blob.length)])

    return asyncio.run(read()).decode()
