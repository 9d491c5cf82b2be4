"""Track with MLflow alone: no Azure SDK, only azureml-mlflow and the workspace's tracking URI.

`azmlflow run` and `azmlflow env` set MLFLOW_TRACKING_URI, so plain MLflow code needs no line of configuration:
    azmlflow run -- .venv-examples/bin/python examples/track_with_uri.py
"""

import mlflow

mlflow.set_experiment("plain_mlflow")
with mlflow.start_run() as run:
    mlflow.log_metric("accuracy", 0.91)
    mlflow.log_text("no Azure SDK was needed\n", "notes/how.txt")

print(f"run {run.info.run_id} of plain_mlflow is tracked at {mlflow.get_tracking_uri()}")
