"""Mode own: ranges of a network that is made, subnets and zones by id, and what Azure refuses of them."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.plan.private import Private
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.network.combinations import fitted
from azmlflow.infra.settings.network.standing import check
from azmlflow.infra.settings.settings import Settings

GROUP = "/subscriptions/s/resourceGroups/rg"
NET = "/subscriptions/s/resourceGroups/rg-net/providers/Microsoft.Network"
ENDPOINTS, COMPUTES = (f"{NET}/virtualNetworks/hub/subnets/{name}" for name in ("endpoints", "computes"))
BLOB = f"{NET}/privateDnsZones/privatelink.blob.core.windows.net"


def settings(clusters: Any = (), **network: Any) -> Settings:
    given = {"registry": "own", "network": {"mode": "own", **network}, "clusters": list(clusters)}
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in given.items()})


def private(**network: Any) -> Private:
    found = settings(**network).network.private(GROUP, "mlw")
    assert found is not None
    return found


def fault(clusters: Any = (), **network: Any) -> Fault:
    with pytest.raises(SettingsError) as caught:
        settings(clusters, **network)
    (only,) = caught.value.faults
    return only


@pytest.mark.parametrize(
    ("network", "endpoints", "computes"),
    [
        ({}, "10.42.0.0/26", "10.42.0.128/25"),
        ({"addressRange": "192.168.4.0/26"}, "192.168.4.0/28", "192.168.4.32/27"),
        ({"addressRange": "10.0.0.0/27"}, "10.0.0.0/28", "10.0.0.16/28"),
        ({"endpoints": "10.42.0.64/27", "computes": "10.42.0.0/26"}, "10.42.0.64/27", "10.42.0.0/26"),
    ],
)
def test_a_network_that_is_made_is_divided(network: dict[str, Any], endpoints: str, computes: str) -> None:
    found = private(**network)
    assert (found.made, found.endpoints, found.computes) == (True, endpoints, computes)
    place = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/mlw-vnet/subnets"
    assert (found.endpoints_id, found.computes_id) == (f"{place}/endpoints", f"{place}/computes")
    assert len(found.zones_made()) == len(found.zones_linked()) == 6


def test_subnets_of_others_are_used_and_their_network_is_linked_to_zones_that_are_made_alone() -> None:
    found = private(endpoints=ENDPOINTS, computes=COMPUTES, zones=[BLOB])
    assert (found.made, found.endpoints_id, found.computes_id) == (False, ENDPOINTS, COMPUTES)
    assert "privatelink.blob.core.windows.net" not in {*found.zones_made(), *found.zones_linked()}
    assert (len(found.zones_made()), len(found.zones_linked())) == (5, 5)
    assert found.zone_id("privatelink.blob.core.windows.net") == BLOB


def test_a_zone_of_others_is_linked_to_a_network_that_is_made() -> None:
    found = private(zones=[BLOB])
    assert (len(found.zones_made()), len(found.zones_linked())) == (5, 6)


def test_a_policy_of_the_company_takes_care_of_dns() -> None:
    found = private(dns="policy")
    assert (found.zones_made(), found.zones_linked()) == ((), ())
    assert not [each for each in found.planned() if "DnsZone" in each.type or "privatedns" in each.type]


@pytest.mark.parametrize(
    ("network", "key", "what"),
    [
        ({"addressRange": "10.42.0.0"}, "", "is too small for two subnets"),
        ({"addressRange": "10.42.0.7/24"}, ".addressRange", "'10.42.0.0/24' is"),
        ({"addressRange": "8.8.8.0/24"}, ".addressRange", "is not private"),
        ({"addressRange": "172.17.4.0/24"}, ".addressRange", "Docker"),
        ({"addressRange": "fd00::/64"}, ".addressRange", "not a range of IPv4 addresses"),
        ({"addressRange": "10.42.0.0/28"}, "", "too small for two subnets"),
        (
            {"endpoints": "10.42.0.0/25", "computes": "10.42.0.64/26"},
            "",
            "10.42.0.0/25 and network.computes 10.42.0.64",
        ),
        ({"endpoints": "10.43.0.0/26"}, "", "lies outside network.addressRange 10.42.0.0/24"),
        ({"computes": "10.42.0.0/24"}, "", "overlap"),
        ({"endpoints": "10.42.0.0/29"}, "", "leaves 3 addresses, and the endpoints take 9"),
        ({"computes": "10.42.0.128/30"}, "", "a /29 is the least"),
        ({"endpoints": ENDPOINTS, "computes": "10.42.0.128/25"}, "", "both ARM ids"),
        ({"computes": COMPUTES}, "", "both ARM ids"),
        ({"endpoints": ENDPOINTS, "addressRange": "10.1.0.0/24"}, "", "no network is made"),
        ({"endpoints": f"{NET}/virtualNetworks/hub"}, ".endpoints", "is not the ARM id of a subnet"),
        ({"zones": [BLOB, BLOB.upper()]}, ".zones", "privatelink.blob.core.windows.net is there twice"),
        ({"zones": [f"{NET}/privateDnsZones/contoso.com"]}, ".zones", "no zone that a workspace's endpoints need"),
        ({"zones": [ENDPOINTS]}, ".zones", "privateDnsZones"),
        ({"dns": "policy", "zones": [BLOB]}, ".zones", "no zone is used"),
        ({"rules": [{"fqdn": "a.com"}]}, ".rules", "belongs to mode managed"),
        ({"mode": "managed", "endpoints": "10.42.0.0/26"}, "", "ARM id of a subnet of yours"),
        ({"mode": "managed", "computes": COMPUTES}, ".computes", "belongs to mode own"),
        ({"mode": "managed", "dns": "policy"}, "", "say endpoints"),
    ],
)
def test_what_does_not_fit_is_refused(network: dict[str, Any], key: str, what: str) -> None:
    found = fault(**network)
    assert (found.key, what in found.what) == (f"azmlflow:network{key}", True), found


def test_computes_are_in_the_networks_subnet_unless_they_say_another() -> None:
    found = settings([{"name": "cpu"}, {"name": "gpu", "subnet": COMPUTES, "publicIp": True}])
    made = fitted(found.clusters, found.network, found.network.private(GROUP, "mlw"))
    place = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/mlw-vnet/subnets/computes"
    assert [(each.subnet, each.public_ip) for each in made] == [(place, False), (COMPUTES, True)]


def test_a_compute_without_a_subnet_to_be_in() -> None:
    found = fault([{"name": "cpu"}], endpoints=ENDPOINTS)
    assert (found.key, "cpu has no subnet" in found.what) == ("azmlflow:clusters", True)


def test_more_nodes_than_addresses() -> None:
    """Microsoft, "Azure Virtual Network frequently asked questions": five addresses of each subnet are Azure's."""
    found = fault([{"name": "cpu", "maxNodes": 20}, {"name": "gpu", "maxNodes": 8}], computes="10.42.0.128/27")
    assert "28 nodes at most are more than the 27 addresses of network.computes 10.42.0.128/27" in found.what
    full = {"name": "cpu", "maxNodes": 27}
    assert settings([full], computes="10.42.0.128/27")
    elsewhere = {"name": "gpu", "maxNodes": 9, "subnet": COMPUTES}
    assert settings([full, elsewhere], computes="10.42.0.128/27"), "a node in another subnet takes none of them"


def test_a_subnet_of_another_subscription_is_refused_where_the_stacks_own_is_known() -> None:
    other = ENDPOINTS.replace("/subscriptions/s/", "/subscriptions/t/")
    found = settings(endpoints=other, computes=COMPUTES)
    with pytest.raises(SettingsError) as caught:
        check(found.network.network(), found.network.private(GROUP, "mlw"), [])
    assert [each.key for each in caught.value.faults] == ["azmlflow:network.endpoints"]
    check(settings(endpoints=ENDPOINTS).network.network(), private(endpoints=ENDPOINTS), [])


def test_a_zone_of_another_subscription_has_to_be_linked_by_its_owner() -> None:
    other = BLOB.replace("/subscriptions/s/", "/subscriptions/hub/")
    with pytest.raises(SettingsError) as caught:
        check(settings(zones=[other]).network.network(), private(zones=[other]), [])
    assert [each.key for each in caught.value.faults] == ["azmlflow:network.zones[0]"]
    check(settings().network.network(), private(endpoints=ENDPOINTS, zones=[other]), [])
