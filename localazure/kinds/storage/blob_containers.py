"""Microsoft.Storage/storageAccounts/blobServices/containers.

Source: Microsoft, "Blob Containers" (REST 2024-01-01).
"""

from __future__ import annotations

from azmlflow.localazure.blobs import in_arm
from azmlflow.localazure.blobs.kept import Blobs
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.clock import timestamp
from azmlflow.localazure.core.errors import AzureError, bad_request, conflict
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.kinds.foundation.storage_accounts import TYPE as ACCOUNT_TYPE
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.fields import choice, pick, wrong_type
from azmlflow.localazure.resources.find import parent
from azmlflow.localazure.resources.kind import Documents, Kind, Lifecycle, NameRule, child_of
from azmlflow.localazure.resources.paths import Target

_ACCESS = ("None", "Blob", "Container")


def _missing(_target: Target) -> AzureError:
    """404 in Azure's words (https://github.com/pulumi/pulumi-azure-native/issues/4841)."""
    return AzureError(404, "ContainerNotFound", "The specified container does not exist.")


def _check(ask: Ask, _existing: Document | None) -> None:
    if ask.target.names[1:2] != ("default",):
        raise bad_request("InvalidBlobServiceName", "The only blob service of a storage account is 'default'.")
    account = parent(ask.cloud, BLOB_CONTAINER, ask.target, "write")
    wanted = choice("publicAccess", ask.properties.get("publicAccess") or "None", _ACCESS)
    if wanted != "None" and not account["properties"]["allowBlobPublicAccess"]:
        raise conflict("PublicAccessNotPermitted", "Public access is not permitted on this storage account.")


def _shape(ask: Ask, existing: Document | None) -> Document:
    properties = pick(ask.properties, in_arm.DEFAULTS, ("metadata", "enableNfsV3AllSquash", "enableNfsV3RootSquash"))
    properties["publicAccess"] = choice("publicAccess", properties["publicAccess"], _ACCESS)
    versioned = ask.properties.get("immutableStorageWithVersioning")
    properties |= in_arm.FIXED
    if versioned is not None:
        if not isinstance(versioned, dict):
            raise wrong_type("immutableStorageWithVersioning", versioned, "object")
        properties["immutableStorageWithVersioning"] = pick(versioned, {"enabled": False})
    before = (existing or {}).get("properties", {})
    properties["lastModifiedTime"] = before.get("lastModifiedTime")
    return {"etag": (existing or {}).get("etag"), "properties": properties}


def _touch(ask: Ask, document: Document) -> None:
    document["etag"] = f'"0x{ask.cloud.ids.guid().replace("-", "")[-15:].upper()}"'
    document["properties"]["lastModifiedTime"] = timestamp(ask.cloud.clock.now())


def _made(ask: Ask, document: Document) -> None:
    Blobs(ask.cloud).make_container(_account(document), document["name"])


def _gone(cloud: Cloud, document: Document) -> None:
    Blobs(cloud).forget_container(_account(document), document["name"])


def _account(document: Document) -> str:
    return str(document["id"].split("/")[8])


BLOB_CONTAINER = Kind(
    type=in_arm.TYPE,
    name=NameRule(
        r"(?=.{3,63}$)[a-z0-9](?:-?[a-z0-9])*|\$(root|web|logs)",
        "InvalidResourceName",
        "The specified resource name '{name}' contains invalid characters: a container name has 3 to 63 lower-case "
        "letters, digits and single hyphens.",
    ),
    shape=_shape,
    placement=child_of(ACCOUNT_TYPE),
    has_provisioning_state=False,
    lifecycle=Lifecycle(before_write=_check, on_create=_made, on_write=_touch, on_purge=_gone),
    documents=Documents(missing=_missing),
)
