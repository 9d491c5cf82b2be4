"""Whose is it, decided without a cloud: each rule by itself, with the reason that people are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.cli.teardown.ownership import Foreign, Owner, Resource, judge, marks

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
OURS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "dev"}
THEIRS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "prod"}
HOLDER = Owner("azmlflow", "dev")
ML = "Microsoft.MachineLearningServices/workspaces"
STORAGE, VAULT = "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
LOGS, INSIGHTS = "Microsoft.OperationalInsights/workspaces", "Microsoft.Insights/components"
ENDPOINT = "Microsoft.Network/privateEndpoints"


def one(type_: str, name: str, tags: Mapping[str, str] | None = None, **more: Any) -> Resource:
    """A resource of the group as ARM tells it; ours unless `tags` say otherwise."""
    given = OURS if tags is None else tags
    return Resource.of({"id": f"{GROUP}/providers/{type_}/{name}", "type": type_, "tags": given, **more})


def ours(*resources: Resource, known: frozenset[str] | None = None, **more: Any) -> list[str]:
    """Names of those that are meant."""
    return [each.name for each in judge(resources, HOLDER, known, **more).ours]


def why(*resources: Resource, known: frozenset[str] | None = None, holder: Owner | None = HOLDER, **more: Any) -> Any:
    """Name -> what speaks against it."""
    found = judge(resources, holder, known, **more).foreign
    assert all(isinstance(each, Foreign) for each in found)
    return {each.id.rsplit("/", 1)[-1]: each.why for each in found}


def ids(*resources: Resource) -> frozenset[str]:
    return frozenset(each.id.lower() for each in resources)


# --- tags ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "values", "owner"),
    [
        (OURS, ("azmlflow", "dev"), HOLDER),
        ({name.upper(): value for name, value in OURS.items()}, ("azmlflow", "dev"), HOLDER),
        ({**OURS, "team": "x"}, ("azmlflow", "dev"), HOLDER),
        ({"azmlflow-project": "azmlflow"}, ("azmlflow", ""), None),
        ({"azmlflow-stack": "dev"}, ("", "dev"), None),
        ({}, ("", ""), None),
        (None, ("", ""), None),
        ({**OURS, "AZMLFLOW-STACK": "prod"}, ("azmlflow", "?"), None),
        ({**OURS, "AZMLFLOW-PROJECT": "other"}, ("?", "dev"), None),
        ({**OURS, "AZMLFLOW-STACK": "dev"}, ("azmlflow", "dev"), HOLDER),
    ],
)
def test_whom_tags_name(tags: dict[str, str] | None, values: tuple[str, str], owner: Owner | None) -> None:
    assert marks(tags) == values
    assert Owner.of(tags) == owner
    assert HOLDER.owns(tags) is (owner is not None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("azmlflow stack dev of project azmlflow", True),
        ("Persona tracker (azmlflow stack dev of project azmlflow)", True),
        ("Persona tracker, azmlflow stack dev of project azmlflow", True),
        ("azmlflow stack dev of project azmlflow2", False),
        ("azmlflow stack dev of project azmlflow (copied)", False),
        ("azmlflow stack dev2 of project azmlflow", False),
        ("not-azmlflow stack dev of project azmlflow", False),
        ("", False),
        (None, False),
    ],
)
def test_whose_a_description_is(text: str | None, says: bool) -> None:
    assert HOLDER.says(text) is says


def test_a_stacks_name_is_no_pattern() -> None:
    assert not Owner("azmlflow", "d.v").says("azmlflow stack dev of project azmlflow")
    assert str(HOLDER) == "stack dev of project azmlflow"


# --- ARM's documents -----------------------------------------------------------------------------------------------


def test_a_document_is_read_whole() -> None:
    """Microsoft, "Workspaces - Get": a workspace names what it uses in its properties and its identity."""
    links = {
        "storageAccount": "/S/One",
        "keyVault": "/V",
        "applicationInsights": "/I",
        "containerRegistry": "/R",
        "hubResourceId": "/H",
        "other": "/X",
    }
    document = {
        "id": f"{GROUP}/providers/{ML}/WS",
        "type": ML,
        "tags": {"a": "b"},
        "location": "westeurope",
        "managedBy": "/M",
        "properties": links,
        "identity": {"userAssignedIdentities": {"/Identity": {}}},
    }
    found = Resource.of(document)
    assert (found.id, found.name, found.type) == (document["id"], "WS", ML.lower())
    assert (found.tags, found.location, found.manager) == ({"a": "b"}, "westeurope", "/M")
    assert found.links == {"/s/one", "/v", "/i", "/r", "/h", "/identity"}
    assert found.group == f"{GROUP.lower()}/"


def test_a_document_that_says_little_is_read_too() -> None:
    nothing = dict.fromkeys(("tags", "properties", "identity", "location", "managedBy"))
    for document in ({"id": "/a/b"}, {"id": "/a/b", **nothing}):
        found = Resource.of(document)
        assert (found.id, found.type, found.tags, found.links) == ("/a/b", "", {}, frozenset())
        assert (found.location, found.manager) == ("", "")
    unnamed = Resource.of({"id": "/a/b", "properties": {"keyVault": None}, "identity": {"type": "SystemAssigned"}})
    assert unnamed.links == frozenset()


# --- what is ours --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    [
        *(ML, STORAGE, VAULT, LOGS, INSIGHTS),
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Network/privateEndpoints",
        "Microsoft.Network/privateDnsZones",
        "Microsoft.Network/networkSecurityGroups",
    ],
)
def test_a_type_that_azmlflow_makes_with_our_tags_is_ours(type_: str) -> None:
    assert ours(one(type_, "x")) == ["x"]
    assert why(one(type_, "x", {})) == {"x": "bears no tag of azmlflow's"}


def test_our_tags_on_what_azmlflow_does_not_make_prove_nothing() -> None:
    told = {"x": "bears azmlflow's tags, but is nothing that azmlflow makes"}
    assert why(one("Microsoft.Sql/servers", "x")) == told


def test_for_a_stack_it_has_to_be_in_its_state_or_settings() -> None:
    known, other = one("Microsoft.Sql/servers", "Known"), one(STORAGE, "other")
    assert ours(known, other, known=ids(known)) == ["Known"]
    told = {"other": "bears this stack's tags, but is not in its state or settings"}
    assert why(known, other, known=ids(known)) == told


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (THEIRS, "belongs to stack prod of project azmlflow"),
        ({"azmlflow-project": "azmlflow"}, "belongs to stack ? of project azmlflow"),
        ({"azmlflow-stack": "dev"}, "belongs to stack dev of project ?"),
    ],
)
def test_what_bears_anothers_tags_is_theirs_whatever_the_user_says(tags: dict[str, str], told: str) -> None:
    resource = one(STORAGE, "x", tags)
    assert why(resource) == why(resource, unmanaged=True) == why(resource, known=ids(resource)) == {"x": told}
    assert why(one(STORAGE, "x", OURS), holder=None) == {"x": "belongs to stack dev of project azmlflow"}


def test_what_is_managed_from_elsewhere_is_not_ours_to_take() -> None:
    elsewhere = f"{SUB}/resourceGroups/rg2/providers/a.b/c/d"
    assert why(one(STORAGE, "x", managedBy=elsewhere), unmanaged=True) == {"x": f"is managed by {elsewhere}"}
    # By something of the group itself, in any case: that goes as well.
    assert ours(one(STORAGE, "x", managedBy=f"{GROUP.upper()}/providers/a.b/c/d")) == ["x"]
    # A group whose name has ours as its beginning is another.
    assert why(one(STORAGE, "x", managedBy=f"{GROUP}0/providers/a.b/c/d"))


def test_the_user_may_say_that_untagged_things_are_meant() -> None:
    resources = (one(STORAGE, "x", {}), one("Microsoft.Sql/servers", "y", {}))
    assert ours(*resources, unmanaged=True) == ["y", "x"]
    assert judge(resources, None, None, unmanaged=True).foreign == ()


def test_what_stands_below_ours_goes_with_it_unless_it_is_anothers() -> None:
    workspace, compute = one(ML, "ws"), one(f"{ML}/ws/computes", "cpu", {})
    theirs = one(f"{ML}/ws/onlineEndpoints", "e", THEIRS)
    assert ours(compute, workspace, theirs) == ["ws", "cpu"]
    assert why(compute, workspace, theirs) == {"e": "belongs to stack prod of project azmlflow"}
    deep = one(f"{ML}/ws/onlineEndpoints/e/deployments", "d", {})
    assert ours(workspace, deep) == ["ws", "d"]
    # Below what is not ours, nothing is.
    assert set(why(one(ML, "ws", {}), compute)) == {"ws", "cpu"}
    # A name that has ours as its beginning is another.
    assert why(workspace, one(f"{ML}/ws2/computes", "cpu", {})) == {"cpu": "bears no tag of azmlflow's"}


# --- Azure's own companions ----------------------------------------------------------------------------------------

ALERTS, RULES = "Microsoft.Insights/actionGroups", "Microsoft.AlertsManagement/smartDetectorAlertRules"
CARDS = "Microsoft.Network/networkInterfaces"


@pytest.mark.parametrize(
    ("made", "beside"),
    [
        (one(ALERTS, "Application Insights Smart Detection", {}), one(INSIGHTS, "appi")),
        (one(RULES, "Failure Anomalies - appi", {}), one(INSIGHTS, "appi")),
        (one(RULES, "failure anomalies - APPI", {}), one(INSIGHTS, "appi")),
        (one(CARDS, "pe-1.nic.0a1b-2c", {}), one(ENDPOINT, "pe-1")),
    ],
)
def test_what_azure_makes_beside_ours_goes_too(made: Resource, beside: Resource) -> None:
    assert sorted(ours(made, beside)) == sorted((made.name, beside.name))
    assert why(made) == {made.name: "bears no tag of azmlflow's"}
    # What it accompanies is gone already, but the state still names it.
    assert ours(made, known=ids(beside)) == [made.name]
    # It is somebody's in particular.
    other = one(beside.type, "other", {})
    assert made.name in why(made, other)


@pytest.mark.parametrize(
    "made",
    [
        one(RULES, "Failure Anomalies - appi2", {}),
        one(RULES, "My Failure Anomalies - appi", {}),
        one(RULES, "Failure Anomalies - xappi", {}),
        one(ALERTS, "my alerts", {}),
        one(STORAGE, "Failure Anomalies - appi", {}),
        one(CARDS, "pe-1.nic.xyz", {}),
        one(CARDS, "pe-1xnic.0a", {}),
        one(CARDS, "appi.nic.0a", {}),
    ],
)
def test_what_only_looks_like_it_stays(made: Resource) -> None:
    beside = (one(INSIGHTS, "appi"), one(ENDPOINT, "pe-1"))
    assert why(made, *beside) == {made.name: "bears no tag of azmlflow's"}


def test_a_name_is_no_pattern() -> None:
    assert why(one(RULES, "Failure Anomalies - axc", {}), one(INSIGHTS, "a.c")) == {
        "Failure Anomalies - axc": "bears no tag of azmlflow's"
    }


# --- two of what a stack has one of --------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", [STORAGE, VAULT, INSIGHTS, LOGS, ML])
def test_of_two_that_no_workspace_uses_neither_is_meant(type_: str) -> None:
    told = "is one of several, and a stack has one: which is meant?"
    first, second = one(type_, "a1"), one(type_, "a2")
    assert why(first, second) == {"a1": told, "a2": told}
    assert ours(first, second) == []
    assert ours(first) == ["a1"]
    # Where a stack is asked, or the user says so, they are known.
    assert ours(first, second, known=ids(first, second)) == ["a1", "a2"]
    assert ours(first, second, unmanaged=True) == ["a1", "a2"]


@pytest.mark.parametrize(
    ("type_", "link"), [(STORAGE, "storageAccount"), (VAULT, "keyVault"), (INSIGHTS, "applicationInsights")]
)
def test_the_one_that_our_workspace_uses_is_meant(type_: str, link: str) -> None:
    first, second = one(type_, "A1"), one(type_, "a2")
    workspace = one(ML, "ws", properties={link: first.id})
    assert sorted(ours(first, second, workspace)) == ["A1", "ws"]
    assert list(why(first, second, workspace)) == ["a2"]
    # Linked by somebody else's workspace is not linked by ours.
    theirs = one(ML, "ws", THEIRS, properties={link: first.id})
    assert {"A1", "a2"} < set(why(first, second, theirs))


def test_several_of_what_a_stack_may_have_many_of_are_meant() -> None:
    pair = (one("Microsoft.Network/privateEndpoints", "p1"), one("Microsoft.Network/privateEndpoints", "p2"))
    assert ours(*pair) == ["p1", "p2"]


def test_all_is_told_in_the_order_of_ids_those_above_first() -> None:
    workspace, compute, account = one(ML, "ws"), one(f"{ML}/ws/computes", "cpu"), one(STORAGE, "Acc")
    assert ours(compute, account, workspace) == ["ws", "Acc", "cpu"]
