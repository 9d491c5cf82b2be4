"""Run a script on the workspace's cluster with the current SDK, watch it, and fetch what it made.

azmlflow run -- .venv-examples/bin/python examples/remote_run_v2.py
"""

import tempfile
from pathlib import Path

import mlflow
from azure.ai.ml import MLClient, Output, command
from azure.ai.ml.entities import Environment
from azure.identity import DefaultAzureCredential

client = MLClient.from_config(DefaultAzureCredential())
cluster = next(compute.name for compute in client.compute.list() if compute.type.lower() == "amlcompute")

job = client.jobs.create_or_update(
    command(
        code=Path(__file__).parent / "remote_run",
        command="python train.py --epochs ${{inputs.epochs}} --model ${{outputs.model}}",
        inputs={"epochs": 5},
        outputs={"model": Output(type="uri_folder")},
        environment=Environment(image="mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04"),
        compute=cluster,
        experiment_name="remote_run",
        display_name="remote run",
    )
)
client.jobs.stream(job.name)

# The job's id is its MLflow run's id.
mlflow.set_tracking_uri(client.workspaces.get(client.workspace_name).mlflow_tracking_uri)
run = mlflow.get_run(job.name)
print(
    f"run {run.info.run_id}: {run.info.status}, loss {run.data.metrics['loss']:.3f} after {run.data.params['epochs']}"
)

with tempfile.TemporaryDirectory() as folder:
    client.jobs.download(job.name, download_path=folder)
    # By its name: `all=True` of azure-ai-ml 1.35 leaves named outputs out (Azure/azure-sdk-for-python#48941).
    client.jobs.download(job.name, download_path=folder, output_name="model")
    for path in sorted(Path(folder).rglob("*.txt")):
        print("fetched", path.relative_to(folder))
