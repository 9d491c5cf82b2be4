"""Track a run with the current SDK: azure-ai-ml's MLClient reads config.json and gives the tracking URI.

azmlflow run -- .venv-examples/bin/python examples/track_with_sdk_v2.py
"""

import mlflow
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential

client = MLClient.from_config(DefaultAzureCredential())
workspace = client.workspaces.get(client.workspace_name)
mlflow.set_tracking_uri(workspace.mlflow_tracking_uri)
mlflow.set_experiment("sdk_v2")

with mlflow.start_run() as run:
    mlflow.log_metric("accuracy", 0.93)
    mlflow.log_dict({"workspace": workspace.name, "region": workspace.location}, "workspace.json")

print(f"run {run.info.run_id} of sdk_v2 is tracked in {workspace.name}")
