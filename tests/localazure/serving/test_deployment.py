"""Deployments over processes that answer, fail and end when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.serving import deployment, instance
from azmlflow.localazure.serving.errors import NotServing
from azmlflow.localazure.serving.instance import Log
from azmlflow.localazure.serving.servers import Servers
from tests.localazure.control import BLUE, BODIES, CHAIN, ENDPOINT, WORKSPACE, Azure

KEY = BLUE.lower()


class Process:
    """Stands for a deployment's process."""

    made: list[Process]
    fails: list[Exception]
    held: asyncio.Event | None

    def __init__(self, document: Document, folder: Path) -> None:
        self.document = document
        self.log = Log(folder / f"{len(self.made)}.log")
        self.secret: tuple[str, ...] = ()
        self.backend: Backend | None = None
        self.over, self.closed = asyncio.Event(), False
        self.made.append(self)

    @property
    def digest(self) -> str:
        return instance.digest(self.document)

    async def prepare(self, _cloud: object, _users: object) -> None:
        self.log.say(f"process {len(self.made)}")

    async def answers(self, _cloud: object) -> None:
        if self.held is not None:
            await self.held.wait()
        if self.fails:
            raise self.fails.pop(0)
        self.backend = Backend(f"socket of {len(self.made)}")

    @property
    def has_ended(self) -> bool:
        return self.over.is_set()

    async def ended(self) -> None:
        await self.over.wait()

    def why_ended(self) -> str:
        return "It exited with code 9."

    async def close(self) -> None:
        self.closed = True


class Serving:
    """Deployments that are served, one step of the test's after the other."""

    def __init__(self, azure: Azure) -> None:
        self.azure = azure
        self.servers = Servers(azure.cloud, Users(azure.cloud.state, root=False))

    async def turn(self) -> None:
        """Let every task go as far as it can."""
        self.servers.step()
        for _ in range(20):
            await asyncio.sleep(0)

    async def put(self, **more: Any) -> None:
        """Change the deployment as a client does; the client's own loop is another thread's."""
        capacity = more.pop("capacity", 1)
        properties = {**BODIES[BLUE]["properties"], **more}
        body = {"location": "westeurope", "sku": {"name": "Default", "capacity": capacity}, "properties": properties}
        answer = await asyncio.to_thread(self.azure.arm, "PUT", BLUE, body)
        assert answer.status in (200, 201), answer
        await self.turn()

    @property
    def backend(self) -> str | None:
        found = self.azure.cloud.serving.backends.get(KEY)
        return None if found is None else found.socket

    @property
    def state(self) -> str:
        document = self.azure.cloud.store.get("resources", KEY)
        assert document is not None
        return str(document["properties"]["provisioningState"])

    def run(self, script: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            try:
                await script()
            finally:
                await self.servers.stop()
            assert self.backend is None
            assert all(process.closed for process in Process.made)

        asyncio.run(whole())


@pytest.fixture
def serving(azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Serving:
    Process.made, Process.fails, Process.held = [], [], None

    async def opened(_users: Users, document: Document, _name: str) -> Process:
        return Process(document, tmp_path)

    monkeypatch.setattr(instance, "open_instance", opened)
    azure.make(*CHAIN[:6], ENDPOINT)
    return Serving(azure)


def test_the_operation_ends_when_the_process_answers(serving: Serving) -> None:
    async def script() -> None:
        Process.held = asyncio.Event()
        await serving.put()
        assert (serving.state, serving.backend) == ("Creating", None)
        Process.held.set()
        await serving.turn()
        assert (serving.state, serving.backend) == ("Succeeded", "socket of 1")

    serving.run(script)


def test_a_failure_says_what_the_process_said_last(serving: Serving) -> None:
    Process.fails = [NotServing("ResourceNotReady", "User container has crashed or terminated: it ended.")]

    async def script() -> None:
        await serving.put()
        assert (serving.state, serving.backend) == ("Failed", None)
        (operation,) = [each for _, each in serving.azure.cloud.store.scan("operations") if each["target"] == BLUE]
        assert operation["error"]["code"] == "ResourceNotReady"
        assert "terminated: it ended.\nThe last lines of the deployment's log:\n" in operation["error"]["message"]
        assert operation["error"]["message"].endswith("process 1")
        assert Process.made[0].closed
        kept = serving.azure.cloud.store.get(DEPLOYMENTS, KEY)
        assert kept is not None and "process 1" in kept["log"]
        await serving.turn()
        assert len(Process.made) == 1  # it is not tried again by itself

    serving.run(script)


def test_what_was_asked_is_written_down_at_the_end(serving: Serving) -> None:
    async def script() -> None:
        serving.azure.cloud.serving.asked[ENDPOINT.lower()] += 3

    serving.run(script)
    kept = serving.azure.cloud.store.get("endpoint_requests", ENDPOINT.lower())
    assert kept is not None and list(kept.values()) == [3]


def test_a_fault_of_ours_ends_the_operation_too(serving: Serving) -> None:
    Process.fails = [ZeroDivisionError()]

    async def script() -> None:
        await serving.put()
        assert serving.state == "Failed"

    serving.run(script)


def test_a_change_is_served_beside_the_old_until_it_answers(serving: Serving) -> None:
    async def script() -> None:
        await serving.put()
        before = serving.azure.cloud.serving.backends[KEY]
        before.pending = 1
        Process.held = asyncio.Event()
        await serving.put(model=f"{WORKSPACE}/models/wine/versions/2")
        assert (serving.state, serving.backend) == ("Updating", "socket of 1")
        Process.held.set()
        await serving.turn()
        assert (serving.state, serving.backend) == ("Succeeded", "socket of 2")
        assert not Process.made[0].closed  # it still has a request to answer
        before.pending = 0
        await asyncio.wait_for(_closed(Process.made[0]), 60)

    serving.run(script)


async def _count(wanted: int) -> None:
    while len(Process.made) < wanted:
        await asyncio.sleep(0.01)


async def _closed(process: Process) -> None:
    while not process.closed:
        await asyncio.sleep(0.01)


def test_a_change_that_fails_leaves_the_old_one(serving: Serving) -> None:
    async def script() -> None:
        await serving.put()
        Process.fails = [NotServing("BadArgument", "no")]
        await serving.put(model=f"{WORKSPACE}/models/wine/versions/2")
        assert (serving.state, serving.backend) == ("Failed", "socket of 1")
        assert not Process.made[0].closed and Process.made[1].closed
        assert serving.azure.cloud.serving.log(serving.azure.cloud.store, KEY).endswith("process 1\n")

    serving.run(script)


def test_what_needs_no_other_process_starts_none(serving: Serving) -> None:
    async def script() -> None:
        await serving.put()
        await serving.put(requestSettings={"requestTimeout": "PT1M"})
        assert (serving.state, len(Process.made)) == ("Succeeded", 1)
        await serving.put(requestSettings={"requestTimeout": "PT1M"}, capacity=2)
        assert (serving.state, len(Process.made)) == ("Succeeded", 2)

    serving.run(script)


def test_a_process_that_ends_is_started_again(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "_FIRST_PAUSE", 0.0)

    async def script() -> None:
        await serving.put()
        Process.made[0].over.set()
        await asyncio.wait_for(_count(2), 60)
        await serving.turn()
        assert (serving.state, serving.backend) == ("Succeeded", "socket of 2")
        assert Process.made[0].closed

    serving.run(script)


def test_a_deployment_that_goes_takes_its_process_along(serving: Serving) -> None:
    async def script() -> None:
        await serving.put()
        await asyncio.to_thread(serving.azure.arm, "DELETE", ENDPOINT)
        await asyncio.to_thread(serving.azure.wait)
        await serving.turn()
        assert serving.backend is None and Process.made[0].closed
        assert serving.azure.cloud.store.get(DEPLOYMENTS, KEY) is None

    serving.run(script)


@pytest.mark.parametrize("stopped", [False, True])
def test_a_deployment_that_goes_answers_what_it_had_unless_all_is_stopped(serving: Serving, stopped: bool) -> None:
    async def script() -> None:
        await serving.put()
        backend = serving.azure.cloud.serving.backends[KEY]
        backend.pending = 1
        await asyncio.to_thread(serving.azure.arm, "DELETE", ENDPOINT)
        await asyncio.to_thread(serving.azure.wait)
        await serving.turn()
        assert serving.backend is None and not Process.made[0].closed
        if stopped:
            await asyncio.wait_for(serving.servers.stop(), 60)
        else:
            backend.pending = 0
            await asyncio.wait_for(_closed(Process.made[0]), 60)
        assert Process.made[0].closed

    serving.run(script)


def test_a_deployment_that_goes_while_it_starts(serving: Serving) -> None:
    async def script() -> None:
        Process.held = asyncio.Event()
        await serving.put()
        await asyncio.to_thread(serving.azure.arm, "DELETE", ENDPOINT)
        await asyncio.to_thread(serving.azure.wait)
        await serving.turn()
        assert Process.made[0].closed

    serving.run(script)


def test_what_stood_and_what_was_starting_come_back_after_a_kill(serving: Serving) -> None:
    async def first() -> None:
        await serving.put()
        Process.held = asyncio.Event()
        await serving.put(model=f"{WORKSPACE}/models/wine/versions/2")

    serving.run(first)
    assert serving.state == "Updating"
    Process.held = None
    serving.servers = Servers(serving.azure.cloud, Users(serving.azure.cloud.state, root=False))

    async def second() -> None:
        await serving.turn()
        assert (serving.state, serving.backend) == ("Succeeded", "socket of 3")
        assert Process.made[2].document["properties"]["model"].endswith("/2")

    serving.run(second)


def test_what_failed_to_change_comes_back_as_it_was(serving: Serving) -> None:
    async def first() -> None:
        await serving.put()
        Process.fails = [NotServing("BadArgument", "no")]
        await serving.put(model=f"{WORKSPACE}/models/wine/versions/2")

    serving.run(first)
    serving.servers = Servers(serving.azure.cloud, Users(serving.azure.cloud.state, root=False))

    async def second() -> None:
        await serving.turn()
        assert (serving.state, serving.backend) == ("Failed", "socket of 3")
        assert Process.made[2].document["properties"]["model"].endswith("/1")

    serving.run(second)
