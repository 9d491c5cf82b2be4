"""The regions of a container registry: its home's from the start, others as they are asked for.

Sources: Microsoft, "Replications" (REST 2023-01-01-preview), "Geo-replication in Azure Container Registry".
"""

from __future__ import annotations

import pytest

from tests.localazure.control import ALICE, REGISTRY, RG, Azure

ALL, HOME, NORTH = (f"{REGISTRY}/replications{each}" for each in ("", "/westeurope", "/northeurope"))


@pytest.fixture
def premium(azure: Azure) -> Azure:
    """With a registry in West Europe."""
    azure.make(RG, REGISTRY)
    return azure


def regions(azure: Azure) -> list[str]:
    return [each["location"] for each in azure.arm("GET", ALL).body["value"]]


def test_a_registry_is_in_its_home_region_from_the_start(premium: Azure) -> None:
    [home] = premium.arm("GET", ALL).body["value"]
    assert home == premium.arm("GET", HOME).body
    assert (home["id"], home["name"], home["location"]) == (HOME, "westeurope", "westeurope")
    assert home["properties"]["regionEndpointEnabled"] is True
    assert (home["properties"]["zoneRedundancy"], home["properties"]["provisioningState"]) == ("Disabled", "Succeeded")
    assert home["properties"]["status"]["displayStatus"] == "Ready"
    refused = premium.arm("DELETE", HOME)
    assert (refused.status, refused.code) == (400, "CannotDeleteHomeReplication")


def test_another_region(premium: Azure) -> None:
    made = premium.arm("PUT", NORTH, {"location": "North Europe", "properties": {"regionEndpointEnabled": False}})
    assert made.status == 201
    premium.wait()
    assert regions(premium) == ["northeurope", "westeurope"]
    assert premium.arm("GET", NORTH).body["properties"]["regionEndpointEnabled"] is False
    assert premium.arm("PATCH", NORTH, {"properties": {"regionEndpointEnabled": True}}).status == 200
    assert premium.arm("GET", NORTH).body["properties"]["regionEndpointEnabled"] is True

    again = premium.arm("PUT", f"{ALL}/another", {"location": "northeurope"})
    assert (again.status, again.code) == (409, "ReplicationAlreadyExists")
    moved = premium.arm("PUT", NORTH, {"location": "eastus"})
    assert (moved.status, moved.code) == (409, "InvalidResourceLocation")
    zones = premium.arm("PATCH", NORTH, {"properties": {"zoneRedundancy": "Enabled"}})
    assert (zones.status, zones.code) == (400, "InvalidRequestContent")
    smaller = premium.arm("PATCH", REGISTRY, {"sku": {"name": "Basic"}})
    assert (smaller.status, smaller.code) == (409, "FeatureNotSupportedForSku")
    assert "northeurope" in smaller.message

    assert premium.arm("DELETE", NORTH).status == 202
    premium.wait()
    assert regions(premium) == ["westeurope"]
    assert premium.arm("PATCH", REGISTRY, {"sku": {"name": "Basic"}}).status == 200
    assert regions(premium) == []


def test_what_is_set_of_the_home_region_stays(premium: Azure) -> None:
    assert premium.arm("PUT", HOME, {"location": "westeurope", "tags": {"a": "b"}}).status == 200
    assert regions(premium) == ["westeurope"]
    assert premium.arm("GET", HOME).body["tags"] == {"a": "b"}
    assert premium.arm("DELETE", HOME).code == "CannotDeleteHomeReplication"


def test_a_registry_that_is_not_premium_has_none(azure: Azure) -> None:
    azure.make(RG)
    azure.arm("PUT", REGISTRY, {"location": "westeurope", "sku": {"name": "Basic"}})
    azure.wait()
    assert azure.arm("GET", ALL).body == {"value": []}
    assert azure.arm("GET", HOME).status == 404
    refused = azure.arm("PUT", NORTH, {"location": "northeurope"})
    assert (refused.status, refused.code) == (400, "FeatureNotSupportedForSku")


def test_they_go_with_their_registry(premium: Azure) -> None:
    premium.arm("PUT", NORTH, {"location": "northeurope"})
    premium.wait()
    premium.arm("DELETE", REGISTRY)
    premium.wait()
    assert premium.arm("GET", ALL).code == "ParentResourceNotFound"
    premium.make(REGISTRY)
    assert regions(premium) == ["westeurope"]


def test_who_may_not_read_the_registry_is_told_nothing(premium: Azure) -> None:
    assert premium.arm("GET", ALL, who=ALICE).status == 403
