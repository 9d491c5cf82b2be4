# mypy: ignore-errors
"""A scoring script of one's own with an environment, on an endpoint that stands: serve_with_script.py ENDPOINT MODEL

The environment is the model's own, with Azure's inference server, so that it is built already.
"""

import json
import sys
from pathlib import Path

import mlflow
import yaml
from azure.ai.ml import MLClient
from azure.ai.ml.entities import CodeConfiguration, Environment, ManagedOnlineDeployment, OnlineRequestSettings
from azure.identity import DefaultAzureCredential

endpoint, model = sys.argv[1:]
ml = MLClient.from_config(DefaultAzureCredential())
mlflow.set_tracking_uri(ml.workspaces.get(ml.workspace_name).mlflow_tracking_uri)

conda = yaml.safe_load(Path(mlflow.artifacts.download_artifacts(f"models:/{model}/1/conda.yaml")).read_text())
conda["dependencies"][-1]["pip"].append("azureml-inference-server-http>=1.5,<2")
Path("script").mkdir(exist_ok=True)
Path("script/conda.yaml").write_text(yaml.safe_dump(conda))
Path("script/code/inner").mkdir(parents=True, exist_ok=True)
Path("script/code/helper.py").write_text("def double(value):\n    return 2 * value\n")
Path("script/code/inner/score.py").write_text(
    """
import json, os, pathlib
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse
from helper import double

def init():
    global files
    files = sorted(path.name for path in pathlib.Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*") if path.is_file())
    print("it is called", os.environ["CALLED"])

@rawhttp
def run(request):
    if request.method == "GET":
        return AMLResponse("no", 405)
    told = json.loads(request.get_data())
    return AMLResponse({"double": double(told["value"]), "files": files}, 200, json_str=True)
"""
)
deployment = ManagedOnlineDeployment(
    name="custom",
    endpoint_name=endpoint,
    model=f"azureml:{model}:1",
    environment=Environment(
        name="with-script", image="mcr.microsoft.com/azureml/inference-base-2204", conda_file="script/conda.yaml"
    ),
    code_configuration=CodeConfiguration(code="script/code", scoring_script="inner/score.py"),
    environment_variables={"CALLED": "custom"},
    instance_type="Standard_DS2_v2",
    instance_count=1,
    request_settings=OnlineRequestSettings(request_timeout_ms=60_000),
)
ml.online_deployments.begin_create_or_update(deployment).result()
Path("value.json").write_text('{"value": 21}')
told = json.loads(ml.online_endpoints.invoke(endpoint, request_file="value.json", deployment_name="custom"))
assert told["double"] == 42, told
assert {"MLmodel", "model.pkl"} <= set(told["files"]), told
assert "it is called custom" in ml.online_deployments.get_logs("custom", endpoint, lines=100)
ml.online_deployments.begin_delete("custom", endpoint).result()
print("all held")
