# mypy: ignore-errors
"""In a job: log by the real plugin until the token that the job began with has ended, and for a while after that."""

import os  # MLflow takes MLFLOW_RUN_ID out of it at its first call
import time
import urllib.error
import urllib.request

import mlflow
from azureml.mlflow._common._authentication.azureml_token_authentication import AzureMLTokenAuthentication

AzureMLTokenAuthentication.REFRESH_INTERVAL_IN_SECONDS = 3  # as it is, 30: only how often the plugin looks
ends = int(os.environ["AZUREML_RUN_TOKEN_EXPIRY"])
step = 0
while time.time() < ends + 4:
    mlflow.log_metric("step", step)
    step += 1
    time.sleep(1)

history = os.environ["MLFLOW_TRACKING_URI"].replace("azureml://", "https://").replace("/mlflow/", "/history/")
url = f"{history}/runs/{os.environ['AZUREML_RUN_ID']}/details"
request = urllib.request.Request(url, headers={"Authorization": "Bearer " + os.environ["MLFLOW_TRACKING_TOKEN"]})
try:
    print("first token", urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print("first token", error.code)
logged = mlflow.MlflowClient().get_metric_history(os.environ["AZUREML_RUN_ID"], "step")
print("logged after its end", len(logged) == step and logged[-1].timestamp / 1000 > ends)
