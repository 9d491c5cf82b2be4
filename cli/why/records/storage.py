"""The storage account behind the workspace: keys, roles, blobs."""

from __future__ import annotations

from azmlflow.cli.why.questions import access, things
from azmlflow.cli.why.questions.doctors import of_check
from azmlflow.cli.why.questions.network import closed
from azmlflow.cli.why.record import Record

_CODES = "https://learn.microsoft.com/rest/api/storageservices/blob-service-error-codes"

RECORDS = (
    Record(
        "Keys are not taken",
        r"KeyBasedAuthenticationNotPermitted|Key based authentication is not permitted",
        "The storage account takes no account keys, and a datastore or a program still uses one.",
        "azmlflow set storageAuth identity, then azmlflow up",
        "https://learn.microsoft.com/azure/storage/common/shared-key-authorization-prevent",
        "Key based authentication is not permitted on this storage account. "
        "ErrorCode:KeyBasedAuthenticationNotPermitted",
        things.shared_key,
        "azure-storage-blob",
    ),
    Record(
        "A data role is lacking",
        r"AuthorizationPermissionMismatch|not authorized to perform this operation using this permission",
        "A role on the workspace, or even Owner, opens no blobs: that takes a data role on the storage account.",
        'az role assignment create --assignee PRINCIPAL --role "Storage Blob Data Reader" --scope STORAGE_ID',
        "https://learn.microsoft.com/azure/storage/blobs/assign-azure-role-data-access",
        "This request is not authorized to perform this operation using this permission. "
        "ErrorCode:AuthorizationPermissionMismatch",
        access.of_blobs,
        "azure-storage-blob",
    ),
    Record(
        "The storage account is closed to this network",
        r"AuthorizationFailure.{0,120}|This request is not authorized to perform this operation\.",
        "The storage account's firewall does not let the caller in. Runs and metrics go through the workspace, "
        "artifacts straight to storage: so that metrics are logged, and artifacts fail.",
        "azmlflow doctor    (then let this address in, or call from a network with a private endpoint)",
        "https://learn.microsoft.com/azure/storage/common/storage-network-security",
        "This request is not authorized to perform this operation. ErrorCode:AuthorizationFailure",
        closed("storage"),
    ),
    Record(
        "An artifact is there already",
        r"BlobAlreadyExists|The specified blob already exists",
        "Azure Machine Learning does not overwrite an artifact of a run: the client asks that it be new.",
        "log it under another name, or in a new run",
        _CODES,
        "ResourceExistsError: The specified blob already exists. ErrorCode:BlobAlreadyExists",
        seen="azure-storage-blob, azureml-mlflow",
    ),
    Record(
        "A signature or key is not valid",
        r"ErrorCode:AuthenticationFailed|Server failed to authenticate the request|Signature (?:did not|not valid)",
        "The key was renewed, the signed address (SAS) has ended, or this machine's clock is wrong.",
        "type the command again: clients get a new signature; of a datastore of your own, give it the new key",
        _CODES,
        "ClientAuthenticationError: Server failed to authenticate the request. Make sure the value of Authorization "
        "header is formed correctly including the signature. ErrorCode:AuthenticationFailed",
        of_check("clock"),
        "azure-storage-blob",
    ),
    Record(
        "Public containers are not allowed",
        r"PublicAccessNotPermitted|Public access is not permitted on this storage account",
        "The storage account lets nobody in without a sign-in, and a container was asked for that does.",
        "leave the container private, and give out signed addresses (SAS)",
        "https://learn.microsoft.com/azure/storage/blobs/anonymous-read-access-prevent",
        "Public access is not permitted on this storage account. ErrorCode:PublicAccessNotPermitted",
        seen="azure-storage-blob",
    ),
    Record(
        "There is no such storage account",
        r"no such storage account|\b[\w-]{3,24}\.blob\.core\.windows\.net.{0,160}(?:No such host|does not exist)",
        "The storage account was deleted, or the address names another.",
        "azmlflow doctor    (then azmlflow up, which makes again what was deleted elsewhere)",
        _CODES,
        "ResourceNotFoundError: The specified resource does not exist: no such storage account.",
        of_check("standing"),
        "azure-storage-blob",
    ),
)
