"""Azure's built-in roles that this project grants, compares with, or whose holders it meets: a table.

Names, GUIDs and permissions as Azure publishes them, from github.com/iann0036/iam-dataset,
azure/built-in-roles-raw.json at commit 2073fa52ac00 (2026-08-22). The GUIDs are the same in every tenant.
"""

from __future__ import annotations

from dataclasses import dataclass

from azmlflow.rbac import scopes
from azmlflow.rbac.patterns import PermissionBlock
from azmlflow.rbac.records import RoleDefinition


@dataclass(frozen=True)
class BuiltInRole:
    """A role of Azure's own.

    Attributes:
        name: its name.
        id: its GUID.
        description: what Azure says of it.
        permissions: its permission blocks.
    """

    name: str
    id: str
    description: str
    permissions: tuple[PermissionBlock, ...]

    def definition_id(self, subscription: str) -> str:
        """The role's full id as ARM gives it within a subscription."""
        scope = scopes.subscription_id(subscription)
        return scopes.extension_id(scope, "Microsoft.Authorization/roleDefinitions", self.id)

    def definition(self) -> RoleDefinition:
        """The role as the evaluator takes it."""
        return RoleDefinition(self.id, self.name, self.permissions)


BUILT_IN_ROLES: tuple[BuiltInRole, ...] = (
    BuiltInRole(
        "Owner",
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
        "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.",
        (PermissionBlock(actions=("*",)),),
    ),
    BuiltInRole(
        "Contributor",
        "b24988ac-6180-42a0-ab88-20f7382dd24c",
        "Grants full access to manage all resources, but does not allow you to assign roles in Azure "
        "RBAC, manage assignments in Azure Blueprints, or share image galleries.",
        (
            PermissionBlock(
                actions=("*",),
                not_actions=(
                    "Microsoft.Authorization/*/Delete",
                    "Microsoft.Authorization/*/Write",
                    "Microsoft.Authorization/elevateAccess/Action",
                    "Microsoft.Blueprint/blueprintAssignments/write",
                    "Microsoft.Blueprint/blueprintAssignments/delete",
                    "Microsoft.Compute/galleries/share/action",
                    "Microsoft.Purview/consents/write",
                    "Microsoft.Purview/consents/delete",
                    "Microsoft.Resources/deploymentStacks/manageDenySetting/action",
                    "Microsoft.Subscription/cancel/action",
                    "Microsoft.Subscription/enable/action",
                ),
            ),
        ),
    ),
    BuiltInRole(
        "Reader",
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",
        "View all resources, but does not allow you to make any changes.",
        (PermissionBlock(actions=("*/read",)),),
    ),
    BuiltInRole(
        "User Access Administrator",
        "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
        "Lets you manage user access to Azure resources.",
        (
            PermissionBlock(
                actions=(
                    "*/read",
                    "Microsoft.Authorization/*",
                    "Microsoft.Support/*",
                )
            ),
        ),
    ),
    BuiltInRole(
        "Role Based Access Control Administrator",
        "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
        "Manage access to Azure resources by assigning roles using Azure RBAC. This role does not allow "
        "you to manage access using other ways, such as Azure Policy.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Authorization/roleAssignments/write",
                    "Microsoft.Authorization/roleAssignments/delete",
                    "*/read",
                    "Microsoft.Support/*",
                )
            ),
        ),
    ),
    BuiltInRole(
        "AzureML Data Scientist",
        "f6c7c914-8db3-469d-8ca1-694a8f32e121",
        "Can perform all actions within an Azure Machine Learning workspace, except for creating or "
        "deleting compute resources and modifying the workspace itself.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.MachineLearningServices/workspaces/*/read",
                    "Microsoft.MachineLearningServices/workspaces/*/action",
                    "Microsoft.MachineLearningServices/workspaces/*/delete",
                    "Microsoft.MachineLearningServices/workspaces/*/write",
                ),
                not_actions=(
                    "Microsoft.MachineLearningServices/workspaces/delete",
                    "Microsoft.MachineLearningServices/workspaces/write",
                    "Microsoft.MachineLearningServices/workspaces/computes/*/write",
                    "Microsoft.MachineLearningServices/workspaces/computes/*/delete",
                    "Microsoft.MachineLearningServices/workspaces/computes/listKeys/action",
                    "Microsoft.MachineLearningServices/workspaces/listKeys/action",
                    "Microsoft.MachineLearningServices/workspaces/hubs/write",
                    "Microsoft.MachineLearningServices/workspaces/hubs/delete",
                    "Microsoft.MachineLearningServices/workspaces/featurestores/write",
                    "Microsoft.MachineLearningServices/workspaces/featurestores/delete",
                ),
            ),
        ),
    ),
    BuiltInRole(
        "AzureML Compute Operator",
        "e503ece1-11d0-4e8e-8e2c-7a6c3bf38815",
        "Can access and perform CRUD operations on Machine Learning Services managed compute resources "
        "(including Notebook VMs).",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.MachineLearningServices/workspaces/computes/*",
                    "Microsoft.MachineLearningServices/workspaces/notebooks/vm/*",
                )
            ),
        ),
    ),
    BuiltInRole(
        "AzureML Metrics Writer (preview)",
        "635dd51f-9968-44d3-b7fb-6d9a6bd613ae",
        "Lets you write metrics to AzureML workspace",
        (PermissionBlock(actions=("Microsoft.MachineLearningServices/workspaces/metrics/*/write",)),),
    ),
    BuiltInRole(
        "Storage Blob Data Reader",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "Allows for read access to Azure Storage blob containers and data",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ),
                data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",),
            ),
        ),
    ),
    BuiltInRole(
        "Storage Blob Data Contributor",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "Allows for read, write and delete access to Azure Storage blob containers and data",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Storage/storageAccounts/blobServices/containers/delete",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/read",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/write",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ),
                data_actions=(
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action",
                    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action",
                ),
            ),
        ),
    ),
    BuiltInRole(
        "Storage Blob Data Owner",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
        "Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Storage/storageAccounts/blobServices/containers/*",
                    "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
                ),
                data_actions=("Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*",),
            ),
        ),
    ),
    BuiltInRole(
        "Storage File Data Privileged Reader",
        "b8eda974-7b85-4f76-af95-65846b26df6d",
        "Customer has read access on Azure Storage file shares.",
        (
            PermissionBlock(
                data_actions=(
                    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read",
                    "Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action",
                )
            ),
        ),
    ),
    BuiltInRole(
        "Storage File Data Privileged Contributor",
        "69566ab7-960f-475b-8e7c-b3118f30c6bd",
        "Customer has read, write, delete and modify NTFS permission access on Azure Storage file shares.",
        (
            PermissionBlock(
                data_actions=(
                    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/read",
                    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/write",
                    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/delete",
                    "Microsoft.Storage/storageAccounts/fileServices/fileshares/files/modifypermissions/action",
                    "Microsoft.Storage/storageAccounts/fileServices/readFileBackupSemantics/action",
                    "Microsoft.Storage/storageAccounts/fileServices/writeFileBackupSemantics/action",
                )
            ),
        ),
    ),
    BuiltInRole(
        "AcrPull",
        "7f951dda-4ed3-4680-a7ca-43fe172d538d",
        "acr pull",
        (PermissionBlock(actions=("Microsoft.ContainerRegistry/registries/pull/read",)),),
    ),
    BuiltInRole(
        "AcrPush",
        "8311e382-0749-4cb8-b61a-304f252e45ec",
        "acr push",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.ContainerRegistry/registries/pull/read",
                    "Microsoft.ContainerRegistry/registries/push/write",
                )
            ),
        ),
    ),
    BuiltInRole(
        "Key Vault Reader",
        "21090545-7ca7-4776-b22c-e363652d74d2",
        "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read sensitive "
        "values such as secret contents or key material. Only works for key vaults that use the 'Azure "
        "role-based access control' permission model.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Insights/alertRules/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                    "Microsoft.Support/*",
                    "Microsoft.KeyVault/checkNameAvailability/read",
                    "Microsoft.KeyVault/deletedVaults/read",
                    "Microsoft.KeyVault/locations/*/read",
                    "Microsoft.KeyVault/vaults/*/read",
                    "Microsoft.KeyVault/operations/read",
                ),
                data_actions=(
                    "Microsoft.KeyVault/vaults/*/read",
                    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
                ),
            ),
        ),
    ),
    BuiltInRole(
        "Key Vault Secrets User",
        "4633458b-17de-408a-b874-0445c86b69e6",
        "Read secret contents. Only works for key vaults that use the 'Azure role-based access control' "
        "permission model.",
        (
            PermissionBlock(
                data_actions=(
                    "Microsoft.KeyVault/vaults/secrets/getSecret/action",
                    "Microsoft.KeyVault/vaults/secrets/readMetadata/action",
                )
            ),
        ),
    ),
    BuiltInRole(
        "Key Vault Secrets Officer",
        "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",
        "Perform any action on the secrets of a key vault, except manage permissions. Only works for key"
        " vaults that use the 'Azure role-based access control' permission model.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Insights/alertRules/*",
                    "Microsoft.Resources/deployments/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                    "Microsoft.Support/*",
                    "Microsoft.KeyVault/checkNameAvailability/read",
                    "Microsoft.KeyVault/deletedVaults/read",
                    "Microsoft.KeyVault/locations/*/read",
                    "Microsoft.KeyVault/vaults/*/read",
                    "Microsoft.KeyVault/operations/read",
                ),
                data_actions=("Microsoft.KeyVault/vaults/secrets/*",),
            ),
        ),
    ),
    BuiltInRole(
        "Key Vault Administrator",
        "00482a5a-887f-4fb3-b363-3b7fe8e74483",
        "Perform all data plane operations on a key vault and all objects in it, including certificates,"
        " keys, and secrets. Cannot manage key vault resources or manage role assignments. Only works "
        "for key vaults that use the 'Azure role-based access control' permission model.",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Insights/alertRules/*",
                    "Microsoft.Resources/deployments/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                    "Microsoft.Support/*",
                    "Microsoft.KeyVault/checkNameAvailability/read",
                    "Microsoft.KeyVault/deletedVaults/read",
                    "Microsoft.KeyVault/locations/*/read",
                    "Microsoft.KeyVault/vaults/*/read",
                    "Microsoft.KeyVault/operations/read",
                ),
                data_actions=("Microsoft.KeyVault/vaults/*",),
            ),
        ),
    ),
    BuiltInRole(
        "Managed Identity Operator",
        "f1a07417-d97a-45cb-824c-7a7467783830",
        "Read and Assign User Assigned Identity",
        (
            PermissionBlock(
                actions=(
                    "Microsoft.ManagedIdentity/userAssignedIdentities/*/read",
                    "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
                    "Microsoft.Authorization/*/read",
                    "Microsoft.Insights/alertRules/*",
                    "Microsoft.Resources/subscriptions/resourceGroups/read",
                    "Microsoft.Resources/deployments/*",
                    "Microsoft.Support/*",
                )
            ),
        ),
    ),
)
