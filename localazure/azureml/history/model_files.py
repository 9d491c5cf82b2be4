"""The files of a registered model that lies in a datastore other than the one of artifacts, as artifacts.

Whoever may read models and artifacts reaches the files of that version, and nothing else that the datastore holds.
"""

from __future__ import annotations

from azmlflow.localazure.azureml.history.artifacts import Artifacts
from azmlflow.localazure.azureml.request.target import WorkspaceRequest
from azmlflow.localazure.blobs.origins import MODEL_ORIGIN
from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.models import places
from azmlflow.localazure.models.registry import Registry


async def whole_version(target: WorkspaceRequest, name: str, number: str) -> Artifacts:
    """The files of a version wherever they lie; their paths are those within the model's folder.

    Raises:
        AzureError: 404, there is no such version, or its files are not in this workspace.
    """
    container = f"{name}:{number}"
    blob_container, path = await _place(target, container)
    return Artifacts(target, MODEL_ORIGIN, container, blob_container=blob_container, head=f"{path}/")


async def of_version(target: WorkspaceRequest, container: str, *, decoded: bool = False) -> Artifacts:
    """The files of the version that a container `<model>:<version>` names; their paths begin with the model's folder.

    Raises:
        AzureError: 404, there is no such version, or its files are not in this workspace.
    """
    blob_container, path = await _place(target, container)
    above, slash, base = path.rpartition("/")
    return Artifacts(
        target,
        MODEL_ORIGIN,
        container,
        blob_container=blob_container,
        head=above + slash,
        within=base,
        decoded=decoded,
    )


async def _place(target: WorkspaceRequest, container: str) -> tuple[str, str]:
    """The container that holds a version's blobs, and the path of its folder there."""
    registry = Registry(target.cloud, target.workspace)
    name, _, number = container.rpartition(":")
    version = await registry.version(name, number)
    place = None if version is None else await places.of_version(registry, version)
    found = None if place is None else places.container(target.cloud, target.workspace, place.datastore)
    if place is None or found is None:
        raise AzureError(404, "UserError", f"Artifact {MODEL_ORIGIN}/{container} was not found in the workspace.")
    return found[1], place.path
