"""The setting `network`: what it takes and what it refuses, with the reason and the command that mends it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from azmlflow.infra.plan.networks import PUBLIC, Network
from azmlflow.infra.settings.faults import Fault, SettingsError
from azmlflow.infra.settings.network.combinations import fitted
from azmlflow.infra.settings.network.rules import RuleSettings
from azmlflow.infra.settings.network.standing import check
from azmlflow.infra.settings.settings import Settings

SQL = "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.Sql/servers/sql"
VAULT = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv"


def read(registry: str = "own", **network: Any) -> Network:
    return Settings.from_mapping({"azmlflow:registry": registry, "azmlflow:network": network}).network.network()


def fault(registry: str = "own", **network: Any) -> Fault:
    with pytest.raises(SettingsError) as caught:
        read(registry, **network)
    (only,) = caught.value.faults
    return only


def test_nothing_said_is_public() -> None:
    assert Settings.from_mapping({}).network.network() == PUBLIC == read("none", mode="public")
    assert (PUBLIC.closed, PUBLIC.isolation, PUBLIC.rules) == (False, None, ())


def test_managed_is_closed_and_lets_out_to_the_internet() -> None:
    found = read(mode="managed")
    assert (found.closed, found.isolation) == (True, "AllowInternetOutbound")
    assert read(mode="managed", outbound="approved").isolation == "AllowOnlyApprovedOutbound"


def test_rules_are_as_azure_takes_them() -> None:
    """Microsoft, "Managed Network Settings Rules" (REST 2025-12-01)."""
    rules = [
        {"fqdn": "Example.com"},
        {"fqdn": "*.contoso.com"},
        {"serviceTag": "AzureFrontDoor.FirstParty"},
        {"serviceTag": "DataFactory", "protocol": "UDP", "ports": "80,443"},
        {"privateEndpoint": SQL, "target": "sqlServer"},
    ]
    found = read(mode="managed", outbound="approved", rules=rules).rules
    assert [each.properties for each in found] == [
        {"type": "FQDN", "destination": "example.com"},
        {"type": "FQDN", "destination": "*.contoso.com"},
        {
            "type": "ServiceTag",
            "destination": {
                "serviceTag": "AzureFrontDoor.FirstParty",
                "protocol": "TCP",
                "portRanges": "443",
                "action": "Allow",
            },
        },
        {
            "type": "ServiceTag",
            "destination": {"serviceTag": "DataFactory", "protocol": "UDP", "portRanges": "80,443", "action": "Allow"},
        },
        {
            "type": "PrivateEndpoint",
            "destination": {"serviceResourceId": SQL, "subresourceTarget": "sqlServer", "sparkEnabled": False},
        },
    ]
    names = [each.name for each in found]
    assert names[0].startswith("fqdn-example-com-")
    assert names[4].startswith("pe-sql-")
    assert len(set(names)) == 5
    # The pattern that azure-native holds names to.
    assert all(re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_-]{2,32}", name) for name in names)


def test_a_rules_name_follows_from_what_it_lets_out_to_alone() -> None:
    one, other = {"fqdn": "example.com"}, {"serviceTag": "DataFactory"}
    first = read(mode="managed", outbound="approved", rules=[one, other]).rules
    second = read(mode="managed", outbound="approved", rules=[{**other, "ports": "80"}, one]).rules
    assert [each.name for each in first] == [each.name for each in reversed(second)]


def test_internet_takes_private_endpoints_alone() -> None:
    """foundry-samples issue 961: 'Only "PrivateEndpoint" outbound rules are supported when ...'."""
    rules = [{"privateEndpoint": SQL, "target": "sqlServer"}]
    assert read(mode="managed", rules=rules).rules[0].target == SQL.lower()
    for rule in ({"fqdn": "example.com"}, {"serviceTag": "DataFactory"}):
        found = fault(mode="managed", rules=[*rules, rule])
        assert found.key == "azmlflow:network.rules"
        assert "needs `outbound: approved`" in found.what
        assert found.fix == "azmlflow set network.outbound approved"


@pytest.mark.parametrize(
    ("network", "key", "what"),
    [
        ({"mode": "shut"}, "network.mode", "'public', 'publicIps', 'managed'"),
        ({"outbound": "approved"}, "network.outbound", "belongs to mode managed or own, and the mode is public"),
        ({"rules": []}, "network.rules", "belongs to mode managed, and the mode is public"),
        ({"mode": "managed", "outbound": "all"}, "network.outbound", "'internet' or 'approved'"),
        ({"mode": "managed", "rulez": []}, "network.rulez", "did you mean rules?"),
    ],
)
def test_a_word_that_does_not_fit(network: dict[str, Any], key: str, what: str) -> None:
    found = fault(**network)
    assert found.key == f"azmlflow:{key}"
    assert what in found.what


def test_what_belongs_to_another_mode_is_mended_by_taking_it_out() -> None:
    assert fault(outbound="approved").fix == "azmlflow set --unset network.outbound"


@pytest.mark.parametrize(
    ("rule", "key", "what"),
    [
        ({}, "", "this one has none"),
        ({"fqdn": "a.com", "serviceTag": "B"}, "", "this one has fqdn and serviceTag"),
        ({"fqdn": "https://example.com"}, ".fqdn", "is not a host's name"),
        ({"fqdn": "example"}, ".fqdn", "is not a host's name"),
        ({"fqdn": "x.blob.core.windows.net"}, ".fqdn", "by a private endpoint only"),
        ({"fqdn": "*.dfs.core.windows.net"}, ".fqdn", "by a private endpoint only"),
        ({"fqdn": "a.com", "ports": "80"}, "", "ports belongs to a rule with serviceTag, and this one has fqdn"),
        ({"serviceTag": "A B"}, ".serviceTag", "should look like `"),
        ({"serviceTag": "A", "ports": "all"}, ".ports", "should look like `"),
        ({"serviceTag": "A", "protocol": "SCTP"}, ".protocol", "'TCP', 'UDP', 'ICMP' or '*'"),
        ({"privateEndpoint": SQL}, "", "needs a target"),
        ({"privateEndpoint": "sql", "target": "sqlServer"}, ".privateEndpoint", "ARM id"),
        ({"privateEndpoint": "/subscriptions/s", "target": "x"}, ".privateEndpoint", "ARM id"),
        ({"target": "blob", "fqdn": "a.com"}, "", "target belongs to a rule with privateEndpoint"),
    ],
)
def test_a_rule_at_fault(rule: dict[str, Any], key: str, what: str) -> None:
    found = fault(mode="managed", outbound="approved", rules=[{"fqdn": "good.com"}, rule])
    assert found.key == f"azmlflow:network.rules[1]{key}"
    assert what in found.what


def test_one_rule_twice() -> None:
    found = fault(mode="managed", outbound="approved", rules=[{"fqdn": "a.com"}, {"fqdn": "A.com"}])
    assert "two rules let out to the same, a.com" in found.what


def test_a_rules_own_name() -> None:
    """As somebody called it who made it by hand; else it follows from what it lets out to.

    Azure's rule: 3 to 33 letters, digits, hyphens and underscores, the first a letter or digit
    (Azure/azure-rest-api-specs, Managed Network Settings Rule, stable/2025-12-01).
    """
    rules = [{"fqdn": "a.com", "name": "mine"}, {"serviceTag": "DataFactory"}]
    found = fault(mode="managed", outbound="approved", rules=[*rules, {"fqdn": "b.com", "name": "MINE"}])
    assert "two rules are called 'mine'; Azure's names ignore case" in found.what
    found = fault(mode="managed", outbound="approved", rules=[*rules, {"fqdn": "A.com", "name": "other"}])
    assert "two rules let out to the same, a.com" in found.what
    for name in ("pypi.org", "ab", "-pypi", "_pypi", "p" * 34):
        found = fault(mode="managed", outbound="approved", rules=[{"fqdn": "a.com", "name": name}])
        assert (found.key, "should look like `pypi`" in found.what) == ("azmlflow:network.rules[0].name", True)
    for name in ("p_i", "p" * 33):
        RuleSettings.model_validate({"fqdn": "a.com", "name": name})
    network = {"mode": "managed", "outbound": "approved", "rules": rules}
    settings = Settings.from_mapping({"azmlflow:registry": "own", "azmlflow:network": network})
    first, second = settings.network.network().rules
    assert (first.name, first.properties["destination"]) == ("mine", "a.com")
    assert second.name.startswith("tag-datafactory-")


def test_a_closed_network_needs_a_registry_of_its_own() -> None:
    found = fault("none", mode="managed")
    assert (found.key, found.fix) == ("azmlflow:registry", "azmlflow set registry own")
    assert "open to the internet" in found.what


SUBNET = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Network/virtualNetworks/vnet/subnets/computes"


def computes(network: dict[str, Any], **cluster: Any) -> Settings:
    given = {"registry": "own", "network": network, "clusters": [{"name": "one"}, {"name": "cpu", **cluster}]}
    return Settings.from_mapping({f"azmlflow:{key}": value for key, value in given.items()})


@pytest.mark.parametrize(
    ("network", "cluster", "what", "fix"),
    [
        ({}, {"publicIp": False}, "reach the workspace by a private endpoint alone",
         "azmlflow set 'clusters[1].publicIp' true"),
        # Microsoft, "Secure training environments": "You must use a workspace private endpoint".
        ({}, {"publicIp": False, "subnet": SUBNET}, "which network.mode own has; or there is mode managed",
         "azmlflow set 'clusters[1].publicIp' true"),
        ({"mode": "managed"}, {"subnet": SUBNET}, "takes no compute with a subnet of its own",
         "azmlflow set --unset 'clusters[1].subnet'"),
    ],
)  # fmt: skip
def test_a_compute_that_does_not_go_with_the_network(
    network: dict[str, Any], cluster: dict[str, Any], what: str, fix: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        computes(network, **cluster)
    (found,) = caught.value.faults
    assert (found.key, what in found.what, found.fix) == ("azmlflow:clusters", True, fix)


def made(network: dict[str, Any], **cluster: Any) -> list[tuple[bool, str | None]]:
    settings = computes(network, **cluster)
    private = settings.network.private("/subscriptions/s/resourceGroups/rg", "mlw")
    return [(each.public_ip, each.subnet) for each in fitted(settings.clusters, settings.network, private)]


def test_in_a_closed_network_computes_have_public_addresses_only_where_they_say_so() -> None:
    """azurerm issues 25901 and 27866: a managed network needs no subnet for it."""
    managed = {"mode": "managed"}
    assert made(managed) == [(False, None)] * 2
    assert made(managed, publicIp=True) == [(False, None), (True, None)]
    assert made(managed, publicIp=False) == [(False, None)] * 2
    assert made({}) == [(True, None)] * 2


def test_endpoints_that_azure_makes_by_itself_are_refused() -> None:
    """azureml-examples issue 2990: "already exists"."""
    rules = [{"privateEndpoint": SQL, "target": "sqlServer"}, {"privateEndpoint": VAULT.upper(), "target": "vault"}]
    network = read(mode="managed", rules=rules)
    check(network, None, [])
    with pytest.raises(SettingsError) as caught:
        check(network, None, [VAULT])
    (found,) = caught.value.faults
    assert found.key == "azmlflow:network.rules[1].privateEndpoint"
    assert "the stack's own key vault `kv`" in found.what
