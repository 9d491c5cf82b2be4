"""The setting `network` in mode `publicIps`: which addresses it takes, and what goes with it."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.settings import Settings

SUBNET = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/v/subnets/out"


def read(*addresses: str, registry: str = "own", mode: str = "publicIps", **others: Any) -> Settings:
    network = {"mode": mode, "allowedIps": list(addresses)}
    return Settings.from_mapping(
        {"azmlflow:registry": registry, "azmlflow:network": network}
        | {f"azmlflow:{name}": value for name, value in others.items()}
    )


def fault(*addresses: str, **others: Any) -> Fault:
    with pytest.raises(SettingsError) as caught:
        read(*addresses, **others)
    (only,) = caught.value.faults
    return only


def test_addresses_and_ranges_are_let_in_and_nobody_else() -> None:
    found = read("203.0.113.7", "198.51.100.0/24", "192.0.2.4/30").network.network()
    assert (found.closed, found.isolation) == (True, None)
    assert found.addresses == ("203.0.113.7", "198.51.100.0/24", "192.0.2.4/30")


@pytest.mark.parametrize(
    ("address", "what"),
    [
        ("10.0.0.1", "is not of the internet but of 10.0.0.0/8"),
        ("172.16.5.0/24", "is not of the internet but of 172.16.0.0/12"),
        ("192.168.0.0/30", "is not of the internet but of 192.168.0.0/16"),
        ("172.0.0.0/8", "is not of the internet but of 172.16.0.0/12"),
        ("0.0.0.0/0", "is not of the internet but of 10.0.0.0/8"),
        ("127.0.0.1", "is not of the internet but of 127.0.0.0/8"),
        ("169.254.1.1", "is not of the internet but of 169.254.0.0/16"),
        ("100.64.0.1", "is not of the internet but of 100.64.0.0/10"),
        ("2001:db8::1", "is of IPv6"),
        ("2001:db8::/32", "is of IPv6"),
        ("198.51.100.2/31", "too small a range for a storage account's firewall: name 198.51.100.2 and 198.51.100.3"),
        ("198.51.100.2/32", "too small a range for a storage account's firewall: name 198.51.100.2"),
        ("198.51.100.1/24", "'198.51.100.0/24' is"),
        ("198.51.100", "neither an IPv4 address nor a range"),
        ("home.contoso.com", "neither an IPv4 address nor a range"),
        ("198.51.100.0/33", "not a range of IPv4 addresses"),
    ],
)
def test_an_address_that_azures_firewalls_refuse(address: str, what: str) -> None:
    found = fault("203.0.113.7", address)
    assert found.key == "azmlflow:network.allowedIps"
    assert what in found.what


@pytest.mark.parametrize("other", ["203.0.113.0/24", "203.0.113.7", "203.0.112.0/22"])
def test_one_within_another(other: str) -> None:
    assert fault("203.0.113.7", other).what == f"'{other}' and '203.0.113.7' overlap: leave the smaller one out"


def test_how_many() -> None:
    """A registry takes 100, a workspace 200: all are closed alike, so the least counts."""
    many = [f"198.51.100.{number}" for number in range(100)]
    assert len(read(*many).network.network().addresses) == 100
    for count in (101, 201):
        listed = [f"203.0.{number // 250}.{number % 250}" for number in range(count)]
        assert fault(*listed).what == f"{count} are more than the 100 that a container registry takes"


def test_nobody_at_all() -> None:
    found = fault()
    assert "nobody but allowedIps is let in, and there are none" in found.what
    assert found.fix == "azmlflow set network '{mode: publicIps, allowedIps: [198.51.100.7]}'"


def test_addresses_belong_to_this_mode() -> None:
    found = fault("203.0.113.7", mode="managed")
    assert (found.key, found.fix) == ("azmlflow:network.allowedIps", "azmlflow set --unset network.allowedIps")


def test_one_word_closes_the_registry_too() -> None:
    assert "closes the registry too" in fault("203.0.113.7", registry="none").what


def test_a_compute_comes_from_an_address_that_somebody_knows() -> None:
    subnet = {"name": "cpu", "subnet": SUBNET}
    assert read("203.0.113.7", clusters=[subnet]).clusters[0].subnet == SUBNET
    for cluster in ({"name": "cpu"}, {**subnet, "publicIp": False}):
        found = fault("203.0.113.7", clusters=[cluster])
        assert found.key == "azmlflow:clusters"
        assert "a subnet that lets them out by one of network.allowedIps" in found.what
