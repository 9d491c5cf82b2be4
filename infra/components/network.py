"""`PrivateNetwork`: a network of a stack's own, with a subnet for private endpoints and one for computes.

What computes have to reach is generated (Microsoft, "Configure inbound and outbound network traffic", and "Secure an
Azure Machine Learning training environment", "No public IP"). Subnets are written one after the other: Azure answers
409 to two at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_azure_native import network

from azmlflow.infra.components.arguments import given
from azmlflow.infra.plan import private

# Service tag or tag with the region, protocol, ports.
_NEEDED = (
    ("AzureMachineLearning", "Tcp", ("443", "8787", "18881")),
    ("AzureMachineLearning", "Udp", ("5831",)),
    ("BatchNodeManagement.{region}", "*", ("443",)),
    ("Storage.{region}", "Tcp", ("443", "445")),
    ("MicrosoftContainerRegistry", "Tcp", ("443",)),
    ("AzureFrontDoor.FirstParty", "Tcp", ("443",)),
    ("AzureActiveDirectory", "Tcp", ("443",)),
    ("AzureResourceManager", "Tcp", ("443",)),
)


@dataclass(frozen=True)
class PrivateNetworkArgs:
    """What a `PrivateNetwork` is made of."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the network."""
    location: str
    """Azure region; the workspace's."""
    name: str
    """Name of the network."""
    security_group: str
    """Name of its network security group."""
    address_range: str
    """Range of the network."""
    endpoints: str
    """Range of the subnet for private endpoints."""
    computes: str
    """Range of the subnet for computes."""
    approved: bool | None = False
    """Let the computes reach nothing of the internet but what Azure Machine Learning needs."""
    tags: dict[str, str] | None = None
    """Tags on network and security group."""


class PrivateNetwork(pulumi.ComponentResource):
    """A network with a subnet for private endpoints and one for computes."""

    network_id: pulumi.Output[str]
    """ARM id of the network."""
    endpoints_id: pulumi.Output[str]
    """ARM id of the subnet for private endpoints."""
    computes_id: pulumi.Output[str]
    """ARM id of the subnet for computes."""

    def __init__(self, name: str, args: PrivateNetworkArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the network.

        Args:
            name: logical name, which the children's names begin with.
            args: what it is made of.
            opts: Pulumi's options; `deleted_with` the resource group spares requests.
        """
        super().__init__(private.NETWORK, name, None, opts)
        args = given(PrivateNetworkArgs, args)
        within = pulumi.ResourceOptions(parent=self, deleted_with=opts.deleted_with if opts else None)
        rules = network.NetworkSecurityGroup(
            f"{name}-rules",
            network_security_group_name=args.security_group,
            resource_group_name=args.resource_group_name,
            location=args.location,
            security_rules=list(_rules(args)),
            tags=args.tags,
            opts=within,
        )
        vnet = network.VirtualNetwork(
            f"{name}-vnet",
            virtual_network_name=args.name,
            resource_group_name=args.resource_group_name,
            location=args.location,
            address_space=network.AddressSpaceArgs(address_prefixes=[args.address_range]),
            tags=args.tags,
            opts=within,
        )

        def subnet(end: str, prefix: str, after: list[pulumi.Resource], outbound: bool) -> network.Subnet:
            return network.Subnet(
                f"{name}-{end}",
                subnet_name=end,
                virtual_network_name=vnet.name,
                resource_group_name=args.resource_group_name,
                address_prefix=prefix,
                network_security_group=network.NetworkSecurityGroupArgs(id=rules.id),
                # Nodes without public addresses go out by it; a NAT gateway is for networks of one's own.
                default_outbound_access=outbound,
                opts=pulumi.ResourceOptions.merge(within, pulumi.ResourceOptions(depends_on=after)),
            )

        self.endpoints = subnet("endpoints", args.endpoints, [], False)
        self.computes = subnet("computes", args.computes, [self.endpoints], True)
        self.network_id, self.endpoints_id, self.computes_id = vnet.id, self.endpoints.id, self.computes.id
        self.register_outputs(
            {"networkId": self.network_id, "endpointsId": self.endpoints_id, "computesId": self.computes_id}
        )


def _rules(args: PrivateNetworkArgs) -> Iterator[network.SecurityRuleArgs]:
    """What is let out; and last, if nothing else is to be, the internet not."""
    for number, (tag, protocol, ports) in enumerate(_NEEDED):
        to = tag.format(region=args.location)
        name = f"{to.replace('.', '-')}-{protocol.replace('*', 'any').lower()}"
        yield _rule(name, 100 + 10 * number, destination_address_prefix=to, protocol=protocol, **_ports(ports))
    if args.approved:
        deny = network.SecurityRuleAccess.DENY
        anything = {"destination_address_prefix": "Internet", "protocol": "*", **_ports(("*",))}
        yield _rule("deny-internet", 4096, access=deny, **anything)


def _ports(ports: tuple[str, ...]) -> dict[str, Any]:
    return {"destination_port_range": ports[0]} if len(ports) == 1 else {"destination_port_ranges": list(ports)}


def _rule(
    name: str,
    priority: int,
    access: network.SecurityRuleAccess = network.SecurityRuleAccess.ALLOW,
    **to: Any,
) -> network.SecurityRuleArgs:
    return network.SecurityRuleArgs(
        name=name,
        priority=priority,
        direction=network.SecurityRuleDirection.OUTBOUND,
        access=access,
        source_address_prefix="VirtualNetwork",
        source_port_range="*",
        **to,
    )
