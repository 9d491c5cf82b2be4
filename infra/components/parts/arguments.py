"""What a workspace and its parts are made of."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import pulumi
from pulumi_azure_native import authorization
from pydantic.alias_generators import to_snake

from azmlflow.infra.plan import naming

# Those that every workspace has, as `naming.Names` calls them, each with the argument that makes it needless.
_NAMES = {
    "resource_group": "",
    "workspace": "",
    "storage_account": "storage_account_id",
    "key_vault": "key_vault_id",
    "log_analytics": "application_insights_id",
    "application_insights": "application_insights_id",
}
_PARTS = frozenset(("workspace", "storage", "vault", "logs", "insights", "registry"))


@dataclass(frozen=True)
class MlflowWorkspaceArgs:
    """What an `MlflowWorkspace` is made of. Names that are left out are made from prefix, stack and salt."""

    location: pulumi.Input[str]
    """Azure region of everything."""
    tenant_id: pulumi.Input[str] | None = None
    """Directory whose principals the key vault trusts; the one that the client is signed in to by default."""
    resource_group: pulumi.Input[str] | None = None
    """Name of the resource group."""
    resource_group_id: str | None = None
    """ARM id of a resource group that stands and is used instead; `resource_group` is its name."""
    workspace: pulumi.Input[str] | None = None
    """Name of the workspace."""
    storage_account: pulumi.Input[str] | None = None
    """Name of the storage account that keeps the artifacts; unique in all of Azure."""
    storage_account_id: str | None = None
    """ARM id of a storage account that stands and is used instead."""
    key_vault: pulumi.Input[str] | None = None
    """Name of the key vault; unique in all of Azure."""
    key_vault_id: str | None = None
    """ARM id of a key vault that stands and is used instead."""
    log_analytics: pulumi.Input[str] | None = None
    """Name of the Log Analytics workspace behind Application Insights; beside insights that stand, made if named."""
    application_insights: pulumi.Input[str] | None = None
    """Name of the Application Insights component."""
    application_insights_id: str | None = None
    """ARM id of an Application Insights component that stands and is used instead."""
    prefix: str | None = None
    """What the names that are left out begin with; `mlflow` by default."""
    salt: str | None = None
    """Another salt gives another set of names, for when Azure has one taken."""
    tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Tags on everything."""
    group_tags: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None
    """Further tags on the resource group alone."""
    container_registry: pulumi.Input[str] | None = None
    """Name of the container registry for the images of environments, unique in all of Azure; none is made without."""
    container_registry_id: str | None = None
    """ARM id of a container registry that stands and is used instead."""
    identity_type: str | None = "SystemAssigned"
    """As whom the workspace works: SystemAssigned, UserAssigned, or SystemAssigned,UserAssigned."""
    identity: str | None = None
    """Name of the user-assigned identity to make, for a type that has one."""
    identity_id: str | None = None
    """ARM id of the user-assigned identity that stands and is used instead."""
    grant_roles: bool | None = True
    """Give the user-assigned identity the roles that it needs on what the workspace stands on."""
    grant_on_given: bool | None = True
    """Give it those on what is given by id as well; false where its owners have given them."""
    encryption_key: str | None = None
    """Name of the key by which the workspace is encrypted, as its user-assigned identity; Microsoft's without. It is
    made in the stack's key vault, which then needs purge protection."""
    encryption_vault_id: str | None = None
    """ARM id of the key vault in which that key stands instead; it needs purge protection and Azure RBAC."""
    service_side_encryption: bool | None = False
    """Have Azure keep the encrypted data on its side (a preview), not in a further resource group."""
    purge_protection: bool | None = False
    """Protect the key vault from purging, for good."""
    protect: bool | None = False
    """Have Pulumi refuse to delete the group and what holds data in it."""
    storage_auth: str | None = "key"
    """How datastores are opened: `key` (the account's), or `identity` (the caller's; the account takes no keys)."""
    closed: bool | None = False
    """Close workspace, storage account, key vault and registry to the internet, all alike."""
    allowed_ips: Sequence[str] | None = None
    """Internet addresses and ranges that storage account, key vault and registry answer all the same. The workspace
    does not: only previews of Azure's API can open it to some, once it stands (Microsoft, "Configure a private endpoint
    for an Azure Machine Learning workspace")."""
    isolation: str | None = None
    """Whom computes reach in a network that Azure keeps for the workspace: AllowInternetOutbound or
    AllowOnlyApprovedOutbound; no such network without. It cannot be taken away again."""
    image_build_compute: pulumi.Input[str] | None = None
    """Name of the compute that builds images, where the registry is closed."""

    more: Mapping[str, Mapping[str, Any]] | None = None
    """Further properties of its parts (workspace, storage, vault, logs, insights, registry), by their names in
    azure-native: `{"logs": {"retentionInDays": 90}}`."""

    def of(self, part: str) -> dict[str, Any]:
        """The further properties of a part, as arguments of azure-native's class."""
        return {to_snake(name): value for name, value in (self.more or {}).get(part, {}).items()}

    def directory(self) -> pulumi.Input[str]:
        """The directory of arguments that are completed.

        Raises:
            ValueError: they are not.
        """
        if self.tenant_id is None:
            raise ValueError("the arguments are not completed: they name no directory")
        return self.tenant_id


def completed(args: MlflowWorkspaceArgs, parent: pulumi.Resource) -> MlflowWorkspaceArgs:
    """The arguments with what was left out: names, and the directory. Whom the client is, is asked for these alone.

    Raises:
        ValueError: the prefix is none that names can begin with; or there are further properties of no part.
    """
    if unknown := set(args.more or {}) - _PARTS:
        raise ValueError(f"no part of a workspace is called {', '.join(sorted(unknown))}: {', '.join(sorted(_PARTS))}")
    lacking = [name for name, other in _NAMES.items() if getattr(args, name) is None and not getattr(args, other, None)]
    if not lacking and args.tenant_id is not None:
        return args
    client = authorization.get_client_config_output(pulumi.InvokeOptions(parent=parent))
    prefix, salt, stack = args.prefix or "mlflow", args.salt or "", pulumi.get_stack()
    names = client.apply(lambda found: naming.generate(prefix, stack, salt, found.subscription_id))
    made: dict[str, Any] = {name: names.apply(attrgetter(name)) for name in lacking}
    return dataclasses.replace(args, **made, tenant_id=client.tenant_id if args.tenant_id is None else args.tenant_id)


def joined(
    one: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None,
    other: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None,
) -> pulumi.Input[Mapping[str, pulumi.Input[str]]] | None:
    """Tags of both; None where there are none."""
    if isinstance(one, Mapping | None) and isinstance(other, Mapping | None):
        return {**(one or {}), **(other or {})} or None
    return pulumi.Output.all(one, other).apply(_both)


def _both(given: list[Mapping[str, str] | None]) -> Mapping[str, str]:
    return {name: value for each in given for name, value in (each or {}).items()}
