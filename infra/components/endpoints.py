"""`PrivateEndpoints`: the doors by which people reach a closed workspace and what it stands on, and DNS for them.

One endpoint for the workspace, with one zone group of two zones; one for each of blob, file, vault and registry. The
workspace's identity reads those of the storage account, or its studio shows no data (Microsoft, "Use Azure Machine
Learning studio in an Azure virtual network").
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, network, privatedns

from azmlflow.infra.components.arguments import given, not_handed_down
from azmlflow.infra.plan import private
from azmlflow.rbac.roles import built_in_role


@dataclass(frozen=True)
class PrivateEndpointsArgs:
    """What `PrivateEndpoints` are made of."""

    resource_group_name: pulumi.Input[str]
    """Resource group of the endpoints; the workspace's."""
    resource_group_id: str
    """ARM id of this group."""
    location: str
    """Azure region of the subnet."""
    workspace_name: str
    """Name of the workspace, which the endpoints' names begin with."""
    targets: Mapping[str, pulumi.Input[str]]
    """ARM ids of what they lead to, by `workspace`, `storage`, `vault` and `registry`."""
    subnet_id: str
    """ARM id of the subnet that they stand in."""
    principal_id: pulumi.Input[str]
    """Object id of the workspace's identity."""
    own_network: bool | None = False
    """Link zones that are another's to the network, too."""
    zone_ids: Mapping[str, str] | None = None
    """ARM ids of private DNS zones that are another's, by the zones' names; the others are made."""
    policy: bool | None = False
    """Leave DNS to a policy of the company: no zones, no zone groups."""
    note: str | None = None
    """What the role assignments say of whose they are."""
    tags: dict[str, str] | None = None
    """Tags on endpoints, zones and links."""


class PrivateEndpoints(pulumi.ComponentResource):
    """The private endpoints of a workspace and what it stands on."""

    endpoint_ids: pulumi.Output[list[str]]
    """ARM ids of the endpoints."""

    def __init__(self, name: str, args: PrivateEndpointsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the endpoints.

        Args:
            name: logical name, which the children's names begin with.
            args: what they are made of.
            opts: Pulumi's options: `deleted_with` the resource group spares requests, `depends_on` names the subnet.
        """
        super().__init__(private.ENDPOINTS, name, None, not_handed_down(opts))
        args = given(PrivateEndpointsArgs, args)
        within = pulumi.ResourceOptions(parent=self, deleted_with=opts.deleted_with if opts else None)
        after = pulumi.ResourceOptions.merge(
            within, pulumi.ResourceOptions(depends_on=opts.depends_on if opts else None)
        )
        plan = private.Private(
            args.resource_group_id,
            args.workspace_name,
            args.subnet_id,
            range="made" if args.own_network else "",
            given=dict(args.zone_ids or {}),
            policy=bool(args.policy),
        )
        zones = _zones(name, args, plan, within, after)
        self.ready: list[pulumi.Resource] = []
        endpoints = []
        for door in private.DOORS:
            endpoint = _endpoint(name, args, plan.endpoint_name(door), door, after)
            endpoints.append(endpoint)
            self.ready.append(endpoint)
            if not plan.policy:
                configs = {zone: zones[zone].id if zone in zones else plan.zone_id(zone) for zone in door.zones}
                self.ready.append(_zone_group(f"{name}-{door.target}-zones", args, endpoint, configs, within))
            if door.read:
                self._read(f"{name}-{door.target}-reader", args, endpoint, plan.reader_id(door))
        self.endpoint_ids = pulumi.Output.all(*(each.id for each in endpoints))
        self.register_outputs({"endpointIds": self.endpoint_ids})

    def _read(self, name: str, args: PrivateEndpointsArgs, endpoint: network.PrivateEndpoint, id_: str) -> None:
        """The workspace's identity reads an endpoint."""
        subscription = "/".join(args.resource_group_id.split("/")[:3])
        role = f"{subscription}/providers/Microsoft.Authorization/roleDefinitions/{built_in_role('Reader').id}"
        authorization.RoleAssignment(
            name,
            scope=endpoint.id,
            role_assignment_name=id_.rpartition("/")[2],
            role_definition_id=role,
            principal_id=args.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            description=f"The workspace's own, {args.note}",
            # Another workspace of the name has another identity, and Azure changes none.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )


def _zones(
    name: str,
    args: PrivateEndpointsArgs,
    plan: private.Private,
    within: pulumi.ResourceOptions,
    after: pulumi.ResourceOptions,
) -> dict[str, privatedns.PrivateZone]:
    """The zones that are made, and the links; a zone that is another's keeps what links it to nobody's network."""
    made = {
        zone: privatedns.PrivateZone(
            f"{name}-zone-{private.short(zone)}",
            private_zone_name=zone,
            resource_group_name=args.resource_group_name,
            location="Global",
            tags=args.tags,
            opts=within,
        )
        for zone in plan.zones_made()
    }
    for zone in plan.zones_linked():
        theirs = plan.given.get(zone)
        privatedns.VirtualNetworkLink(
            f"{name}-link-{private.short(zone)}",
            virtual_network_link_name=args.workspace_name,
            private_zone_name=zone if theirs else made[zone].name,
            resource_group_name=theirs.split("/")[4] if theirs else args.resource_group_name,
            location="Global",
            registration_enabled=False,
            virtual_network=privatedns.SubResourceArgs(id=plan.network_id),
            tags=args.tags,
            # A network is linked to one zone of a name at a time; what is in another's group goes by itself.
            opts=pulumi.ResourceOptions(
                parent=within.parent,
                depends_on=after.depends_on,
                deleted_with=None if theirs else within.deleted_with,
                delete_before_replace=True,
            ),
        )
    return made


def _endpoint(
    name: str, args: PrivateEndpointsArgs, called: str, door: private.Door, opts: pulumi.ResourceOptions
) -> network.PrivateEndpoint:
    return network.PrivateEndpoint(
        f"{name}-{door.target}",
        private_endpoint_name=called,
        resource_group_name=args.resource_group_name,
        location=args.location,
        subnet=network.SubnetArgs(id=args.subnet_id),
        private_link_service_connections=[
            network.PrivateLinkServiceConnectionArgs(
                name=called, group_ids=[door.target], private_link_service_id=args.targets[door.part]
            )
        ],
        tags=args.tags,
        opts=opts,
    )


def _zone_group(
    name: str,
    args: PrivateEndpointsArgs,
    endpoint: network.PrivateEndpoint,
    zones: Mapping[str, pulumi.Input[str]],
    opts: pulumi.ResourceOptions,
) -> network.PrivateDnsZoneGroup:
    """The zones that an endpoint's names are written into."""
    return network.PrivateDnsZoneGroup(
        name,
        private_dns_zone_group_name=private.GROUP_NAME,
        private_endpoint_name=endpoint.name,
        resource_group_name=args.resource_group_name,
        private_dns_zone_configs=[
            network.PrivateDnsZoneConfigArgs(name=zone.replace(".", "-"), private_dns_zone_id=id_)
            for zone, id_ in zones.items()
        ],
        opts=opts,
    )
