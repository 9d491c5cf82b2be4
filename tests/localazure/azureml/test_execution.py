"""Submissions of SDK v1: the same jobs that azure-ai-ml makes, and what can never run refused."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from azmlflow.localazure.azureml.submission import snapshots
from tests.localazure.azureml.conftest import OTHER, DataPlane
from tests.localazure.azureml.test_snapshots import ONE, body, send
from tests.localazure.control import COMPUTE, WORKSPACE

ENVIRONMENT = {
    "name": "my env",
    "python": {
        "interpreterPath": "python",
        "userManagedDependencies": False,
        "condaDependencies": {"channels": ["anaconda"], "dependencies": ["python=3.8", {"pip": ["azureml-mlflow"]}]},
    },
    "docker": {"baseImage": "image:1"},
    "environmentVariables": {"FROM_ENV": "1"},
}
CONFIGURATION = {
    "script": "train.py",
    "arguments": ["--alpha", "a b"],
    "command": [],
    "target": "cpu-cluster",
    "environment": ENVIRONMENT,
    "environmentVariables": {"FROM_RUN": "2"},
    "nodeCount": 1,
    "maxRunDurationSeconds": 60,
}
SUBMIT = "/experiments/e1/snapshotrun?runId=run1"


def definition(snapshot: str | None = ONE, **changes: Any) -> dict[str, Any]:
    return {"SnapshotId": snapshot, "Configuration": {**CONFIGURATION, **changes}, "TelemetryValues": None}


@pytest.fixture
def ready(plane: DataPlane) -> DataPlane:
    """With an experiment and a snapshot."""
    plane.experiment()
    plane.good(
        "POST", "content", f"/snapshots/{ONE}", body(snapshots.NONE, send(plane, **{"train.py": "1"}), "train.py")
    )
    return plane


def job(plane: DataPlane, name: str = "run1") -> dict[str, Any]:
    return dict(plane.azure.arm("GET", f"{WORKSPACE}/jobs/{name}").body["properties"])


def test_a_submission_is_a_job(ready: DataPlane) -> None:
    assert ready.good("POST", "execution", SUBMIT, definition(), who="submitter@local.test") == {"runId": "run1"}
    told = job(ready)
    assert told["command"] == "python train.py --alpha 'a b'"
    assert (told["computeId"], told["experimentName"], told["status"]) == (COMPUTE, "e1", "Queued")
    assert told["environmentVariables"] == {"FROM_ENV": "1", "FROM_RUN": "2"}
    assert told["limits"]["timeout"] == "PT60S"
    assert told["properties"] == {"ContentSnapshotId": ONE}
    code = ready.azure.arm("GET", told["codeId"]).body["properties"]["codeUri"]
    assert code == f"https://stacct1.blob.core.windows.net/snapshots/{ready.workspace_id}/{ONE}"
    assert told["environmentId"].endswith("/environments/my-env/versions/1")
    environment = ready.azure.arm("GET", told["environmentId"]).body["properties"]
    assert environment["image"] == "image:1"
    assert "azureml-mlflow" in environment["condaFile"]
    assert ready.good("GET", "history", "/experiments/e1/runs/run1")["runType"] == "azureml.scriptrun"


@pytest.mark.parametrize(
    ("given", "line"),
    [(["echo $HOME; exit 3"], "echo $HOME; exit 3"), ("echo a", "echo a"), (["echo", "a b"], "echo 'a b'")],
)
def test_a_command_is_a_line_or_words(ready: DataPlane, given: Any, line: str) -> None:
    ready.good("POST", "execution", SUBMIT, definition(command=given, script=None))
    assert job(ready)["command"] == line


def test_submitted_twice_is_submitted_once(ready: DataPlane) -> None:
    ready.good("POST", "execution", SUBMIT, definition())
    first = job(ready)
    assert ready.good("POST", "execution", SUBMIT, definition()) == {"runId": "run1"}
    assert "already exists" in ready.refused(400, "POST", "execution", SUBMIT, definition(command=["other"]))
    assert job(ready) == first


def test_the_same_environment_is_one_version(ready: DataPlane) -> None:
    ready.good("POST", "execution", SUBMIT, definition())
    ready.good("POST", "execution", SUBMIT.replace("run1", "run2"), definition())
    changed = {**ENVIRONMENT, "docker": {"baseImage": "image:2"}}
    ready.good("POST", "execution", SUBMIT.replace("run1", "run3"), definition(environment=changed))
    versions = [job(ready, name)["environmentId"].rpartition("/")[2] for name in ("run1", "run2", "run3")]
    assert versions == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target": "nowhere"}, "nowhere"),
        ({"target": ""}, "serverless"),
        ({"script": None}, "script"),
        ({"nodeCount": 2}, "instanceCount"),
        ({"framework": "PySpark"}, "PySpark"),
        ({"communicator": "Horovod"}, "Horovod"),
        ({"communicator": "IntelMpi", "mpi": {"processCountPerNode": 2, "nodeCount": 1}}, "processCountPerInstance"),
        ({"framework": "PyTorch", "communicator": "Nccl", "pytorch": {"processCount": 4}}, "processCountPerInstance"),
        ({"communicator": "ParameterServer", "tensorflow": {"parameterServerCount": 1}}, "parameterServerCount"),
        ({"priority": 5}, "priority"),
        ({"history": {"outputCollection": False}}, "history.outputCollection"),
        ({"history": {"directoriesToWatch": ["other"]}}, "history.directoriesToWatch"),
        ({"docker": {"arguments": ["--gpus", "all"]}}, "docker.arguments"),
        ({"docker": {"shmSize": "much"}}, "much"),
        ({"docker": 5}, "docker"),
        ({"environment": {**ENVIRONMENT, "docker": {"arguments": ["-p"]}}}, "environment.docker.arguments"),
        ({"dataReferences": {"a": {"dataStoreName": "d"}}}, "dataReferences"),
        ({"data": {"a": {"mechanism": "Mount"}}}, "'data'"),
        ({"outputData": {"a": {"mechanism": "Upload"}}}, "outputData"),
        ({"datacaches": [{"datacacheId": "a"}]}, "datacaches"),
        ({"sourceDirectoryDataStore": "d"}, "sourceDirectoryDataStore"),
        ({"credentialPassthrough": True}, "credentialPassthrough"),
        ({"applicationEndpoints": {"a": {"type": "SSH"}}}, "applicationEndpoints"),
        ({"unheardOf": 1}, "unheardOf"),
        ({"maxRunDurationSeconds": -1}, "limits"),
        ({"environment": None}, "environment"),
        ({"environmentVariables": {"A": ["b"]}}, "environmentVariables"),
        ({"snapshot": "3" + ONE[1:]}, "napshot"),
    ],
)
def test_what_can_never_run_is_refused_and_leaves_no_job(ready: DataPlane, changes: dict[str, Any], said: str) -> None:
    assert said in ready.refused(400, "POST", "execution", SUBMIT, definition(**changes))
    assert ready.azure.arm("GET", f"{WORKSPACE}/jobs/run1").status == 404


# What azureml-core 1.61 sends when nothing is said (`RunConfiguration`), but for the parts of the tests' own.
DEFAULTS: dict[str, Any] = {
    "framework": "Python", "communicator": "None", "priority": None,
    "history": {"outputCollection": True, "snapshotProject": True, "directoriesToWatch": ["logs"]},
    "spark": {"configuration": {"spark.app.name": "Azure ML Experiment", "spark.yarn.maxAppAttempts": 1}},
    "docker": {"useDocker": True, "sharedVolumes": True, "arguments": [], "shmSize": "2g"},
    "hdi": {"yarnDeployMode": "cluster"}, "tensorflow": {"workerCount": 1, "parameterServerCount": 1},
    "mpi": {"processCountPerNode": 1, "nodeCount": 1},
    "pytorch": {"communicationBackend": "nccl", "processCount": None, "nodeCount": 1},
    "paralleltask": {"maxRetriesPerWorker": 0, "workerCountPerNode": 1, "terminalExitCodes": None},
    "dataReferences": {}, "data": {}, "datacaches": [], "outputData": {}, "sourceDirectoryDataStore": None,
    "amlcompute": {"vmSize": None, "vmPriority": None, "retainCluster": False, "clusterMaxNodeCount": None},
    "autoClusterComputeSpecification": None, "kubernetescompute": {"instanceType": None},
    "credentialPassthrough": False, "applicationEndpoints": {},
}  # fmt: skip


def test_what_azureml_core_sends_by_itself_is_taken(ready: DataPlane) -> None:
    ready.good("POST", "execution", SUBMIT, definition(**DEFAULTS))
    assert job(ready)["resources"] == {"instanceCount": 1, "shmSize": "2g"}
    mpi = {**DEFAULTS, "communicator": "IntelMpi"}
    ready.good("POST", "execution", SUBMIT.replace("run1", "run2"), definition(**mpi))
    assert job(ready, "run2")["distribution"] == {"distributionType": "Mpi", "processCountPerInstance": 1}


def test_a_child_of_a_job(ready: DataPlane) -> None:
    ready.good("POST", "execution", SUBMIT, definition())
    child = {**definition(), "ParentRunId": "run1"}
    ready.good("POST", "execution", SUBMIT.replace("run1", "run2"), child)
    assert job(ready, "run2")["parentJobName"] == "run1"
    other = {**definition(), "ParentRunId": "nobody"}
    assert "nobody" in ready.refused(400, "POST", "execution", SUBMIT.replace("run1", "run3"), other)


def test_other_refusals(ready: DataPlane) -> None:
    ready.refused(404, "POST", "execution", SUBMIT.replace("/e1/", "/none/"), definition())
    ready.refused(400, "POST", "execution", SUBMIT, content=b"{nonsense")
    ready.refused(400, "POST", "execution", "/experiments/e1/snapshotrun", definition())
    ready.refused(404, "POST", "execution", "/experiments/e1/startrun?runId=run1", definition())
    ready.good("POST", "history", "/experiments/e1", workspace=OTHER)
    assert ONE in ready.refused(400, "POST", "execution", SUBMIT, definition(), workspace=OTHER)
    ready.plain_run("taken")
    ready.refused(409, "POST", "execution", SUBMIT.replace("run1", "taken"), definition())
    for who in ("viewer@local.test", "tracker@local.test"):
        ready.refused(403, "POST", "execution", SUBMIT, definition(), who=who)


def local(plane: DataPlane, run_id: str = "here", more: dict[str, Any] | None = None, **options: Any) -> Any:
    own = {"command": ["python train.py"], "maxRunDurationSeconds": None}
    told = definition(None, **{**own, **(more or {})})
    files = [
        ("files", ("definition.json", json.dumps(told).encode())),
        ("files", ("aml_config.zip", b"PK")),
    ]
    return plane.ask("POST", "execution", f"/experiments/e1/localrun?runId={run_id}", files=files, **options)


def test_a_local_run_is_handed_out_with_its_token_and_told_of_by_it(plane: DataPlane) -> None:
    plane.experiment()
    answer = local(plane)
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert sorted(archive.namelist()) == [
            f"azureml-setup/{name}" for name in ("Invocation.sh", "run.json", "run.py")
        ]
        told = json.loads(archive.read("azureml-setup/run.json"))
    assert told["command"] == "python train.py"
    assert told["variables"]["MLFLOW_RUN_ID"] == "here"
    assert told["variables"]["FROM_ENV"] == "1"
    assert told["seconds"] == 0
    assert "conda" in told["notes"][0]
    run = plane.good("GET", "history", "/experiments/e1/runs/here")
    assert (run["status"], run["target"], run["runType"]) == ("Running", "local", "azureml.scriptrun")
    assert local(plane).status_code == 200  # sent again
    assert local(plane, more={"command": ["python other.py"]}).status_code == 409
    claims = {"claims": plane.run_claims("here")}
    path = "/experimentids/1/runs/here"
    assert told["run"].endswith(path)
    error = {"ErrorResponse": {"error": {"code": "UserError", "message": "It broke."}}}
    plane.good(
        "POST", "history", f"{path}/events", {"name": "Microsoft.MachineLearning.Run.Error", "data": error}, **claims
    )
    plane.good("POST", "history", f"{path}/events", {"name": "Microsoft.MachineLearning.Run.Failed"}, **claims)
    details = plane.good("GET", "history", f"{path}/details")
    assert (details["status"], details["error"]["error"]["message"]) == ("Failed", "It broke.")
    plane.refused(401, "GET", "history", path, **claims)
    assert local(plane).status_code == 409


@pytest.mark.parametrize(
    "more",
    [
        {"maxRunDurationSeconds": -1},
        {"nodeCount": 2},
        {"communicator": "IntelMpi"},
        {"data": {"a": {"mechanism": "x"}}},
    ],
)
def test_what_a_local_run_does_not_do_is_refused(plane: DataPlane, more: dict[str, Any]) -> None:
    plane.experiment()
    assert local(plane, more=more).status_code == 400
    assert local(plane, more=DEFAULTS).status_code == 200


def test_a_local_run_is_refused(plane: DataPlane) -> None:
    assert local(plane).status_code == 404  # no such experiment
    plane.experiment()
    plane.plain_run("taken")
    assert local(plane, "taken").status_code == 409
    for who in ("viewer@local.test", "tracker@local.test"):
        assert local(plane, who=who).status_code == 403
    plane.refused(400, "POST", "execution", "/experiments/e1/localrun?runId=x", files=[("files", ("a", b"b"))])
    broken = [("files", ("definition.json", b"{nonsense"))]
    plane.refused(400, "POST", "execution", "/experiments/e1/localrun?runId=x", files=broken)
    plane.refused(400, "POST", "execution", "/experiments/e1/localrun?runId=x", {})
