# mypy: ignore-errors
"""A registered model deployed by MLflow's own client, asked by it, by azure-ai-ml and by plain HTTP, and taken away.

serve_with_mlflow.py MODEL
"""

import json
import sys
import uuid
from pathlib import Path

import mlflow
import requests
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
from mlflow.deployments import get_deploy_client
from sklearn.datasets import load_diabetes

ml = MLClient.from_config(DefaultAzureCredential())
tracking = ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri
mlflow.set_tracking_uri(tracking)
client = get_deploy_client(tracking)
name, model = f"by-mlflow-{uuid.uuid4().hex[:8]}", sys.argv[1]
features, _ = load_diabetes(return_X_y=True, as_frame=True)
rows = features.head(2)
expected = mlflow.pyfunc.load_model(f"models:/{model}/1").predict(rows)


def settings(**told: object) -> dict[str, str]:
    path = Path(f"{name}.json")
    path.write_text(json.dumps(told))
    return {"deploy-config-file": str(path), "endpoint-config-file": str(path)}


assert client.list_deployments() == []  # the services of SDK v1, of which there are none any more
client.create_endpoint(name)
client.create_deployment(
    "blue", f"models:/{model}/1", endpoint=name, config=settings(instance_type="Standard_DS2_v2", instance_count=1)
)
client.update_endpoint(name, settings(traffic={"blue": 100}))
assert list(client.predict("blue", rows, name).round(6)) == list(expected.round(6))
assert [each["name"] for each in client.list_deployments(name)] == ["blue"]

request = {"input_data": {"columns": list(rows), "index": [0, 1], "data": rows.to_numpy().tolist()}}
Path("request.json").write_text(json.dumps(request))
invoked = json.loads(ml.online_endpoints.invoke(name, request_file="request.json"))
assert [round(each, 6) for each in invoked] == list(expected.round(6)), invoked
assert "ready for serving traffic" in ml.online_deployments.get_logs("blue", name, lines=100)

address, token = ml.online_endpoints.get(name).scoring_uri, ml.online_endpoints.get_keys(name).access_token


def status(body: str, given: str = token) -> int:
    headers = {"Authorization": f"Bearer {given}", "Content-Type": "application/json"}
    answer = requests.post(address, data=body, headers=headers, timeout=30)
    if answer.status_code == 424:
        return int(answer.headers["ms-azureml-model-error-statuscode"])
    return answer.status_code


assert status(json.dumps(request)) == 200
told = {
    "not JSON": ("{x", 400),
    "empty": ("", 400),
    "another key": (json.dumps({"dataframe_split": {}}), 400),
    "a column too few": (json.dumps({"input_data": {"columns": ["age"], "data": [[1]]}}), 500),
    "NaN": (json.dumps({"input_data": {"columns": list(rows), "data": [[float("nan")] * 10]}}), 500),
    "too much": ("x" * (10 * 1024 * 1024 + 1), 413),
}
found = {what: status(body) for what, (body, _) in told.items()}
assert found == {what: code for what, (_, code) in told.items()}, found
assert status(json.dumps(request), "wrong") == 401

client.delete_deployment("blue", endpoint=name)
client.delete_endpoint(name)
assert name not in [each["name"] for each in client.list_endpoints()]
print("all held")
