"""Whose is it, decided without a cloud: each rule by itself, with the reason that people are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from azmlflow.cli.teardown.ownership import Foreign, Owner, Resource, judge, marks, proven_in
from azmlflow.infra.plan import naming
from azmlflow.infra.plan.tags import record

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
    """Names of those that are meant, where names prove all of them."""
    return [each.name for each in judge(resources, HOLDER, known, **{"proven": lambda _id, _tags: True, **more}).ours]


def why(*resources: Resource, known: frozenset[str] | None = None, holder: Owner | None = HOLDER, **more: Any) -> Any:
    """Name -> what speaks against it."""
    found = judge(resources, holder, known, **{"proven": lambda _id, _tags: True, **more}).foreign
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


UNPROVEN = "bears this stack's tags, which may be inherited or copied, but nothing proves that azmlflow made it"
SUBSCRIPTION = SUB.rsplit("/", 1)[-1]
NAMES = naming.generate("mlflow", "dev", "", SUBSCRIPTION)
GENERATED = f"{SUB}/resourceGroups/{NAMES.resource_group}"


def at(group: str, type_: str, name: str) -> str:
    return f"{group}/providers/{type_}/{name}"


@pytest.mark.parametrize(
    "type_",
    [
        *(ML, STORAGE, VAULT, LOGS, INSIGHTS),
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "Microsoft.ContainerRegistry/registries",
        "Microsoft.Network/virtualNetworks",
        "Microsoft.Sql/servers",
    ],
)
def test_our_tags_alone_prove_nothing(type_: str) -> None:
    assert why(one(type_, "x"), proven=lambda _id, _tags: False) == {"x": UNPROVEN}
    assert ours(one(type_, "x")) == ["x"]
    assert why(one(type_, "x", {})) == {"x": "bears no tag of azmlflow's"}


@pytest.mark.parametrize(
    ("type_", "name"),
    [
        (ML, NAMES.workspace),
        (STORAGE, NAMES.storage_account),
        (VAULT, NAMES.key_vault),
        (LOGS, NAMES.log_analytics),
        (INSIGHTS, NAMES.application_insights),
    ],
)
def test_the_name_that_follows_from_the_groups_is_a_proof(type_: str, name: str) -> None:
    proven = proven_in(GENERATED, HOLDER)
    assert proven(at(GENERATED, type_, name), OURS)
    assert proven(at(GENERATED.upper(), type_.lower(), name.upper()), OURS)
    assert not proven(at(GENERATED, type_, f"{name}2"), OURS)
    assert not proven(at(GENERATED, "Microsoft.ManagedIdentity/userAssignedIdentities", name), OURS)
    assert not proven(f"{at(GENERATED, type_, name)}/children/{name}", OURS)
    # Another stack's group, another subscription, nobody's group: other names.
    assert not proven_in(GENERATED, Owner("azmlflow", "prod"))(at(GENERATED, type_, name), OURS)
    assert not proven_in(GENERATED, None)(at(GENERATED, type_, name), OURS)
    assert not proven_in(GROUP, HOLDER)(at(GROUP, type_, name), OURS)
    # What a person would call his own.
    assert not proven(at(GENERATED, type_, "boris1"), OURS)


@pytest.mark.parametrize(
    ("prefix", "stack", "salt"), [("mlflow", "dev", "7"), ("ml-x", "Feature_1", ""), ("a", "b", "1")]
)
def test_a_salted_name_is_a_proof_by_its_piece_of_the_digest(prefix: str, stack: str, salt: str) -> None:
    names = naming.generate(prefix, stack, salt, SUBSCRIPTION)
    group = f"{SUB}/resourceGroups/{names.resource_group}"
    proven = proven_in(group, Owner("azmlflow", stack))
    assert proven(at(group, STORAGE, str(names.storage_account)), OURS)
    assert proven(at(group, VAULT, str(names.key_vault)), OURS)
    assert proven(at(group, ML, names.workspace), OURS)
    assert proven(at(group, LOGS, str(names.log_analytics)), OURS)
    other = naming.generate(prefix, stack, f"{salt}x", SUBSCRIPTION)
    assert not proven(at(group, STORAGE, str(other.storage_account)), OURS)
    assert not proven(at(group, VAULT, str(other.key_vault)), OURS)


def test_a_record_proves_what_it_names_and_nothing_else_that_bears_it() -> None:
    made, other = at(GROUP, STORAGE, "mine"), at(GROUP, STORAGE, "boris1")
    tags = {**OURS, **record([made])}
    proven = proven_in(GROUP, HOLDER)
    assert proven(made.upper(), tags)
    assert not proven(made, OURS)
    assert not proven(other, tags)
    assert not proven(at(f"{GROUP}2", STORAGE, "mine"), tags)
    assert not proven_in(GROUP, None)(made, tags)
    assert all(len(value) <= 256 for value in record([f"{made}{n}" for n in range(28)]).values())


@pytest.mark.parametrize(
    ("name", "notes", "ours"),
    [
        ("azmlflow", "azmlflow stack dev of project azmlflow", True),
        ("AZMLFLOW", "azmlflow stack dev of project azmlflow", True),
        ("keep", "azmlflow stack dev of project azmlflow", False),
        ("azmlflow", "do not delete, boris needs it (azmlflow stack dev of project azmlflow)", False),
        ("azmlflow", "azmlflow stack dev of project azmlflow ", False),
        ("azmlflow", "azmlflow stack dev2 of project azmlflow", False),
        ("azmlflow", None, False),
    ],
)
def test_whose_a_lock_is(name: str, notes: str | None, ours: bool) -> None:
    assert HOLDER.locks(name, notes) is ours


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


def test_all_is_told_in_the_order_of_ids_those_above_first() -> None:
    workspace, compute, account = one(ML, "ws"), one(f"{ML}/ws/computes", "cpu"), one(STORAGE, "Acc")
    assert ours(compute, account, workspace) == ["ws", "Acc", "cpu"]
