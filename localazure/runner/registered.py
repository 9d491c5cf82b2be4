"""Named outputs that a job registers when it has succeeded: data assets and models.

`Output(name="prepared", version="1")` of azure-ai-ml arrives as `assetName` and `assetVersion`. The asset is made by
the request that the submitter would make, with what the submitter may do.
"""

from __future__ import annotations

from azmlflow.localazure.arm import inside
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import AzureError, bad_request
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.assets.data import DATA
from azmlflow.localazure.models import places
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.principals.enforce import Caller
from azmlflow.localazure.resources import find
from azmlflow.localazure.tracking.answers import MlflowUnavailable

_MODELS = ("custom_model", "mlflow_model", "triton_model")


async def register(cloud: Cloud, workspace: Document, job: Document, record: Document) -> list[str]:
    """Register the outputs of a job that say so; sentences about those that could not be.

    Args:
        cloud: the embedded Azure.
        workspace: the workspace's document.
        job: the job's.
        record: what is known of the job (`work.records`).
    """
    refused = []
    for name, told in job["properties"]["outputs"].items():
        if told and told.get("assetName"):
            try:
                await _register(cloud, workspace, job, record, name)
            except (AzureError, MlflowUnavailable) as error:
                refused.append(f"The output '{name}' was not registered as '{told['assetName']}': {error}")
    return refused


async def _register(cloud: Cloud, workspace: Document, job: Document, record: Document, output: str) -> None:
    told = job["properties"]["outputs"][output]
    kind = str(told.get("jobOutputType") or "uri_folder").lower()
    where = places.output(workspace, job, output)
    if kind == "uri_file" and next(places.files(cloud, workspace, where), None) is None:
        raise bad_request("UserError", f"the job wrote no file at its path, '{where.path}' in '{where.datastore}'")
    uri = places.long_uri(where, workspace) + ("" if kind == "uri_file" else "/")
    owner = cloud.directory.get(record["owner"])
    if owner is None:
        raise AzureError(403, "AuthorizationFailed", "who submitted the job is no longer there")
    collection = f"{workspace['id']}/{'models' if kind in _MODELS else 'data'}/{told['assetName']}"
    if kind in _MODELS:
        made = await Registry(cloud, workspace).versions(told["assetName"])
        number = told.get("assetVersion") or max((each.number for each in made), default=0) + 1
        body = {"modelUri": uri, "modelType": kind}
    else:
        container = find.resource(cloud, collection)
        following = "1" if container is None else DATA.verbs.get(cloud, container)["properties"]["nextVersion"]
        number = told.get("assetVersion") or following
        body = {"dataUri": uri, "dataType": kind}
    path = f"{collection}/versions/{number}"
    if kind in _MODELS:
        await inside.put_elsewhere(cloud, Caller(owner), path, body)
    else:
        inside.put(cloud, Caller(owner), path, body)
