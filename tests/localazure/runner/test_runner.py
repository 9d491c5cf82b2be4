"""The runner over a control plane without transport: jobs end when the test says so, time passes when it says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.skipped import left_out
from azmlflow.localazure.core.collections import JOB_RECORDS, RESOURCES
from azmlflow.localazure.keeper.process import Endable
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner import execution, runs
from azmlflow.localazure.runner.runner import LOST, Runner
from azmlflow.localazure.work import records
from tests.localazure.control import BODIES, CHAIN, COMPUTE, WORKSPACE, Azure

JOB = {"jobType": "Command", "command": "true", "computeId": COMPUTE}


class Execution:
    """Stands in for a job: runs until told to end."""

    ends: dict[str, asyncio.Event]
    begun: asyncio.Event

    def __init__(self, cloud: Cloud, _users: Users, key: str) -> None:
        self._cloud, self._key = cloud, key

    async def run(
        self,
        _started: Callable[[str, Endable], None],
        _release: Callable[[], None],
        unwanted: Callable[[], str | None],
    ) -> None:
        records.set_status(self._cloud, self._key, "Running")
        self.begun.set()
        await self.ends.setdefault(self._key, asyncio.Event()).wait()
        records.set_status(self._cloud, self._key, unwanted() or "Completed")


@pytest.fixture
def runner(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Runner:
    Execution.ends, Execution.begun = {}, asyncio.Event()
    monkeypatch.setattr(execution, "Execution", Execution)
    monkeypatch.setattr(runs, "open_run", _no_run)
    azure.make(*CHAIN[:6], COMPUTE)
    return Runner(azure.cloud, Users(azure.cloud.state, root=False))


async def _no_run(_cloud: Cloud, _key: str) -> None:
    """MLflow has no part in these tests."""


def submit(azure: Azure, name: str, **more: Any) -> str:
    answer = azure.arm("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": {**JOB, **more}})
    assert answer.status == 201, answer
    azure.clock.advance(1)
    return f"{WORKSPACE}/jobs/{name}".lower()


def statuses(azure: Azure) -> list[str]:
    return [str(document["properties"]["status"]) for _, document, _ in records.jobs(azure.cloud)]


def nodes(azure: Azure) -> tuple[int, int]:
    told = azure.arm("GET", COMPUTE).body["properties"]["properties"]
    return told["currentNodeCount"], told["nodeStateCounts"]["runningNodeCount"]


async def turn() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_jobs_wait_for_nodes_in_the_order_they_came_and_nodes_go_when_idle(azure: Azure, runner: Runner) -> None:
    keys = [submit(azure, f"job-{number}") for number in range(3)]

    async def script() -> None:
        runner.step()
        await turn()
        assert statuses(azure) == ["Running", "Running", "Queued"]
        Execution.ends[keys[0]].set()
        await turn()
        runner.step()
        await turn()
        assert statuses(azure) == ["Completed", "Running", "Running"]
        for key in keys[1:]:
            Execution.ends[key].set()
        await turn()
        assert 0 < runner.step() <= 60
        azure.clock.advance(121)
        runner.step()

    asyncio.run(script())
    assert statuses(azure) == ["Completed"] * 3
    assert nodes(azure) == (0, 0)


def test_the_cluster_tells_its_nodes(azure: Azure, runner: Runner) -> None:
    submit(azure, "job-1")

    async def script() -> None:
        runner.step()
        await turn()

    asyncio.run(script())
    assert nodes(azure) == (1, 1)
    assert len(azure.arm("POST", f"{COMPUTE}/listNodes").body["nodes"]) == 1


def test_a_queued_job_is_canceled_at_once(azure: Azure, runner: Runner) -> None:
    submit(azure, "job-1")
    assert azure.arm("POST", f"{WORKSPACE}/jobs/job-1/cancel").status == 200
    asyncio.run(_once(runner))
    assert statuses(azure) == ["Canceled"]
    assert azure.arm("POST", f"{WORKSPACE}/jobs/job-1/cancel").status == 200


def test_an_ended_job_cannot_be_canceled(azure: Azure) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    records.set_status(azure.cloud, submit(azure, "job-1"), "Completed")
    assert azure.arm("POST", f"{WORKSPACE}/jobs/job-1/cancel").status == 400


def test_a_job_whose_cluster_is_gone_fails_with_the_reason(azure: Azure, runner: Runner) -> None:
    key = submit(azure, "job-1")
    azure.arm("DELETE", f"{COMPUTE}?underlyingResourceAction=Delete")
    azure.wait()
    asyncio.run(_once(runner))
    assert statuses(azure) == ["Failed"]
    record = azure.cloud.store.get(JOB_RECORDS, key)
    assert record is not None
    assert "deleted" in record["error"]


def test_after_a_crash_started_jobs_are_failed_and_queued_ones_stay(azure: Azure, runner: Runner) -> None:
    started = submit(azure, "job-1")
    records.set_status(azure.cloud, started, "Running")
    submit(azure, "job-2")

    async def script() -> None:
        task = asyncio.create_task(runner.serve())
        await asyncio.wait_for(Execution.begun.wait(), 20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(script())
    assert statuses(azure) == ["Failed", "Running"]
    record = azure.cloud.store.get(JOB_RECORDS, started)
    assert record is not None
    assert record["error"] == LOST


def test_the_jobs_of_a_deleted_workspace_are_gone(azure: Azure, runner: Runner) -> None:
    submit(azure, "job-1")
    azure.arm("DELETE", f"{WORKSPACE}?forceToPurge=true")
    azure.wait()
    asyncio.run(_once(runner))
    assert statuses(azure) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"jobType": "Sweep"}, "jobType"),
        ({"computeId": ""}, "serverless"),
        ({"computeId": f"{WORKSPACE}/computes/nowhere"}, "nowhere"),
        ({"environmentVariables": {"A": 1}}, "environmentVariables.A"),
    ],
)
def test_what_is_refused(azure: Azure, more: dict[str, Any], said: str) -> None:
    azure.make(*CHAIN[:6], COMPUTE)
    answer = azure.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": {**JOB, **more}})
    assert answer.status == 400
    assert said in answer.message


def test_what_can_never_have_a_node_is_refused(slow_azure: Azure) -> None:
    azure = slow_azure
    azure.make(*CHAIN[:6], COMPUTE)
    nobody = f"{WORKSPACE}/computes/no-nodes"
    scale = {"minNodeCount": 0, "maxNodeCount": 0}
    inner = {"vmSize": "Standard_DS3_v2", "scaleSettings": scale}
    body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}
    azure.arm("PUT", nobody, body)
    azure.wait()
    azure.arm("DELETE", f"{COMPUTE}?underlyingResourceAction=Delete")
    for compute, said in ((nobody, "at most 0 nodes"), (COMPUTE, "is being deleted")):
        answer = azure.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": {**JOB, "computeId": compute}})
        assert (answer.status, said in answer.message) == (400, True), answer


async def _once(runner: Runner) -> None:
    runner.step()
    await turn()


LOW = f"{WORKSPACE}/computes/low-cluster"


def _clusters(azure: Azure) -> None:
    """Both of 4-core nodes: the family's 24 cores are six of them."""
    scale = {"minNodeCount": 0, "maxNodeCount": 6, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    for path, priority in ((COMPUTE, "Dedicated"), (LOW, "LowPriority")):
        inner = {"vmSize": "Standard_DS3_v2", "vmPriority": priority, "scaleSettings": scale}
        body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}
        assert azure.arm("PUT", path, body).status in (200, 201)
    azure.wait()


def _states(azure: Azure) -> dict[str, str]:
    return {document["name"]: document["properties"]["status"] for _, document, _ in records.jobs(azure.cloud)}


def test_dedicated_work_takes_nodes_from_low_priority_which_runs_again_later(azure: Azure, runner: Runner) -> None:
    _clusters(azure)
    low = [submit(azure, f"low-{number}", computeId=LOW) for number in range(5)]

    async def script() -> None:
        runner.step()
        await turn()
        dedicated = [await asyncio.to_thread(submit, azure, f"dedicated-{number}") for number in range(3)]
        runner.step()
        await turn()
        # one node was left of the quota, so two have to go: those that began last
        assert list(_states(azure).values()).count("Running") == 6
        for key in low[3:]:
            Execution.ends[key].set()
        await turn()
        runner.step()
        await turn()
        found = _states(azure)
        assert [found[f"low-{number}"] for number in range(5)] == ["Running"] * 3 + ["Queued"] * 2
        assert [found[f"dedicated-{number}"] for number in range(3)] == ["Running"] * 3
        for key in low[3:]:
            Execution.ends[key].clear()
        for key in dedicated:
            Execution.ends[key].set()
        await turn()
        runner.step()
        await turn()
        azure.clock.advance(121)  # the idle dedicated nodes go
        runner.step()
        runner.step()
        await turn()
        assert list(_states(azure).values()).count("Running") == 5

    asyncio.run(script())


def test_low_priority_takes_nothing_from_anybody_and_the_quota_is_kept(azure: Azure, runner: Runner) -> None:
    _clusters(azure)
    for number in range(6):
        submit(azure, f"dedicated-{number}")
    submit(azure, "low-1", computeId=LOW)

    async def script() -> None:
        runner.step()
        await turn()
        assert runner.step() > 0

    asyncio.run(script())
    assert _states(azure)["low-1"] == "Queued"
    assert list(_states(azure).values()).count("Running") == 6


def test_what_has_ended_is_not_looked_at_again(azure: Azure, runner: Runner) -> None:
    key = submit(azure, "job-1")
    assert [found for found, _ in records.open_jobs(azure.cloud)] == [key]
    records.set_status(azure.cloud, key, "Completed")
    assert records.open_jobs(azure.cloud) == []
    assert len(list(records.jobs(azure.cloud))) == 1


def test_an_end_that_is_due_for_a_job_of_the_same_name_that_runs_does_not_keep_the_runner_busy(
    azure: Azure, runner: Runner
) -> None:
    key = submit(azure, "job-1")

    async def script() -> None:
        runner.step()
        await turn()
        assert statuses(azure) == ["Running"]
        runner._dues._ends[key] = azure.clock.now()
        azure.clock.advance(1)
        assert runner.step() > 0

    asyncio.run(script())


def test_a_broken_cluster_does_not_keep_others_jobs_waiting(azure: Azure, runner: Runner) -> None:
    """The idle time that an older version took, P99999999999999D, stopped the runner of all workspaces."""
    endless = COMPUTE.replace("cpu-cluster", "endless")
    azure.arm("PUT", endless, BODIES[COMPUTE])
    azure.wait()
    submit(azure, "mine", computeId=endless)
    submit(azure, "others")
    document = azure.cloud.store.get(RESOURCES, endless.lower())
    assert document is not None
    document["properties"]["properties"]["scaleSettings"]["nodeIdleTimeBeforeScaleDown"] = "P99999999999999D"
    azure.cloud.store.put(RESOURCES, endless.lower(), document)

    async def script() -> None:
        runner.step()
        await turn()

    asyncio.run(script())
    assert statuses(azure) == ["Failed", "Running"]
    assert [fault for _, fault in left_out(azure.cloud.state)] == ["ValueError"]
