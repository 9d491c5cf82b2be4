# mypy: ignore-errors
"""What each client says of runs: their ids, and the lists that they stand in."""

import json
import sys

import mlflow
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from azureml.core import Experiment, Run, Workspace

client = MLClient.from_config(DefaultAzureCredential())
workspace = Workspace.from_config()
experiment = Experiment(workspace, "one_id")
mlflow.set_tracking_uri(workspace.get_mlflow_tracking_uri())


def found(name):
    return name in list(mlflow.search_runs(experiment_names=["one_id"]).get("run_id", ()))


v2 = {job.name for job in client.jobs.list()}
v1 = {run.id for run in experiment.get_runs()}
for name in sys.argv[1:]:
    job, old, run = client.jobs.get(name), Run(experiment, name), mlflow.get_run(name)
    told = {
        "azure-ai-ml": [job.name, job.status],
        "azure-ai-ml lists it": name in v2,
        "azureml-core": [old.id, old.get_status(), old._container],
        "azureml-core lists it": name in v1,
        "mlflow": [run.info.run_id, run.info.status, f"/runs/{name}/" in run.info.artifact_uri],
        "mlflow finds it": found(name),
        "inside": mlflow.artifacts.load_text(f"runs:/{name}/outputs/id.txt").strip(),
    }
    mlflow.MlflowClient().delete_run(name)
    told["deleted"] = [mlflow.get_run(name).info.lifecycle_stage, found(name)]
    mlflow.MlflowClient().restore_run(name)
    told["restored"] = [mlflow.get_run(name).info.lifecycle_stage, found(name)]
    print(f"{name}: {json.dumps(told)}")
