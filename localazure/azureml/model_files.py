"""The files of a registered model that lies in a datastore other than the one of artifacts, as artifacts.

Whoever may read models and artifacts reaches the files of that version, and nothing else that the datastore holds.
"""

from __future__ import annotations

from azmlflow.localazure.azureml.artifacts import Artifacts
from azmlflow.localazure.azureml.origins import MODEL_ORIGIN
from azmlflow.localazure.azureml.target import Target
from azmlflow.localazure.errors import AzureError
from azmlflow.localazure.models import places
from azmlflow.localazure.models.registry import Registry


async def of_version(target: Target, container: str) -> Artifacts:
    """The files of the version that a container `<model>:<version>` names; their paths begin with the model's folder.

    Raises:
        AzureError: 404, there is no such version, or its files are not in this workspace.
    """
    registry = Registry(target.cloud, target.workspace)
    name, _, number = container.rpartition(":")
    version = await registry.version(name, number)
    place = None if version is None else await places.of_version(registry, version)
    found = None if place is None else places.container(target.cloud, target.workspace, place.datastore)
    if place is None or found is None:
        raise AzureError(404, "UserError", f"Artifact {MODEL_ORIGIN}/{container} was not found in the workspace.")
    above, slash, base = place.path.rpartition("/")
    return Artifacts(target, MODEL_ORIGIN, container, blob_container=found[1], head=above + slash, within=base)
