"""Track a local run: what Microsoft's page "Track ML models with MLflow and Azure Machine Learning" does.

Run it from a folder with a config.json, in an environment with azureml-core and azureml-mlflow:
    azmlflow run -- .venv-examples/bin/python examples/track_local_run.py
"""

import tempfile
from pathlib import Path

import mlflow
from azureml.core import Workspace

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("experiment_with_mlflow")

with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
    mlflow.log_param("alpha", 0.03)
    for step, loss in enumerate([0.9, 0.5, 0.3]):
        mlflow.log_metric("loss", loss, step=step)
    notes = Path(folder, "notes.txt")
    notes.write_text("logged by examples/track_local_run.py\n")
    mlflow.log_artifact(str(notes))

print(f"run {run.info.run_id} of experiment_with_mlflow is tracked in {ws.name}")
