"""Built-in roles in place of personas: what they allow too much, what they lack; and roles as `az` takes them."""

from __future__ import annotations

import pytest

from azmlflow.rbac.operations import OPERATIONS, WORKSPACE
from azmlflow.rbac.profiles import compare, role_document
from azmlflow.rbac.roles import PERSONAS, combined, persona, union
from tests.rbac.expected import ALLOWED

GROUP = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg1"
# What the roles' patterns let beyond MLflow, read off by hand from the definitions that Azure publishes.
_NOTEBOOKS = {"read notebook access tokens", "read notebook keys", "read the metadata of secrets"}
_SCIENTIST = _NOTEBOOKS | {
    "read the storage account's keys",
    "read the datastores' secrets",
    "read the connections' secrets",
    "see the computes' nodes and addresses",
    "deploy endpoints",
    "delete data assets",
    "change environments",
}
FURTHER = {
    "viewer": _NOTEBOOKS | {"see who has access", "see the storage account's settings (where it is given there)"},
    "tracker": _SCIENTIST,
    "registrar": _SCIENTIST,
    "submitter": _SCIENTIST - {"change environments"},  # which it may
    "deployer": _SCIENTIST - {"deploy endpoints"},  # which it may
    "scorer": _SCIENTIST,
    "operator": {"see the computes' nodes and addresses", "create and resize computes", "delete computes"},
}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("viewer", "Reader"),
        ("tracker", "AzureML Data Scientist"),
        ("registrar", "AzureML Data Scientist"),
        ("submitter", "AzureML Data Scientist"),
        ("deployer", "AzureML Data Scientist"),
        ("scorer", "AzureML Data Scientist"),
        ("operator", "AzureML Compute Operator"),
    ],
)
def test_the_nearest_built_in_role(name: str, role: str) -> None:
    assert compare(persona(name)).role == role


@pytest.mark.parametrize("name", [each.name for each in PERSONAS])
def test_operations_beyond_the_persona_are_those_of_the_expected_table(name: str) -> None:
    """The table is written by hand; what the patterns say must agree with it."""
    found = compare(persona(name))
    beyond = {each.name for each in OPERATIONS if f"{each.summary[:1].lower()}{each.summary[1:]}" in found.too_much}
    # The Compute Operator is not in the table: without the workspace's `read` it can do nothing with MLflow.
    assert beyond == ALLOWED.get(found.role, frozenset()) - ALLOWED[name]


@pytest.mark.parametrize("name", FURTHER)
def test_what_reaches_past_mlflow_is_named(name: str) -> None:
    summaries = {f"{each.summary[:1].lower()}{each.summary[1:]}" for each in OPERATIONS}
    found = [each for each in compare(persona(name)).too_much if each not in summaries]
    assert len(found) == len({*found})
    assert {*found} == FURTHER[name]


def test_what_a_built_in_role_lacks() -> None:
    assert compare(persona("operator")).missing == (f"{WORKSPACE}/read",)
    assert all(not compare(persona(name)).missing for name in ("viewer", "tracker", "registrar", "submitter"))


def test_a_role_as_az_takes_it() -> None:
    """Keys: Microsoft, "Azure custom roles", "Azure CLI" (`az role definition create`)."""
    document = role_document(union(combined("viewer+operator")), f"{GROUP}/")
    assert list(document) == [
        "Name",
        "IsCustom",
        "Description",
        "Actions",
        "NotActions",
        "DataActions",
        "NotDataActions",
        "AssignableScopes",
    ]
    assert document["Name"].startswith("azmlflow viewer+operator (rg1-")
    assert document["IsCustom"] is True
    assert document["AssignableScopes"] == [GROUP]
    assert {*document["Actions"]} == {*persona("viewer").actions, *persona("operator").actions}
    assert document["NotActions"] == document["DataActions"] == document["NotDataActions"] == []
