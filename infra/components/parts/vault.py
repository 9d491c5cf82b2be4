"""The key vault."""

import pulumi
from pulumi_azure_native import keyvault

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs


def declare_vault(
    name: str, args: MlflowWorkspaceArgs, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> keyvault.Vault:
    """The vault for the workspace's secrets, under RBAC. Purge protection is sent only when it is wanted: Azure
    refuses `false`, since it can never be switched off."""
    closed = keyvault.NetworkRuleSetArgs(
        bypass=keyvault.NetworkRuleBypassOptions.AZURE_SERVICES,
        default_action=keyvault.NetworkRuleAction.DENY,
        ip_rules=[keyvault.IPRuleArgs(value=each) for each in args.allowed_ips or ()] or None,
    )
    return keyvault.Vault(
        f"{name}-vault",
        vault_name=args.key_vault,
        resource_group_name=group,
        location=args.location,
        properties=keyvault.VaultPropertiesArgs(
            tenant_id=args.directory(),
            sku=keyvault.SkuArgs(family=keyvault.SkuFamily.A, name=keyvault.SkuName.STANDARD),
            enable_rbac_authorization=True,
            enable_soft_delete=True,
            soft_delete_retention_in_days=90,
            enable_purge_protection=True if args.purge_protection else None,
            public_network_access=("Enabled" if args.allowed_ips else "Disabled") if args.closed else None,
            network_acls=closed if args.closed else None,
            **args.of("vault"),
        ),
        tags=args.tags,
        opts=opts,
    )
