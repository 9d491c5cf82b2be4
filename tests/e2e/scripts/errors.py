# mypy: ignore-errors
"""Brings errors about with azureml-mlflow, azure-ai-ml, azureml-core and requests; prints them as JSON, by name."""

from __future__ import annotations

import json
import sys
import traceback
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import requests
from azure.ai.ml import MLClient
from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint
from azure.identity import DefaultAzureCredential
from azureml.core import Workspace

warnings.simplefilter("ignore")
CONFIG = json.loads(Path(".azureml/config.json").read_text())
WORKSPACE = (CONFIG["subscription_id"], CONFIG["resource_group"], CONFIG["workspace_name"])
ENDPOINT = f"why-{uuid.uuid4().hex[:8]}"
client = mlflow.MlflowClient()
ml = MLClient(DefaultAzureCredential(), *WORKSPACE)


def run() -> str:
    with mlflow.start_run() as found:
        mlflow.log_param("p", "x")
    return str(found.info.run_id)


def rename() -> None:
    client.rename_experiment(mlflow.set_experiment("why").experiment_id, "other")


def order() -> None:
    client.search_runs([mlflow.set_experiment("why").experiment_id], order_by=["metrics.a desc"])


def delete_model() -> None:
    client.create_registered_model(ENDPOINT)
    client.delete_registered_model(ENDPOINT)


def many_parameters() -> None:
    with mlflow.start_run():
        mlflow.log_params({f"p{number}": number for number in range(201)})


def same_parameter() -> None:
    with mlflow.start_run(run_id=run()):
        mlflow.log_param("p", "y")


def deleted_experiment() -> None:
    name = f"gone-{ENDPOINT}"
    client.delete_experiment(client.create_experiment(name))
    mlflow.set_experiment(name)


def deploy_no_model() -> None:
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=ENDPOINT)).result()
    deployment = ManagedOnlineDeployment(
        name="blue", endpoint_name=ENDPOINT, model="azureml:nope:1", instance_type="Standard_DS3_v2", instance_count=1
    )
    ml.online_deployments.begin_create_or_update(deployment).result()


def no_traffic() -> None:
    Path("request.json").write_text('{"input_data": [[1]]}')
    ml.online_endpoints.invoke(ENDPOINT, request_file="request.json")


def wrong_key() -> None:
    uri = ml.online_endpoints.get(ENDPOINT).scoring_uri
    raise RuntimeError(requests.post(uri, json={}, headers={"Authorization": "Bearer wrong"}, timeout=60).text)


OWNER: dict[str, Callable[[], Any]] = {
    "Experiments are not renamed": rename,
    "Runs are not ordered by metrics": order,
    "A limit of a run is reached": many_parameters,
    "A parameter is logged twice": same_parameter,
    "A run, experiment or model is not found": lambda: client.get_run("0" * 32),
    "An artifact is not found": lambda: mlflow.artifacts.download_artifacts(run_id=run(), artifact_path="no/such"),
    "A model is not deleted whole": delete_model,
    "The experiment was deleted": deleted_experiment,
    "The model of a deployment is not there": deploy_no_model,
    "No deployment has traffic": no_traffic,
    "The service's key is wrong": wrong_key,
    "A resource is not there": lambda: ml.compute.get("nope"),
    "What is asked for is not emulated": lambda: Workspace.from_config().get_default_keyvault().get_secret("x"),
}
STRANGER: dict[str, Callable[[], Any]] = {
    "Azure refuses an action": run,
    "The wrong tenant is signed in to": Workspace.from_config,
}

VIEWER: dict[str, Callable[[], Any]] = {
    "set_experiment does not say why it failed": lambda: mlflow.set_experiment("nobody made it"),
    "Azure refuses an action": lambda: client.create_experiment("nobody made it"),
}
WHO = {"owner": OWNER, "stranger": STRANGER, "viewer": VIEWER}


def texts(wanted: dict[str, Callable[[], Any]]) -> dict[str, str]:
    found = {}
    for name, produce in wanted.items():
        try:
            produce()
        except Exception:  # noqa: BLE001 - whatever a client raises
            found[name] = traceback.format_exc()
    return found


if __name__ == "__main__":
    if sys.argv[1] == "owner":
        mlflow.set_experiment("why")
    said = texts(WHO[sys.argv[1]])
    if sys.argv[1] == "owner":
        ml.online_endpoints.begin_delete(ENDPOINT).wait()
    Path(sys.argv[2]).write_text(json.dumps(said))
