"""What a job's inputs of files mean: a data asset or model of the workspace by its id, or a path that Azure ML spells.

azure-ai-ml sends an asset as its ARM id, `azureml:<name>:<version>` resolved by the client. Whether the submitter may
read it is asked when the job is submitted (`kinds.jobs`); what it means is looked up when it starts.
"""

from __future__ import annotations

import re

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.errors import bad_request, not_found
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.models import places
from azmlflow.localazure.models.places import DatastorePath
from azmlflow.localazure.models.registry import Registry
from azmlflow.localazure.resources import find

ASSET = re.compile(
    r"(?:azureml:)?(?P<id>(?P<workspace>/subscriptions/.+/workspaces/[^/]+)"
    r"/(?P<kind>data|models)/(?P<name>[^/]+)/versions/(?P<version>[^/]+))",
    re.IGNORECASE,
)


async def place(cloud: Cloud, workspace: Document, uri: str) -> DatastorePath:
    """Where the files of an input are.

    Raises:
        AzureError: it names another workspace, no asset that is there, or no path of a datastore.
    """
    found = ASSET.fullmatch(uri)
    if found is not None and found["workspace"].lower() != workspace["id"].lower():
        raise bad_request("UserError", f"The asset '{found['id']}' is another workspace's.")
    registry = Registry(cloud, workspace)
    where: DatastorePath | None
    if found is not None and found["kind"].lower() == "models":
        version = await registry.version(found["name"], found["version"])
        where = None if version is None else await places.of_version(registry, version)
    else:
        where = places.parse(_path(cloud, found["id"]) if found is not None else uri, workspace, cloud)
    if where is None:
        raise bad_request("UserError", f"The input '{uri}' is not in a datastore of the workspace.")
    await places.check(registry, where, why_not_read=None)
    return where


def _path(cloud: Cloud, id_: str) -> str:
    """The path of a data asset's version."""
    document = find.resource(cloud, id_)
    if document is None:
        raise not_found(id_)
    return str(document["properties"]["dataUri"])
