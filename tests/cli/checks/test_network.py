"""Subnets and zones that are another's are looked at before anything is made."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.pulumi.deployment import Resource
from tests.cli.desk import SUBSCRIPTION, Desk

NET = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-net/providers/Microsoft.Network"
HUB = f"{NET}/virtualNetworks/hub"
BLOB = f"{NET}/privateDnsZones/privatelink.blob.core.windows.net"
OWN = f"""config:
  azmlflow:cloud: local
  azmlflow:registry: own
  azmlflow:clusters: [{{name: cpu, maxNodes: 20}}]
  azmlflow:network:
    mode: own
    endpoints: {HUB}/subnets/endpoints
    computes: {HUB}/subnets/computes
"""


@pytest.fixture
def hub(desk: Desk) -> Desk:
    """A network that fits."""
    desk.settings(text=OWN)
    desk.arm.put(HUB, location="westeurope")
    subnet(desk, "endpoints", "10.1.0.0/28")
    subnet(desk, "computes", "10.1.1.0/27")
    return desk


def subnet(desk: Desk, name: str, prefix: str, **properties: Any) -> None:
    desk.arm.put(f"{HUB}/subnets/{name}", properties={"addressPrefix": prefix, **properties})


def told(desk: Desk) -> str:
    """What the check says."""
    (found,) = (each for each in desk.run("doctor", "-o", "json").json()["checks"] if each["name"] == "network")
    return f"{found['status']}: {found['says']}"


def test_a_network_that_fits(hub: Desk) -> None:
    assert told(hub) == "ok: subnets and zones are fit"


def test_a_subnet_that_is_not_there(hub: Desk) -> None:
    del hub.arm.documents[f"{HUB}/subnets/computes".lower()]
    assert f"failed: the subnet computes is not there: {HUB}/subnets/computes" in told(hub)


def test_a_network_in_another_region(hub: Desk) -> None:
    hub.arm.put(HUB, location="North Europe")
    assert "the subnet endpoints is in northeurope, and the stack in westeurope" in told(hub)


def test_a_delegated_subnet(hub: Desk) -> None:
    given = [{"name": "x", "properties": {"serviceName": "Microsoft.Web/serverFarms"}}]
    subnet(hub, "endpoints", "10.1.0.0/28", delegations=given)
    assert "the subnet endpoints is delegated to Microsoft.Web/serverFarms" in told(hub)


def test_a_subnet_that_is_too_small(hub: Desk) -> None:
    subnet(hub, "endpoints", "10.1.0.0/29")
    subnet(hub, "computes", "10.1.1.0/28")
    says = told(hub)
    assert "the subnet endpoints (10.1.0.0/29) has 3 addresses, and 9 are needed" in says
    assert "the subnet computes (10.1.1.0/28) has 11 addresses, and 20 are needed" in says


def test_a_zone_that_is_not_there(hub: Desk) -> None:
    hub.settings(text=f"{OWN}    zones: [{BLOB}]\n")
    assert "the private DNS zone privatelink.blob.core.windows.net is not there" in told(hub)


def test_a_network_that_is_linked_to_a_zone_of_the_name_already(hub: Desk) -> None:
    """Azure/ARO-RP issue 796: "A virtual network cannot be linked to multiple zones with overlapping namespaces"."""
    zones = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/privateDnsZones"
    hub.arm.documents[f"{zones}/x".lower()] = {"id": BLOB, "name": BLOB.rpartition("/")[2]}
    hub.arm.put(f"{BLOB}/virtualNetworkLinks/hub", properties={"virtualNetwork": {"id": HUB}})
    assert f"name it in network.zones, {BLOB}" in told(hub)


def test_another_subscriptions_subnet(hub: Desk) -> None:
    other = "00000000-0000-4000-8000-00000000000f"
    hub.settings(text=OWN.replace(f"endpoints: /subscriptions/{SUBSCRIPTION}", f"endpoints: /subscriptions/{other}"))
    assert "azmlflow:network.endpoints: is a subnet of another subscription" in " ".join(told(hub).split())


def test_up_stops_before_anything_is_made(hub: Desk) -> None:
    hub.arm.put(HUB, location="northeurope")
    done = hub.run("up")
    assert done.code == 1
    assert "is in northeurope" in " ".join(done.err.split())
    assert "up" not in hub.stack.calls


def test_a_stack_that_stands_is_asked_when_it_gets_its_first_private_endpoint(hub: Desk) -> None:
    hub.stand_whole()
    hub.arm.put(HUB, location="northeurope")
    assert "is in northeurope" in " ".join(hub.run("up").err.split())


def test_a_range_that_endpoints_stand_in_is_not_changed(desk: Desk) -> None:
    token = "azure-native:network:Subnet"
    urn = f"urn:pulumi:local::azmlflow::azmlflow:index:PrivateNetwork${token}::network-endpoints"
    id_ = f"{HUB}/subnets/endpoints"
    desk.arm.put(id_)
    desk.stand_whole(Resource(urn, token, id_, {"subnetName": "endpoints", "addressPrefix": "10.9.0.0/26"}))
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:registry: own\n  azmlflow:network: {mode: own}\n")
    done = desk.run("up")
    assert done.code == 1
    assert "would become 10.42.0.0/26, and is 10.9.0.0/26" in " ".join(done.err.split())
    assert "up" not in desk.stack.calls
    desk.stand_whole(Resource(urn, token, id_, {"subnetName": "endpoints", "addressPrefix": "10.42.0.0/26"}))
    assert "would become" not in desk.run("up").err


PUBLIC = """config:
  azmlflow:cloud: local
  azmlflow:clusters: [{name: cpu, maxNodes: 9, subnet: SUBNET}, {name: gpu, maxNodes: 2, subnet: SUBNET}]
  azmlflow:instances: [{name: alice, subnet: SUBNET}]
"""


def test_the_subnets_of_computes(desk: Desk) -> None:
    """Of a stack without a network of its own, too: what Azure would refuse when the rest stands is refused before."""
    id_ = f"{HUB}/subnets/computes"
    desk.settings(text=PUBLIC.replace("SUBNET", id_))
    assert f"the subnet computes is not there: {id_}" in told(desk)
    assert "the subnet computes is not there" in desk.run("up").err
    assert not [call for call in desk.stack.calls if call.startswith("up")]
    desk.arm.put(HUB, location="northeurope")
    subnet(desk, "computes", "10.1.1.0/28")
    assert told(desk) == (
        "failed: the subnet computes is in northeurope, and the stack in westeurope; "
        "the subnet computes (10.1.1.0/28) has 11 addresses, and 12 are needed"
    )
    desk.arm.put(HUB, location="westeurope")
    subnet(desk, "computes", "10.1.1.0/27")
    assert told(desk) == "ok: subnets and zones are fit"


def test_a_subnet_of_another_subscription(desk: Desk) -> None:
    other = "/subscriptions/00000000-0000-4000-8000-00000000000e"
    id_ = f"{HUB}/subnets/computes".replace(f"/subscriptions/{SUBSCRIPTION}", other)
    desk.settings(text=PUBLIC.replace("SUBNET", id_))
    assert "the subnet computes is of another subscription, 00000000-0000-4000-8000-00000000000e" in told(desk)


def test_a_subnet_that_a_new_compute_of_a_standing_stack_comes_into(desk: Desk) -> None:
    id_ = f"{HUB}/subnets/computes"
    desk.settings(text=PUBLIC.replace("SUBNET", id_))
    desk.stand_whole()
    refused = desk.run("up", "--yes")
    assert (refused.code != 0, "the subnet computes is not there" in refused.err) == (True, True)
