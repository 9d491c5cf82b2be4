"""Environments and computes as SDK v1 reads them."""

from __future__ import annotations

from tests.localazure.azureml.conftest import OTHER, DataPlane
from tests.localazure.control import WORKSPACE

PASCAL = {
    "Name": "env",
    "Version": None,
    "Python": {"InterpreterPath": "python", "UserManagedDependencies": True, "condaDependencies": {"Name": "Kept"}},
    "Docker": {"BaseImage": "image"},
    "EnvironmentVariables": {"Upper": "1"},
}


def test_register_and_get(plane: DataPlane) -> None:
    told = plane.good("PUT", "environment", "/environments/env", PASCAL, who="submitter@local.test")
    assert (told["name"], told["version"]) == ("env", "1")
    assert told["python"]["userManagedDependencies"] is True
    assert told["python"]["condaDependencies"] == {"Name": "Kept"}
    assert told["environmentVariables"] == {"Upper": "1"}
    assert plane.good("PUT", "environment", "/environments/env", {**PASCAL, "Spark": None, "R": {}}) == told
    changed = plane.good("PUT", "environment", "/environments/env", {**PASCAL, "EnvironmentVariables": {}})
    assert changed["version"] == "2"
    assert plane.good("GET", "environment", "/environments/env") == changed
    assert plane.good("GET", "environment", "/environments/env/versions/1") == told
    listed = plane.good("GET", "environment", "/environments/")["value"]
    assert [each for each in listed if not each["name"].startswith("AzureML-")] == [changed]


def test_curated_environments_are_in_every_workspace(plane: DataPlane) -> None:
    told = plane.good("GET", "environment", "/environments/AzureML-sklearn-1.5")
    assert told["version"] == "1"
    assert told["python"]["condaDependencies"]["dependencies"][:3] == [
        "scikit-learn==1.5.*",
        "azureml-core",
        "azureml-mlflow",
    ]


def test_an_environment_of_azure_ai_ml_is_read_too(plane: DataPlane) -> None:
    properties = {"image": "image", "condaFile": "dependencies:\n- pip\n"}
    made = plane.azure.arm("PUT", f"{WORKSPACE}/environments/env/versions/9", {"properties": properties})
    assert made.status == 201
    told = plane.good("GET", "environment", "/environments/env")
    assert (told["version"], told["docker"]["baseImage"]) == ("9", "image")
    assert told["python"]["condaDependencies"] == {"dependencies": ["pip"]}
    assert plane.good("PUT", "environment", "/environments/env", PASCAL)["version"] == "10"


def test_refusals_of_environments(plane: DataPlane) -> None:
    plane.refused(404, "GET", "environment", "/environments/none")
    plane.refused(404, "GET", "environment", "/environments/none/versions/1")
    plane.refused(404, "POST", "environment", "/environments/env/image", {})
    plane.refused(400, "PUT", "environment", "/environments/env", content=b"nonsense")
    plane.refused(400, "PUT", "environment", "/environments/env", {"python": "3.8"})
    for who in ("viewer@local.test", "tracker@local.test"):
        plane.refused(403, "PUT", "environment", "/environments/env", PASCAL, who=who)


def test_computes(plane: DataPlane) -> None:
    (told,) = plane.good("GET", "rp", "/computes?api-version=2020-02-02", who="submitter@local.test")["value"]
    assert plane.good("GET", "rp", "/computes/CPU-cluster") == told
    assert told["properties"]["computeType"] == "AmlCompute"
    inner = told["properties"]["properties"]
    assert inner["scaleSettings"]["maxNodeCount"] == 2
    assert inner["vmSize"] and inner["vmPriority"] == "Dedicated" and inner["subnet"] is None
    assert "identity" not in told
    plane.refused(404, "GET", "rp", "/computes/none")
    plane.refused(404, "DELETE", "rp", "/computes/cpu-cluster")
    plane.refused(403, "GET", "rp", "/computes", who="tracker@local.test")
    plane.refused(404, "GET", "rp", "/computes/cpu-cluster", workspace=OTHER)


def test_their_names_are_not_for_others(plane: DataPlane) -> None:
    refused = plane.ask("PUT", "environment", "/environments/AzureML-mine", PASCAL)
    assert refused.status_code == 400, refused.text
    assert "are those of curated environments" in refused.text
