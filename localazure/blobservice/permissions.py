"""What each operation of the Blob service needs of a signature, and of a signed-in principal.

Microsoft, "Permissions for blob service operations"; "Create a service SAS", "Create an account SAS".
"""

from __future__ import annotations

from dataclasses import dataclass

_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"


@dataclass(frozen=True)
class Permission:
    """What an operation needs.

    Attributes:
        letters: any one of these a signature must hold; none: every signature will do.
        action: the action, of Azure's RBAC, that a signed-in principal needs.
        data: whether that is a data action.
        level: what it is on, as account signatures have it: `s` the service, `c` a container, `o` an object.
        by_service_sas: whether a signature for one container or blob can permit it at all.
    """

    letters: str
    action: str
    data: bool = True
    level: str = "o"
    by_service_sas: bool = True


READ = Permission("r", f"{_CONTAINERS}/blobs/read")
WRITE = Permission("w", f"{_CONTAINERS}/blobs/write")
CREATE = Permission("cw", f"{_CONTAINERS}/blobs/write")
DELETE = Permission("d", f"{_CONTAINERS}/blobs/delete")
LIST = Permission("l", f"{_CONTAINERS}/blobs/read", level="c")
READ_CONTAINER = Permission("r", f"{_CONTAINERS}/read", data=False, level="c", by_service_sas=False)
WRITE_CONTAINER = Permission("w", f"{_CONTAINERS}/write", data=False, level="c", by_service_sas=False)
CREATE_CONTAINER = Permission("cw", f"{_CONTAINERS}/write", data=False, level="c", by_service_sas=False)
DELETE_CONTAINER = Permission("d", f"{_CONTAINERS}/delete", data=False, level="c", by_service_sas=False)
LIST_CONTAINERS = Permission("l", f"{_CONTAINERS}/read", data=False, level="s", by_service_sas=False)
_SERVICE = "Microsoft.Storage/storageAccounts/blobServices"
READ_SERVICE = Permission("", f"{_SERVICE}/getInfo/action", data=False, level="s")
DELEGATE = Permission("", f"{_SERVICE}/generateUserDelegationKey/action", data=False, level="s", by_service_sas=False)
