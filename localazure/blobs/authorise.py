"""Who may touch a blob: whoever holds a URL signed for it, or a signed-in principal with the right data role.

Artifacts travel by signed URLs. With a token (audience `https://storage.azure.com`) Azure's RBAC decides, on *data*
actions: that is what the Storage Blob Data roles of an identity-based workspace are for (Microsoft, "Authorize access
to blobs using Microsoft Entra ID"; the action of each operation: "Permissions for blob service operations").
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from azmlflow.localazure import tokens
from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.errors import AzureError, unauthenticated

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"


@dataclass(frozen=True)
class Permission:
    """What an operation needs.

    Attributes:
        letter: one that the signed URL must hold.
        action: the action, of Azure's RBAC, that a signed-in principal needs.
        data: whether that is a data action.
    """

    letter: str
    action: str
    data: bool = True


READ = Permission("r", f"{_CONTAINERS}/blobs/read")
WRITE = Permission("w", f"{_CONTAINERS}/blobs/write")
DELETE = Permission("d", f"{_CONTAINERS}/blobs/delete")
LIST = Permission("l", f"{_CONTAINERS}/blobs/read")
READ_CONTAINER = Permission("r", f"{_CONTAINERS}/read", data=False)


def authorise(cloud: Cloud, request: Request, permission: Permission, account_id: str, path: str) -> None:
    """Let a request pass.

    Args:
        cloud: the embedded Azure.
        request: the request.
        permission: what its operation needs.
        account_id: ARM id of the storage account.
        path: `/<account>/<container>` or `/<account>/<container>/<blob>`, decoded.

    Raises:
        AzureError: 401 for a bad token, 403 for a bad signature, 403 `AuthorizationPermissionMismatch` for a good one
            or a principal without that permission.
    """
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        cloud.tokens.check_url(path, request.url.query, permission.letter)
        return
    account, container = path.split("/")[1:3]
    own = f"https://{account}.blob.core.windows.net"
    claims = cloud.tokens.verify(credential.strip(), (*tokens.STORAGE.audiences, own))
    principal = cloud.directory.get(claims["oid"])
    if principal is None:
        raise unauthenticated("The principal of the access token is not in the tenant.")
    scope = f"{account_id}/blobServices/default/containers/{container}"
    if not cloud.enforcer.decide(principal.object_id, permission.action, scope, data=permission.data).allowed:
        raise AzureError(
            403,
            "AuthorizationPermissionMismatch",
            f"This request is not authorized to perform this operation using this permission: '{principal.name}' does "
            f"not have '{permission.action}' over '{scope}'.",
        )
