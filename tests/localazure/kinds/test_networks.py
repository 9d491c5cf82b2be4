"""Networks, private endpoints and DNS zones, by Azure's own clients; and what Azure refuses, in its words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.network import models as network_models
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.privatedns import models as dns_models

from tests.localazure.control import (
    BODIES,
    CHAIN,
    COMPUTE,
    NETWORK,
    PRIVATE_ENDPOINT,
    REGISTRY,
    RG,
    STORAGE,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)
from tests.localazure.sdk import client

# The members of `properties` may be given beside it, which the types of these packages do not say.
net: Any = network_models
dns: Any = dns_models
_ZONE = "privatelink.blob.core.windows.net"
_REGISTRY = f"{RG}/providers/Microsoft.ContainerRegistry/registries/crone"


@pytest.fixture
def network(azure: Azure) -> NetworkManagementClient:
    """Azure's client, and a group with a storage account."""
    azure.make(RG, STORAGE)
    return client(azure, NetworkManagementClient)


@pytest.fixture
def zones(azure: Azure) -> PrivateDnsManagementClient:
    """Azure's client."""
    return client(azure, PrivateDnsManagementClient)


def _vnet(network: NetworkManagementClient, name: str = "vnet", space: str = "10.0.0.0/16", **more: Any) -> Any:
    body = net.VirtualNetwork(location="westeurope", address_space=net.AddressSpace(address_prefixes=[space]), **more)
    return network.virtual_networks.begin_create_or_update("rg1", name, body).result()


def _subnet(network: NetworkManagementClient, name: str, prefix: str, vnet: str = "vnet", **more: Any) -> Any:
    body = net.Subnet(address_prefix=prefix, **more)
    return network.subnets.begin_create_or_update("rg1", vnet, name, body).result()


def _endpoint(
    network: NetworkManagementClient,
    subnet_id: str,
    target: str = STORAGE,
    group: str = "blob",
    *,
    name: str = "pe",
    location: str = "westeurope",
) -> Any:
    connection = net.PrivateLinkServiceConnection(name=group, private_link_service_id=target, group_ids=[group])
    body = net.PrivateEndpoint(
        location=location, subnet=net.Subnet(id=subnet_id), private_link_service_connections=[connection]
    )
    return network.private_endpoints.begin_create_or_update("rg1", name, body).result()


def _zone(zones: PrivateDnsManagementClient, name: str = _ZONE, group: str = "rg1") -> Any:
    return zones.private_zones.begin_create_or_update(group, name, dns.PrivateZone(location="global")).result()


def _link(zones: PrivateDnsManagementClient, vnet_id: str, name: str = "link", zone: str = _ZONE, **more: Any) -> Any:
    body = dns.VirtualNetworkLink(
        location="global", virtual_network=dns.SubResource(id=vnet_id), registration_enabled=False, **more
    )
    return zones.virtual_network_links.begin_create_or_update("rg1", zone, name, body).result()


def _group(network: NetworkManagementClient, *zone_ids: str, name: str = "default", endpoint: str = "pe") -> Any:
    configs = [net.PrivateDnsZoneConfig(name=f"z{n}", private_dns_zone_id=id_) for n, id_ in enumerate(zone_ids)]
    body = net.PrivateDnsZoneGroup(private_dns_zone_configs=configs)
    return network.private_dns_zone_groups.begin_create_or_update("rg1", endpoint, name, body).result()


def _refusal(ask: Callable[[], Any]) -> tuple[int, str, str]:
    with pytest.raises(HttpResponseError) as refused:
        ask()
    assert refused.value.error is not None
    return int(refused.value.status_code or 0), str(refused.value.error.code), str(refused.value.error.message)


def test_a_network_with_its_subnets(network: NetworkManagementClient) -> None:
    made = _vnet(network, subnets=[net.Subnet(name="one", address_prefix="10.0.1.0/24")])
    assert (made.provisioning_state, made.location) == ("Succeeded", "westeurope")
    two = _subnet(network, "two", "10.0.2.0/24")
    assert (two.address_prefix, two.private_endpoint_network_policies) == ("10.0.2.0/24", "Disabled")
    assert [each.name for each in network.virtual_networks.get("rg1", "vnet").subnets or ()] == ["one", "two"]
    assert [each.name for each in network.subnets.list("rg1", "vnet")] == ["one", "two"]
    assert [each.name for each in network.virtual_networks.list("rg1")] == ["vnet"]
    tagged = network.virtual_networks.update_tags("rg1", "vnet", net.TagsObject(tags={"a": "b"}))
    assert (tagged.tags, len(tagged.subnets or ())) == ({"a": "b"}, 2)
    assert len(_vnet(network).subnets or ()) == 2  # a body without subnets leaves them
    only = _vnet(network, subnets=[net.Subnet(name="two", address_prefix="10.0.2.0/25")])
    assert [(each.name, each.address_prefix) for each in only.subnets or ()] == [("two", "10.0.2.0/25")]
    network.subnets.begin_delete("rg1", "vnet", "two").result()
    assert network.virtual_networks.get("rg1", "vnet").subnets == []
    network.virtual_networks.begin_delete("rg1", "vnet").result()
    with pytest.raises(ResourceNotFoundError):
        network.virtual_networks.get("rg1", "vnet")


def test_subnets_are_written_one_after_the_other(slow_azure: Azure) -> None:
    slow_azure.make(RG, NETWORK)
    assert slow_azure.arm("PUT", SUBNET, BODIES[SUBNET]).status == 201
    other = slow_azure.arm("PUT", f"{NETWORK}/subnets/other", {"properties": {"addressPrefix": "10.0.2.0/24"}})
    assert (other.status, other.code) == (409, "AnotherOperationInProgress")
    assert slow_azure.arm("PUT", NETWORK, {**BODIES[NETWORK], "tags": {"a": "b"}}).code == "AnotherOperationInProgress"
    slow_azure.wait()
    again = slow_azure.arm("PUT", f"{NETWORK}/subnets/other", {"properties": {"addressPrefix": "10.0.2.0/24"}})
    assert again.status == 201


@pytest.mark.parametrize(
    ("prefixes", "code"),
    [
        (["10.0.0.0/16", "10.0.128.0/17"], "AddressPrefixesOverlap"),
        (["10.0.0.1/16"], "InvalidCIDRNotation"),
        (["10.0.0.0"], "InvalidAddressPrefixFormat"),
        (["fd00::/48"], "InvalidAddressPrefixFormat"),
        (["10.0.0.0/30"], "InvalidAddressPrefixLength"),
        (["168.63.129.0/24"], "AddressPrefixNotAllowed"),
        ([], "InvalidRequestFormat"),
    ],
)
def test_ranges_that_a_network_cannot_have(azure: Azure, prefixes: list[str], code: str) -> None:
    azure.make(RG)
    body = {"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": prefixes}}}
    refused = azure.arm("PUT", NETWORK, body)
    assert (refused.status, refused.code) == (400, code)


def test_a_subnet_that_does_not_fit(network: NetworkManagementClient) -> None:
    _vnet(network)
    _subnet(network, "one", "10.0.1.0/24")
    assert _refusal(lambda: _subnet(network, "two", "10.0.1.128/25")) == (
        400,
        "NetcfgSubnetRangesOverlap",
        "Subnet 'two' is not valid because its IP address range overlaps with that of an existing subnet in virtual "
        "network 'vnet'.",
    )
    assert _refusal(lambda: _subnet(network, "two", "10.1.0.0/24")) == (
        400,
        "NetcfgSubnetRangeOutsideVnet",
        "Subnet 'two' is not valid because its IP address range is outside the IP address range of virtual network "
        "'vnet'.",
    )
    assert _refusal(lambda: _subnet(network, "two", "10.0.2.0/30"))[1] == "InvalidAddressPrefixLength"
    smaller = _refusal(lambda: _vnet(network, space="10.0.0.0/24"))
    assert smaller[:2] == (400, "NetcfgSubnetRangeOutsideVnet")


def test_a_security_group_and_its_rules(network: NetworkManagementClient) -> None:
    def rule(name: str, priority: int) -> Any:
        return net.SecurityRule(
            name=name, protocol="Tcp", access="Allow", direction="Outbound", priority=priority, source_port_range="*",
            destination_port_range="443", source_address_prefix="VirtualNetwork",
            destination_address_prefix="AzureMachineLearning",
        )  # fmt: skip

    def put(*rules: Any) -> Any:
        body = net.NetworkSecurityGroup(location="westeurope", security_rules=list(rules))
        return network.network_security_groups.begin_create_or_update("rg1", "nsg", body).result()

    made = put(rule("a", 100), rule("b", 110))
    assert [each.name for each in made.security_rules] == ["a", "b"]
    assert {each.priority for each in made.default_security_rules} == {65000, 65001, 65500}
    conflict = _refusal(lambda: put(rule("a", 100), rule("b", 100)))
    assert conflict == (
        400,
        "SecurityRuleConflict",
        "Security rule b conflicts with rule a. Rules cannot have the same Priority and Direction.",
    )
    assert _refusal(lambda: put(rule("a", 99)))[1] == "SecurityRuleInvalidPriority"
    _vnet(network)
    _subnet(network, "one", "10.0.1.0/24", network_security_group=net.NetworkSecurityGroup(id=made.id))
    assert [each.id for each in network.network_security_groups.get("rg1", "nsg").subnets or ()]
    in_use = _refusal(lambda: network.network_security_groups.begin_delete("rg1", "nsg").result())
    assert in_use[:2] == (400, "InUseNetworkSecurityGroupCannotBeDeleted")
    _subnet(network, "one", "10.0.1.0/24")
    network.network_security_groups.begin_delete("rg1", "nsg").result()
    assert list(network.network_security_groups.list("rg1")) == []


def test_an_endpoint_is_seen_on_both_sides(azure: Azure, network: NetworkManagementClient) -> None:
    _vnet(network)
    subnet = _subnet(network, "one", "10.0.1.0/24")
    made = _endpoint(network, subnet.id)
    assert made.private_link_service_connections[0].private_link_service_connection_state.status == "Approved"
    assert [(each.fqdn, each.ip_addresses) for each in made.custom_dns_configs] == [
        ("stacct1.blob.core.windows.net", ["10.0.1.4"])
    ]
    assert [each.id for each in network.subnets.get("rg1", "vnet", "one").private_endpoints or ()] == [made.id]
    seen = azure.arm("GET", STORAGE).body["properties"]["privateEndpointConnections"]
    assert [each["properties"]["privateEndpoint"]["id"] for each in seen] == [made.id]
    assert seen[0]["properties"]["privateLinkServiceConnectionState"]["status"] == "Approved"
    assert [each.name for each in network.private_endpoints.list("rg1")] == ["pe"]
    assert azure.arm("PUT", STORAGE, BODIES[STORAGE]).status == 200  # which does not end the connection
    assert azure.arm("GET", STORAGE).body["properties"]["privateEndpointConnections"] == seen
    network.private_endpoints.begin_delete("rg1", "pe").result()
    assert azure.arm("GET", STORAGE).body["properties"]["privateEndpointConnections"] == []


@pytest.mark.parametrize(
    ("target", "group", "told"),
    [
        (STORAGE, "blob", ("id", "name", "properties", "type", "actionRequired")),
        (VAULT, "vault", ("id", "properties", "actionsRequired")),
        (REGISTRY, "registry", ("id", "name", "properties", "type", "actionsRequired")),
        (WORKSPACE, "amlworkspace", ("id", "name", "properties", "type", "actionsRequired")),
    ],
)
def test_a_connection_as_its_provider_tells_it(
    azure: Azure, network: NetworkManagementClient, target: str, group: str, told: tuple[str, ...]
) -> None:
    """Azure/azure-rest-api-specs: PrivateEndpointConnection (of vaults, ...Item) of Microsoft.Storage 2024-01-01,
    KeyVault 2024-11-01, ContainerRegistry 2023-01-01-preview and MachineLearningServices 2025-12-01.
    """
    azure.make(*CHAIN[2:6], REGISTRY)
    _vnet(network)
    _endpoint(network, _subnet(network, "one", "10.0.1.0/24").id, target, group)
    azure.wait()
    (seen,) = azure.arm("GET", target).body["properties"]["privateEndpointConnections"]
    *members, needs = told
    assert sorted(seen) == members
    inner = seen["properties"]
    assert set(inner) == {"privateEndpoint", "privateLinkServiceConnectionState", "provisioningState"}
    state = {"status": "Approved", "description": "Auto-Approved", needs: "None"}
    assert inner["privateLinkServiceConnectionState"] == state


def test_what_an_endpoint_leads_to_goes_first(azure: Azure, network: NetworkManagementClient) -> None:
    _vnet(network)
    _endpoint(network, _subnet(network, "one", "10.0.1.0/24").id)
    assert azure.arm("DELETE", STORAGE).status == 200
    azure.wait()
    left = network.private_endpoints.get("rg1", "pe").private_link_service_connections
    assert left is not None and left[0].private_link_service_connection_state is not None
    assert left[0].private_link_service_connection_state.status == "Disconnected"
    azure.make(STORAGE)
    assert azure.arm("GET", STORAGE).body["properties"]["privateEndpointConnections"] == []


def test_a_workspace_takes_three_addresses_and_two_zones(
    azure: Azure, network: NetworkManagementClient, zones: PrivateDnsManagementClient
) -> None:
    azure.make(*CHAIN[2:6])
    _vnet(network)
    guid = azure.arm("GET", WORKSPACE).body["properties"]["workspaceId"]
    made = _endpoint(network, _subnet(network, "one", "10.0.1.0/24").id, WORKSPACE, "amlworkspace")
    assert {each.fqdn: each.ip_addresses for each in made.custom_dns_configs} == {
        f"{guid}.workspace.westeurope.api.azureml.ms": ["10.0.1.4"],
        f"{guid}.workspace.westeurope.cert.api.azureml.ms": ["10.0.1.4"],
        f"ml-ws-one-westeurope-{guid}.westeurope.notebooks.azure.net": ["10.0.1.5"],
        f"*.{guid}.inference.westeurope.api.azureml.ms": ["10.0.1.6"],
    }
    api, notebooks = "privatelink.api.azureml.ms", "privatelink.notebooks.azure.net"
    _group(network, *(_zone(zones, each).id for each in (api, notebooks)))
    assert [each.name for each in zones.record_sets.list_by_type("rg1", api, "A")] == [
        f"*.{guid}.inference.westeurope",
        f"{guid}.workspace.westeurope",
        f"{guid}.workspace.westeurope.cert",
    ]
    record = zones.record_sets.get("rg1", notebooks, "A", f"ml-ws-one-westeurope-{guid}.westeurope")
    assert [each.ipv4_address for each in record.a_records or ()] == ["10.0.1.5"]
    properties = azure.arm("GET", WORKSPACE).body["properties"]
    assert (properties["privateLinkCount"], properties["notebookInfo"]["isPrivateLinkEnabled"]) == (1, True)


@pytest.mark.parametrize(
    ("target", "group", "code"),
    [
        (STORAGE, "BLOB", "InvalidValuesForRequestParameters"),
        (VAULT, "blob", "InvalidValuesForRequestParameters"),
        (_REGISTRY, "registry", "FeatureNotSupportedForSku"),
        (f"{STORAGE}none", "blob", "ResourceNotFound"),
        (NETWORK, "blob", "PrivateLinkNotSupported"),
    ],
)
def test_endpoints_that_lead_nowhere(azure: Azure, target: str, group: str, code: str) -> None:
    azure.make(RG, STORAGE, VAULT, NETWORK, SUBNET)
    azure.arm("PUT", _REGISTRY, {"location": "westeurope", "sku": {"name": "Basic"}})
    azure.wait()
    network = client(azure, NetworkManagementClient)
    assert _refusal(lambda: _endpoint(network, SUBNET, target, group))[1] == code


def test_subnets_that_an_endpoint_cannot_stand_in(azure: Azure, network: NetworkManagementClient) -> None:
    _vnet(network)
    missing = f"{NETWORK}/subnets/none"
    assert _refusal(lambda: _endpoint(network, missing)) == (
        400,
        "InvalidResourceReference",
        f"Resource {missing} referenced by resource {RG}/providers/Microsoft.Network/privateEndpoints/pe was not "
        "found. Please make sure that the referenced resource exists, and that both resources are in the same region.",
    )
    delegation = net.Delegation(name="apps", service_name="Microsoft.Web/serverFarms")
    delegated = _subnet(network, "apps", "10.0.2.0/24", delegations=[delegation])
    assert _refusal(lambda: _endpoint(network, delegated.id))[1] == (
        "PrivateEndpointCreationNotAllowedAsSubnetIsDelegated"
    )
    small = _subnet(network, "small", "10.0.3.0/29").id  # 8 addresses, 5 of them Azure's
    assert _refusal(lambda: _endpoint(network, small, location="eastus"))[1] == "InvalidResourceReference"
    for name in ("a", "b", "c"):
        _endpoint(network, small, name=f"pe-{name}")
    assert _refusal(lambda: _endpoint(network, small, name="pe-d")) == (
        400,
        "SubnetIsFull",
        "Subnet small with address prefix 10.0.3.0/29 does not have enough capacity for 1 IP addresses.",
    )
    moved = _refusal(lambda: _endpoint(network, _subnet(network, "other", "10.0.4.0/24").id, name="pe-a"))
    assert moved[1] == "PrivateEndpointCannotBeUpdated"
    network.private_endpoints.begin_delete("rg1", "pe-b").result()
    again = _endpoint(network, small, name="pe-d")
    assert again.custom_dns_configs[0].ip_addresses == ["10.0.3.5"]


def test_one_connection_to_one_group(azure: Azure) -> None:
    azure.make(RG, STORAGE, NETWORK, SUBNET)
    body = BODIES[PRIVATE_ENDPOINT]
    connection = {"name": "both", "properties": {"privateLinkServiceId": STORAGE, "groupIds": ["blob", "file"]}}
    both = {**body["properties"], "privateLinkServiceConnections": [connection]}
    refused = azure.arm("PUT", PRIVATE_ENDPOINT, {**body, "properties": both})
    assert (refused.status, refused.code) == (400, "OnlyOneGroupIdPermitted")
    assert "has the following group Ids: blob, file. Only one group Id is permitted" in refused.message
    none = {**body["properties"], "privateLinkServiceConnections": []}
    assert azure.arm("PUT", PRIVATE_ENDPOINT, {**body, "properties": none}).code == "InvalidRequestFormat"


def test_nothing_goes_from_under_an_endpoint(network: NetworkManagementClient) -> None:
    _vnet(network)
    subnet = _subnet(network, "one", "10.0.1.0/24")
    made = _endpoint(network, subnet.id)
    in_use = (
        f"Subnet one is in use by {made.id} and cannot be deleted. In order to delete the subnet, delete all the "
        "resources within the subnet. See aka.ms/deletesubnet."
    )
    for ask in (
        lambda: network.subnets.begin_delete("rg1", "vnet", "one").result(),
        lambda: network.virtual_networks.begin_delete("rg1", "vnet").result(),
        lambda: _vnet(network, subnets=[]),
    ):
        assert _refusal(ask) == (400, "InUseSubnetCannotBeDeleted", in_use)
    assert _refusal(lambda: _subnet(network, "one", "10.0.9.0/24"))[1] == "InUsePrefixCannotBeDeleted"
    delegation = net.Delegation(name="apps", service_name="Microsoft.Web/serverFarms")
    assert _refusal(lambda: _subnet(network, "one", "10.0.1.0/24", delegations=[delegation])) == (
        400,
        "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
        f"Delegations of subnet {subnet.id} cannot be changed from [] to [Microsoft.Web/serverFarms] because it is "
        f"being used by the resource {made.id}.",
    )


def test_a_compute_in_a_subnet_keeps_it(azure: Azure) -> None:
    azure.make(*CHAIN[:6], NETWORK, SUBNET)
    inner = {**BODIES[COMPUTE]["properties"]["properties"], "subnet": {"id": SUBNET}}
    body = {**BODIES[COMPUTE], "properties": {**BODIES[COMPUTE]["properties"], "properties": inner}}
    assert azure.arm("PUT", COMPUTE, body).status in (200, 201)
    azure.wait()
    assert azure.arm("DELETE", SUBNET).code == "InUseSubnetCannotBeDeleted"


def test_a_zone_its_links_and_records(network: NetworkManagementClient, zones: PrivateDnsManagementClient) -> None:
    vnet = _vnet(network)
    made = _zone(zones)
    assert (made.location, made.number_of_record_sets, made.provisioning_state) == ("global", 1, "Succeeded")
    link = _link(zones, vnet.id)
    assert (link.virtual_network_link_state, link.registration_enabled) == ("Completed", False)
    body = dns.RecordSet(ttl=60, a_records=[dns.ARecord(ipv4_address="10.0.1.9")])
    assert zones.record_sets.create_or_update("rg1", _ZONE, "A", "mine", body).fqdn == f"mine.{_ZONE}."
    now = zones.private_zones.get("rg1", _ZONE)
    assert (now.number_of_record_sets, now.number_of_virtual_network_links) == (2, 1)
    assert [each.name for each in zones.virtual_network_links.list("rg1", _ZONE)] == ["link"]
    held = _refusal(lambda: zones.private_zones.begin_delete("rg1", _ZONE).result())
    assert held == (
        409, "CannotDeleteResource", "Can not delete resource before nested resources are deleted.",
    )  # fmt: skip
    zones.virtual_network_links.begin_delete("rg1", _ZONE, "link").result()
    zones.record_sets.delete("rg1", _ZONE, "A", "mine")
    zones.private_zones.begin_delete("rg1", _ZONE).result()
    assert list(zones.private_zones.list()) == []


def test_two_zones_of_one_name_on_a_network(
    azure: Azure, network: NetworkManagementClient, zones: PrivateDnsManagementClient
) -> None:
    vnet = _vnet(network)
    _zone(zones)
    _link(zones, vnet.id)
    words = (
        "A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to link virtual "
        f"network with '{_ZONE}' and '{_ZONE}' zones."
    )
    assert _refusal(lambda: _link(zones, vnet.id, "again")) == (400, "BadRequest", words)
    azure.arm("PUT", f"{RG}2", {"location": "westeurope"})
    _zone(zones, group="rg12")
    body = dns.VirtualNetworkLink(location="global", virtual_network=dns.SubResource(id=vnet.id))
    twice = _refusal(lambda: zones.virtual_network_links.begin_create_or_update("rg12", _ZONE, "link", body).result())
    assert twice == (400, "BadRequest", words)
    assert _refusal(lambda: _link(zones, f"{vnet.id}none", "none"))[:2] == (400, "BadRequest")


def test_a_zone_group_writes_records_and_takes_them_back(
    network: NetworkManagementClient, zones: PrivateDnsManagementClient
) -> None:
    _vnet(network)
    _endpoint(network, _subnet(network, "one", "10.0.1.0/24").id)
    zone = _zone(zones)
    made = _group(network, zone.id)
    (config,) = made.private_dns_zone_configs
    assert [(each.record_set_name, each.ip_addresses) for each in config.record_sets] == [("stacct1", ["10.0.1.4"])]
    record = zones.record_sets.get("rg1", _ZONE, "A", "stacct1")
    assert [each.ipv4_address for each in record.a_records or ()] == ["10.0.1.4"]
    assert _refusal(lambda: _group(network, zone.id, name="second"))[2] == (
        "Cannot create more than one private dns zone groups in the private endpoint"
    )
    assert _refusal(lambda: _group(network, zone.id, zone.id))[:2] == (400, "InvalidRequestFormat")
    assert _refusal(lambda: _group(network, f"{zone.id}.x"))[1] == "InvalidResourceReference"
    network.private_endpoints.begin_delete("rg1", "pe").result()
    assert list(zones.record_sets.list_by_type("rg1", _ZONE, "A")) == []


def test_a_group_goes_whole(azure: Azure, network: NetworkManagementClient, zones: PrivateDnsManagementClient) -> None:
    vnet = _vnet(network)
    _endpoint(network, _subnet(network, "one", "10.0.1.0/24").id)
    _link(zones, vnet.id, zone=_zone(zones).name)
    _group(network, ZONE)
    assert azure.arm("DELETE", RG).status == 202
    azure.wait()
    azure.wait()
    assert azure.arm("GET", RG).status == 404
    assert list(azure.cloud.store.scan("private_endpoint_connections")) == []
    azure.make(RG)
    assert azure.arm("GET", f"{RG}/resources").body["value"] == []


def test_what_azurerm_asks_of_a_zone_and_sends_of_a_subnet(azure: Azure) -> None:
    """It reads the start of authority of each zone, and sends an empty `sharingScope` where nobody set one."""
    azure.make(RG, ZONE, NETWORK)
    read = azure.arm("GET", f"{ZONE}/SOA/@", api="2024-06-01")
    assert (read.status, read.body["name"]) == (200, "@")
    assert read.body["properties"]["soaRecord"]["minimumTtl"] == 10
    for path in (f"{ZONE}/SOA/other", f"{ZONE.replace('blob', 'file')}/SOA/@"):
        assert azure.arm("GET", path, api="2024-06-01").status == 404
    assert azure.arm("PUT", f"{ZONE}/SOA/@", {"properties": {}}, api="2024-06-01").status == 404
    body = {"properties": {"addressPrefix": "10.0.1.0/24", "sharingScope": ""}}
    assert azure.arm("PUT", SUBNET, body).status in (200, 201)
    azure.wait()
    assert "sharingScope" not in azure.arm("GET", SUBNET).body["properties"]
    body["properties"]["sharingScope"] = "Everybody"
    assert azure.arm("PUT", SUBNET, body).code == "InvalidRequestPropertyValue"


def test_a_write_for_another_state_than_the_one_that_is_there_is_not_done(azure: Azure) -> None:
    """Expected by hand from Microsoft's "Private Zones - Create Or Update" and what Azure PowerShell's tests expect."""
    azure.make(RG, NETWORK, ZONE)
    azure.wait()
    link = {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}}}
    record = {"properties": {"aRecords": [{"ipv4Address": "10.0.0.1"}]}}
    rows = (
        (f"{ZONE}/virtualNetworkLinks/link1", link, "The Virtual network link link1"),
        (f"{ZONE}/A/record1", record, "The Record set record1"),
        (ZONE, BODIES[ZONE], f"The Zone {ZONE.rpartition('/')[2]}"),
    )
    for path, body, called in rows:
        absent = azure.arm("PUT", f"{path}-not", body, headers={"If-Match": "*"})
        assert (absent.status, absent.message) == (412, "The condition '*' in the If-Match header was not satisfied.")
        azure.arm("PUT", path, body, headers={"If-None-Match": "*"} if path != ZONE else {})
        azure.wait()
        before = azure.arm("GET", path).body
        again = azure.arm("PUT", path, body, headers={"If-None-Match": "*"})
        assert (again.status, again.code) == (412, "PreconditionFailed")
        assert again.message == f"{called} exists already and hence cannot be created again."
        for method in ("PUT", "PATCH", "DELETE"):
            stale = azure.arm(method, path, {**body, "tags": {"a": "b"}}, headers={"If-Match": "gibberish"})
            assert stale.message.startswith("The condition 'gibberish' in the If-Match header was not"), method
            assert stale.message.endswith(f" The current was '{before['etag']}'.")
        assert azure.arm("GET", path).body == before
        assert azure.arm("PUT", path, body, headers={"If-Match": before["etag"], "If-None-Match": "x"}).status < 300
        gone = azure.arm("DELETE", path, headers={"If-Match": before["etag"]})
        assert gone.status < 300
        azure.wait()


def test_a_write_of_a_network_for_another_state_is_refused_in_its_providers_words(azure: Azure) -> None:
    """As a client that looks first, and writes what it looked at, is told that somebody else was quicker."""
    azure.make(RG, NETWORK)
    azure.wait()
    before = azure.arm("GET", NETWORK).body["etag"]
    for condition in (before, "*"):
        changed = {**BODIES[NETWORK], "tags": {"by": condition}}
        assert azure.arm("PUT", NETWORK, changed, headers={"If-Match": condition}).status < 300
        azure.wait()
    now = azure.arm("GET", NETWORK).body
    for method in ("PUT", "DELETE"):
        stale = azure.arm(method, NETWORK, BODIES[NETWORK], headers={"If-Match": before})
        assert (stale.status, stale.code, stale.message) == (412, "PreconditionFailed", "Precondition failed.")
        assert stale.body["error"]["details"] == [
            {
                "code": "PreconditionFailedEtagMismatch",
                "message": f"Etag provided in if-match header {before} does not match etag {now['etag']} of resource "
                f"{NETWORK} in NRP data store.",
            }
        ]
    assert azure.arm("GET", NETWORK).body == now


@pytest.mark.parametrize("name", [7, 1.5, True, ["a"]])
def test_a_subnet_whose_name_is_no_text_is_refused(azure: Azure, name: Any) -> None:
    azure.make(RG)
    space = BODIES[NETWORK]["properties"]
    body = {"location": "westeurope", "properties": {**space, "subnets": [{"name": name, "properties": {}}]}}
    refused = azure.arm("PUT", NETWORK, body)
    assert (refused.status, refused.code) == (400, "InvalidRequestContent")
