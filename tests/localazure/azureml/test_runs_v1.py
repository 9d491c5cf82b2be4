"""Experiments and runs in the history service: by name and id, changed, cancelled, looked for."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.localazure.arm import inside
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.work import records
from tests.localazure.azureml.conftest import OTHER, DataPlane
from tests.localazure.control import ALICE, COMPUTE, DEVELOPER, WORKSPACE

EVENT = "Microsoft.MachineLearning.Run."


def job(plane: DataPlane, name: str, experiment: str = "e1", **told: Any) -> None:
    properties = {"jobType": "Command", "command": "true", "computeId": COMPUTE, "experimentName": experiment, **told}
    caller = Caller(plane.azure.who(DEVELOPER))
    inside.put(plane.cloud, caller, f"{WORKSPACE}/jobs/{name}", {**properties, "tags": {"kind": "job"}})


def ids(answer: dict[str, list[dict[str, str]]]) -> list[str]:
    return [run["runId"] for run in answer["value"]]


def test_an_experiment_is_made_once_and_found_by_name_and_id(plane: DataPlane) -> None:
    assert "was not found" in plane.refused(404, "GET", "history", "/experiments/e1")
    first = plane.experiment()
    assert plane.experiment() == first
    for path in ("/experiments/e1", f"/experimentids/{first}"):
        told = plane.good("GET", "history", path)
        assert (told["experimentId"], told["name"]) == (first, "e1")
    plane.refused(404, "GET", "history", "/experimentids/99")
    plane.refused(400, "POST", "history", "/experiments/%20")


def test_a_job_that_waits_is_a_run(plane: DataPlane) -> None:
    id_ = plane.experiment()
    job(plane, "job1")
    for path in ("/experiments/e1/runs/job1", f"/experimentids/{id_}/runs/job1", "/runs/job1"):
        told = plane.good("GET", "history", path)
        assert told["runId"] == told["rootRunId"] == "job1"
        assert (told["status"], told["target"], told["experimentId"]) == ("Queued", "cpu-cluster", id_)
        assert (told["dataContainerId"], told["tags"]) == ("dcid.job1", {"kind": "job"})
        assert told["createdBy"]["userName"]
        assert isinstance(told["runNumber"], int)
        assert None not in told.values()
    details = plane.good("GET", "history", "/experiments/e1/runs/job1/details")
    assert (details["status"], details["logFiles"], details["error"]) == ("Queued", {}, None)


def test_a_tag_needs_no_value_and_goes_again_and_a_run_is_described(plane: DataPlane) -> None:
    """`Run.tag("DeploymentCandidate")`, `Run.remove_tags`, `Run.description`."""
    plane.experiment()
    plane.plain_run("r1")
    job(plane, "job1")
    for run in ("r1", "job1"):
        path = f"/experiments/e1/runs/{run}"
        told = plane.good("PATCH", "history", path, {"tags": {"candidate": None, "a": 1}, "description": "why"})
        assert (told["tags"]["candidate"], told["tags"]["a"], told["description"]) == ("", "1", "why")
        told = plane.good("DELETE", "history", f"{path}/tags", ["candidate", "none", "candidate"])
        assert ("candidate" in told["tags"], told["tags"]["a"]) == (False, "1")
        assert plane.good("GET", "history", path)["description"] == "why"
        plane.refused(400, "DELETE", "history", f"{path}/tags", {"tags": ["a"]})
        plane.refused(403, "DELETE", "history", f"{path}/tags", ["a"], who="viewer@local.test")


@pytest.mark.parametrize(
    ("body", "size"),
    [
        ({"tags": {f"k{number}": "v" for number in range(51)}}, "Limit=50, Size=5"),
        ({"tags": {"k" * 101: "v"}}, "Limit=100, Size=101"),
        ({"tags": {"k": "v" * 1001}}, "Limit=1000, Size=1001"),
        ({"properties": {f"k{number}": "v" for number in range(51)}}, "Limit=50, Size=51"),
        ({"properties": {"k": "v" * 1001}}, "Limit=1000, Size=1001"),
        ({"displayName": "n" * 257}, "Limit=256, Size=257"),
        ({"description": "d" * 5001}, "Limit=5000, Size=5001"),
    ],
)
def test_what_is_larger_than_the_service_takes_is_refused_of_a_job_that_waits(
    plane: DataPlane, body: dict[str, Any], size: str
) -> None:
    plane.experiment()
    job(plane, "job1")
    before = plane.good("GET", "history", "/runs/job1")
    assert size in plane.refused(400, "PATCH", "history", "/experiments/e1/runs/job1", body)
    assert plane.good("GET", "history", "/runs/job1") == before


def test_outputs_have_their_types_in_run_historys_words(plane: DataPlane) -> None:
    """Azure/azure-sdk-for-python#48941 and #48972: `UriFolder`, `UriFile`, `MLTable`; azure-ai-ml asks for models by
    `CustomModel`, `MLFlowModel`, `TritonModel`."""
    plane.experiment()
    kinds = {
        "folder": "uri_folder", "file": "uri_file", "table": "mltable",
        "custom": "custom_model", "flow": "mlflow_model", "triton": "triton_model",
    }  # fmt: skip
    job(plane, "job1", outputs={name: {"jobOutputType": kind} for name, kind in kinds.items()})
    told = plane.good("POST", "history", "/rundata", {"runId": "job1"})["runMetadata"]["outputs"]
    assert {name: told[name]["type"] for name in kinds} == {
        "folder": "UriFolder", "file": "UriFile", "table": "MLTable",
        "custom": "CustomModel", "flow": "MLFlowModel", "triton": "TritonModel",
    }  # fmt: skip
    data, models = told["folder"]["assetId"], told["flow"]["assetId"]
    found = plane.good("POST", "data", "/dataversion/batchGetResolvedUris", {"values": [data]})["values"]
    assert found[data]["uri"].endswith("/datastores/workspaceblobstore/paths/azureml/job1/folder/")
    found = plane.good("POST", "modelregistry", "/models/batchGetResolvedUris", {"values": [models, "none"]})["values"]
    assert list(found) == [models]
    assert found[models]["path"].endswith("/datastores/workspaceblobstore/paths/azureml/job1/flow/")
    for service, path in (("data", "/dataversion"), ("modelregistry", "/models")):
        plane.refused(403, "POST", service, f"{path}/batchGetResolvedUris", {"values": []}, who=ALICE)
        plane.refused(400, "POST", service, f"{path}/batchGetResolvedUris", {"values": 1})
        plane.refused(404, "POST", service, f"{path}/other", {"values": []})


def test_a_failed_job_says_why(plane: DataPlane) -> None:
    plane.experiment()
    job(plane, "job1")
    records.set_status(plane.cloud, f"{WORKSPACE}/jobs/job1".lower(), "Failed", error="It broke.")
    told = plane.good("GET", "history", "/experiments/e1/runs/job1/details")
    assert (told["status"], told["error"]) == ("Failed", {"error": {"code": "UserError", "message": "It broke."}})


@pytest.mark.parametrize("path", ["/experiments/e1/runs/none", "/experiments/e2/runs/r1", "/experimentids/9/runs/r1"])
def test_a_run_that_is_not_there_is_404(plane: DataPlane, path: str) -> None:
    plane.experiment()
    plane.experiment("e2")
    plane.plain_run("r1")
    for method, act in (("GET", ""), ("GET", "/details"), ("PATCH", ""), ("POST", "/events")):
        assert "was not found" in plane.refused(404, method, "history", path + act, {} if method != "GET" else None)


def test_another_workspaces_run_is_not_found(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("r1")
    job(plane, "job1")
    for run in ("r1", "job1"):
        plane.refused(404, "GET", "history", f"/runs/{run}", workspace=OTHER)
        plane.refused(404, "POST", "metric", f"/runs/{run}/list", {}, workspace=OTHER)
        plane.refused(404, "GET", "artifact", f"/artifacts/ExperimentRun/dcid.{run}", workspace=OTHER)


def test_tags_properties_and_name_of_a_job_are_changed_in_both_views(plane: DataPlane) -> None:
    plane.experiment()
    job(plane, "job1")
    body = {"runId": "job1", "properties": {"ContentSnapshotId": "s1"}, "tags": {"n": 1}, "displayName": "shown"}
    told = plane.good("PATCH", "history", "/experiments/e1/runs/job1", body)
    assert (told["properties"], told["tags"]) == ({"ContentSnapshotId": "s1"}, {"kind": "job", "n": "1"})
    assert (told["displayName"], told["runType"]) == ("shown", "azureml.scriptrun")
    properties = plane.azure.arm("GET", f"{WORKSPACE}/jobs/job1").body["properties"]
    assert properties["tags"] == {"kind": "job", "n": "1"}
    assert plane.good("PATCH", "history", "/experiments/e1/runs/job1", body) == told  # the same again
    changed = {"properties": {"ContentSnapshotId": "s2"}}
    assert "never change" in plane.refused(409, "PATCH", "history", "/experiments/e1/runs/job1", changed)


def test_tags_of_a_plain_run_are_mlflows_and_it_has_no_properties(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("r1")
    assert plane.good("PATCH", "history", "/experiments/e1/runs/r1", {"tags": {"a": "b"}})["tags"] == {"a": "b"}
    plane.refused(409, "PATCH", "history", "/experiments/e1/runs/r1", {"properties": {"a": "b"}})
    assert "texts" in plane.refused(400, "PATCH", "history", "/experiments/e1/runs/r1", {"tags": ["a"]})
    plane.refused(400, "PATCH", "history", "/experiments/e1/runs/r1", content=b"{nonsense")


@pytest.mark.parametrize("name", ["Canceled", "CancelRequested"])
def test_cancelling_a_job_is_cancelling_the_job(plane: DataPlane, name: str) -> None:
    plane.experiment()
    job(plane, "job1")
    event = {"name": EVENT + name, "data": {"RunId": "job1"}}
    plane.refused(403, "POST", "history", "/experiments/e1/runs/job1/events", event, who="tracker@local.test")
    plane.good("POST", "history", "/experiments/e1/runs/job1/events", event, who="submitter@local.test")
    assert plane.azure.arm("GET", f"{WORKSPACE}/jobs/job1").body["properties"]["status"] in (
        "CancelRequested",
        "Canceled",
    )


def test_nobody_ends_a_job_by_saying_so(plane: DataPlane) -> None:
    plane.experiment()
    job(plane, "job1")
    for name in ("Completed", "Failed"):
        plane.refused(409, "POST", "history", "/experiments/e1/runs/job1/events", {"name": EVENT + name})
    assert plane.good("GET", "history", "/runs/job1")["status"] == "Queued"


def test_a_plain_run_is_ended_by_an_event(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("r1")
    plane.good("POST", "history", "/experiments/e1/runs/r1/events", {"name": EVENT + "Canceled"})
    assert plane.good("GET", "history", "/runs/r1")["status"] == "Canceled"
    for name in ("Else", "Microsoft.MachineLearning.Run.Else"):
        assert "is not known" in plane.refused(400, "POST", "history", "/experiments/e1/runs/r1/events", {"name": name})


def test_get_runs_tells_jobs_and_plain_runs_once_each(plane: DataPlane) -> None:
    plane.experiment()
    for name in ("r1", "r2", "r3"):
        plane.plain_run(name)
        plane.azure.clock.advance(1)
    plane.plain_run("child", **{"mlflow.parentRunId": "r1"})
    plane.plain_run("elsewhere", "e2")
    job(plane, "waiting")
    job(plane, "started")
    plane.plain_run("started")
    records.note(plane.cloud, f"{WORKSPACE}/jobs/started".lower(), experiment="1")
    found = ids(plane.good("POST", "history", "/experiments/e1/runs:query", {}))
    assert sorted(found) == ["child", "r1", "r2", "r3", "started", "waiting"]
    query = {"filter": "(ParentRunId eq null)", "orderby": ["StartTimeUtc desc"]}
    found = ids(plane.good("POST", "history", "/experiments/e1/runs:query", query))
    assert found[:3] == ["r3", "r2", "r1"]
    assert "child" not in found
    assert ids(plane.good("GET", "history", "/experiments/e1/runs/r1/children")) == ["child"]
    assert ids(plane.good("GET", "history", "/runs/r1/children?$top=1")) == ["child"]
    for top in ("0", "x"):
        assert "'top'" in plane.refused(400, "GET", "history", f"/runs/r1/children?$top={top}")


def test_children_come_in_pages_and_in_order(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("r1")
    for name in ("a", "b", "c"):
        plane.plain_run(name, **{"mlflow.parentRunId": "r1"})
    path = "/runs/r1/children?$orderby=RunId&$sortorder=desc&$top=2"
    first = plane.good("GET", "history", path)
    assert ids(first) == ["c", "b"]
    second = plane.good("GET", "history", f"{path}&$continuationToken={first['continuationToken']}")
    assert ids(second) == ["a"]
    assert "continuationToken" not in second


def test_get_runs_comes_in_pages(plane: DataPlane) -> None:
    plane.experiment()
    for name in ("r1", "r2", "r3"):
        plane.plain_run(name)
    first = plane.good("POST", "history", "/experiments/e1/runs:query", {"top": 2, "orderby": "RunId asc"})
    assert ids(first) == ["r1", "r2"]
    rest = {"top": 2, "orderby": "RunId asc", "continuationToken": first["continuationToken"]}
    second = plane.good("POST", "history", "/experiments/e1/runs:query", rest)
    assert ids(second) == ["r3"]
    assert "continuationToken" not in second
    for body in ({"top": 0}, {"continuationToken": "x"}, {"orderby": "Colour"}, {"filter": "Colour eq red"}):
        plane.refused(400, "POST", "history", "/experiments/e1/runs:query", body)
    plane.refused(404, "POST", "history", "/experiments/none/runs:query", {})


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/experiments/e1"), ("GET", "/experiments/e1/runs/r1/else"), ("POST", "/experiments/e1/batch/events"),
     ("GET", "/computes/c/runs"), ("PATCH", "/runs/r1")],
)  # fmt: skip
def test_other_paths_are_404(plane: DataPlane, method: str, path: str) -> None:
    plane.experiment()
    plane.plain_run("r1")
    assert plane.ask(method, "history", path).json()["error_code"] == "ENDPOINT_NOT_FOUND"


def test_a_viewer_looks_and_changes_nothing(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("r1")
    viewer = {"who": "viewer@local.test"}
    plane.good("GET", "history", "/experiments/e1/runs/r1", **viewer)
    plane.good("POST", "history", "/experiments/e1/runs:query", {}, **viewer)
    for method, path in (
        ("POST", "/experiments/new"),
        ("PATCH", "/experiments/e1/runs/r1"),
        ("POST", "/experiments/e1/runs/r1/events"),
    ):
        plane.refused(403, method, "history", path, {}, **viewer)


def test_a_run_token_is_good_for_its_own_run(plane: DataPlane) -> None:
    plane.experiment()
    job(plane, "job1")
    plane.plain_run("job1")
    plane.plain_run("r1")
    claims = {"claims": plane.run_claims("job1")}
    plane.good("PATCH", "history", "/experiments/e1/runs/job1", {"tags": {"a": "b"}}, **claims)
    plane.good("GET", "history", "/experiments/e1/runs/job1/metricsingest/wait", **claims)
    assert plane.good("GET", "history", "/experiments/e1/runs/job1/token", **claims)["token"]
    plane.refused(403, "GET", "history", "/experiments/e1/runs/r1/token", **claims)
    plane.refused(403, "PATCH", "history", "/experiments/e1/runs/r1", {"tags": {"a": "b"}}, **claims)
    plane.refused(403, "POST", "metric", "/runs/r1/batch", {"values": []}, **claims)
    plane.refused(403, "POST", "execution", "/experiments/e1/snapshotrun?runId=x", {}, **claims)
    plane.refused(403, "PUT", "environment", "/environments/e", {}, **claims)
    plane.refused(403, "POST", "content", "/snapshots/getblob", {"FileNames": []}, **claims)
    records.set_status(plane.cloud, f"{WORKSPACE}/jobs/job1".lower(), "Completed")
    plane.refused(401, "GET", "history", "/experiments/e1/runs/job1", **claims)


@pytest.mark.parametrize(
    "body",
    [
        {"run_id": "job1", "runId": "r1"},
        {"run_id": "job1", "run_uuid": "r1"},
        {"run_id": "job1", "Run_Id": "r1"},
        {"run_id": "job1", "RUN_ID": "r1"},
        {"run_uuid": "job1", "runUuid": "r1"},
        {"run_id": ["job1"]},
        {"run_id": ""},
        '{"run_id": "job1", "runId": "r1", "key": "a", "value": "b"}',
    ],
)
def test_a_run_token_names_one_run_and_tracking_reads_that_one(plane: DataPlane, body: Any) -> None:
    plane.experiment()
    job(plane, "job1")
    plane.plain_run("job1")
    plane.plain_run("r1")
    call = "/api/2.0/mlflow/runs/set-tag"
    sent = {**body, "key": "a", "value": "b"} if isinstance(body, dict) else body
    refused = plane.ask("POST", "mlflow", call, sent, claims=plane.run_claims("job1"))
    assert refused.status_code in (400, 403), refused.text
    assert "a" not in {tag["key"] for tag in plane.mlflow.runs[plane.workspace_id, "r1"]["data"].get("tags", [])}


def test_a_member_given_twice_is_read_by_nobody(plane: DataPlane) -> None:
    plane.experiment()
    plane.plain_run("job1")
    plane.plain_run("r1")
    content = b'{"run_id": "job1", "run_id": "r1", "key": "a", "value": "b"}'
    assert "given twice" in plane.refused(400, "POST", "mlflow", "/api/2.0/mlflow/runs/set-tag", content=content)


def test_a_run_token_makes_children_of_its_own_run_only(plane: DataPlane) -> None:
    plane.experiment()
    job(plane, "job1")
    plane.plain_run("job1")
    parent = {"key": "mlflow.parentRunId", "value": "job1"}
    other = {"key": "mlflow.parentRunId", "value": "r1"}
    claims = {"claims": plane.run_claims("job1")}
    for tags in ([other, parent], [parent, other], [], [other], {"mlflow.parentRunId": "job1"}):
        plane.refused(403, "POST", "mlflow", "/api/2.0/mlflow/runs/create", {"tags": tags}, **claims)
    body = {"experiment_id": "1", "start_time": 1, "tags": [parent]}
    plane.good("POST", "mlflow", "/api/2.0/mlflow/runs/create", body, **claims)


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("artifact", "/artifacts/batch/metadata/ExperimentRun%2Fdcid.r1%2Fx/dcid.job1"),
        ("artifact", "/artifacts/batch/metadata/ExperimentRun%2Fdcid.r1"),
        ("artifact", "/artifacts/ExperimentRun/dcid.r1/batch/metadata/dcid.job1"),
        ("artifact", "/artifacts/batch/metadata/ExperimentRun/dcid.r1/dcid.job1"),
        ("artifact", "/artifacts/ExperimentRun/dcid.r1%2Fdcid.job1/batch/metadata"),
        ("artifact", "/artifacts/ExperimentRun/dcid.r1%252Fdcid.job1/batch/metadata"),
        ("artifact", "/artifacts/dcid.job1/dcid.r1/batch/metadata"),
        ("history", "/experiments/runs/runs/r1/artifacts/batch/metadata/dcid.job1"),
        ("history", "/experiments%2Fe1%2Fruns%2Fr1%2Fartifacts/batch/metadata"),
        ("history", "/experiments/e1/runs/r1%2F..%2Fjob1/artifacts/batch/metadata"),
        ("history", "/runs/job1/runs/r1/artifacts/batch/metadata"),
    ],
)
def test_a_run_token_writes_no_artifact_of_another_run(plane: DataPlane, service: str, path: str) -> None:
    plane.experiment()
    job(plane, "job1")
    plane.plain_run("job1")
    plane.plain_run("r1")
    body = {"paths": [{"path": "x"}]}
    answer = plane.ask("POST", service, path, body, claims=plane.run_claims("job1"))
    assert answer.status_code in (400, 403, 404), answer.text
    # Whoever may write to both is given what the path says, and no other.
    told = plane.ask("POST", service, path, body)
    if told.is_success:
        assert all("dcid.r1/" in each["contentUri"] for each in told.json()["artifactContentInformation"].values())
