"""What a workspace and its parts are made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class MlflowWorkspaceArgs:
    """What an `MlflowWorkspace` is made of. The names are plain: ids are derived from them before anything exists."""

    tenant_id: str
    """Directory whose principals the key vault trusts."""
    location: str
    """Azure region of everything."""
    resource_group: str
    """Name of the resource group."""
    workspace: str
    """Name of the workspace."""
    storage_account: str
    """Name of the storage account that keeps the artifacts; unique in all of Azure."""
    key_vault: str
    """Name of the key vault; unique in all of Azure."""
    log_analytics: str
    """Name of the Log Analytics workspace behind Application Insights."""
    application_insights: str
    """Name of the Application Insights component."""
    tags: dict[str, str] | None = None
    """Tags on everything."""
    group_tags: dict[str, str] | None = None
    """Further tags on the resource group alone."""
    container_registry: str | None = None
    """Name of the container registry for the images of environments, unique in all of Azure; none is made without."""
    identity_type: str | None = "SystemAssigned"
    """As whom the workspace works: SystemAssigned, UserAssigned, or SystemAssigned,UserAssigned."""
    identity: str | None = None
    """Name of the user-assigned identity to make, for a type that has one."""
    identity_id: str | None = None
    """ARM id of the user-assigned identity that stands and is used instead."""
    grant_roles: bool | None = True
    """Give the user-assigned identity the roles that it needs on what the workspace stands on."""
    purge_protection: bool | None = False
    """Protect the key vault from purging, for good."""
    protect: bool | None = False
    """Have Pulumi refuse to delete the group and what holds data in it."""
    storage_auth: str | None = "key"
    """How datastores are opened: `key` (the account's), or `identity` (the caller's; the account takes no keys)."""
    closed: bool | None = False
    """Close workspace, storage account, key vault and registry to the internet, all alike."""
    isolation: str | None = None
    """Whom computes reach in a network that Azure keeps for the workspace: AllowInternetOutbound or
    AllowOnlyApprovedOutbound; no such network without. It cannot be taken away again."""
    image_build_compute: str | None = None
    """Name of the compute that builds images, where the registry is closed."""
