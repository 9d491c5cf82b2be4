# mypy: ignore-errors
"""One store of models: what each of three clients registers, changes, archives and deletes, seen by all three.

Run with the data scientist's interpreter by `test_models.py`, as who may do everything. It ends with exit code 0 only
if everything held.
"""

import os
import sys
import tempfile
from pathlib import Path

import mlflow
import mlflow.sklearn
from azure.ai.ml import MLClient
from azure.ai.ml.entities import Model as ModelV2
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential
from azureml.core import Model as ModelV1
from azureml.core import Workspace
from azureml.exceptions import WebserviceException
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import infer_signature
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
v2 = MLClient.from_config(DefaultAzureCredential())
flow = MlflowClient()
features, labels = load_iris(return_X_y=True)
estimator = LogisticRegression(max_iter=500).fit(features, labels)
# Told, so that MLflow does not find out by loading the model in another process.
TOLD = {"signature": infer_signature(features, estimator.predict(features)), "pip_requirements": ["scikit-learn"]}
os.chdir(tempfile.mkdtemp())


def refused(error, words, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except error as told:
        assert words in str(told), told
    else:
        raise AssertionError(f"not refused: {words}")


def v1_ids(name=None):
    return [each.id for each in ModelV1.list(ws, name)]


def v2_versions(name):
    return [each.version for each in v2.models.list(name)]


def flow_versions(name):
    return sorted(each.version for each in flow.search_model_versions(f"name='{name}'"))


def register():
    mlflow.set_experiment("one-store")
    with mlflow.start_run() as run:
        mlflow.sklearn.log_model(estimator, "model", registered_model_name="by-mlflow", **TOLD)
    mlflow.register_model(f"runs:/{run.info.run_id}/model", "by-mlflow", tags={"from": "mlflow"})
    flow.set_registered_model_alias("by-mlflow", "champion", "2")
    flow.transition_model_version_stage("by-mlflow", "1", "Production")

    path = f"azureml://jobs/{run.info.run_id}/outputs/artifacts/paths/model/"
    told = {"type": "mlflow_model", "tags": {"from": "v2"}, "properties": {"p": "q"}, "description": "d2"}
    made = v2.models.create_or_update(ModelV2(name="by-v2", path=path, **told))
    assert (made.version, made.tags, made.description, made.properties["p"]) == ("1", {"from": "v2"}, "d2", "q")
    again = v2.models.create_or_update(ModelV2(name="by-v2", version="1", path=path, **told))
    assert again.creation_context.created_at == made.creation_context.created_at
    v2.models.create_or_update(ModelV2(name="by-v2", path=f"runs:/{run.info.run_id}/model", type="mlflow_model"))

    mlflow.sklearn.save_model(estimator, "saved", **TOLD)
    local = ModelV2(name="local-v2", version="7", path="saved", type="mlflow_model", stage="Staging")
    assert v2.models.create_or_update(local).version == "7"

    made = ModelV1.register(
        ws, "saved", "by-v1", tags={"from": "v1"}, properties={"p": "1"}, description="d1",
        model_framework=ModelV1.Framework.SCIKITLEARN, model_framework_version="1.5",
    )  # fmt: skip
    assert (made.id, made.version, made.model_framework) == ("by-v1:1", 1, "ScikitLearn")
    return run.info.run_id, path


def seen_by_mlflow():
    assert {each.name for each in flow.search_registered_models()} >= {"by-mlflow", "by-v2", "local-v2", "by-v1"}
    for name, version, tags in (
        ("by-v2", "1", {"from": "v2"}),
        ("local-v2", "7", {}),
        ("by-v1", "1", {"from": "v1"}),
    ):
        assert flow.get_model_version(name, version).tags == tags, "and none that is only for the other clients"
        assert mlflow.sklearn.load_model(f"models:/{name}/{version}").score(features, labels) > 0.9
    assert len(mlflow.pyfunc.load_model("models:/by-mlflow@champion").predict(features)) == len(labels)
    assert flow.get_model_version("local-v2", "7").current_stage == "Staging"
    assert flow.get_model_version("by-v1", "1").description == "d1"


def seen_by_v2(run_id):
    assert {each.name: each.latest_version for each in v2.models.list()}.items() >= {
        "by-mlflow": "2", "by-v2": "2", "local-v2": "7", "by-v1": "1",
    }.items()  # fmt: skip
    first = v2.models.get("by-mlflow", "1")
    assert (first.type, first.stage, set(first.flavors)) == (
        "mlflow_model",
        "Production",
        {"python_function", "sklearn"},
    )
    assert "signature" in first.properties["model_json"]
    assert first.path.endswith(f"/datastores/workspaceartifactstore/paths/ExperimentRun/dcid.{run_id}/model")
    assert first.job_name == run_id
    assert v2.models.get("by-mlflow", label="latest").tags == {"from": "mlflow"}
    assert (v2.models.get("by-v1", "1").tags, v2.models.get("by-v1", "1").description) == ({"from": "v1"}, "d1")
    for name, version, folder in (("by-mlflow", "1", "model"), ("local-v2", "7", "saved"), ("by-v1", "1", "saved")):
        v2.models.download(name, version, download_path="v2")
        assert Path("v2", name, folder, "MLmodel").is_file()


def seen_by_v1(run_id):
    assert {"by-mlflow:1", "by-mlflow:2", "by-v2:1", "by-v2:2", "local-v2:7", "by-v1:1"} <= set(v1_ids())
    second = ModelV1(ws, "by-mlflow")
    assert (second.version, second.tags, second.run_id, second.experiment_name) == (
        2, {"from": "mlflow"}, run_id, "one-store",
    )  # fmt: skip
    assert [each.id for each in ModelV1.list(ws, tags=[["from", "v2"]])] == ["by-v2:1"]
    assert "by-v2:1" not in [each.id for each in ModelV1.list(ws, latest=True)]
    for id_ in ("by-mlflow:1", "by-v2:1", "local-v2:7", "by-v1:1"):
        assert Path(ModelV1(ws, id=id_).download(f"v1-{id_.partition(':')[0]}"), "MLmodel").is_file()


def changed_by_each():
    ModelV1(ws, id="by-v2:1").update_tags_properties(add_tags={"v1": "was here"}, add_properties={"more": "1"})
    ModelV1(ws, id="by-v2:1").update(description="by v1")
    assert flow.get_model_version("by-v2", "1").tags == {"from": "v2", "v1": "was here"}
    found = v2.models.get("by-v2", "1")
    assert (found.properties["p"], found.properties["more"], found.description) == ("q", "1", "by v1")
    found = v2.models.get("by-v1", "1")
    found.tags, found.description = {"v2": "was here"}, "by v2"
    v2.models.create_or_update(found)
    assert (ModelV1(ws, "by-v1").tags, ModelV1(ws, "by-v1").description) == ({"v2": "was here"}, "by v2")
    flow.set_model_version_tag("by-v1", "1", "flow", "was here")
    assert v2.models.get("by-v1", "1").tags == {"v2": "was here", "flow": "was here"}


def archived_and_deleted():
    v2.models.archive("by-v2", "2")
    assert (v2_versions("by-v2"), v1_ids("by-v2")) == (["1"], ["by-v2:1"])
    assert flow.get_model_version("by-v2", "2").current_stage == "Archived"
    v2.models.restore("by-v2", "2")
    assert (v2_versions("by-v2"), v1_ids("by-v2")) == (["2", "1"], ["by-v2:2", "by-v2:1"])
    flow.transition_model_version_stage("by-v2", "2", "Archived")
    assert v2_versions("by-v2") == ["1"]
    v2.models.archive("by-v1")
    assert "by-v1" not in [each.name for each in v2.models.list()] and "by-v1:1" not in v1_ids()
    v2.models.restore("by-v1")
    flow.delete_model_version("by-v2", "1")
    assert (v2_versions("by-v2"), v1_ids("by-v2")) == ([], [])
    ModelV1(ws, id="by-v2:2").delete()
    assert flow_versions("by-v2") == []
    refused(MlflowException, "Delete all its versions instead", flow.delete_registered_model, "by-v1")
    for version in flow_versions("by-v1"):
        flow.delete_model_version("by-v1", version)
    refused(HttpResponseError, "ResourceNotFound", v2.models.get, "by-v1", "1")
    refused(WebserviceException, "ModelNotFound", ModelV1, ws, "by-v1")


def bad_input(path):
    def create(**told):
        return v2.models.create_or_update(ModelV2(**{"type": "mlflow_model", "path": path, **told}))

    refused(HttpResponseError, "positive integer", create, name="x", version="1.2")
    refused(HttpResponseError, "InvalidModelName", create, name="not valid")
    refused(
        HttpResponseError, "Run nope was not found", create, name="x", path=path.replace(path.split("/")[3], "nope")
    )
    refused(HttpResponseError, "Nothing is at", create, name="x", path=path.replace("/model/", "/nope"))
    refused(HttpResponseError, "cannot be updated", create, name="local-v2", version="7")
    refused(Exception, "not valid", flow.create_registered_model, "not valid")
    refused(Exception, "reserved", flow.set_model_version_tag, "local-v2", "7", "azmlflow.asset", "{}")
    refused(WebserviceException, "ModelNotFound", ModelV1, ws, id="local-v2:8")


run_id, path = register()
seen_by_mlflow()
seen_by_v2(run_id)
seen_by_v1(run_id)
changed_by_each()
archived_and_deleted()
bad_input(path)
sys.stdout.write("all held\n")
