"""Which storage account may be the default one of a workspace.

Sources: Microsoft, "Workspaces" (REST 2025-12-01), "What is an Azure Machine Learning workspace?"; the code
`KeyBasedAuthenticationNotPermitted` is the storage account's own ("Prevent Shared Key authorization"). Inferred: the
words of the first two, and that the mode of the datastores is checked against the account.
"""

from __future__ import annotations

from azmlflow.localazure.core.errors import bad_request
from azmlflow.localazure.resources.ask import Ask
from azmlflow.localazure.resources.find import resource


def check(ask: Ask, mode: str) -> None:
    """Refuse an account, which stands, that a workspace cannot use.

    Args:
        ask: the request for the workspace.
        mode: how its datastores are opened.

    Raises:
        AzureError: 400.
    """
    account = resource(ask.cloud, str(ask.properties["storageAccount"]))
    assert account is not None, "it was found above"
    if account["properties"]["isHnsEnabled"]:
        raise bad_request(
            "BadRequest",
            f"The storage account '{account['name']}' has hierarchical namespace enabled, which is not supported for "
            "the default storage account of a workspace.",
            target="storageAccount",
        )
    if account["sku"]["tier"] == "Premium" or account["kind"] in ("BlobStorage", "FileStorage", "BlockBlobStorage"):
        raise bad_request(
            "BadRequest",
            f"The storage account '{account['name']}' of kind '{account['kind']}' and sku '{account['sku']['name']}' "
            "is not supported as the default storage account of a workspace: use StorageV2, not Premium.",
            target="storageAccount",
        )
    if mode.lower() == "accesskey" and account["properties"].get("allowSharedKeyAccess") is False:
        raise bad_request(
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
            target="systemDatastoresAuthMode",
        )
