"""Data assets: kept and listed, taken as inputs of jobs, and made of their outputs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.runner import files, registered
from azmlflow.localazure.runner.files import FilesError
from azmlflow.localazure.work import records
from tests.localazure.control import ALICE, CHAIN, COMPUTE, WORKSPACE, Answer, Azure

DATA = f"{WORKSPACE}/data/mine/versions"
WEB = "https://example.org/a.csv"
SHORT = "azureml://datastores/workspaceblobstore/paths/some/where"


@pytest.fixture
def ready(azure: Azure) -> Azure:
    """A workspace whose default datastore holds a file, and a folder of two."""
    azure.make(*CHAIN[:6], COMPUTE)
    for name in ("some/one.csv", "some/where/x.txt", "some/where/deep/y.txt"):
        azure.blob(_container(azure), name, name.encode())
    return azure


def _stored(azure: Azure, path: str) -> Document:
    found = azure.cloud.store.get("resources", path.lower())
    assert found is not None
    return found


def _container(azure: Azure) -> str:
    return str(_stored(azure, f"{WORKSPACE}/datastores/workspaceblobstore")["properties"]["containerName"])


def _put(azure: Azure, path: str, **properties: Any) -> Answer:
    return azure.arm("PUT", path, {"properties": {"dataType": "uri_folder", **properties}})


def _names(azure: Azure, path: str, **query: str) -> list[str]:
    return [each["name"] for each in azure.arm("GET", path, **query).body["value"]]


# --- kept --------------------------------------------------------------------------------------------------------


def test_a_short_path_is_told_as_the_long_one_and_others_as_they_are(ready: Azure) -> None:
    told = _put(ready, f"{DATA}/1", dataUri=f"{SHORT}/").body["properties"]["dataUri"]
    assert told.endswith("/workspaces/ws-one/datastores/workspaceblobstore/paths/some/where/")
    assert _put(ready, f"{DATA}/2", dataUri=WEB).body["properties"]["dataUri"] == WEB


def test_the_container_tells_latest_next_and_type(ready: Azure) -> None:
    for version in ("7", "named", "3"):
        _put(ready, f"{DATA}/{version}", dataUri=WEB)
        ready.clock.advance(1)
    found = ready.arm("GET", f"{WORKSPACE}/data/mine").body["properties"]
    assert (found["latestVersion"], found["nextVersion"], found["dataType"]) == ("3", "8", "uri_folder")
    assert _names(ready, DATA, **{"$orderBy": "createdtime desc", "$top": "1"}) == ["3"]
    assert _names(ready, f"{WORKSPACE}/data") == ["mine"]
    ready.arm("DELETE", f"{WORKSPACE}/data/mine")
    assert ready.arm("GET", f"{DATA}/7").status == 404, "its versions go with it"


def test_archived_is_hidden_from_lists(ready: Azure) -> None:
    for version in ("1", "2"):
        _put(ready, f"{DATA}/{version}", dataUri=WEB)
    _put(ready, f"{DATA}/1", dataUri=WEB, isArchived=True)
    assert _names(ready, DATA) == ["2"]
    assert _names(ready, DATA, listViewType="ArchivedOnly") == ["1"]
    ready.arm("PUT", f"{WORKSPACE}/data/mine", {"properties": {"dataType": "uri_file", "isArchived": True}})
    assert _names(ready, f"{WORKSPACE}/data") == []
    assert _names(ready, f"{WORKSPACE}/data", listViewType="All") == ["mine"]


@pytest.mark.parametrize(
    ("version", "properties", "why"),
    [
        ("1", {"dataUri": f"{WEB}2"}, "Asset paths cannot be updated."),
        ("1", {"dataUri": WEB, "dataType": "uri_file"}, "Asset paths cannot be updated."),
        ("2", {"dataUri": "/etc/passwd"}, "begins with"),
        ("2", {}, "begins with"),
        ("2", {"dataUri": WEB, "dataType": "table"}, "not a valid value"),
        ("2", {"dataUri": WEB, "tags": {"a": [1]}}, "tags.a"),
    ],
)
def test_what_is_refused(ready: Azure, version: str, properties: dict[str, Any], why: str) -> None:
    _put(ready, f"{DATA}/1", dataUri=WEB)
    refused = _put(ready, f"{DATA}/{version}", **properties)
    assert (refused.status, why in refused.message) == (400, True), refused


def test_a_version_of_an_asset_with_a_name_that_is_not_valid(ready: Azure) -> None:
    for asset in ("data", "environments", "codes"):
        assert ready.arm("PUT", f"{WORKSPACE}/{asset}/-m/versions/1", {"properties": {}}).code == "InvalidName"


# --- taken by jobs -----------------------------------------------------------------------------------------------


def _fetched(azure: Azure, uri: str, folder: Path) -> dict[str, bytes]:
    workspace = _stored(azure, WORKSPACE)
    found: dict[str, bytes] = {}

    async def fetch() -> None:
        place = await Users(folder, root=False).open("job", ("inputs",))
        try:
            async with await place.porter() as porter:
                parts = await files.uri_input(azure.cloud, workspace, uri, porter, ("inputs", "one"), limit=1024)
            path = place.folder.joinpath(*parts)
            inner = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
            top = path.parent if path.is_file() else path
            found.update({each.relative_to(top).as_posix(): each.read_bytes() for each in inner})
        finally:
            await place.close()

    asyncio.run(fetch())
    return found


def test_inputs_by_asset_path_and_output(ready: Azure, tmp_path: Path) -> None:
    _put(ready, f"{DATA}/1", dataUri=f"{SHORT}/")
    ready.blob(_container(ready), "azureml/job-0/out/z.txt", b"z")
    ready.run("run-1")
    ready.blob("azureml", "ExperimentRun/dcid.run-1/model/weights.bin", b"w")
    uri = "azureml://jobs/run-1/outputs/artifacts/paths/model"
    ready.arm("PUT", f"{WORKSPACE}/models/iris/versions/1", {"properties": {"modelUri": uri}})
    folder = {"x.txt": b"some/where/x.txt", "deep/y.txt": b"some/where/deep/y.txt"}
    for number, (uri, content) in enumerate(
        (
            (f"{DATA}/1", folder),
            (f"azureml:{DATA}/1", folder),
            (SHORT, folder),
            ("azureml://datastores/workspaceblobstore/paths/some/one.csv", {"one.csv": b"some/one.csv"}),
            ("azureml://jobs/job-0/outputs/out", {"z.txt": b"z"}),
            (f"{WORKSPACE}/models/iris/versions/1", {"weights.bin": b"w"}),
        )
    ):
        assert _fetched(ready, uri, tmp_path / str(number)) == content, uri


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (f"{DATA}/9", "was not found"),
        (f"{WORKSPACE}/models/none/versions/1", "not in a datastore"),
        (f"{DATA.replace('ws-one', 'ws-two')}/1", "another workspace"),
        (WEB, "not in a datastore"),
        ("azureml://datastores/workspaceblobstore/paths/none", "Nothing is at"),
        ("azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.other/x", "was not found"),
        ("azureml:mine@latest", "not an Azure ML path"),
    ],
)
def test_inputs_that_cannot_be_had(ready: Azure, tmp_path: Path, uri: str, why: str) -> None:
    with pytest.raises(FilesError, match=why):
        _fetched(ready, uri, tmp_path)


def test_a_job_names_only_assets_that_are_there_and_that_its_submitter_may_read(ready: Azure) -> None:
    job = {"jobType": "Command", "command": "true", "computeId": COMPUTE}

    def submit(name: str, uri: str, who: str) -> Answer:
        inputs = {"x": {"jobInputType": "uri_folder", "uri": uri}}
        return ready.arm("PUT", f"{WORKSPACE}/jobs/{name}", {"properties": {**job, "inputs": inputs}}, who=who)

    developer = "developer@local.test"
    assert "was not found" in submit("job-1", f"{DATA}/1", developer).message
    _put(ready, f"{DATA}/1", dataUri=WEB)
    assert submit("job-1", f"{DATA}/1", developer).status == 201
    ready.assign(ALICE, "AzureML Compute Operator", WORKSPACE)
    assert submit("job-2", f"{DATA}/1", ALICE).status == 403


# --- made by jobs ------------------------------------------------------------------------------------------------


def _register(
    azure: Azure, outputs: dict[str, Any], owner: str = "developer@local.test", owner_id: str = ""
) -> list[str]:
    body = {"jobType": "Command", "command": "true", "computeId": COMPUTE, "outputs": outputs}
    assert azure.arm("PUT", f"{WORKSPACE}/jobs/job-1", {"properties": body}).status == 201
    found = records.find(azure.cloud, WORKSPACE, "job-1")
    assert found is not None
    record = {**found[1], "owner": owner_id or azure.who(owner).object_id}
    return asyncio.run(registered.register(azure.cloud, _stored(azure, WORKSPACE), found[0], record))


def test_named_outputs_become_data_and_models(ready: Azure) -> None:
    ready.blob(_container(ready), "azureml/job-1/out/a.txt")
    ready.blob(_container(ready), "azureml/job-1/model/MLmodel", b"flavors: {sklearn: {pickled_model: m}}")
    outputs = {
        "out": {"jobOutputType": "uri_folder", "assetName": "prepared"},
        "model": {"jobOutputType": "mlflow_model", "assetName": "iris", "assetVersion": "4"},
        "plain": {"jobOutputType": "uri_folder"},
    }
    assert _register(ready, outputs) == []
    made = ready.arm("GET", f"{WORKSPACE}/data/prepared/versions/1").body
    assert made["properties"]["dataUri"].endswith("/workspaceblobstore/paths/azureml/job-1/out/")
    assert made["systemData"]["createdBy"] == "developer@local.test"
    model = ready.arm("GET", f"{WORKSPACE}/models/iris/versions/4").body["properties"]
    assert list(model["flavors"]) == ["sklearn"]
    ready.arm("DELETE", f"{WORKSPACE}/jobs/job-1")
    assert _register(ready, {**outputs, "model": {**outputs["model"], "assetVersion": None}}) == []
    assert _names(ready, f"{WORKSPACE}/data/prepared/versions") == ["2", "1"]
    assert _names(ready, f"{WORKSPACE}/models/iris/versions") == ["5", "4"]


def test_outputs_that_cannot_be_registered_are_told(ready: Azure) -> None:
    model = {"jobOutputType": "mlflow_model", "assetName": "iris"}
    (told,) = _register(ready, {"model": model})
    assert told.startswith("The output 'model' was not registered as 'iris': Nothing is at")
    ready.arm("DELETE", f"{WORKSPACE}/jobs/job-1")
    (told,) = _register(ready, {"out": {"jobOutputType": "uri_folder", "assetName": "x"}}, owner=ALICE)
    assert "does not have authorization" in told


def test_nothing_is_registered_for_who_is_no_longer_there(ready: Azure) -> None:
    gone = ready.who(ALICE).object_id
    ready.cloud.directory.remove(gone)
    out = {"out": {"jobOutputType": "uri_folder", "assetName": "x"}}
    (told,) = _register(ready, out, owner_id=gone)
    assert told == "The output 'out' was not registered as 'x': who submitted the job is no longer there"
    assert ready.arm("GET", f"{WORKSPACE}/data/x").status == 404
