"""The roles that a workspace's user-assigned identity needs. To its system-assigned one Azure gives them. Pure.

Source: Microsoft, "Set up service authentication between Azure Machine Learning and other services",
"User-assigned managed identity"; "Azure built-in roles" (who may read a key, wrap and unwrap with it); "Workspace
managed virtual network isolation", "Required roles" (who approves the private endpoints that Azure makes).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from azmlflow.infra.plan.guardrails import REGISTRY

# By the ends of the parts' logical names; the workspace's own comes last, when there is one.
_ROLES = {
    "storage": ("Contributor", "Storage Blob Data Contributor"),
    "vault": ("Contributor", "Key Vault Administrator"),
    "insights": ("Contributor",),
    "key": ("Key Vault Crypto Service Encryption User",),
    REGISTRY: ("Contributor",),
    "workspace": ("Contributor",),
}
_APPROVED = ("storage", "vault", REGISTRY)
_APPROVER = "Azure AI Enterprise Network Connection Approver"
_BY_IDENTITY = "Storage File Data Privileged Contributor"

# What a workspace is not made without, of each part by its setting: (action, whether it is on data).
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
NEEDED_RIGHTS: Mapping[str, tuple[tuple[str, bool], ...]] = {
    "storage": (("Microsoft.Storage/storageAccounts/read", False), (f"{_BLOBS}/write", True)),
    "vault": (("Microsoft.KeyVault/vaults/read", False), ("Microsoft.KeyVault/vaults/secrets/setSecret/action", True)),
    "insights": (("Microsoft.Insights/components/read", False),),
    "registry": (("Microsoft.ContainerRegistry/registries/read", False),),
    "encryption.keyVault": (
        ("Microsoft.KeyVault/vaults/keys/wrap/action", True),
        ("Microsoft.KeyVault/vaults/keys/unwrap/action", True),
    ),
}


def needed(part: str, *, storage_by_identity: bool, managed_network: bool) -> Iterator[str]:
    """Names of the built-in roles on a part of a workspace.

    Args:
        part: the end of its logical name.
        storage_by_identity: whether datastores are opened without keys.
        managed_network: whether Azure makes private endpoints to the part.
    """
    yield from _ROLES[part]
    if part == "storage" and storage_by_identity:
        yield _BY_IDENTITY
    if part in _APPROVED and managed_network:
        yield _APPROVER
