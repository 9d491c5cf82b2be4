"""A stack's own way into a closed workspace: network, private endpoints and DNS, by names and ids. Pure.

Source: Microsoft, "Configure a private endpoint for an Azure Machine Learning workspace", "Secure workspace resources
with virtual networks", "Azure Private Endpoint private DNS zone values".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from azmlflow.infra.plan.guardrails import REGISTRY
from azmlflow.infra.plan.records import Planned, component
from azmlflow.rbac import scopes
from azmlflow.rbac.grants import assignment_name
from azmlflow.rbac.roles import built_in_role
from azmlflow.resourcetypes.table import token_of

NETWORK, NETWORK_NAME = component("PrivateNetwork"), "network"
ENDPOINTS, ENDPOINTS_NAME = component("PrivateEndpoints"), "endpoints"
GROUP_NAME = "default"  # of an endpoint's zones
VNET, SUBNET = "Microsoft.Network/virtualNetworks", "Microsoft.Network/virtualNetworks/subnets"
SECURITY_GROUP, ENDPOINT = "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/privateEndpoints"
ZONE, LINK = "Microsoft.Network/privateDnsZones", "Microsoft.Network/privateDnsZones/virtualNetworkLinks"
ZONE_GROUP = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups"
_ASSIGNMENT = "Microsoft.Authorization/roleAssignments"


@dataclass(frozen=True)
class Door:
    """A private endpoint.

    Attributes:
        part: the part of the workspace that it leads to, by the end of its logical name.
        target: which group of it, in Azure's word.
        zones: the private DNS zones that its names are written into.
        read: whether the workspace's identity has to read it.
    """

    part: str
    target: str
    zones: tuple[str, ...]
    read: bool = False


# The workspace has one endpoint, whose one zone group has two zones.
DOORS = (
    Door("workspace", "amlworkspace", ("privatelink.api.azureml.ms", "privatelink.notebooks.azure.net")),
    Door("storage", "blob", ("privatelink.blob.core.windows.net",), read=True),
    Door("storage", "file", ("privatelink.file.core.windows.net",), read=True),
    Door("vault", "vault", ("privatelink.vaultcore.azure.net",)),
    Door(REGISTRY, "registry", ("privatelink.azurecr.io",)),
)
ZONES = tuple(zone for door in DOORS for zone in door.zones)
# Addresses that they take: of a workspace three, of a registry two (Microsoft, "How to use your workspace with a custom
# DNS server"; "Connect privately to an Azure container registry"), and room for one more of a workspace, inferred.
ADDRESSES = 4 + 1 + 1 + 1 + 2


def short(zone: str) -> str:
    """A zone's name in a logical name."""
    return zone.removeprefix("privatelink.")


@dataclass(frozen=True)
class Private:
    """What of a stack is private, at its place.

    Attributes:
        group: ARM id of its resource group.
        workspace: name of the workspace, which the others' names begin with.
        endpoints: range of the subnet that is made for private endpoints; empty where it is another's.
        computes: range of the subnet that is made for computes.
        range: range of the network that is made; empty where it is another's.
        endpoints_id: ARM id of the subnet of private endpoints.
        computes_id: ARM id of the subnet of computes; empty for none.
        given: ids of private DNS zones that are another's, by their names in lower case.
        policy: whether a policy of the company writes the names of endpoints into zones of its own.
        approved: whether computes reach nothing but what Azure Machine Learning needs.
    """

    group: str
    workspace: str
    endpoints_id: str
    computes_id: str = ""
    range: str = ""
    endpoints: str = ""
    computes: str = ""
    given: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    policy: bool = False
    approved: bool = False

    @property
    def network_id(self) -> str:
        """ARM id of the network of the private endpoints."""
        return self.endpoints_id.rpartition("/subnets/")[0]

    @property
    def made(self) -> bool:
        """Whether the network is the stack's own."""
        return bool(self.range)

    @property
    def security_group(self) -> str:
        """Name of the network security group of the network that is made."""
        return f"{self.workspace}-nsg"

    def id(self, type_: str, *names: str) -> str:
        """ARM id of something in the group."""
        return scopes.extension_id(self.group, type_, *names)

    def zone_id(self, zone: str) -> str:
        """ARM id of a private DNS zone."""
        return self.given.get(zone) or self.id(ZONE, zone)

    def endpoint_name(self, door: Door) -> str:
        """Name of a private endpoint."""
        return f"{self.workspace}-{door.target}"

    def zones_made(self) -> tuple[str, ...]:
        """Names of the zones that are made."""
        return () if self.policy else tuple(zone for zone in ZONES if zone not in self.given)

    def zones_linked(self) -> tuple[str, ...]:
        """Names of the zones that are linked to the network: of another's network, its owner has linked their own."""
        return () if self.policy else tuple(zone for zone in ZONES if self.made or zone not in self.given)

    def reader_id(self, door: Door) -> str:
        """ARM id of the role assignment by which the workspace's identity reads an endpoint.

        Its name follows from the workspace: who its identity is, nobody knows before it is made.
        """
        scope, role = self.id(ENDPOINT, self.endpoint_name(door)), built_in_role("Reader").id
        workspace = self.id("Microsoft.MachineLearningServices/workspaces", self.workspace)
        return scopes.extension_id(scope, _ASSIGNMENT, assignment_name(scope, workspace, role))

    def in_group(self) -> tuple[str, ...]:
        """ARM ids of what stands in the group by itself."""
        return tuple(
            each.id
            for each in self.planned()
            if len(scopes.parse(each.id).names) == 1 and "/roleAssignments/" not in each.id
        )

    def planned(self) -> Iterator[Planned]:
        """The resources, each after those that it needs."""
        if self.made:
            name = self.network_id.rpartition("/")[2]
            yield self._of_network(SECURITY_GROUP, "rules", self.id(SECURITY_GROUP, self.security_group))
            yield self._of_network(VNET, "vnet", self.id(VNET, name))
            for end, id_ in (("endpoints", self.endpoints_id), ("computes", self.computes_id)):
                yield self._of_network(SUBNET, end, id_)
        for zone in self.zones_made():
            yield self._of_endpoints(ZONE, f"zone-{short(zone)}", self.zone_id(zone))
        for zone in self.zones_linked():
            yield self._of_endpoints(
                LINK, f"link-{short(zone)}", f"{self.zone_id(zone)}/virtualNetworkLinks/{self.workspace}"
            )
        for door in DOORS:
            id_ = self.id(ENDPOINT, self.endpoint_name(door))
            yield self._of_endpoints(ENDPOINT, door.target, id_)
            if not self.policy:
                group = f"{id_}/privateDnsZoneGroups/{GROUP_NAME}"
                yield self._of_endpoints(ZONE_GROUP, f"{door.target}-zones", group)
            if door.read:
                yield self._of_endpoints(_ASSIGNMENT, f"{door.target}-reader", self.reader_id(door))

    def _of_network(self, type_: str, end: str, id_: str) -> Planned:
        return Planned(token_of(type_), f"{NETWORK_NAME}-{end}", NETWORK, NETWORK_NAME, id_)

    def _of_endpoints(self, type_: str, end: str, id_: str) -> Planned:
        return Planned(token_of(type_), f"{ENDPOINTS_NAME}-{end}", ENDPOINTS, ENDPOINTS_NAME, id_)
