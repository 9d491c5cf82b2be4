# mypy: ignore-errors
"""azure-ai-ml's data assets, environments and named outputs, and jobs that use them. Run by `test_models.py`."""

import os
import sys
import tempfile
from pathlib import Path

from azure.ai.ml import Input, MLClient, Output, command
from azure.ai.ml.entities import Data, Environment, Model
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential

v2 = MLClient.from_config(DefaultAzureCredential())
os.chdir(tempfile.mkdtemp())
MAKE = (
    "cat ${{inputs.one}} && ls ${{inputs.many}} && cp ${{inputs.one}} ${{outputs.out}}/copy.csv "
    "&& echo 'flavors: {python_function: {loader_module: none}}' > ${{outputs.model}}/MLmodel"
)


def refused(words, call, *arguments, **named):
    try:
        call(*arguments, **named)
    except HttpResponseError as told:
        assert words in str(told), told
    else:
        raise AssertionError(f"not refused: {words}")


def data():
    Path("one.csv").write_text("a,b\n1,2\n")
    Path("many").mkdir()
    Path("many", "x.txt").write_text("x")
    first = v2.data.create_or_update(
        Data(name="one", path="one.csv", type="uri_file", description="d", tags={"a": "b"})
    )
    assert (first.version, first.type, first.description, first.tags) == ("1", "uri_file", "d", {"a": "b"})
    assert "/datastores/workspaceblobstore/paths/LocalUpload/" in first.path
    v2.data.create_or_update(Data(name="many", version="v1", path="many", type="uri_folder"))
    assert v2.data.create_or_update(Data(name="one", path=first.path, type="uri_file")).version == "2"
    web = v2.data.create_or_update(Data(name="web", path="https://example.org/a.csv", type="uri_file"))
    assert web.path == "https://example.org/a.csv"
    short = Data(name="short", path="azureml://datastores/workspaceblobstore/paths/some/where/", type="uri_folder")
    assert v2.data.create_or_update(short).path.startswith("azureml://subscriptions/")
    assert {each.name: each.latest_version for each in v2.data.list()}.items() >= {"one": "2", "many": "v1"}.items()
    assert [each.version for each in v2.data.list("one")] == ["2", "1"]
    assert v2.data.get("one", label="latest").version == "2"
    moved = Data(name="one", version="1", path="https://example.org/a.csv", type="uri_file")
    refused("cannot be updated", v2.data.create_or_update, moved)
    refused("ResourceNotFound", v2.data.get, "one", "9")
    v2.data.archive("one", "2")
    v2.data.archive("web")
    assert [each.version for each in v2.data.list("one")] == ["1"]
    assert "web" not in [each.name for each in v2.data.list()]
    v2.data.restore("one", "2")


def environments():
    made = v2.environments.create_or_update(
        Environment(name="plain", image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04")
    )
    assert [each.version for each in v2.environments.list("plain")] == [made.version]
    assert "plain" in [each.name for each in v2.environments.list()]
    assert v2.environments.get("plain", label="latest").version == made.version
    stores = {each.name for each in v2.datastores.list()}
    assert stores >= {"workspaceartifactstore", "workspaceblobstore", "workspacefilestore"}
    assert v2.datastores.get_default().name == "workspaceblobstore"


def run(line, inputs, outputs=None):
    cluster = next(each.name for each in v2.compute.list() if each.type.lower() == "amlcompute")
    told = {"command": line, "inputs": inputs, "outputs": outputs or {}, "compute": cluster}
    job = v2.jobs.create_or_update(command(**told, environment="plain@latest"))
    v2.jobs.stream(job.name)
    assert v2.jobs.get(job.name).status == "Completed"
    return job.name


def jobs():
    inputs = {
        "one": Input(type="uri_file", path="azureml:one:1"),
        "many": Input(type="uri_folder", path="azureml:many:v1"),
    }
    outputs = {
        "out": Output(type="uri_folder", name="prepared"),
        "model": Output(type="mlflow_model", name="from-job", version="3"),
    }
    name = run(MAKE, inputs, outputs)
    assert f"/azureml/{name}/out" in v2.data.get("prepared", label="latest").path
    assert list(v2.models.get("from-job", "3").flavors) == ["python_function"]
    path = f"azureml://jobs/{name}/outputs/model/paths/"
    v2.models.create_or_update(Model(name="of-output", path=path, type="mlflow_model"))
    v2.models.download("of-output", "1", download_path="back")
    assert Path("back", "of-output", "model", "MLmodel").is_file()
    inputs = {
        "model": Input(type="mlflow_model", path="azureml:from-job:3"),
        "data": Input(type="uri_folder", path="prepared@latest"),
    }
    run("test -f ${{inputs.model}}/MLmodel && test -f ${{inputs.data}}/copy.csv", inputs)
    refused("was not found", run, "true", {"one": Input(type="uri_file", path="azureml:one:99")})


data()
environments()
jobs()
sys.stdout.write("all held\n")
