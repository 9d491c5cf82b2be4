"""`infra` and the embedded Azure know nothing of each other, and refuse the same: names, and regions."""

from __future__ import annotations

import pytest

from azmlflow.infra.plan import naming
from azmlflow.infra.settings.regions import REGIONS
from azmlflow.localazure.core import constants
from azmlflow.localazure.kinds import BY_TYPE
from azmlflow.localazure.resources.kind import NameRule
from tests.infra.plan.test_naming import BAD, GOOD

TYPES = {
    "resourceGroup": "Microsoft.Resources/resourceGroups",
    "workspace": "Microsoft.MachineLearningServices/workspaces",
    "storageAccount": "Microsoft.Storage/storageAccounts",
    "containerRegistry": "Microsoft.ContainerRegistry/registries",
    "keyVault": "Microsoft.KeyVault/vaults",
    "compute": "Microsoft.MachineLearningServices/workspaces/computes",
    "identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "logAnalytics": "Microsoft.OperationalInsights/workspaces",
    "applicationInsights": "Microsoft.Insights/components",
}


def embedded(kind: str) -> NameRule:
    return BY_TYPE[TYPES[kind].lower()].name


def test_every_rule_has_a_type() -> None:
    assert set(TYPES) == {rule.kind for rule in naming.RULES}


@pytest.mark.parametrize(("kind", "name"), [*GOOD, *((kind, name) for kind, name in BAD if name)])
def test_both_take_the_same_names(kind: str, name: str) -> None:
    assert embedded(kind).fits(name) is (naming.check(kind, name) is None)


def test_the_embedded_azures_regions_are_azures() -> None:
    assert set(constants.REGIONS) <= set(REGIONS)
