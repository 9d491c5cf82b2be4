"""The specification of the environment that a job names.

<workspace id>/environments/<name>/versions/<version>                 one of the workspace's own
azureml://registries/<registry>/environments/<name>/versions|labels/... one of Azure's, by name (`curated`)
azureml:<name>[:<version>|@<label>]                                   one of Azure's: azure-ai-ml leaves these to Azure
an empty text                                                         none is asked for
"""

from __future__ import annotations

import re

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import RESOURCES, SDK1_ENVIRONMENTS
from azmlflow.localazure.environments.curated import curated, is_curated
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.environments.specification import Specification, from_definition, from_version

_ID = re.compile(r".*/environments/(?P<name>[^/]+)(?:/(?:versions|labels)/(?P<version>[^/]+))?", re.IGNORECASE)
_SHORT = re.compile(r"azureml:(?P<name>AzureML-[^:@/]+)(?:[:@](?P<version>[^:@/]+))?", re.IGNORECASE)


def find(cloud: Cloud, environment_id: str) -> Specification:
    """What a job's environment asks for.

    Args:
        cloud: the embedded Azure.
        environment_id: `environmentId` of the job.

    Raises:
        UnusableEnvironment: there is none of that name, or no job can run in it here.
    """
    if not environment_id:
        return Specification("none", notes=("the job names no environment",))
    found = _ID.fullmatch(environment_id) or _SHORT.fullmatch(environment_id)
    if found is None:
        raise UnusableEnvironment(f"'{environment_id}' is not an id of an environment.")
    told = f"{found['name']}:{found['version'] or 'latest'}"
    key = environment_id.lower()
    if "/registries/" in key or is_curated(found["name"]):
        return curated(found["name"])
    document, definition = cloud.store.get(RESOURCES, key), cloud.store.get(SDK1_ENVIRONMENTS, key)
    if definition is not None:
        return from_definition(told, definition)
    if document is not None:
        return from_version(told, document["properties"])
    raise UnusableEnvironment(f"The environment '{told}' was not found in the workspace: create it, then submit again.")
