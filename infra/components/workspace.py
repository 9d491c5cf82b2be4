"""`MlflowWorkspace`: a resource group, and in it an Azure Machine Learning workspace with all that it needs.

The rule: secure by default, with nothing left to Azure's own choice. Azure would otherwise make a second, managed
group for Application Insights' data, allow public blobs, and give the vault access policies instead of RBAC.

Everything in the group is `deleted_with` it, so that `pulumi destroy` is one deletion: a workspace deleted by itself is
only soft-deleted, and the provider cannot ask for a purge.
"""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import applicationinsights, keyvault, machinelearningservices, operationalinsights, resources
from pulumi_azure_native import storage as azure_storage

from azmlflow.infra.components.arguments import given
from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.outputs import NAMES


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
    purge_protection: bool | None = False
    """Protect the key vault from purging, for good."""
    protect: bool | None = False
    """Have Pulumi refuse to delete the group and what holds data in it."""
    storage_auth: str | None = "key"
    """How datastores are opened: `key` (the account's), or `identity` (the caller's)."""


class MlflowWorkspace(pulumi.ComponentResource):
    """An Azure Machine Learning workspace for MLflow in a resource group of its own, secure by default."""

    resource_group: pulumi.Output[str]
    """Name of the resource group."""
    workspace_name: pulumi.Output[str]
    """Name of the workspace."""
    workspace_id: pulumi.Output[str]
    """ARM id of the workspace."""
    tracking_uri: pulumi.Output[str]
    """What `mlflow.set_tracking_uri` takes."""
    studio_url: pulumi.Output[str]
    """The workspace in Azure Machine Learning studio."""
    storage_account: pulumi.Output[str]
    """Name of the storage account."""

    def __init__(self, name: str, args: MlflowWorkspaceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the workspace.

        Args:
            name: logical name, which the children's names begin with.
            args: what it is made of.
            opts: Pulumi's options.
        """
        super().__init__(identifiers.WORKSPACE, name, None, opts)
        args = given(MlflowWorkspaceArgs, args)
        group = resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args.resource_group,
            location=args.location,
            tags={**(args.tags or {}), **(args.group_tags or {})} or None,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        within = pulumi.ResourceOptions(parent=self, deleted_with=group, protect=args.protect)
        account = _storage(name, args, group, within)
        vault = _vault(name, args, group, within)
        logs = _logs(name, args, group, within)
        insights = _insights(name, args, group, logs, within)
        registry = _registry(name, args, group, within) if args.container_registry else None
        workspace = machinelearningservices.Workspace(
            f"{name}-workspace",
            workspace_name=args.workspace,
            resource_group_name=group.name,
            location=args.location,
            friendly_name=args.workspace,
            kind="Default",
            sku=machinelearningservices.SkuArgs(name="Basic", tier=machinelearningservices.SkuTier.BASIC),
            identity=machinelearningservices.ManagedServiceIdentityArgs(type="SystemAssigned"),
            storage_account=account.id,
            key_vault=vault.id,
            application_insights=insights.id,
            container_registry=registry.id if registry else None,
            public_network_access="Enabled",
            # With keys artifacts travel by signed URLs, and no user needs a role on the storage account; with the
            # caller's identity users do, and `Access` gives the roles.
            system_datastores_auth_mode="Identity" if args.storage_auth == "identity" else "AccessKey",
            # True would shut out the second generation of clients (azure-ai-ml).
            v1_legacy_mode=False,
            tags=args.tags,
            opts=within,
        )
        self.group = group
        self.workspace = workspace
        self.account, self.vault, self.logs, self.registry = account, vault, logs, registry
        self.resource_group = group.name
        self.workspace_name = workspace.name
        self.workspace_id = workspace.id
        self.tracking_uri = workspace.ml_flow_tracking_uri
        self.studio_url = pulumi.Output.concat("https://ml.azure.com/?wsid=", workspace.id, "&tid=", args.tenant_id)
        self.storage_account = account.name
        self.register_outputs({NAMES[field]: value for field, value in self.told().items()})

    def told(self) -> dict[str, pulumi.Output[str]]:
        """Its outputs by the fields' names, which are also those of `StackOutputs`."""
        return {field: getattr(self, field) for field in MlflowWorkspace.__annotations__}


def _storage(
    name: str, args: MlflowWorkspaceArgs, group: resources.ResourceGroup, opts: pulumi.ResourceOptions
) -> azure_storage.StorageAccount:
    """The account for artifacts. Azure ML refuses a hierarchical namespace and premium kinds as a workspace's default;
    the account keys stay enabled because the workspace signs its URLs with them.

    Who closes its firewall is not this program. But azure-native puts the default, open to all, back at every update of
    an account whose program names no network rules, were it for a tag (pulumi-azure-native, provider.go,
    restoreDefaultInputsForRemovedProperties). With changes of them ignored the engine sends what the state has as its
    input: after `azmlflow up` has looked (`cli/mending/firewalls.py`), or a `pulumi refresh`, what somebody else set. A
    `pulumi up` alone does not look, and opens what was closed since."""
    return azure_storage.StorageAccount(
        f"{name}-storage",
        account_name=args.storage_account,
        resource_group_name=group.name,
        location=args.location,
        kind=azure_storage.Kind.STORAGE_V2,
        sku=azure_storage.SkuArgs(name=azure_storage.SkuName.STANDARD_LRS),
        minimum_tls_version=azure_storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(ignore_changes=["networkRuleSet", "publicNetworkAccess"])
        ),
    )


def _vault(
    name: str, args: MlflowWorkspaceArgs, group: resources.ResourceGroup, opts: pulumi.ResourceOptions
) -> keyvault.Vault:
    """The vault for the workspace's secrets, under RBAC. Purge protection is sent only when it is wanted: Azure
    refuses `false`, since it can never be switched off."""
    return keyvault.Vault(
        f"{name}-vault",
        vault_name=args.key_vault,
        resource_group_name=group.name,
        location=args.location,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=args.tenant_id,
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=90,
            enable_purge_protection=True if args.purge_protection else None,
        ),
        tags=args.tags,
        opts=opts,
    )


def _registry(
    name: str, args: MlflowWorkspaceArgs, group: resources.ResourceGroup, opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """The registry for images. Azure would make one by itself at the first image, untagged and with its admin user on
    (Microsoft, "What is an Azure Machine Learning workspace?", "Associated resources")."""
    from pulumi_azure_native import containerregistry  # few have one, and everybody would wait for its import

    return containerregistry.Registry(
        f"{name}-registry",
        registry_name=args.container_registry,
        resource_group_name=group.name,
        location=args.location,
        sku=containerregistry.SkuArgs(name=containerregistry.SkuName.BASIC),
        admin_user_enabled=False,
        tags=args.tags,
        opts=opts,
    )


def _logs(
    name: str, args: MlflowWorkspaceArgs, group: resources.ResourceGroup, opts: pulumi.ResourceOptions
) -> operationalinsights.Workspace:
    """The Log Analytics workspace that keeps what Application Insights and diagnostic settings send."""
    return operationalinsights.Workspace(
        f"{name}-logs",
        workspace_name=args.log_analytics,
        resource_group_name=group.name,
        location=args.location,
        sku=operationalinsights.WorkspaceSkuArgs(name=operationalinsights.WorkspaceSkuNameEnum.PER_GB2018),
        retention_in_days=30,
        tags=args.tags,
        opts=opts,
    )


def _insights(
    name: str,
    args: MlflowWorkspaceArgs,
    group: resources.ResourceGroup,
    logs: operationalinsights.Workspace,
    opts: pulumi.ResourceOptions,
) -> applicationinsights.Component:
    """Application Insights over the Log Analytics workspace. Its connection string and instrumentation key let anyone
    write telemetry, and the provider doesn't mark them secret."""
    return applicationinsights.Component(
        f"{name}-insights",
        resource_name_=args.application_insights,
        resource_group_name=group.name,
        location=args.location,
        kind="web",
        application_type=applicationinsights.ApplicationType.WEB,
        ingestion_mode=applicationinsights.IngestionMode.LOG_ANALYTICS,
        workspace_resource_id=logs.id,
        tags=args.tags,
        opts=pulumi.ResourceOptions.merge(
            opts, pulumi.ResourceOptions(additional_secret_outputs=["connection_string", "instrumentation_key"])
        ),
    )
