"""What fails on the way to or from MLflow ends in the job's reason, or is tried again; it never vanishes."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from azmlflow.localazure.core.collections import JOB_RECORDS
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner import execution, files
from azmlflow.localazure.runner.runner import Runner
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.work import records
from tests.localazure.control import DEVELOPER, WORKSPACE, Azure
from tests.localazure.failures import FAILURES
from tests.localazure.runner.conftest import JOB, content, mlflow, run, submit

WITHIN = 60.0


def record(azure: Azure, key: str) -> Document:
    found = azure.cloud.store.get(JOB_RECORDS, key)
    assert found is not None
    return found


def soon() -> MlflowUnavailable:
    return MlflowUnavailable("MLflow's server ended while it was asked", 0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not true():
            await asyncio.sleep(0.01)


def served(azure: Azure, play: Callable[[Runner], Coroutine[Any, Any, None]]) -> None:
    """Play while a runner serves."""

    async def script() -> None:
        runner = Runner(azure.cloud, Users(azure.cloud.state, root=False))
        task = asyncio.create_task(runner.serve())
        try:
            await play(runner)
            assert not task.done(), "the runner goes on"
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await runner.stop()

    asyncio.run(script())


# --- the run is made ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "failure"), [("experiment", "away"), ("experiment", "late"), *(("job-1", failure) for failure in FAILURES)]
)
def test_without_mlflow_a_job_fails_and_says_so(jobs: Azure, call: str, failure: str) -> None:
    mlflow(jobs).fails[call] = [FAILURES[failure]()]
    state, why = run(jobs, submit(jobs, "true"))
    assert (state, "MLflow" in why) == ("Failed", True)


def test_what_mlflow_refuses_is_the_jobs_reason(jobs: Azure) -> None:
    refused = httpx.Response(
        400, json={"error_code": "INVALID_PARAMETER_VALUE", "message": "The experiment is deleted."}
    )
    mlflow(jobs).fails["job-1"] = [refused]
    assert "The experiment is deleted." in run(jobs, submit(jobs, "true"))[1]
    mlflow(jobs).refuses = True
    jobs.arm("DELETE", f"{WORKSPACE}/jobs/job-1")
    assert "maximum length" in run(jobs, submit(jobs, "true"))[1]


@pytest.mark.parametrize(
    ("tags", "state"),
    [
        ({"mlflow.user": DEVELOPER, "azureml.jobtype": "command"}, "Completed"),
        ({"mlflow.user": "bob@local.test", "azureml.jobtype": "command"}, "Failed"),
        ({"mlflow.user": DEVELOPER}, "Failed"),
    ],
)
def test_a_run_whose_making_was_not_heard_of_is_the_jobs_and_anothers_is_not(
    jobs: Azure, tags: dict[str, str], state: str
) -> None:
    mlflow(jobs).there = tags
    ended, why = run(jobs, submit(jobs, "true"))
    assert (ended, "exists" in why) == (state, state == "Failed")


def test_a_queued_job_whose_run_cannot_be_made_makes_it_when_it_starts(jobs: Azure) -> None:
    mlflow(jobs).fails["job-1"] = [FAILURES["no JSON"]()]
    key = submit(jobs, "true")

    async def play(_runner: Runner) -> None:
        await until(lambda: records.status(jobs.cloud, key) == "Completed")

    served(jobs, play)
    assert mlflow(jobs).asked[:2] == [("create", "job-1")] * 2


# --- it begins ----------------------------------------------------------------------------------------------------


def test_that_a_job_runs_is_told_until_mlflow_hears_it(jobs: Azure, tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    mlflow(jobs).fails["RUNNING"] = [soon(), soon()]
    mlflow(jobs).heard = lambda what: heard.touch() if what == "RUNNING" else None
    wait = f"for each in $(seq 2000); do test -e {heard} && exit 0; sleep 0.01; done; exit 3"
    assert run(jobs, submit(jobs, wait))[0] == "Completed"
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "RUNNING", "RUNNING", "RUNNING", "FINISHED"]


def test_a_job_does_not_wait_for_an_mlflow_that_never_hears_that_it_runs(jobs: Azure) -> None:
    mlflow(jobs).fails["RUNNING"] = [MlflowUnavailable("MLflow's server is still starting", 600)] * 9
    assert run(jobs, submit(jobs, "true"))[0] == "Completed"
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "RUNNING", "FINISHED"]


def test_a_run_that_somebody_deleted_meanwhile_is_left_to_them(jobs: Azure) -> None:
    deleted = {"error_code": "INVALID_PARAMETER_VALUE", "message": "The run must be in the 'active' state."}
    for state in ("RUNNING", "FINISHED"):
        mlflow(jobs).fails[state] = [httpx.Response(400, json=deleted)]
    key = submit(jobs, "true")
    assert run(jobs, key)[0] == "Completed"
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "RUNNING", "FINISHED"]
    assert record(jobs, key)["closed"]


# --- it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", FAILURES)
def test_the_end_of_a_job_is_told_until_mlflow_hears_it(jobs: Azure, failure: str) -> None:
    mlflow(jobs).fails["FINISHED"] = [FAILURES[failure](), FAILURES[failure]()]
    key = submit(jobs, "true")

    async def play(_runner: Runner) -> None:
        await until(lambda: records.status(jobs.cloud, key) == "Completed")
        assert "closed" not in record(jobs, key)
        for _ in range(2):
            jobs.clock.advance(60)
            jobs.cloud.bell.ring()
            await asyncio.sleep(0.05)
        await until(lambda: "closed" in record(jobs, key))

    served(jobs, play)
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "RUNNING", "FINISHED", "FINISHED", "FINISHED"]


def test_the_end_of_a_job_that_never_ran_is_told_until_mlflow_hears_it(jobs: Azure) -> None:
    mlflow(jobs).fails["KILLED"] = [soon(), soon()]
    key = submit(jobs, "true")
    records.note(jobs.cloud, key, experiment="id-of-tried")

    records.set_status(jobs.cloud, key, "CancelRequested")
    runner = Runner(jobs.cloud, Users(jobs.cloud.state, root=False))

    def closed() -> bool:
        runner.step()
        return "closed" in record(jobs, key)

    asyncio.run(until(closed))
    assert records.status(jobs.cloud, key) == "Canceled"
    assert [what for _, what in mlflow(jobs).asked] == ["KILLED"] * 3


def test_the_end_of_a_job_is_told_after_a_restart_and_keeps_nobody_waiting(jobs: Azure) -> None:
    mlflow(jobs).fails["FAILED"] = [MlflowUnavailable("MLflow's server is still starting", 600)]
    ended = submit(jobs, "true")
    records.note(jobs.cloud, ended, experiment="id-of-tried")
    records.set_status(jobs.cloud, ended, "Running")

    async def play(_runner: Runner) -> None:
        await until(lambda: ("update", "FAILED") in mlflow(jobs).asked)
        told = {"properties": {**JOB, "command": "true"}}
        answer = await asyncio.to_thread(jobs.arm, "PUT", f"{WORKSPACE}/jobs/job-2", told)
        assert answer.status == 201, answer
        jobs.cloud.bell.ring()
        other = f"{WORKSPACE}/jobs/job-2".lower()
        await until(lambda: records.status(jobs.cloud, other) == "Completed")
        assert "closed" not in record(jobs, ended)
        jobs.clock.advance(601)
        jobs.cloud.bell.ring()
        await until(lambda: "closed" in record(jobs, ended))

    served(jobs, play)


# --- what else could vanish ---------------------------------------------------------------------------------------


def test_a_fault_of_ours_at_the_start_does_not_stop_the_runner(jobs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    key, found = submit(jobs, "true"), records.jobs
    faults = [OSError("disk")]

    def jobs_once(cloud: Any) -> Any:
        if faults:
            raise faults.pop()
        return found(cloud)

    monkeypatch.setattr(records, "jobs", jobs_once)

    async def play(_runner: Runner) -> None:
        await until(lambda: not faults)
        jobs.cloud.bell.ring()
        await until(lambda: records.status(jobs.cloud, key) == "Completed")

    served(jobs, play)


def test_a_fault_of_ours_at_a_job_is_its_reason(jobs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(execution.Execution, "run", broken)
    key = submit(jobs, "true")

    async def play(_runner: Runner) -> None:
        await until(lambda: records.status(jobs.cloud, key) == "Failed")

    served(jobs, play)
    assert "azmlflow local logs" in record(jobs, key)["error"]


def test_a_folder_that_cannot_be_removed_is_told_and_the_job_ends(
    jobs: Azure, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ask = Place.ask

    async def asked(self: Place, request: dict[str, Any], *descriptors: int) -> dict[str, Any]:
        return {**await ask(self, request, *descriptors), **({"left": True} if request["do"] == "close" else {})}

    monkeypatch.setattr(Place, "ask", asked)
    key = submit(jobs, "true")
    assert run(jobs, key)[0] == "Completed"
    assert f"{Users(jobs.cloud.state, root=False).folder}/" in caplog.text


def test_a_log_that_cannot_be_kept_once_is_kept_at_the_next_look(
    jobs: Azure, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    keep, faults, live = files.keep, [AzureError(503, "ServerBusy", "busy"), OSError("disk")], tmp_path / "live"

    async def failing(*words: Any) -> None:
        if faults:
            raise faults.pop()
        await keep(*words)
        live.touch()

    monkeypatch.setattr(files, "keep", failing)
    wait = f"echo said; for each in $(seq 2000); do test -e {live} && exit 0; sleep 0.01; done; exit 3"
    assert run(jobs, submit(jobs, wait))[0] == "Completed", "its log was kept up with while it ran"
    assert "said" in content(jobs, "user_logs/std_log.txt")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOENT, ("No such file or directory: /somewhere/named",)),
        (errno.ENOSPC, ("the disk is full", "df -h /somewhere/named")),
        (errno.EDQUOT, ("quota", "quota -s")),
        (errno.EMFILE, ("no file descriptor", "ulimit -n")),
    ],
)
def test_what_the_machine_refuses_a_job_is_its_reason(
    jobs: Azure, monkeypatch: pytest.MonkeyPatch, number: int, words: tuple[str, ...]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "/somewhere/named")

    monkeypatch.setattr(execution.Execution, "_prepare", refuse)
    state, why = run(jobs, submit(jobs, "true"))
    assert state == "Failed"
    assert all(word in why for word in words), why


def test_limits_that_cannot_be_read_are_the_jobs_reason(jobs: Azure) -> None:
    (jobs.cloud.state / "job-limits.json").write_text("{")
    state, why = run(jobs, submit(jobs, "true"))
    assert (state, "job-limits.json" in why) == ("Failed", True)


# --- it is deleted, or changed ------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [None, "away", "page"])
def test_a_job_that_is_deleted_while_it_runs_ends_and_its_run_with_it(jobs: Azure, failure: str | None) -> None:
    mlflow(jobs).fails["KILLED"] = [FAILURES[failure]()] if failure else []
    key = submit(jobs, "echo begun; sleep 600")

    async def play(_runner: Runner) -> None:
        await until(lambda: records.status(jobs.cloud, key) == "Running")
        await until(lambda: ("update", "RUNNING") in mlflow(jobs).asked)
        await asyncio.to_thread(jobs.arm, "DELETE", f"{WORKSPACE}/jobs/job-1")
        jobs.cloud.bell.ring()
        await until(lambda: ("update", "KILLED") in mlflow(jobs).asked)
        jobs.clock.advance(600)
        jobs.cloud.bell.ring()
        await until(lambda: records.untold(jobs.cloud) == {})

    served(jobs, play)
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "RUNNING", *["KILLED"] * (2 if failure else 1)]
    again = jobs.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": {**JOB, "command": "true"}})
    assert (again.status, "already exists" in again.message) == (400, True), "MLflow keeps the run"


def test_a_job_that_is_deleted_while_its_run_is_made_leaves_none_that_waits(jobs: Azure) -> None:
    deleted: list[int] = []

    def delete(what: str) -> None:
        if what == "job-1" and not deleted:
            deleted.append(1)
            jobs.cloud.store.delete("resources", key)
            records.forget(jobs.cloud, job)

    mlflow(jobs).heard = delete
    key = submit(jobs, "true")
    job = jobs.arm("GET", f"{WORKSPACE}/jobs/job-1").body

    async def play(_runner: Runner) -> None:
        await until(lambda: ("update", "KILLED") in mlflow(jobs).asked)

    served(jobs, play)
    assert [what for _, what in mlflow(jobs).asked] == ["job-1", "KILLED"]


def test_what_changes_of_a_job_is_told_to_mlflow(jobs: Azure) -> None:
    key = submit(jobs, "true", tags={"a": "1"})
    body = {**JOB, "command": "true", "tags": {"a": "2"}, "displayName": "new"}

    async def play(_runner: Runner) -> None:
        await until(lambda: records.status(jobs.cloud, key) == "Completed")
        await asyncio.to_thread(jobs.arm, "PUT", f"{WORKSPACE}/jobs/job-1", {"properties": body})
        jobs.cloud.bell.ring()
        await until(lambda: records.untold(jobs.cloud) == {})

    served(jobs, play)
    assert [what for _, what in mlflow(jobs).asked][-2:] == ["tags", "new"]
