"""`MlflowWorkspace`: a resource group, and in it an Azure Machine Learning workspace with all that it needs.

The rule: secure by default, with nothing left to Azure's own choice. Azure would otherwise make a second, managed
group for Application Insights' data, allow public blobs, and give the vault access policies instead of RBAC.

Everything in the group is `deleted_with` it, so that `pulumi destroy` is one deletion: a workspace deleted by itself is
only soft-deleted, and the provider cannot ask for a purge.
"""

import pulumi
from pulumi_azure_native import machinelearningservices, resources

from azmlflow.infra.components.arguments import given
from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs, completed, joined
from azmlflow.infra.components.parts.encryption import declare_key, encrypted
from azmlflow.infra.components.parts.identity import UserIdentity, declare_identity, declare_roles
from azmlflow.infra.components.parts.logs import declare_insights, declare_logs
from azmlflow.infra.components.parts.registry import declare_registry
from azmlflow.infra.components.parts.storage import declare_storage
from azmlflow.infra.components.parts.vault import declare_vault
from azmlflow.infra.components.parts.waiting import until_in_force
from azmlflow.infra.plan import identifiers
from azmlflow.infra.plan.outputs import NAMES
from azmlflow.resourcetypes.table import token_of, told_by_azure

_TYPE = "Microsoft.MachineLearningServices/workspaces"
# The same of its managed network; of a key, whose identity never changes, by which the client id is known; and of a key
# that Azure keeps to on its side, where no later version of it is taken.
_OF_NETWORK = [f"managedNetwork.{name}" for name in ("enableNetworkMonitor", "firewallSku", "managedNetworkKind")]
_OF_KEY = ["encryption.keyVaultProperties.identityClientId"]
_OF_KEY_SERVICE_SIDE = ["encryption.keyVaultProperties.keyIdentifier"]
# What no setting says, and Azure, or whoever made a workspace that was taken over, has filled in.
_FILLED_IN = [
    "allowPublicAccessWhenBehindVnet",
    "description",
    "discoveryUrl",
    "enableDataIsolation",
    "friendlyName",
    "hbiWorkspace",
]


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

        Raises:
            ValueError: the type of identity is a user-assigned one, and none is named; or it is not, and there is an
                encryption key.
        """
        super().__init__(identifiers.WORKSPACE, name, None, opts)
        args = completed(given(MlflowWorkspaceArgs, args), self)
        if args.identity_type not in (None, "SystemAssigned") and not (args.identity or args.identity_id):
            raise ValueError(f"MlflowWorkspace '{name}' of identity_type {args.identity_type} needs an identity")
        if args.encryption_key is not None and args.identity_type in (None, "SystemAssigned"):
            raise ValueError(f"MlflowWorkspace '{name}' with an encryption_key needs a user-assigned identity")
        group = None if args.resource_group_id else self._group(name, args)
        place = group.name if group else args.resource_group or ""
        beside = pulumi.ResourceOptions(parent=self, deleted_with=group)
        within = pulumi.ResourceOptions(parent=self, deleted_with=group, protect=args.protect)
        account = None if args.storage_account_id else declare_storage(name, args, place, within)
        vault = None if args.key_vault_id else declare_vault(name, args, place, within)
        logs = None if args.log_analytics is None else declare_logs(name, args, place, within)
        insights = None if args.application_insights_id else declare_insights(name, args, place, logs, within)
        registry = declare_registry(name, args, place, within) if args.container_registry is not None else None
        # Each part that there is, by the end of its logical name: one of ours, or the one that is given.
        ids = {
            "storage": _id(account, args.storage_account_id),
            "vault": _id(vault, args.key_vault_id),
            "insights": _id(insights, args.application_insights_id),
        }
        if registry or args.container_registry_id:
            ids["registry"] = _id(registry, args.container_registry_id)
        identity = declare_identity(name, args, place, within)
        key = declare_key(name, args, place, vault, beside)
        opened: list[pulumi.Resource] = []
        if identity is not None:
            made = {"storage": account, "vault": vault, "insights": insights, "registry": registry}
            ours = {part: id_ for part, id_ in ids.items() if made[part]}
            theirs = {part: id_ for part, id_ in ids.items() if not made[part]}
            if key is not None:
                (theirs if key.elsewhere else ours)["key"] = key.id
            # What is given does not go with the group, nor do roles on it.
            opened = declare_roles(name, args, identity, ours, place, opts=beside)
            opened += declare_roles(
                name,
                args,
                identity,
                {} if args.grant_on_given is False else theirs,
                place,
                opts=pulumi.ResourceOptions(parent=self, ignore_changes=["description"]),
            )
        workspace = machinelearningservices.Workspace(
            f"{name}-workspace",
            workspace_name=args.workspace,
            resource_group_name=place,
            location=args.location,
            friendly_name=args.workspace,
            kind="Default",
            sku=machinelearningservices.SkuArgs(name="Basic", tier=machinelearningservices.SkuTier.BASIC),
            identity=machinelearningservices.ManagedServiceIdentityArgs(
                type=args.identity_type or "SystemAssigned",
                user_assigned_identities=[identity.id] if identity else None,
            ),
            primary_user_assigned_identity=identity.id if identity else None,
            storage_account=ids["storage"],
            key_vault=ids["vault"],
            application_insights=ids["insights"],
            container_registry=ids.get("registry"),
            encryption=encrypted(key, identity) if key and identity else None,
            enable_service_side_cmk_encryption=True if key and args.service_side_encryption else None,
            public_network_access="Disabled" if args.closed else "Enabled",
            managed_network=_managed(args.isolation) if args.isolation else None,
            image_build_compute=args.image_build_compute,
            # With keys artifacts travel by signed URLs, and no user needs a role on the storage account; with the
            # caller's identity users do, and `Access` gives the roles.
            system_datastores_auth_mode="Identity" if args.storage_auth == "identity" else "AccessKey",
            # True would shut out the second generation of clients (azure-ai-ml).
            v1_legacy_mode=False,
            tags=args.tags,
            **args.of("workspace"),
            opts=pulumi.ResourceOptions.merge(within, _after(name, args, identity, opened)),
        )
        if identity is not None:
            declare_roles(name, args, identity, {"workspace": workspace.id}, place, opts=beside)
        self.group = group
        self.group_id = group.id if group else pulumi.Output.from_input(args.resource_group_id or "")
        # What goes with it goes: a compute cannot be deleted by itself.
        self.goes_with: pulumi.Resource = group or workspace
        self.workspace = workspace
        self.logs = logs
        self.ids = {"workspace": workspace.id, **ids}
        # As whom the workspace works: its user-assigned identity, if it has one.
        self.principal_id: pulumi.Output[str] = pulumi.Output.from_input(
            identity.principal_id
            if identity
            else workspace.identity.apply(lambda found: found.principal_id if found else "")
        )
        self.resource_group = pulumi.Output.from_input(place)
        self.workspace_name = workspace.name
        self.workspace_id = workspace.id
        self.tracking_uri = workspace.ml_flow_tracking_uri
        self.studio_url = pulumi.Output.concat("https://ml.azure.com/?wsid=", workspace.id, "&tid=", args.directory())
        self.storage_account = account.name if account else ids["storage"].apply(lambda id_: id_.rpartition("/")[2])
        self.register_outputs({NAMES[field]: value for field, value in self.told().items()})

    def _group(self, name: str, args: MlflowWorkspaceArgs) -> resources.ResourceGroup:
        return resources.ResourceGroup(
            f"{name}-group",
            resource_group_name=args.resource_group,
            location=args.location,
            tags=joined(args.tags, args.group_tags),
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )

    def told(self) -> dict[str, pulumi.Output[str]]:
        """Its outputs by the fields' names, which are also those of `StackOutputs`."""
        return {field: getattr(self, field) for field in MlflowWorkspace.__annotations__}


def _id(made: pulumi.CustomResource | None, given: str | None) -> pulumi.Output[str]:
    return made.id if made is not None else pulumi.Output.from_input(given or "")


def _managed(isolation: str) -> machinelearningservices.ManagedNetworkSettingsArgs:
    return machinelearningservices.ManagedNetworkSettingsArgs(isolation_mode=isolation)


def _after(
    name: str, args: MlflowWorkspaceArgs, identity: UserIdentity | None, opened: list[pulumi.Resource]
) -> pulumi.ResourceOptions:
    """A workspace comes after its identity's roles, and when they are in force.

    Its outbound rules are resources of their own; a refresh brings them, and Azure's, into the workspace's inputs.
    """
    network = [*told_by_azure(token_of(_TYPE)), *_OF_NETWORK] if args.isolation else []
    key = _OF_KEY if args.encryption_key else []
    kept = _OF_KEY_SERVICE_SIDE if args.service_side_encryption else []
    found = pulumi.ResourceOptions(ignore_changes=[*_FILLED_IN, *network, *key, *kept])
    if identity is None:
        return found
    waiting = until_in_force(f"{name}-roles", identity.name, identity.principal_id)
    return pulumi.ResourceOptions.merge(
        pulumi.ResourceOptions.merge(found, waiting), pulumi.ResourceOptions(depends_on=opened)
    )
