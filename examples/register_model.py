"""Register a model: log one with its run, register it, load it back and score.

azmlflow run -- .venv-examples/bin/python examples/register_model.py log        # a tracker may
azmlflow run -- .venv-examples/bin/python examples/register_model.py register   # a registrar may
"""

import sys

import mlflow
from azureml.core import Workspace
from mlflow import MlflowClient
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

NAME = "iris"

ws = Workspace.from_config()
mlflow.set_tracking_uri(ws.get_mlflow_tracking_uri())
features, labels = load_iris(return_X_y=True)


def log() -> None:
    mlflow.set_experiment("iris_training")
    with mlflow.start_run() as run:
        model = LogisticRegression(max_iter=500).fit(features, labels)
        mlflow.log_metric("accuracy", model.score(features, labels))
        mlflow.sklearn.log_model(model, "model")
    print(f"run {run.info.run_id} holds the model")


def register() -> None:
    client = MlflowClient()
    experiment = client.get_experiment_by_name("iris_training")
    if experiment is None:
        raise SystemExit("No run to register: run this example with `log` first.")
    run = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time DESC"], max_results=1)[0]
    version = mlflow.register_model(f"runs:/{run.info.run_id}/model", NAME)
    model = mlflow.sklearn.load_model(f"models:/{NAME}/{version.version}")
    print(f"{NAME} version {version.version} is registered, loads, and scores {model.score(features, labels):.3f}")


if __name__ == "__main__":
    {"log": log, "register": register}[sys.argv[1]]()
