"""What a stack's network is made of, as our own client reads it off an embedded Azure in memory."""

from __future__ import annotations

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.session import reaching
from azmlflow.reach.decide import decide
from azmlflow.reach.records import INTERNET, Origin
from tests.localazure.control import (
    BODIES,
    CHAIN,
    NETWORK,
    PRIVATE_ENDPOINT,
    STORAGE,
    SUBNET,
    VAULT,
    WORKSPACE,
    ZONE,
    Azure,
)
from tests.localazure.sdk import Credential, transport


@pytest.fixture
def azure(azure: Azure) -> Azure:
    """An embedded Azure with a workspace."""
    azure.make(*CHAIN[:6])
    return azure


def _look(azure: Azure) -> reaching.Reach:
    found = reaching.look(ResourceManager(transport(azure), Credential()), WORKSPACE)
    assert found is not None
    return found


def test_an_open_workspace(azure: Azure) -> None:
    found = _look(azure)
    assert [(each.service, each.name) for each in found.endpoints] == [
        ("workspace", "ws-one"), ("blob", "stacct1"), ("file", "stacct1"), ("vault", "kv-one"),
    ]  # fmt: skip
    assert (found.networks, found.unread) == ((), ())
    assert found.inside() == (Origin("managed", WORKSPACE),)
    assert all(decide(found.facts, origin, each).allowed for each in found.endpoints for origin in found.inside())


def test_a_private_endpoint_its_network_and_its_zone(azure: Azure) -> None:
    azure.make(NETWORK, SUBNET, ZONE, PRIVATE_ENDPOINT)
    link = {"location": "global", "properties": {"virtualNetwork": {"id": NETWORK}}}
    azure.arm("PUT", f"{ZONE}/virtualNetworkLinks/l", link)
    azure.wait()
    configs = [{"name": "blob", "properties": {"privateDnsZoneId": ZONE}}]
    azure.arm(
        "PUT", f"{PRIVATE_ENDPOINT}/privateDnsZoneGroups/default", {"properties": {"privateDnsZoneConfigs": configs}}
    )
    azure.wait()
    for path in (STORAGE, VAULT):
        body = azure.arm("GET", path).body
        body["properties"]["publicNetworkAccess"] = "Disabled"
        assert azure.arm("PUT", path, body).status in (200, 202)
        azure.wait()
    found = _look(azure)
    assert found.networks == (NETWORK,)
    ways = {
        (each.service, origin.kind): decide(found.facts, origin, each).way
        for each in found.endpoints
        for origin in (INTERNET, Origin("network", NETWORK))
    }
    assert ways == {
        ("workspace", "internet"): "public", ("workspace", "network"): "public",
        ("blob", "internet"): "refused", ("blob", "network"): "private",
        ("file", "internet"): "refused", ("file", "network"): "refused",
        ("vault", "internet"): "refused", ("vault", "network"): "refused",
    }  # fmt: skip


def test_a_compute_in_a_subnet_brings_its_network(azure: Azure) -> None:
    azure.make(NETWORK, SUBNET)
    compute = CHAIN[6]
    inner = {**BODIES[compute]["properties"]["properties"], "subnet": {"id": SUBNET}}
    azure.arm("PUT", compute, {**BODIES[compute], "properties": {**BODIES[compute]["properties"], "properties": inner}})
    azure.wait()
    assert _look(azure).networks == (NETWORK,)


def test_no_workspace(azure: Azure) -> None:
    assert reaching.look(ResourceManager(transport(azure), Credential()), f"{WORKSPACE}-none") is None
