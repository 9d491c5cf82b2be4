"""The mode `closed`: nothing of a network is made, and computes are in subnets of somebody else's."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.network.combinations import fitted
from azmlflow.infra.settings.settings import Settings

SUBNET = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/hub/subnets/computes"


def read(**given: Any) -> Settings:
    settings = {"registry": "own", "network": {"mode": "closed"}, **given}
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in settings.items()})


def test_all_is_closed_and_nothing_of_a_network_is_made() -> None:
    network = read().network
    found = network.network()
    assert (found.closed, found.isolation, found.rules, found.addresses) == (True, None, (), ())
    assert not network.has_endpoints()
    assert network.private("/subscriptions/s/resourceGroups/rg", "mlw") is None
    assert network.of_mode.way_in == "people come by private endpoints that somebody else makes"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"clusters": [{"name": "cpu"}]}, "cpu has no subnet"),
        ({"registry": "none"}, "network.mode closed closes the registry too"),
        ({"network": {"mode": "closed", "endpoints": SUBNET}}, "belongs to mode managed or own"),
    ],
)
def test_what_does_not_go_with_it_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        read(**given)


def test_its_computes_are_where_they_say_and_have_no_public_address() -> None:
    settings = read(clusters=[{"name": "cpu", "subnet": SUBNET}])
    (cluster,) = fitted(settings.clusters, settings.network, None)
    assert (cluster.subnet, cluster.public_ip) == (SUBNET, False)


def test_the_first_cluster_builds_images_unless_it_is_said_otherwise() -> None:
    computes = [{"name": name, "subnet": SUBNET} for name in ("cpu", "gpu")]
    assert read(clusters=computes).builds_images() == "cpu"
    assert read(clusters=computes, imageBuildCompute="gpu").builds_images() == "gpu"
    assert read(clusters=computes, imageBuildCompute="none").builds_images() is None
    assert Settings.from_mapping({"azmlflow:clusters": [{"name": "cpu"}]}).builds_images() is None
    assert read().builds_images() is None
