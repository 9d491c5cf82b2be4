"""The container registry."""

import pulumi

from azmlflow.infra.components.parts.arguments import MlflowWorkspaceArgs


def declare_registry(
    name: str, args: MlflowWorkspaceArgs, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> pulumi.CustomResource:
    """The registry for images. Azure would make one by itself at the first image, untagged and with its admin user on
    (Microsoft, "What is an Azure Machine Learning workspace?", "Associated resources"). Only Premium can be closed."""
    from pulumi_azure_native import containerregistry  # few have one, and everybody would wait for its import

    access = containerregistry.PublicNetworkAccess
    rules = containerregistry.NetworkRuleSetArgs(
        default_action=containerregistry.DefaultAction.DENY,
        ip_rules=[
            containerregistry.IPRuleArgs(action=containerregistry.Action.ALLOW, i_p_address_or_range=each)
            for each in args.allowed_ips or ()
        ],
    )
    return containerregistry.Registry(
        f"{name}-registry",
        registry_name=args.container_registry,
        resource_group_name=group,
        location=args.location,
        sku=containerregistry.SkuArgs(
            name=containerregistry.SkuName.PREMIUM if args.closed else containerregistry.SkuName.BASIC
        ),
        admin_user_enabled=False,
        public_network_access=(access.ENABLED if args.allowed_ips else access.DISABLED) if args.closed else None,
        network_rule_set=rules if args.allowed_ips else None,
        tags=args.tags,
        **args.of("registry"),
        opts=opts,
    )
