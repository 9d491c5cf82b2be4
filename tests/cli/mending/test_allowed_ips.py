"""Whom a workspace lets in: set after the engine, told where it was changed, taken away again, on an embedded Azure."""

from __future__ import annotations

from typing import Any

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import allowed_ips, firewalls
from azmlflow.cli.pulumi.deployment import Resource, State
from tests.cli.desk import FakeStack
from tests.localazure.control import BODIES, CHAIN, VAULT, WORKSPACE, Azure
from tests.localazure.sdk import Credential, transport

ADDRESSES = ("203.0.113.7", "198.51.100.0/24")
RULES = [{"value": each} for each in ADDRESSES]


@pytest.fixture
def azure(azure: Azure) -> Azure:
    """An embedded Azure with a workspace as the program makes it: closed."""
    azure.make(*CHAIN[:6])
    _write(azure)
    return azure


def _write(azure: Azure, **properties: Any) -> None:
    """What the engine writes of the workspace."""
    properties = {**BODIES[WORKSPACE]["properties"], "publicNetworkAccess": "Disabled", **properties}
    assert azure.arm("PUT", WORKSPACE, {**BODIES[WORKSPACE], "properties": properties}).status in (200, 202)
    azure.wait()


def _shown(azure: Azure) -> tuple[str, Any]:
    properties = azure.arm("GET", WORKSPACE).body["properties"]
    return properties["publicNetworkAccess"], properties.get("networkAcls")


def _arm(azure: Azure) -> ResourceManager:
    return ResourceManager(transport(azure), Credential())


def _stack(*rules: dict[str, str]) -> FakeStack:
    """A stack that stands, its vault's firewall with these rules."""
    vault: dict[str, Any] = {"properties": {"networkAcls": {"defaultAction": "Deny", "ipRules": list(rules)}}}
    closed = {"publicNetworkAccess": "Disabled"}
    workspace = Resource("urn::ws", "azure-native:machinelearningservices:Workspace", WORKSPACE, closed, {})
    return FakeStack(held=State((workspace, Resource("urn::kv", "azure-native:keyvault:Vault", VAULT, vault, vault))))


def test_a_closed_workspace_is_opened_to_the_addresses_alone(azure: Azure) -> None:
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    assert _shown(azure) == ("Enabled", {"defaultAction": "Deny", "ipRules": RULES})


def test_what_stands_is_not_written_again(azure: Azure) -> None:
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    before = azure.arm("GET", WORKSPACE).body["systemData"]
    azure.clock.advance(60)
    allowed_ips.open_to(_arm(azure), WORKSPACE, reversed([f"{ADDRESSES[0]}/32", ADDRESSES[1]]))
    assert azure.arm("GET", WORKSPACE).body["systemData"] == before


def test_after_the_engine_has_written_the_workspace_it_is_opened_again(azure: Azure) -> None:
    """A PUT drops what it does not say: until it is opened again it is closed, and never open to all."""
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    _write(azure, description="other")
    assert _shown(azure) == ("Disabled", None)
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    assert _shown(azure)[0] == "Enabled"


def test_an_azure_that_forgets_the_addresses_is_no_success() -> None:
    class Forgetful:
        def get(self, _id: str, *, version: str = "") -> dict[str, Any]:
            return {"properties": {"publicNetworkAccess": "Enabled"}}

        def patch(self, _id: str, _document: dict[str, Any], *, version: str = "") -> None: ...

    forgetful: Any = Forgetful()
    with pytest.raises(CliError, match=r"^the workspace does not let in what network\.allowedIps names") as caught:
        allowed_ips.open_to(forgetful, WORKSPACE, ADDRESSES)
    assert (caught.value.where, str(caught.value.next).split()[:2]) == (WORKSPACE, ["azmlflow", "reach"])


@pytest.mark.parametrize("shown", [None, {}, {"properties": None}])
def test_a_workspace_that_tells_nothing_lets_nobody_in(shown: dict[str, Any] | None) -> None:
    patched: list[Any] = []

    class Silent:
        def get(self, _id: str, *, version: str = "") -> dict[str, Any] | None:
            return shown

        def patch(self, _id: str, document: dict[str, Any], *, version: str = "") -> None:
            patched.append(document["properties"]["networkAcls"]["ipRules"])

    silent: Any = Silent()
    with pytest.raises(CliError, match="does not let in"):
        allowed_ips.open_to(silent, WORKSPACE, ADDRESSES)
    assert patched == [RULES]


def test_a_workspaces_firewall_is_spoken_of_in_the_preview_that_has_it() -> None:
    """Later versions leave it out of answers and take no notice of it (`cli/azure/addresses.py`)."""
    shown: dict[str, Any] = {}

    class Previewed:
        def get(self, _id: str, *, version: str = "") -> dict[str, Any]:
            return {"properties": shown if version == "2024-10-01-preview" else {}}

        def patch(self, _id: str, document: dict[str, Any], *, version: str = "") -> None:
            assert not shown, "what stands is not written again"
            if version == "2024-10-01-preview":
                shown.update(document["properties"])

    previewed: Any = Previewed()
    allowed_ips.open_to(previewed, WORKSPACE, ADDRESSES)
    allowed_ips.open_to(previewed, WORKSPACE, ADDRESSES)
    del shown["publicNetworkAccess"]  # Azure's default is that it is open
    shown["networkAcls"]["ipRules"][1]["value"] = "198.51.100.9/24"  # the same range, as somebody else wrote it
    allowed_ips.open_to(previewed, WORKSPACE, ADDRESSES)
    said: list[str] = []
    allowed_ips.tend(_stack(*RULES), lambda: previewed, said.append, ADDRESSES)
    assert said == []
    shown.clear()
    allowed_ips.tend(_stack(*RULES), lambda: previewed, said.append, ())
    assert shown["publicNetworkAccess"] == "Disabled"


def _closed(token: str, inputs: dict[str, Any], *, external: bool = False) -> State:
    workspace = Resource("urn::ws", "azure-native:machinelearningservices:Workspace", WORKSPACE, CLOSED)
    return State((Resource("urn::x", token, "/x", inputs, external=external), workspace))


CLOSED = {"publicNetworkAccess": "Disabled"}
REGISTRY = "azure-native:containerregistry:Registry"


def test_of_a_vault_that_is_given_the_registry_tells_the_addresses() -> None:
    """azure-native's registry has `iPAddressOrRange` where a vault has `value` (pulumi-azure-native, `IPRuleArgs`)."""
    rules = {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"iPAddressOrRange": "203.0.113.7"}]}}
    assert sorted(allowed_ips.let_in_before(_closed(REGISTRY, rules)) or ()) == ["203.0.113.7/32"]
    assert allowed_ips.let_in_before(_closed(REGISTRY, rules, external=True)) is None
    assert allowed_ips.let_in_before(_closed("azure-native:storage:StorageAccount", rules)) is None
    assert allowed_ips.let_in_before(_closed(REGISTRY, {"networkRuleSet": {"defaultAction": "Deny"}})) is None
    assert allowed_ips.let_in_before(_closed("azure-native:keyvault:Vault", {"properties": "[secret]"})) is None


@pytest.mark.parametrize(("inputs", "external"), [({"publicNetworkAccess": "Enabled"}, False), ({}, False), ({}, True)])
def test_a_workspace_that_is_open_or_given_let_no_addresses_in(inputs: dict[str, Any], external: bool) -> None:
    vault = _stack(*RULES).held.resources[1]
    closed = CLOSED if external else {}
    workspace = Resource(
        "urn::ws", "azure-native:machinelearningservices:Workspace", WORKSPACE, closed | inputs, external=external
    )
    assert allowed_ips.let_in_before(State((workspace, vault))) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"networkAcls": {"defaultAction": "Deny", "ipRules": [*RULES, {"value": "192.0.2.1"}]}},
        {"networkAcls": {"defaultAction": "Allow", "ipRules": RULES}},
        {"publicNetworkAccess": "Disabled"},
    ],
)
def test_what_somebody_changed_is_told_and_set_again(azure: Azure, changed: dict[str, Any]) -> None:
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    said: list[str] = []
    tend = _stack(*RULES), lambda: _arm(azure), said.append, ADDRESSES
    allowed_ips.tend(*tend)
    assert said == []
    azure.arm("PATCH", WORKSPACE, {"properties": changed})
    azure.wait()
    allowed_ips.tend(*tend)
    assert said == ["the firewall of workspace `ws-one` lets in others than it was told to: it is set again"]
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    assert _shown(azure) == ("Enabled", {"defaultAction": "Deny", "ipRules": RULES})


def test_other_addresses_in_the_settings_are_nobodys_change(azure: Azure) -> None:
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    said: list[str] = []
    allowed_ips.tend(_stack(*RULES), lambda: _arm(azure), said.append, ["192.0.2.1"])
    assert said == []


def test_without_addresses_it_is_closed_before_the_engine(azure: Azure) -> None:
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    said: list[str] = []
    allowed_ips.tend(_stack(*RULES), lambda: _arm(azure), said.append, ())
    assert said == ["closing workspace `ws-one` to the internet addresses that it lets in ..."]
    assert _shown(azure) == ("Disabled", {"defaultAction": "Allow", "ipRules": []})


def test_a_stack_that_never_let_addresses_in_is_not_asked() -> None:
    def nobody() -> ResourceManager:
        raise AssertionError("nobody has to be asked")

    for stack in (_stack(), FakeStack()):
        allowed_ips.tend(stack, nobody, lambda _: None, ())
        allowed_ips.tend(stack, nobody, lambda _: None, ADDRESSES)


def test_a_vaults_firewall_that_somebody_changed_is_set_back(azure: Azure) -> None:
    stack, said = _stack(*RULES), list[str]()
    acls = {"bypass": "AzureServices", "defaultAction": "Deny", "ipRules": [{"value": f"{ADDRESSES[0]}/32"}, RULES[1]]}
    vault = {**BODIES[VAULT], "properties": {**BODIES[VAULT]["properties"], "networkAcls": acls}}
    azure.arm("PUT", VAULT, vault)
    allowed_ips.open_to(_arm(azure), WORKSPACE, ADDRESSES)
    firewalls.close_again(stack, lambda: _arm(azure), said.append)
    assert (said, stack.calls) == ([], []), "the workspace's own is not the engine's"
    acls["ipRules"] = [*RULES, {"value": "192.0.2.1"}]
    azure.arm("PUT", VAULT, vault)
    firewalls.close_again(stack, lambda: _arm(azure), said.append)
    assert said == ["the firewall of key vault `kv-one` was changed elsewhere: it is set back"]
    assert stack.calls == ["refresh kv"]
