"""A firewall that somebody changed in Azure, as `up` meets it."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.mending import firewalls
from azmlflow.cli.pulumi.deployment import Resource
from tests.cli.desk import GROUP_ID, Desk

ACCOUNT_ID = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/stone"

GROUP = Resource("urn::group", "azure-native:resources:ResourceGroup", GROUP_ID)
OPEN = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": [], "virtualNetworkRules": []}


def account(**outputs: Any) -> Resource:
    shown = {"networkRuleSet": OPEN, "publicNetworkAccess": "Enabled", **outputs}
    return Resource("urn::storage", "azure-native:storage:StorageAccount", ACCOUNT_ID, {}, shown)


def shown(**properties: Any) -> dict[str, Any]:
    return {"networkAcls": OPEN, "publicNetworkAccess": "Enabled", **properties}


IP = {"action": "Allow", "value": "203.0.113.7"}
NET = {"action": "Allow", "id": "/subscriptions/s/virtualNetworks/v/subnets/s", "state": "Succeeded"}


@pytest.mark.parametrize(
    "properties",
    [
        shown(networkAcls={**OPEN, "defaultAction": "Deny"}),
        shown(networkAcls={**OPEN, "bypass": "None"}),
        shown(networkAcls={**OPEN, "ipRules": [IP]}),
        shown(networkAcls={**OPEN, "virtualNetworkRules": [NET]}),
        shown(networkAcls={**OPEN, "resourceAccessRules": [{"resourceId": "/r", "tenantId": "t"}]}),
        shown(publicNetworkAccess="Disabled"),
    ],
)
def test_a_firewall_that_somebody_changed_is_taken_into_the_state(desk: Desk, properties: dict[str, Any]) -> None:
    """`up` would else put it back: infra's program ignores changes of it, so that what the state has is sent."""
    desk.settings()
    desk.stand_whole(GROUP, account())
    desk.arm.put(GROUP_ID)
    desk.arm.put(ACCOUNT_ID, type="Microsoft.Storage/storageAccounts", properties=properties)
    done = desk.run("up", "--yes")
    assert done.code == 0
    assert desk.stack.calls == ["refresh storage", "up"]
    assert "the firewall of storage account `stone` was changed elsewhere: it stays as it is" in done.err


@pytest.mark.parametrize(
    ("outputs", "properties"),
    [
        ({}, shown()),
        ({}, shown(networkAcls={**OPEN, "ipv6Rules": []})),
        ({}, {"networkAcls": OPEN}),
        (
            {
                "networkRuleSet": {
                    **OPEN,
                    "ipRules": [{"action": "Allow", "iPAddressOrRange": IP["value"]}],
                    "virtualNetworkRules": [{"action": "Allow", "virtualNetworkResourceId": NET["id"].upper()}],
                }
            },
            shown(networkAcls={**OPEN, "ipRules": [IP], "virtualNetworkRules": [NET]}),
        ),
    ],
)
def test_a_firewall_that_is_as_the_state_has_it_is_left_alone(
    desk: Desk, outputs: dict[str, Any], properties: dict[str, Any]
) -> None:
    desk.settings()
    desk.stand_whole(GROUP, account(**outputs))
    desk.arm.put(GROUP_ID)
    desk.arm.put(ACCOUNT_ID, type="Microsoft.Storage/storageAccounts", properties=properties)
    assert desk.run("up", "--yes").code == 0
    assert desk.stack.calls == ["up"]


def test_an_account_that_is_gone_has_no_firewall(desk: Desk) -> None:
    desk.settings()
    desk.stand_whole(GROUP, account())
    desk.arm.put(GROUP_ID)
    desk.run("up", "--yes")
    assert desk.stack.calls == ["forget storage", "up"]
    desk.stack.calls.clear()
    desk.stand_whole(GROUP, account())
    firewalls.keep(desk.stack, desk.arm.open, lambda _: None)  # deleted since it was looked for
    assert desk.stack.calls == []


def test_what_a_program_of_ones_own_says_of_a_firewall_counts(desk: Desk) -> None:
    desk.settings()
    (desk.root / "infra").mkdir()
    (desk.root / "infra" / "__main__.py").write_text("")
    desk.stand_whole(GROUP, account())
    desk.arm.put(GROUP_ID)
    closed = shown(networkAcls={**OPEN, "defaultAction": "Deny"})
    desk.arm.put(ACCOUNT_ID, type="Microsoft.Storage/storageAccounts", properties=closed)
    assert desk.run("up", "--yes").code == 0
    assert "refresh storage" not in desk.stack.calls
