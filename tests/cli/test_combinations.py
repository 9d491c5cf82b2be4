"""Every pair of a network, an identity, keys, encryption, a registry, computes and guardrails stands up on an embedded
Azure, is open to those alone whom its network lets in, and leaves nothing when it goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.mending import allowed_ips
from azmlflow.cli.session import reaching
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.settings import Settings
from azmlflow.localazure.core.collections import ASSIGNMENTS, DEFINITIONS, LOCKS, RESOURCES
from azmlflow.reach.decide import decide
from azmlflow.reach.records import INTERNET, Origin
from tests.cli.engine import Engine
from tests.localazure.control import RG, Azure
from tests.localazure.sdk import Credential, transport

GIVEN = f"{RG}/providers/Microsoft.ContainerRegistry/registries/given1"
ADDRESS, OTHER = INTERNET.where, Origin("internet", "198.51.100.1")
# Its owner has closed it, as `up` demands where a network is closed.
GIVEN_BODY = {
    "location": "westeurope",
    "sku": {"name": "Premium"},
    "properties": {"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"action": "Allow", "value": ADDRESS}]}},
}
FACTORS: Mapping[str, Mapping[str, dict[str, Any]]] = {
    "network": {
        "public": {},
        "publicIps": {"network": {"mode": "publicIps", "allowedIps": [ADDRESS]}},
        "managed": {"network": {"mode": "managed"}},
        "approved": {"network": {"mode": "managed", "outbound": "approved", "rules": [{"fqdn": "example.com"}]}},
        "own": {"network": {"mode": "own", "outbound": "approved"}},
        "policy": {"network": {"mode": "own", "dns": "policy"}},
        "closed": {"network": {"mode": "closed"}},
    },
    "identity": {
        "system": {},
        "user": {"identity": {"type": "UserAssigned"}},
        "both": {"identity": {"type": "SystemAssigned,UserAssigned"}},
    },
    "keys": {"keys": {}, "no keys": {"storageAuth": "identity"}},
    "encryption": {"Azure's": {}, "own": {"encryption": {"key": "workspace"}, "purgeProtection": True}},
    "registry": {"none": {}, "own": {"registry": "own"}, "given": {"registry": GIVEN}},
    "computes": {
        "none": {},
        "some": {"clusters": [{"name": "cpu", "identity": "system"}], "instances": [{"name": "alice"}]},
    },
    "guardrails": {
        "none": {},
        "all": {"diagnostics": True, "locks": True, "budget": {"monthly": 5, "mail": ["a@contoso.com"]}},
    },
}  # fmt: skip
CLOSED = ("publicIps", "managed", "approved", "own", "policy", "closed")
# What Azure refuses, or what would be half open: the settings refuse these pairs, whatever else is said.
REFUSED = {
    *((("network", mode), ("registry", "none")) for mode in CLOSED),
    (("network", "publicIps"), ("computes", "some")),
    (("network", "closed"), ("computes", "some")),
}
Row = tuple[tuple[str, str], ...]  # a value of each factor
VALUES = [[(factor, name) for name in names] for factor, names in FACTORS.items()]


def settings_of(row: Row) -> dict[str, Any]:
    return {f"azmlflow:{key}": value for factor, name in row for key, value in FACTORS[factor][name].items()} | {
        "azmlflow:cloud": "local"
    }


def pairs(row: Row) -> set[Row]:
    return set(itertools.combinations(row, 2))


def fits(row: Row) -> bool:
    try:
        Settings.from_mapping(settings_of(row))
    except SettingsError:
        return False
    return True


def covering() -> list[Row]:
    """Rows with every pair that the settings take: of all, again and again the one with the most pairs that are new."""
    rows = [row for row in itertools.product(*VALUES) if fits(row)]
    found, left = [], set[Row]().union(*map(pairs, rows))
    while left:
        found.append(max(rows, key=lambda row: len(pairs(row) & left)))
        left -= pairs(found[-1])
    return found


ROWS = covering()


def test_every_pair_that_is_not_refused_is_there() -> None:
    every = {pair for one, other in itertools.combinations(VALUES, 2) for pair in itertools.product(one, other)}
    assert set[Row]().union(*map(pairs, ROWS)) == every - REFUSED


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azure]:
    """An embedded Azure with a registry that is another's."""
    found = Azure(tmp_path_factory.mktemp("state"))
    found.make(RG)
    found.arm("PUT", GIVEN, GIVEN_BODY)
    found.wait()
    yield found
    found.cloud.store.close()


def standing(azure: Azure) -> dict[str, set[str]]:
    """What there is: resources, rights, roles and locks."""
    store = azure.cloud.store
    return {name: {key for key, _ in store.scan(name)} for name in (RESOURCES, ASSIGNMENTS, DEFINITIONS, LOCKS)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(name.replace(" ", "-") for _, name in row))
def test_it_stands_lets_in_whom_it_should_and_leaves_nothing(azure: Azure, row: Row) -> None:
    before, engine, words = standing(azure), Engine(azure), dict(row)
    mode, parts = words["network"], 5 if words["registry"] == "own" else 4
    try:
        # What is soft-deleted of the row before keeps its names.
        engine.up({**settings_of(row), "azmlflow:salt": str(ROWS.index(row))})
        arm, workspace = ResourceManager(transport(azure), Credential()), str(engine.outputs["workspaceId"])
        if mode == "publicIps":
            allowed_ips.open_to(arm, workspace, [ADDRESS])
        found = reaching.look(arm, workspace)
        assert found is not None
        own = [each for each in found.endpoints if each.name != GIVEN.rpartition("/")[2]]
        let_in = {
            origin: [decide(found.facts, origin, each).allowed for each in own]
            for origin in (INTERNET, OTHER, *found.inside()[:-1])
        }
        assert let_in[INTERNET] == [mode in ("public", "publicIps")] * parts, "all alike"
        assert let_in[OTHER] == [mode == "public"] * parts
        if mode == "own":
            assert let_in[found.inside()[0]] == [True] * parts
    finally:
        engine.down()
    assert standing(azure) == before
