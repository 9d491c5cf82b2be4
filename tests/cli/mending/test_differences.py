"""Whether an `up` would change anything: what is the same as in the state, and what has to be asked of the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.mending.differences import differing
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.infra.rehearsal import rehearse
from tests.cli.desk import ALICE, OUTPUTS, SUBSCRIPTION, Desk

GRANT = {"principalId": ALICE.id, "principalType": "User", "persona": "tracker"}
CONFIG: dict[str, Any] = {"azmlflow:cloud": "local", "azmlflow:grants": [GRANT]}
SETTINGS = f"config:\n  azmlflow:cloud: local\n  azmlflow:grants: [{GRANT}]\n"


def stood_up() -> State:
    """The state as an `up` left it: the plugin writes the version of Azure's API into each resource's inputs."""
    found = rehearse(CONFIG, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    version = {"azureApiVersion": "2024-01-01"}
    left = [Resource(each.urn, each.type, each.id, {**each.inputs, **version}) for each in found]
    return State(tuple(left), (), OUTPUTS)


def names(desk: Desk, state: State, settings: str = SETTINGS) -> list[str]:
    desk.settings(text=settings)
    found = differing(open_session(Invocation(connect=desk.connect)), state)
    return sorted(urn.rpartition("::")[2] for urn in found)


def test_nothing_differs_from_what_an_up_left(desk: Desk) -> None:
    assert names(desk, stood_up()) == []


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("  azmlflow:clusters: [{name: cpu}]\n", ["cpu-cluster"]),
        ("  azmlflow:storageAccount: stother\n", ["mlflow-storage", "mlflow-workspace"]),
        ("  azmlflow:strictTracker: true\n", ["role-tracker"]),
    ],
)
def test_a_changed_setting_differs(desk: Desk, more: str, expected: list[str]) -> None:
    found = names(desk, stood_up(), SETTINGS + more)
    assert set(expected) <= set(found)
    assert ("mlflow-group" in found) == ("storageAccount" in more)  # names of its own are noted in tags


def test_a_grant_that_went_differs_in_its_own_resources(desk: Desk) -> None:
    found = names(desk, stood_up(), "config:\n  azmlflow:cloud: local\n")
    assert found == [f"grant-tracker-{ALICE.id}", "role-tracker"]


def test_what_the_state_lacks_has_more_of_or_has_otherwise_differs(desk: Desk) -> None:
    state = stood_up()
    first, second, *others = state.resources
    tags = {**second.inputs, "tags": {"azmlflow-project": "other"}}
    more = {**others[0].inputs, "sku": {"name": "other"}, "left": True}
    state = replace(state, resources=(replace(second, inputs=tags), replace(others[0], inputs=more), *others[1:]))
    assert names(desk, state) == sorted(each.name for each in (first, second, others[0]))


def test_what_is_only_read_is_no_difference(desk: Desk) -> None:
    state = stood_up()
    read = Resource("urn:pulumi:local::azmlflow::azure-native:keyvault:Key::theirs", "t", "/x", external=True)
    assert names(desk, replace(state, resources=(*state.resources, read))) == []
