"""Jobs as processes, with everything real but MLflow: how they end, and what they leave."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.keeper.process import Endable
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.principals.tokens import MACHINE_LEARNING
from azmlflow.localazure.runner import files
from azmlflow.localazure.runner.context import identity_of
from azmlflow.localazure.runner.execution import Execution
from azmlflow.localazure.runner.runner import Runner
from azmlflow.localazure.work import records, run_token
from tests.localazure.control import COMPUTE, DEVELOPER, RG, WORKSPACE, Azure
from tests.localazure.runner.conftest import ACCOUNT, JOB, content, mlflow, run, submit

WITHIN = 60.0
USER_ASSIGNED = "Microsoft.ManagedIdentity/userAssignedIdentities"


def put_code(azure: Azure, container: str, name: str, text: bytes) -> None:
    async def once() -> None:
        async def chunks() -> Any:
            yield text

        blobs, address = Blobs(azure.cloud), Address(ACCOUNT, container, name)
        blobs.make_container(ACCOUNT, container)
        kept = await blobs.receive(address, chunks())
        blobs.commit(address, kept, md5=kept.md5, headers={}, metadata={})

    asyncio.run(once())


def code(azure: Azure, uri: str) -> str:
    id_ = f"{WORKSPACE}/codes/c/versions/1"
    assert azure.arm("PUT", id_, {"properties": {"codeUri": uri}}).status in (200, 201)
    return id_


def test_a_job_runs_and_leaves_its_log_and_outputs_and_an_ended_run(jobs: Azure) -> None:
    put_code(jobs, "snapshot", "train.py", b"print('trained'); open('outputs/model', 'w').write('weights')")
    uri = code(jobs, f"https://{ACCOUNT}.blob.core.windows.net/snapshot")
    assert run(jobs, submit(jobs, "python train.py", codeId=uri)) == ("Completed", "None")
    assert "trained" in content(jobs, "user_logs/std_log.txt")
    assert content(jobs, "outputs/model") == "weights"
    assert mlflow(jobs).asked == [("create", "job-1"), ("update", "RUNNING"), ("update", "FINISHED")]


def test_a_script_that_is_missing_fails_with_its_words_in_the_log(jobs: Azure) -> None:
    assert run(jobs, submit(jobs, "python missing.py"))[1].startswith("The job's command exited with code 2")
    assert "missing.py" in content(jobs, "user_logs/std_log.txt")


def test_a_snapshot_over_the_limit_is_refused(jobs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SNAPSHOT_LIMIT", 10)
    put_code(jobs, "snapshot", "train.py", b"x" * 11)
    uri = code(jobs, f"https://{ACCOUNT}.blob.core.windows.net/snapshot")
    state, why = run(jobs, submit(jobs, "true", codeId=uri))
    assert (state, "larger than" in why) == ("Failed", True)


def test_code_of_somebody_elses_account_is_not_read(jobs: Azure) -> None:
    uri = code(jobs, "https://another.blob.core.windows.net/snapshot")
    assert "own storage account" in run(jobs, submit(jobs, "true", codeId=uri))[1]


def test_outputs_that_are_links_are_not_followed(jobs: Azure) -> None:
    command = f"rmdir outputs; ln -s {jobs.cloud.state} outputs; ln -s {jobs.cloud.state}/secrets.json logs/found"
    assert run(jobs, submit(jobs, command))[0] == "Completed"
    kept = [name for name, _ in Blobs(jobs.cloud).list(ACCOUNT, files.artifact(ACCOUNT, "job-1", "x").container)]
    assert kept == ["ExperimentRun/dcid.job-1/user_logs/std_log.txt"]


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ("touch {}", "Completed"),
        ("touch {}; exit 3", "Failed"),
        ("trap 'exit 0' TERM; touch {}; sleep 600 & wait", "Queued"),
    ],
)
def test_an_eviction_makes_only_what_it_ended_run_again(jobs: Azure, tmp_path: Path, command: str, state: str) -> None:
    """The node is to be taken away from when the job has made a file: one job is just then ending by itself."""
    made = tmp_path / "made"
    key = submit(jobs, command.format(made))

    async def script() -> None:
        watching: list[asyncio.Task[None]] = []

        async def end_once_made(process: Endable) -> None:
            while not made.exists():
                await asyncio.sleep(0.01)
            if state == "Queued":
                process.end()

        def started(_key: str, process: Endable) -> None:
            watching.append(asyncio.create_task(end_once_made(process)))

        execution = Execution(jobs.cloud, Users(jobs.cloud.state, root=False), key)
        await execution.run(started, lambda: None, lambda: "Queued" if made.exists() else None)
        await asyncio.gather(*watching)

    asyncio.run(script())
    assert records.status(jobs.cloud, key) == state


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's jobs have their folders elsewhere")
def test_the_folder_of_the_jobs_folders_is_made_again_as_it_was(jobs: Azure) -> None:
    async def script() -> None:
        users = Users(jobs.cloud.state, root=True)
        await (await users.open("job-0", ())).close()
        users.folder.rmdir()
        place = await users.open("job-1", ())
        try:
            assert [stat.S_IMODE(each.stat().st_mode) for each in (place.folder, users.folder)] == [0o711, 0o711]
        finally:
            await place.close()
            Folder.at(jobs.cloud.state).remove_sockets()
        assert not users.folder.exists()

    asyncio.run(script())


def test_a_job_gets_nothing_of_our_environment_but_what_is_meant(jobs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_CLIENT_SECRET", "told")
    monkeypatch.setenv("SOMETHING", "told")
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    assert run(jobs, submit(jobs, f'python -c "{show}"', environmentVariables={"HOME": "/root", "MINE": "1"}))[0]
    told = json.loads(content(jobs, "user_logs/std_log.txt").splitlines()[-1])
    assert not {"AZURE_CLIENT_SECRET", "SOMETHING"} & set(told)
    assert (told["MINE"], told["MLFLOW_RUN_ID"]) == ("1", "job-1")
    assert str(jobs.cloud.state / "jobs") in told["HOME"]


def test_a_job_that_is_cancelled_while_its_environment_is_built_ends_then(
    jobs: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip waits for an index that does not answer; nothing of it stays, and no half environment counts as built."""
    path = f"{WORKSPACE}/environments/env/versions/1"
    conda = "dependencies: [{pip: [azmlflow-alpha]}]"
    assert jobs.arm("PUT", path, {"properties": {"condaFile": conda}}).status == 201
    key = submit(jobs, "true", environmentId=path)
    monkeypatch.setenv("AZMLFLOW_CACHE", str(tmp_path / "cache"))
    for name in ("PIP_FIND_LINKS", "PIP_CONFIG_FILE", "PIP_NO_INDEX", "http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    runner = Runner(jobs.cloud, Users(jobs.cloud.state, root=False))
    seen: list[str | None] = []

    async def script() -> None:
        asked, gone = asyncio.Event(), asyncio.Event()

        async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked.set()
            while await reader.read(1024):
                pass
            gone.set()  # pip's process has ended
            writer.close()

        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/simple")
        task = asyncio.create_task(runner.serve())
        async with asyncio.timeout(WITHIN):
            await asked.wait()
            seen.append(records.status(jobs.cloud, key))
            answer = await asyncio.to_thread(jobs.arm, "POST", f"{WORKSPACE}/jobs/job-1/cancel")
            assert answer.status == 200
            jobs.cloud.bell.ring()  # the request's own ring came from another thread
            await gone.wait()
            while records.status(jobs.cloud, key) != "Canceled":
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.stop()
        server.close()

    asyncio.run(script())
    assert seen == ["Preparing"]
    assert not list((tmp_path / "cache").rglob("ready.json"))


def test_the_jobs_of_a_deleted_workspace_end_with_their_processes(jobs: Azure) -> None:
    key = submit(jobs, "echo begun; sleep 600")
    runner = Runner(jobs.cloud, Users(jobs.cloud.state, root=False))

    async def until(true: Callable[[], bool]) -> None:
        end = time.monotonic() + WITHIN
        while not true():
            assert time.monotonic() < end
            await asyncio.sleep(0.01)

    async def script() -> None:
        task = asyncio.create_task(runner.serve())
        await until(lambda: records.status(jobs.cloud, key) == "Running")
        await asyncio.to_thread(jobs.arm, "DELETE", f"{WORKSPACE}?forceToPurge=true")
        await asyncio.to_thread(jobs.wait)
        jobs.cloud.bell.ring()  # the request's own ring came from another thread
        await until(lambda: not any((jobs.cloud.state / "jobs").iterdir()))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await runner.stop()

    asyncio.run(script())
    assert records.status(jobs.cloud, key) is None
    assert records.open_jobs(jobs.cloud) == []


def test_a_job_is_its_clusters_identity_whatever_the_clusters_maker_wrote_of_it(jobs: Azure) -> None:
    store, owner = jobs.cloud.store, jobs.who(DEVELOPER)
    compute, used = store.get("resources", COMPUTE.lower()), f"{RG}/providers/{USER_ASSIGNED}/used"
    assert compute is not None
    compute["identity"] = {"type": "UserAssigned", "userAssignedIdentities": {used: {"principalId": owner.object_id}}}
    store.put("resources", COMPUTE.lower(), compute)
    assert identity_of(jobs.cloud, JOB) is None  # there is no such identity
    principal, _ = jobs.cloud.directory.add_service_principal("used", with_secret=False)
    document = {"id": used, "type": USER_ASSIGNED, "properties": {"principalId": principal.object_id}}
    store.put("resources", used.lower(), document)
    found = identity_of(jobs.cloud, JOB)
    assert found is not None
    assert found.id == principal.object_id
    show = "import os; print('client', os.environ['DEFAULT_IDENTITY_CLIENT_ID'], 'IDENTITY_ENDPOINT' in os.environ)"
    assert run(jobs, submit(jobs, f'python -c "{show}"'))[0] == "Completed"
    assert f"client {principal.app_id} True" in content(jobs, "user_logs/std_log.txt")


def test_a_run_token_ends_with_its_time_and_another_is_good(jobs: Azure) -> None:
    submit(jobs, "true")
    workspace = jobs.cloud.store.get("resources", WORKSPACE.lower())
    assert workspace is not None
    token, expires = run_token.issue(jobs.cloud, workspace, "job-1", jobs.who(DEVELOPER).object_id)
    audiences = MACHINE_LEARNING.audiences
    assert jobs.cloud.tokens.verify(token, audiences)["exp"] == expires
    jobs.clock.advance(jobs.cloud.run_token_seconds - 60)
    later, _ = run_token.issue(jobs.cloud, workspace, "job-1", jobs.who(DEVELOPER).object_id)
    jobs.clock.advance(600)
    with pytest.raises(AzureError):
        jobs.cloud.tokens.verify(token, audiences)
    assert jobs.cloud.tokens.verify(later, audiences)["azmlflow_run"] == "job-1"
