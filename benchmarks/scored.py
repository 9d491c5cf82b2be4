# mypy: ignore-errors
"""A small model, registered as `scored`, and saved beside for a server that is started by hand: scored.py FOLDER."""

import sys

import mlflow
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

ml = MLClient.from_config(DefaultAzureCredential())
mlflow.set_tracking_uri(ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri)
features, labels = load_diabetes(return_X_y=True, as_frame=True)
model = Ridge().fit(features, labels)
signature = mlflow.models.infer_signature(features, model.predict(features))
with mlflow.start_run():
    mlflow.sklearn.log_model(model, "model", signature=signature, registered_model_name="scored")
mlflow.sklearn.save_model(model, sys.argv[1], signature=signature)
