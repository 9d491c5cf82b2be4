"""The storage account."""

import pulumi
from pulumi_azure_native import storage as azure_storage

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs


def declare_storage(
    name: str, args: MlflowWorkspaceArgs, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> azure_storage.StorageAccount:
    """The account for artifacts. Azure ML refuses a hierarchical namespace and premium kinds as a workspace's default;
    the account's keys are taken only where datastores are opened with them: with `storage_auth: key`.

    Closed, it lets in Azure's trusted services alone, the workspace among them, and the addresses that are named. Open,
    who closes its firewall is not
    this program. But azure-native puts the default, open to all, back at every update of
    an account whose program names no network rules, were it for a tag (pulumi-azure-native, provider.go,
    restoreDefaultInputsForRemovedProperties). With changes of them ignored the engine sends what the state has as its
    input: after `azmlflow up` has looked (`cli/mending/firewalls.py`), or a `pulumi refresh`, what somebody else set. A
    `pulumi up` alone does not look, and opens what was closed since."""
    closed = azure_storage.NetworkRuleSetArgs(
        bypass=azure_storage.Bypass.AZURE_SERVICES,
        default_action=azure_storage.DefaultAction.DENY,
        ip_rules=[
            azure_storage.IPRuleArgs(action=azure_storage.Action.ALLOW, i_p_address_or_range=each)
            for each in args.allowed_ips or ()
        ]
        or None,
    )
    access = azure_storage.PublicNetworkAccess
    return azure_storage.StorageAccount(
        f"{name}-storage",
        account_name=args.storage_account,
        resource_group_name=group,
        location=args.location,
        kind=azure_storage.Kind.STORAGE_V2,
        sku=azure_storage.SkuArgs(name=azure_storage.SkuName.STANDARD_LRS),
        minimum_tls_version=azure_storage.MinimumTlsVersion.TLS1_2,
        enable_https_traffic_only=True,
        allow_blob_public_access=False,
        allow_cross_tenant_replication=False,
        allow_shared_key_access=args.storage_auth != "identity",
        public_network_access=(access.ENABLED if args.allowed_ips else access.DISABLED) if args.closed else None,
        network_rule_set=closed if args.closed else None,
        tags=args.tags,
        **args.of("storage"),
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(ignore_changes=[] if args.closed else ["networkRuleSet", "publicNetworkAccess"]),
        ),
    )
