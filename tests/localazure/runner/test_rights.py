"""What a submitter names in a job reaches nothing that the job's own user does not: as root, with everything real but
MLflow. Each of these once gave a submitter root's rights, or files of root's."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.core.collections import JOB_RECORDS, SDK1_ENVIRONMENTS
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.errors import UnsafeFolder
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.runner import files
from azmlflow.localazure.runner.execution import Execution
from azmlflow.localazure.work import records
from tests.localazure.control import WORKSPACE, Azure
from tests.localazure.runner.conftest import ACCOUNT, content, submit

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user"),
    pytest.mark.skipif(sys.platform != "linux", reason="needs namespaces"),
]
ENVIRONMENT = f"{WORKSPACE}/environments/env/versions/1"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may enter, and that no job has one of its own for."""
    folder = Path(tempfile.mkdtemp(dir="/opt"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def run(azure: Azure, key: str) -> tuple[str | None, str]:
    """Run a job as a user of its own: its state, and the reason that is told."""
    users = Users(azure.cloud.state, root=True)
    asyncio.run(Execution(azure.cloud, users, key).run(lambda _key, _process: None, lambda: None, lambda: None))
    record = azure.cloud.store.get(JOB_RECORDS, key)
    assert record is not None
    assert not users.folder.exists() or list(users.folder.iterdir()) == []
    Folder.at(azure.cloud.state).remove_sockets()
    return records.status(azure.cloud, key), str(record.get("error"))


def log(azure: Azure) -> str:
    return content(azure, "user_logs/std_log.txt")


def named(azure: Azure, kind: str, name: str, told: dict[str, Any], command: str = "true") -> str:
    """A job with an input or output of any name, as an earlier version may have let it in; its key."""
    key = submit(azure, command)
    document = azure.cloud.store.get("resources", key)
    assert document is not None
    document["properties"][kind] = {name: told}
    azure.cloud.store.put("resources", key, document)
    return key


@pytest.mark.parametrize("name", ["{place}/new", "../../../..{place}/new", "..", "a/b", ""])
def test_an_inputs_name_leads_nowhere(jobs: Azure, place: Path, name: str) -> None:
    jobs.blob("azureml-blobstore-x", "data/pwned.txt", b"x")
    told = {"jobInputType": "uri_folder", "uri": "azureml://datastores/workspaceblobstore/paths/data"}
    document = jobs.cloud.store.get("resources", WORKSPACE.lower())
    assert document is not None
    container = f"azureml-blobstore-{document['properties']['workspaceId']}"
    jobs.blob(container, "data/pwned.txt", b"x")
    state, why = run(jobs, named(jobs, "inputs", name.format(place=place), told))
    assert (state, "no name of a file" in why) == ("Failed", True), why
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("name", ["{state}", "../code/outputs/local", "..", "code/../../x"])
def test_an_outputs_name_leads_nowhere(jobs: Azure, name: str) -> None:
    command = f"rmdir outputs; ln -s {jobs.cloud.state} outputs"
    key = named(jobs, "outputs", name.format(state=jobs.cloud.state), {"jobOutputType": "uri_folder"}, command)
    state, why = run(jobs, key)
    assert (state, "no name of a file" in why) == ("Failed", True), why
    assert not [name for name, _ in Blobs(jobs.cloud).list(ACCOUNT, "azureml") if "secrets" in name]


def test_what_a_job_links_to_is_not_kept_though_it_could_be_read_by_us(jobs: Azure) -> None:
    command = (
        f"rmdir outputs; ln -s {jobs.cloud.state} outputs; ln -s {jobs.cloud.state}/secrets.json logs/found; "
        "ln -s /etc logs/etc; mkfifo logs/fifo; echo kept > logs/kept; id -u"
    )
    state, why = run(jobs, submit(jobs, command))
    assert state == "Completed", why
    kept = {name for name, _ in Blobs(jobs.cloud).list(ACCOUNT, files.artifact(ACCOUNT, "job-1", "x").container)}
    inside = "ExperimentRun/dcid.job-1"
    assert kept == {f"{inside}/user_logs/std_log.txt", f"{inside}/logs/kept"}


def test_a_snapshot_with_a_name_that_leads_out_is_refused(jobs: Azure, place: Path) -> None:
    """No client can make such a blob: the name is written into the store as a damaged one would have it."""
    jobs.blob("snapshot", "train.py", b"x")
    address = Address(ACCOUNT, "snapshot", "train.py")
    blob = jobs.cloud.store.get("blobs", address.key)
    assert blob is not None
    jobs.cloud.store.put("blobs", f"{ACCOUNT}/snapshot/../../../..{place}/new", blob)
    id_ = f"{WORKSPACE}/codes/c/versions/1"
    uri = f"https://{ACCOUNT}.blob.core.windows.net/snapshot"
    assert jobs.arm("PUT", id_, {"properties": {"codeUri": uri}}).status in (200, 201)
    state, why = run(jobs, submit(jobs, "true", codeId=id_))
    assert state == "Failed", why
    assert list(place.iterdir()) == []


def sdk1(azure: Azure, interpreter: str) -> None:
    """An environment of SDK v1 that its user manages."""
    definition = {"python": {"userManagedDependencies": True, "interpreterPath": interpreter}}
    azure.cloud.store.put(SDK1_ENVIRONMENTS, ENVIRONMENT.lower(), definition)
    told = {"properties": {"condaFile": "dependencies: [python]"}}
    assert azure.arm("PUT", ENVIRONMENT, told).status in (200, 201)


def test_an_interpreter_that_others_cannot_start_does_not_make_the_job_root(jobs: Azure) -> None:
    sdk1(jobs, "/bin/false")
    key = submit(jobs, "id -u", environmentId=ENVIRONMENT)
    state, why = run(jobs, key)
    assert state == "Completed", why
    assert 50000 <= int(log(jobs).splitlines()[-1]) < 60000


def test_an_interpreter_of_a_submitters_choice_is_started_by_the_jobs_user_alone(jobs: Azure, place: Path) -> None:
    evil, told = place / "python", place / "told"
    told.touch()
    told.chmod(0o666)
    evil.write_text(f'#!/bin/sh\nid -u >> {told}\n[ "$(id -u)" = 0 ] && id > {place}/root\nexit 1\n')
    evil.chmod(0o755)
    sdk1(jobs, str(evil))
    run(jobs, submit(jobs, "true", environmentId=ENVIRONMENT))
    assert not (place / "root").exists()
    assert told.read_text() == ""  # its user cannot write there, and nobody else started it


def test_an_interpreter_below_a_closed_folder_lays_nothing_open(jobs: Azure, place: Path) -> None:
    closed = place / "closed"
    (closed / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", closed / "bin" / "python")
    (closed / "secret").write_text("told")
    closed.chmod(0o700)
    sdk1(jobs, str(closed / "bin" / "python"))
    state, why = run(jobs, submit(jobs, f"cat {closed}/secret || ls {closed} || true", environmentId=ENVIRONMENT))
    assert state == "Completed", why
    assert f"{closed}/bin/python" not in log(jobs)
    assert "told" not in log(jobs)


def test_where_no_folder_of_its_own_can_be_had_the_job_is_refused(jobs: Azure, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsafe(_self: Folder) -> Path:
        raise UnsafeFolder("the folder of the jobs' folders is not this user's alone", where="/somewhere")

    monkeypatch.setattr(Folder, "jobs", unsafe)
    assert run(jobs, submit(jobs, "id -u")) == ("Failed", "the folder of the jobs' folders is not this user's alone")


def test_the_variables_of_a_job_are_its_commands_alone(jobs: Azure, place: Path) -> None:
    variables = {"LD_PRELOAD": f"{place}/none.so", "PYTHONHOME": "/nowhere", "BASH_ENV": "/nowhere"}
    state, why = run(jobs, submit(jobs, "/bin/echo $PYTHONHOME", environmentVariables=variables))
    assert (state, why) == ("Completed", "None")
    assert "/nowhere" in log(jobs).splitlines()
