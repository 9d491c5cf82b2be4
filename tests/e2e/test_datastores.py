"""Datastores and the blobs behind them, by azure-ai-ml and azure-storage-blob: account keys, signatures, roles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.estate import Estate

pytestmark = pytest.mark.e2e

OWNER = "developer@local.test"

DATASTORES = """
import base64, json, uuid
from azure.ai.ml import MLClient
from azure.ai.ml.entities import AccountKeyConfiguration, AzureBlobDatastore, AzureFileDatastore
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.storage import StorageManagementClient
from azure.storage.blob import BlobServiceClient, ContainerClient

me = DefaultAzureCredential()
ml = MLClient.from_config(me)
told = {"names": sorted(found.name for found in ml.datastores.list())}
default = ml.datastores.get_default()
account, host = default.account_name, f"https://{default.account_name}.blob.core.windows.net"
told["default"] = [default.name, default.container_name]
told["files"] = ml.datastores.get("workspacefilestore").file_share_name

storage = StorageManagementClient(me, ml.subscription_id).storage_accounts
keys = [key.value for key in storage.list_keys(ml.resource_group_name, account).keys]
service = BlobServiceClient(host, credential=keys[1])
container = service.create_container("mine")
container.upload_blob("data/a b&ü.txt", b"by key")

own = AzureBlobDatastore(
    name="mine", account_name=account, container_name="mine", credentials=AccountKeyConfiguration(account_key=keys[1])
)
ml.datastores.create_or_update(own)
ml.datastores.create_or_update(AzureBlobDatastore(name="mine_by_role", account_name=account, container_name="mine"))
share = AzureFileDatastore(
    name="share", account_name=account, file_share_name="s", credentials=AccountKeyConfiguration(account_key=keys[1])
)
ml.datastores.create_or_update(share)
told["created"] = sorted(found.name for found in ml.datastores.list())
told["own"] = ml.datastores.get("mine", include_secrets=True).credentials.account_key == keys[1]
told["by role"] = type(ml.datastores.get("mine_by_role", include_secrets=True).credentials).__name__
for name in ("mine", "mine_by_role", "share"):
    ml.datastores.delete(name)
try:
    ml.datastores.get("mine")
except ResourceNotFoundError:
    told["deleted"] = sorted(found.name for found in ml.datastores.list())

sas = ml.datastores.get("workspaceblobstore", include_secrets=True).credentials.sas_token
signed = ContainerClient(host, default.container_name, credential=sas)
signed.upload_blob("by-sas", b"by signature")
told["by sas"] = signed.download_blob("by-sas").readall().decode()

mine = ContainerClient(host, "mine", credential=me)
try:
    mine.download_blob("data/a b&ü.txt")
except HttpResponseError as refused:
    told["owner"] = str(getattr(refused.error_code, "value", refused.error_code))
found = storage.get_properties(ml.resource_group_name, account)
roles = AuthorizationManagementClient(me, ml.subscription_id)
role = next(iter(roles.role_definitions.list(found.id, filter="roleName eq 'Storage Blob Data Contributor'")))
claims = me.get_token("https://storage.azure.com/.default").token.split(".")[1]
oid = json.loads(base64.urlsafe_b64decode(claims + "=="))["oid"]
made = roles.role_assignments.create(
    found.id, str(uuid.uuid4()), {"role_definition_id": role.id, "principal_id": oid, "principal_type": "User"}
)
told["by token"] = mine.download_blob("data/a b&ü.txt").readall().decode()
roles.role_assignments.delete_by_id(made.id)

storage.regenerate_key(ml.resource_group_name, account, {"key_name": "key2"})
try:
    service.get_container_client("mine").get_container_properties()
except HttpResponseError as refused:
    told["old key"] = refused.status_code
again = BlobServiceClient(host, credential=storage.list_keys(ml.resource_group_name, account).keys[1].value)
again.delete_container("mine")
told["containers"] = sorted(found.name for found in again.list_containers())
print(json.dumps(told))
"""


def test_datastores_and_what_lies_in_them(estate: Estate, tmp_path: Path) -> None:
    script = tmp_path / "datastores.py"
    script.write_text(DATASTORES)
    told = json.loads(estate.science(OWNER, script).out.splitlines()[-1])
    own = ["workspaceartifactstore", "workspaceblobstore", "workspacefilestore"]
    assert told["names"] == told["deleted"] == own
    assert told["created"] == sorted([*own, "mine", "mine_by_role", "share"])
    assert told["default"][0] == "workspaceblobstore"
    assert told["default"][1].startswith("azureml-blobstore-")
    assert told["files"].startswith("azureml-filestore-")
    assert (told["own"], told["by role"]) == (True, "NoneCredentialConfiguration")
    assert (told["by sas"], told["by token"]) == ("by signature", "by key")
    assert told["owner"] == "AuthorizationPermissionMismatch", "Owner has no data action"
    assert told["old key"] == 403
    assert "mine" not in told["containers"]
