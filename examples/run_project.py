"""Run an MLflow Project on this machine, tracked as a run of the workspace.

azmlflow run -- .venv-examples/bin/python examples/run_project.py

The backend "azureml" copies the project, and starts it in the background with the `python` that is first in PATH.
"""

import os
import sys
from pathlib import Path

import mlflow
from azureml.core import Workspace

# As an activated environment would: the project's `python` is the one that runs this.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
mlflow.set_experiment("mlflow_project")

submitted = mlflow.projects.run(
    uri=str(Path(__file__).parent / "mlflow_project"),
    parameters={"alpha": 0.3},
    backend="azureml",
    backend_config={"USE_CONDA": False},
)
submitted.wait()

run = mlflow.get_run(submitted.run_id)
print(
    f"run {run.info.run_id}: {run.info.status}, alpha {run.data.params['alpha']}, loss {run.data.metrics['loss']:.2f}"
)
print("artifacts:", ", ".join(each.path for each in mlflow.MlflowClient().list_artifacts(run.info.run_id)))
