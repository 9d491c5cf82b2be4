"""Models as web services: managed online endpoints and their deployments."""

from __future__ import annotations

from azmlflow.cli.why.questions import things
from azmlflow.cli.why.record import Record

_ML = "https://learn.microsoft.com/azure/machine-learning"
_TROUBLE = f"{_ML}/how-to-troubleshoot-online-endpoints"
_LOGS = "ml_client.online_deployments.get_logs(name=DEPLOYMENT, endpoint_name=ENDPOINT, lines=100)"

RECORDS = (
    Record(
        "The deployment lacks Azure's monitoring package",
        r"No module named '?azureml[._-]ai[._-]monitoring",
        "Azure's scoring script for models of MLflow imports azureml-ai-monitoring, and the model's environment lacks "
        "it: the service ends before it answers.",
        "add azureml-ai-monitoring to the model's conda.yaml, log the model anew, and deploy that version",
        "https://github.com/Azure/azureml-examples/issues/3923",
        "ModuleNotFoundError: No module named 'azureml.ai.monitoring'",
        things.endpoint,
    ),
    Record(
        "The service does not come up",
        r"ResourceNotReady|Liveness probe failed|User container has crashed or terminated|ResourceOperationFailure",
        "The service's process ended, or did not answer in time: often a package is missing, or the model was logged "
        "with another version of its library.",
        _LOGS,
        _TROUBLE,
        "(ResourceNotReady) User container has crashed or terminated: Liveness probe failed: HTTP probe failed with "
        "statuscode: 502",
        things.endpoint,
    ),
    Record(
        "The model of a deployment is not there",
        r"BadArgument\) The model (?P<model>[\w.-]+:\d+) was not found",
        "The workspace has no model {model}.",
        "register it first: azmlflow run -- python examples/register_model.py register",
        _TROUBLE,
        "(BadArgument) The model nope:1 was not found in the workspace.",
        seen="azure-ai-ml",
    ),
    Record(
        "The request's body is not what the service reads",
        r"A value is not provided for the 'input_data' parameter|dataframe_split.{0,60}(?:input_data|invalid)",
        "A service on Azure takes `input_data`, not what MLflow's own server takes (`inputs`, `dataframe_split`).",
        'send {{"input_data": {{"columns": [...], "index": [...], "data": [[...]]}}}}',
        f"{_ML}/how-to-deploy-mlflow-models-online-endpoints",
        "A value is not provided for the 'input_data' parameter.",
    ),
    Record(
        "The service took too long",
        r"upstream request timeout|ServiceRequestTimeoutError",
        "A prediction took longer than the deployment's requestTimeout: 5 seconds, unless it says more.",
        "set request_settings.request_timeout_ms (most: 180000) of the deployment, or send fewer rows",
        _TROUBLE,
        "408: upstream request timeout",
    ),
    Record(
        "The service's key is wrong",
        r"key_auth_access_denied|token_auth_access_denied",
        "The key or token is none of this endpoint's; keys are renewed, tokens end after hours.",
        "ml_client.online_endpoints.get_keys(name=ENDPOINT)",
        f"{_ML}/how-to-authenticate-online-endpoint",
        '{"error":{"code":"key_auth_access_denied","message":"The key is none of the endpoint\'s."}}',
        seen="requests",
    ),
    Record(
        "No deployment has traffic",
        r"No deployment of the endpoint has traffic|No valid deployments to route to|"
        r"deployment '(?P<deployment>[\w-]+)' is in the state Failed: it can have no traffic",
        "The endpoint has no deployment that both works and has a share of the traffic.",
        'ml_client.online_endpoints.get(ENDPOINT).traffic    (set it, such as {{"blue": 100}}, and update)',
        _TROUBLE,
        "(NotFound) No deployment of the endpoint has traffic: name one, or give one a share.",
        things.endpoint,
        "azure-ai-ml",
    ),
    Record(
        "The region has no room for the machine",
        r"OutOfCapacity|lack of Azure Machine Learning capacity",
        "Azure has no machine of this size free in the region now; the quota is not the matter.",
        "take another size for the deployment or another region, or try later",
        _TROUBLE,
        "OutOfCapacity: The specified VM Size failed to provision due to a lack of Azure Machine Learning capacity.",
    ),
    Record(
        "Azure's own service failed",
        r"\(ServiceError\)|Received 500 from a service request",
        "A service behind Azure Machine Learning failed; what was asked is not known to be wrong.",
        "type the command again; where it stays so, give Azure's support the correlation id that stands in the error",
        "https://github.com/Azure/azure-sdk-for-python/issues/39772",
        "(ServiceError) Received 500 from a service request",
    ),
    Record(
        "A deployment with traffic is not deleted",
        r"has (?P<share>\d+) percent of the traffic of the endpoint|cannot be deleted because it has live traffic",
        "Requests still go to the deployment.",
        "give its share to another deployment first, then delete it",
        f"{_ML}/how-to-safely-rollout-online-endpoints",
        "(BadRequest) The deployment 'blue' has 100 percent of the traffic of the endpoint 'wine': set it to 0 before "
        "you delete the deployment.",
        seen="azure-mgmt-resource",
    ),
    Record(
        "The endpoint is being changed",
        r"because it is in (?P<state>\w+) provisioning state",
        "The endpoint is in the state {state}: one change at a time.",
        "wait until it has succeeded, then type the command again",
        _TROUBLE,
        "Cannot create a deployment in endpoint wine because it is in Updating provisioning state",
    ),
    Record(
        "The endpoint's name is taken",
        r"EndpointNameAlreadyExists|endpoint with (?:this )?name .{0,40}already exists",
        "An endpoint's name is unique in its region, over all of Azure's customers.",
        "take a longer name, such as one with your team's",
        _TROUBLE,
        "(EndpointNameAlreadyExists) An endpoint with this name already exists.",
    ),
    Record(
        "A way of deploying that Azure has given up",
        r"/modelmanagement/v1\.0.{0,200}/services|AciWebservice|AksWebservice|Model\.deploy",
        "Azure has ended the web services of SDK v1 (ACI, AKS).",
        "deploy to a managed online endpoint: azmlflow run -- python examples/deploy_model.py",
        f"{_ML}/migrate-to-v2-deploy-endpoints",
        "azureml.core.webservice.AciWebservice: Model.deploy failed",
    ),
)
