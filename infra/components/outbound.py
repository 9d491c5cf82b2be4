"""`OutboundRules`: what the managed network of a workspace lets out to.

Rules are resources of their own, written one after the other: two at once undo one another on Azure (Azure/terraform-
provider-azapi issues 453 and 498), and inline in the workspace they come back with Azure's own as a difference at each
`up` (pulumi-azure-native issue 3225).
"""

from dataclasses import dataclass

import pulumi
from pulumi_azure_native import machinelearningservices

from azmlflow.infra.components.arguments import given
from azmlflow.infra.components.drawn import OutboundRuleArgs
from azmlflow.infra.plan import networks
from azmlflow.infra.settings.network.rules import RuleSettings
from azmlflow.resourcetypes.table import token_of, told_by_azure


@dataclass(frozen=True)
class OutboundRulesArgs:
    """What `OutboundRules` are made of."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the workspace."""
    workspace_name: pulumi.Input[str]
    """Workspace with a managed network."""
    rules: list[OutboundRuleArgs]
    """The rules, in the order in which they are written."""


class OutboundRules(pulumi.ComponentResource):
    """The outbound rules of a workspace's managed network."""

    rule_ids: pulumi.Output[list[str]]
    """ARM ids of the rules."""

    def __init__(self, name: str, args: OutboundRulesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the rules.

        Args:
            name: logical name.
            args: what they are made of.
            opts: Pulumi's options; `deleted_with` the resource group spares requests.

        Raises:
            ValidationError: a rule is at fault.
        """
        super().__init__(networks.OUTBOUND, name, None, opts)
        args = given(OutboundRulesArgs, args)
        within = pulumi.ResourceOptions(parent=self, deleted_with=opts.deleted_with if opts else None)
        self.rules: list[machinelearningservices.ManagedNetworkSettingsRule] = []
        for each in args.rules:
            rule = RuleSettings.model_validate(each).rule()
            self.rules.append(
                machinelearningservices.ManagedNetworkSettingsRule(
                    networks.rule_resource_name(rule.name, name),
                    rule_name=rule.name,
                    workspace_name=args.workspace_name,
                    resource_group_name=args.resource_group_name,
                    properties=_properties(rule),
                    opts=pulumi.ResourceOptions.merge(
                        within,
                        pulumi.ResourceOptions(
                            depends_on=self.rules[-1:],
                            replace_on_changes=["properties.type"],  # Azure changes no rule's
                            delete_before_replace=True,
                            ignore_changes=list(told_by_azure(token_of(networks.RULE))),  # after a refresh
                        ),
                    ),
                )
            )
        self.rule_ids = pulumi.Output.all(*(each.id for each in self.rules))
        self.register_outputs({"ruleIds": self.rule_ids})


def _properties(
    rule: networks.Rule,
) -> (
    machinelearningservices.FqdnOutboundRuleArgs
    | machinelearningservices.PrivateEndpointOutboundRuleArgs
    | machinelearningservices.ServiceTagOutboundRuleArgs
):
    kind, destination = rule.properties["type"], rule.properties["destination"]
    if kind == "FQDN":
        return machinelearningservices.FqdnOutboundRuleArgs(
            type=kind, category=machinelearningservices.RuleCategory.USER_DEFINED, destination=destination
        )
    if kind == "PrivateEndpoint":
        return machinelearningservices.PrivateEndpointOutboundRuleArgs(
            type=kind,
            category=machinelearningservices.RuleCategory.USER_DEFINED,
            destination=machinelearningservices.PrivateEndpointDestinationArgs(
                service_resource_id=destination["serviceResourceId"],
                subresource_target=destination["subresourceTarget"],
                spark_enabled=destination["sparkEnabled"],
            ),
        )
    return machinelearningservices.ServiceTagOutboundRuleArgs(
        type=kind,
        category=machinelearningservices.RuleCategory.USER_DEFINED,
        destination=machinelearningservices.ServiceTagDestinationArgs(
            service_tag=destination["serviceTag"],
            protocol=destination["protocol"],
            port_ranges=destination["portRanges"],
            action=destination["action"],
        ),
    )
