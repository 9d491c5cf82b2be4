"""View metrics and artifacts: the runs of an experiment, the last one's loss step by step, and its files.

azmlflow run -- .venv-examples/bin/python examples/view_runs.py
"""

import tempfile
from pathlib import Path

import mlflow
from azureml.core import Workspace
from mlflow import MlflowClient

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
client = MlflowClient()

experiment = client.get_experiment_by_name("experiment_with_mlflow")
if experiment is None:
    raise SystemExit("No experiment_with_mlflow in this workspace yet: run examples/track_local_run.py first.")
runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"])
if not runs:
    raise SystemExit("experiment_with_mlflow has no runs yet: run examples/track_local_run.py first.")

for run in runs:
    print(f"{run.info.run_id}  {run.info.status:<9} loss={run.data.metrics.get('loss')}  {run.data.params}")

last = runs[0].info.run_id
print("loss:", ", ".join(f"{point.value}" for point in client.get_metric_history(last, "loss")))
for file in client.list_artifacts(last):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(client.download_artifacts(last, file.path, folder))
        print(f"{file.path}: {path.read_text().strip()}")
