"""Azure's rules stand twice, in `infra` and in the embedded Azure, which know nothing of each other: they are the same.

What infra lets through, the embedded Azure takes, and what one refuses, the other refuses. The names are those that
infra's own tests have written by hand; those of both ends are compared here, too.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    "keyVault": "Microsoft.KeyVault/vaults",
    "compute": "Microsoft.MachineLearningServices/workspaces/computes",
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


@pytest.mark.parametrize("kind", TYPES)
@given(data=st.data())
def test_neither_makes_a_name_that_the_other_refuses(kind: str, data: st.DataObject) -> None:
    patterns = (naming.rule(kind).pattern, embedded(kind).pattern)
    name = data.draw(st.one_of(*(st.from_regex(pattern, fullmatch=True) for pattern in patterns)))
    assert embedded(kind).fits(name) is (naming.check(kind, name) is None)


def test_the_embedded_azures_regions_are_azures() -> None:
    assert set(constants.REGIONS) <= set(REGIONS)
