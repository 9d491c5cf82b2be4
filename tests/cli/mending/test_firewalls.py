"""A firewall that somebody changed in Azure, as `up` meets it."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.mending import firewalls
from azmlflow.cli.pulumi.deployment import Resource
from tests.cli.desk import GROUP_ID, WORKSPACE_ID, Desk

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


RULED = shown(networkAcls={**OPEN, "resourceAccessRules": [{"resourceId": "/r", "tenantId": "t"}]})


@pytest.mark.parametrize(
    ("outputs", "properties"),
    [
        ({}, shown()),
        ({}, shown(networkAcls={**OPEN, "ipv6Rules": []})),
        ({}, {"networkAcls": OPEN}),
        # Microsoft, "Storage Accounts - Get Properties": without rules all are let in.
        ({"networkRuleSet": {}}, shown()),
        ({"networkRuleSet": {**OPEN, "resourceAccessRules": [{"resourceId": "/R", "tenantId": "t"}]}}, RULED),
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


def test_another_resource_that_is_let_in_is_another_firewall(desk: Desk) -> None:
    before = {**OPEN, "resourceAccessRules": [{"resourceId": "/other", "tenantId": "t"}]}
    desk.stand(account(networkRuleSet=before))
    desk.arm.put(ACCOUNT_ID, properties=RULED)
    firewalls.keep(desk.stack, desk.arm.open, lambda _: None)
    assert desk.stack.calls == ["refresh storage"]


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


REGISTRY_ID = f"{GROUP_ID}/providers/Microsoft.ContainerRegistry/registries/crone"
RULES = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": [{"value": "203.0.113.7"}]}


def registry(**outputs: Any) -> Resource:
    return Resource("urn::registry", "azure-native:containerregistry:Registry", REGISTRY_ID, {}, outputs)


@pytest.mark.parametrize(
    ("before", "now", "says"),
    [
        # azure-native's outputs of a registry have `networkRuleSet`, and Azure's answer has too.
        ({"networkRuleSet": RULES}, {"networkRuleSet": {**RULES, "ipRules": []}}, "was changed elsewhere"),
        ({"networkRuleSet": RULES}, {"networkRuleSet": {**RULES, "defaultAction": "Allow"}}, "was changed elsewhere"),
        ({"networkRuleSet": RULES}, {"networkRuleSet": RULES, "publicNetworkAccess": "Disabled"}, "changed elsewhere"),
        ({"publicNetworkAccess": "Disabled"}, {"publicNetworkAccess": "Enabled"}, "was opened elsewhere"),
        ({"networkRuleSet": RULES}, {"networkRuleSet": RULES}, ""),
        # Rules beside a closed door let nobody in: closed is closed.
        ({"publicNetworkAccess": "Disabled"}, {"publicNetworkAccess": "Disabled", "networkRuleSet": RULES}, ""),
        # What was open to all is nobody's to close.
        ({"networkRuleSet": {**RULES, "defaultAction": "Allow"}}, {"networkRuleSet": RULES}, ""),
    ],
)
def test_what_was_closed_and_is_otherwise_now_is_set_back(
    desk: Desk, before: dict[str, Any], now: dict[str, Any], says: str
) -> None:
    desk.stand(GROUP, registry(**before))
    desk.arm.put(REGISTRY_ID, properties=now)
    said: list[str] = []
    firewalls.close_again(desk.stack, desk.arm.open, said.append)
    assert (len(said), desk.stack.calls) == ((1, ["refresh registry"]) if says else (0, []))
    assert says in "".join(said)
    assert not said or "container registry `crone`" in said[0]


WORKSPACE = "azure-native:machinelearningservices:Workspace"


@pytest.mark.parametrize(
    ("addresses", "vault", "closes"),
    [
        ((), {}, True),
        # The program closes it, and then it is opened to the addresses (`allowed_ips.py`): not for the engine to see.
        (("203.0.113.7",), {}, False),
        ((), {"networkAcls": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.7"}]}}, False),
    ],
)
def test_a_workspace_that_was_opened_is_closed_unless_it_lets_addresses_in(
    desk: Desk, addresses: tuple[str, ...], vault: dict[str, Any], closes: bool
) -> None:
    closed = {"publicNetworkAccess": "Disabled"}
    desk.stand(
        Resource("urn::workspace", WORKSPACE, WORKSPACE_ID, closed, closed),
        Resource("urn::vault", "azure-native:keyvault:Vault", f"{GROUP_ID}/vault", {"properties": vault}),
    )
    desk.arm.put(WORKSPACE_ID, properties={"publicNetworkAccess": "Enabled"})
    said: list[str] = []
    firewalls.close_again(desk.stack, desk.arm.open, said.append, addresses)
    assert desk.stack.calls == (["refresh workspace"] if closes else [])
    assert said == (["workspace `mlw-mlflow-local` was opened elsewhere: it is closed again"] if closes else [])


def vault(**properties: Any) -> Resource:
    return Resource("urn::vault", "azure-native:keyvault:Vault", f"{GROUP_ID}/vault", {"properties": properties})


def test_what_the_settings_closed_and_close_no_more_is_opened(desk: Desk) -> None:
    """The program leaves an account's firewall to others; the vault's rules, which are its own, tell of its work."""
    desk.stand(GROUP, account(), vault(networkAcls={"defaultAction": "Deny", "ipRules": []}))
    desk.arm.answers[ACCOUNT_ID] = {"id": ACCOUNT_ID}
    said: list[str] = []
    firewalls.open_again(desk.stack, desk.arm.open, said.append)
    assert said == ["opening storage account `stone`, which the settings closed before ..."]
    opened = {"publicNetworkAccess": "Enabled", "networkAcls": {"defaultAction": "Allow", "bypass": "AzureServices"}}
    assert desk.arm.asked == [(ACCOUNT_ID, {"properties": opened})]
    assert desk.stack.calls == ["refresh storage"]


CLOSED = {"networkAcls": {"defaultAction": "Deny", "ipRules": []}}


@pytest.mark.parametrize(
    "stands",
    [
        (account(),),
        (account(), vault()),
        (account(), vault(networkAcls={})),
        (account(), Resource("urn::vault", "azure-native:keyvault:Vault", f"{GROUP_ID}/vault", {})),
        (account(), Resource("urn::other", "azure-native:search:Service", "/search", {"properties": CLOSED})),
        (vault(**CLOSED),),
    ],
)
def test_what_others_closed_is_not_opened(desk: Desk, stands: tuple[Resource, ...]) -> None:
    desk.stand(GROUP, *stands)
    firewalls.open_again(desk.stack, lambda: pytest.fail("nobody has to be asked"), lambda _: None)
    assert desk.stack.calls == []


def test_where_nothing_was_closed_azure_is_not_asked(desk: Desk) -> None:
    def nobody() -> ResourceManager:
        raise AssertionError("nobody has to be asked")

    insights = "azure-native:applicationinsights:Component"  # its network is not what the setting closes
    closed = Resource("urn::insights", insights, "/i", {}, {"publicNetworkAccess": "Disabled"})
    desk.stand(GROUP, account(), closed)
    firewalls.close_again(desk.stack, nobody, lambda _: None)
    desk.stand(GROUP, closed)
    firewalls.keep(desk.stack, nobody, lambda _: None)
    assert desk.stack.calls == []
