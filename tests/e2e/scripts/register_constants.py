# mypy: ignore-errors
"""Registers versions of a model, each of which predicts one number for ever; `broken` is one that cannot be loaded.

register_constants.py MODEL NUMBER|broken...
"""

import sys
from importlib.metadata import version

import mlflow
import numpy as np
import pandas as pd
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from sklearn.dummy import DummyRegressor


class Broken(DummyRegressor):
    """A model that is written, and not read again."""

    def __setstate__(self, state):
        raise RuntimeError("the weights are gone")


ml = MLClient.from_config(DefaultAzureCredential())
mlflow.set_tracking_uri(ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri)
mlflow.set_experiment("constants")
name, *wanted = sys.argv[1:]
rows = pd.DataFrame({"x": [0.0]})
# What MLflow would find out of the examples' models too, so that one environment does for all.
needed = [f"{each}=={version(each)}" for each in ("cloudpickle", "pandas", "psutil", "scikit-learn")]
with mlflow.start_run():
    for each in wanted:
        model = Broken() if each == "broken" else DummyRegressor(strategy="constant", constant=float(each))
        logged = mlflow.sklearn.log_model(
            model.fit(rows, [0.0]),
            f"model-{each}",
            signature=mlflow.models.infer_signature(rows, np.array([0.0])),
            registered_model_name=name,
            pip_requirements=needed,
        )
        print(f"{name}:{logged.registered_model_version} {each}")
