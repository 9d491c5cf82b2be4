# mypy: ignore-errors
"""What jobs of azure-ai-ml do with inputs, outputs, names, descriptions and lists, as its users see it."""

import contextlib
import io

import mlflow
from azure.ai.ml import Input, MLClient, Output, command
from azure.ai.ml.constants import ListViewType
from azure.ai.ml.entities import Environment
from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential

IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu20.04"
client = MLClient.from_config(DefaultAzureCredential())
mlflow.set_tracking_uri(client.workspaces.get(client.workspace_name).mlflow_tracking_uri)


def submit(line, **more):
    job = command(command=line, compute="cpu", environment=Environment(image=IMAGE), experiment_name="faces", **more)
    return client.jobs.create_or_update(job)


def ended(name):
    with contextlib.redirect_stdout(io.StringIO()):
        client.jobs.stream(name)
    return client.jobs.get(name)


def log(name):
    lines = mlflow.artifacts.load_text(f"runs:/{name}/user_logs/std_log.txt").splitlines()
    return [line for line in lines if not line.startswith("[azmlflow]")]


first = submit(
    "echo 42 > ${{outputs.one}}; printf '%s|' ${{inputs.t}} '${{inputs.t}}' \"${{inputs.t}}\"",
    inputs={"t": "a b"},
    outputs={"one": Output(type="uri_file", name="faces-file")},
    description="before",
    tags={"a": "1"},
)
print("file", str(ended(first.name).status), log(first.name))
asset = client.data.get("faces-file", version="1")
print("asset", asset.type, asset.path.endswith(f"/azureml/{first.name}/one"))
second = submit("cat ${{inputs.f}}", inputs={"f": Input(type="uri_file", path="azureml:faces-file:1")})
print("taken", str(ended(second.name).status), log(second.name))
try:
    submit("echo other", name=first.name)
    print("again accepted")
except HttpResponseError as error:
    print("again", "A job with this name already exists" in str(error))
job = client.jobs.get(first.name)
job.description, job.tags, job.display_name = "after", {"a": "2", "b": "3"}, "shown"
client.jobs.create_or_update(job)
now, run = client.jobs.get(first.name), mlflow.get_run(first.name)
print("changed", now.description, sorted(now.tags.items()), now.display_name)
print("run", run.data.tags["mlflow.note.content"], run.data.tags["a"], run.info.run_name)
client.jobs.archive(second.name)
for view in (ListViewType.ACTIVE_ONLY, ListViewType.ARCHIVED_ONLY, ListViewType.ALL):
    names = [each.name for each in client.jobs.list(list_view_type=view)]
    print(view, first.name in names, second.name in names)
client.jobs.restore(second.name)
print("restored", second.name in [each.name for each in client.jobs.list()])
