"""Inputs and outputs of jobs that run, with everything real but MLflow."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.blobs.content import read_range
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.blobs.names import Address
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner import bindings
from azmlflow.localazure.work.layout import OUTPUTS
from azmlflow.localazure.work.limits import JobLimits, write_limits
from tests.localazure.control import WORKSPACE, Azure
from tests.localazure.runner.conftest import ACCOUNT, content, run, submit

FOLDER = {"jobOutputType": "uri_folder"}
FILE = {"jobOutputType": "uri_file"}
FILE_ASSET = {"dataType": "uri_file"}


def _container(azure: Azure) -> str:
    found = azure.arm("GET", f"{WORKSPACE}/datastores/workspaceblobstore").body
    return str(found["properties"]["containerName"])


def _blobs(azure: Azure, prefix: str = "") -> dict[str, bytes]:
    blobs, container = Blobs(azure.cloud), _container(azure)

    async def read(name: str, blob: Any) -> bytes:
        source = blobs.open(Address(ACCOUNT, container, name), blob)
        return b"".join([data async for data in read_range(source, 0, blob.length)])

    found = list(blobs.list(ACCOUNT, container, prefix))
    return {name: asyncio.run(read(name, blob)) for name, blob in found}


def _said(azure: Azure) -> list[str]:
    lines = content(azure, "user_logs/std_log.txt").splitlines()
    return [line for line in lines if not line.startswith("[azmlflow]")]


def test_an_output_that_is_a_file(jobs: Azure) -> None:
    assert run(jobs, submit(jobs, "echo 42 > ${{outputs.o}}", outputs={"o": FILE})) == ("Completed", "None")
    assert _blobs(jobs) == {"azureml/job-1/o": b"42\n"}


def test_an_output_that_is_a_folder(jobs: Azure) -> None:
    assert run(jobs, submit(jobs, "echo 42 > ${{outputs.o}}/a", outputs={"o": FOLDER}))[0] == "Completed"
    assert _blobs(jobs) == {"azureml/job-1/o/a": b"42\n"}


def test_an_output_that_is_a_link_is_not_kept(jobs: Azure) -> None:
    command = "echo 1 > x; ln -s $PWD/x ${{outputs.o}}"
    assert run(jobs, submit(jobs, command, outputs={"o": FILE}))[0] == "Completed"
    assert _blobs(jobs) == {}


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        ("azureml://datastores/workspaceblobstore/paths/mine/a.txt", "mine/a.txt"),
        ("azureml://datastores/workspaceblobstore/paths/${{name}}/${{output_name}}", "job-1/o"),
        ("azureml://datastores/${{default_datastore}}/paths/x/y", "x/y"),
        ("azureml://datastores/workspaceblobstore/paths/azureml/job-1/mine", "azureml/job-1/mine"),
    ],
)
def test_an_output_that_says_where_it_is_kept(jobs: Azure, uri: str, kept: str) -> None:
    key = submit(jobs, "echo 42 > ${{outputs.o}}", outputs={"o": {**FILE, "uri": uri, "assetName": "made"}})
    assert run(jobs, key) == ("Completed", "None")
    assert _blobs(jobs) == {kept: b"42\n"}
    made = jobs.arm("GET", f"{WORKSPACE}/data/made/versions/1").body["properties"]
    assert (made["dataUri"].endswith(f"/datastores/workspaceblobstore/paths/{kept}"), made["dataType"]) == (
        True,
        "uri_file",
    )
    uri = "azureml://jobs/job-1/outputs/o"
    told = jobs.arm("PUT", f"{WORKSPACE}/data/again/versions/1", {"properties": {**FILE_ASSET, "dataUri": uri}})
    assert told.body["properties"]["dataUri"] == made["dataUri"]


def test_a_folder_that_a_shell_takes_apart_is_named_from_the_working_folder(jobs: Azure, tmp_path: Path) -> None:
    submit(jobs, "true", outputs={"o": FOLDER, "f": FILE})
    workspace, job = (jobs.arm("GET", path).body for path in (WORKSPACE, f"{WORKSPACE}/jobs/job-1"))

    async def named(state: Path) -> tuple[dict[str, str], bool]:
        place = await Users(state, root=False).open("job", (OUTPUTS,))
        try:
            async with await place.porter() as porter:
                found = await bindings.outputs(workspace, job, place.folder, porter)
            return found, (place.folder / OUTPUTS / "o").is_dir()
        finally:
            await place.close()

    for name, told in (("a b", "../named-outputs/o"), ("ab", f"{tmp_path}/ab/jobs/job/named-outputs/o")):
        (tmp_path / name).mkdir()
        found, made = asyncio.run(named(tmp_path / name))
        assert (found["o"], made) == (told, True)


def test_a_file_that_was_not_written_is_not_registered(jobs: Azure) -> None:
    state, why = run(jobs, submit(jobs, "true", outputs={"o": {**FILE, "assetName": "made"}}))
    assert (state, "wrote no file" in why) == ("Failed", True)


def test_direct_names_the_place_and_copies_nothing(jobs: Azure) -> None:
    jobs.blob(_container(jobs), "some/a.txt", b"a")
    given = {"jobInputType": "uri_file", "uri": "azureml://datastores/workspaceblobstore/paths/some/a.txt"}
    command = "echo ${{inputs.i}}; echo ${{outputs.o}}; ls ../inputs ../named-outputs | grep -c txt"
    run(
        jobs,
        submit(jobs, command, inputs={"i": {**given, "mode": "Direct"}}, outputs={"o": {**FOLDER, "mode": "Direct"}}),
    )
    said = _said(jobs)
    assert said[0].endswith("/workspaces/ws-one/datastores/workspaceblobstore/paths/some/a.txt")
    assert said[1].endswith("/workspaces/ws-one/datastores/workspaceblobstore/paths/azureml/job-1/o")
    assert said[2] == "0"


def test_values_are_put_in_as_they_are(jobs: Azure) -> None:
    given = {"t": {"jobInputType": "literal", "value": "one two"}, "none": {"jobInputType": "literal"}}
    command = """printf '%s|' ${{inputs.t}} '${{inputs.t}}' "${{inputs.t}}" $[[${{inputs.none}}]]"""
    run(jobs, submit(jobs, command, inputs=given))
    assert _said(jobs) == ["one|two|one two|one two|"]


def test_a_variable_that_is_ours_is_told(jobs: Azure) -> None:
    run(jobs, submit(jobs, "echo $HOME", environmentVariables={"HOME": "/root", "MINE": "1"}))
    lines = content(jobs, "user_logs/std_log.txt").splitlines()
    assert any("the variable HOME is the embedded Azure's own" in line for line in lines)
    assert not any("MINE" in line for line in lines)


@pytest.mark.parametrize(
    ("kind", "shown", "said"),
    [
        ("PyTorch", "$RANK/$WORLD_SIZE $LOCAL_RANK $NODE_RANK $MASTER_ADDR", "0/1 0 0 127.0.0.1"),
        ("Mpi", "$OMPI_COMM_WORLD_RANK/$OMPI_COMM_WORLD_SIZE", "0/1"),
        ("TensorFlow", "$TF_CONFIG", '{"cluster": {"worker": ["127.0.0.1:'),
    ],
)
def test_the_one_process_of_a_distributed_job(jobs: Azure, kind: str, shown: str, said: str) -> None:
    run(jobs, submit(jobs, f'echo "{shown}"', distribution={"distributionType": kind}))
    assert _said(jobs)[0].startswith(said)


@pytest.mark.parametrize(
    "fill",
    [
        "for n in 1 2 3 4; do truncate -s 900000 {o}/$n; done",  # holes take nothing on the node's disk
        "head -c 900000 /dev/zero > {o}/1; for n in 2 3 4; do ln {o}/1 {o}/$n; done",
        "for n in 1 2 3 4; do head -c 900000 /dev/zero > {o}/$n; done",  # over before anybody looks
    ],
)
@pytest.mark.parametrize("where", ["${{outputs.o}}", "outputs"])
def test_what_is_kept_of_a_job_is_no_more_than_its_limit_of_disk(jobs: Azure, fill: str, where: str) -> None:
    """A few blocks of the node's would be terabytes of the account's, and the disk is everybody's."""
    write_limits(jobs.cloud.state, JobLimits(disk=2_000_000))
    state, why = run(jobs, submit(jobs, fill.format(o=where), outputs={"o": FOLDER}))
    assert (state, why) == ("Failed", "The job wrote more to disk than its limit of 1.91 MiB.")
    kept = [blob.length for container in (_container(jobs), "azureml") for _, blob in _all(jobs, container)]
    assert 900_000 <= sum(kept) <= 2_000_000


def _all(azure: Azure, container: str) -> list[tuple[str, Any]]:
    return list(Blobs(azure.cloud).list(ACCOUNT, container))
