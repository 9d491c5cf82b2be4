"""Where artifacts come from: the first segment of an artifact's address, `<origin>/<container>/<path>`.

    ExperimentRun/dcid.<run id>/...     a run's
    LocalUpload/<upload>/...            uploaded for a model by MLflow or SDK v1; the upload belongs to one workspace
    ModelVersion/<model>:<version>/...  a registered model's that lies in another datastore (`models.places`)

The first two are blobs of that name in the container `azureml` of the workspace's storage account.
"""

from __future__ import annotations

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import ARTIFACT_OWNERS

CONTAINER = "azureml"
RUN_ORIGIN, UPLOAD_ORIGIN, MODEL_ORIGIN = "ExperimentRun", "LocalUpload", "ModelVersion"


def upload_owner(cloud: Cloud, account: str, upload: str) -> str | None:
    """The workspaceId of the workspace that an upload belongs to; workspaces may share a storage account."""
    owner = cloud.store.get(ARTIFACT_OWNERS, _key(account, upload))
    return None if owner is None else str(owner["workspaceId"])


def own_upload(cloud: Cloud, account: str, upload: str, workspace_id: str) -> None:
    """Make an upload a workspace's, unless it is somebody's already."""
    if upload_owner(cloud, account, upload) is None:
        cloud.store.put(ARTIFACT_OWNERS, _key(account, upload), {"workspaceId": workspace_id})


def _key(account: str, upload: str) -> str:
    return f"{account}/{UPLOAD_ORIGIN}/{upload}"
