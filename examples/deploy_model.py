"""Deploy a model as a web service: train and register one, deploy it, score with it, take it away.

azmlflow run -- .venv-examples/bin/python examples/deploy_model.py [ENDPOINT]

The model is registered first, so that whoever deploys it need not read a datastore's secrets. Its signature makes the
service take `{"input_data": {"columns": ..., "data": ...}}` and say so in its swagger.json.
"""

import sys
import uuid

import mlflow
import requests
from azure.ai.ml import MLClient
from azure.ai.ml.entities import ManagedOnlineDeployment, ManagedOnlineEndpoint, OnlineRequestSettings
from azure.identity import DefaultAzureCredential
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

NAME = "diabetes"

ml = MLClient.from_config(DefaultAzureCredential())
mlflow.set_tracking_uri(ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri)
features, labels = load_diabetes(return_X_y=True, as_frame=True)


def register() -> str:
    """The registered model as a deployment names it."""
    mlflow.set_experiment("diabetes_training")
    with mlflow.start_run():
        model = Ridge().fit(features, labels)
        signature = mlflow.models.infer_signature(features, model.predict(features))
        logged = mlflow.sklearn.log_model(model, "model", signature=signature, registered_model_name=NAME)
    version = logged.registered_model_version
    print(f"{NAME} version {version} is registered")
    return f"azureml:{NAME}:{version}"


def deploy(endpoint: str, model: str) -> None:
    """An endpoint whose one deployment answers all requests."""
    ml.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=endpoint, auth_mode="key")).result()
    blue = ManagedOnlineDeployment(
        name="blue",
        endpoint_name=endpoint,
        model=model,
        instance_type="Standard_DS3_v2",
        instance_count=1,
        request_settings=OnlineRequestSettings(request_timeout_ms=10_000),
    )
    ml.online_deployments.begin_create_or_update(blue).result()
    standing = ml.online_endpoints.get(endpoint)
    standing.traffic = {"blue": 100}
    ml.online_endpoints.begin_create_or_update(standing).result()
    print(f"{endpoint} answers at {standing.scoring_uri}")


def score(endpoint: str) -> list[float]:
    """What the service predicts for three rows, asked as any program can ask it: by HTTP with the endpoint's key."""
    key = ml.online_endpoints.get_keys(endpoint).primary_key
    rows = features.head(3).to_dict(orient="split")
    answer = requests.post(
        ml.online_endpoints.get(endpoint).scoring_uri,
        json={"input_data": {"columns": rows["columns"], "data": rows["data"]}},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    answer.raise_for_status()
    return answer.json()


def main() -> None:
    """All of it, whatever happens in between the last."""
    endpoint = sys.argv[1] if len(sys.argv) > 1 else f"diabetes-{uuid.uuid4().hex[:8]}"
    model = register()
    try:
        deploy(endpoint, model)
        print("predicted " + ", ".join(f"{value:.1f}" for value in score(endpoint)))
    finally:
        ml.online_endpoints.begin_delete(endpoint).result()
        print(f"{endpoint} is gone")


if __name__ == "__main__":
    main()
