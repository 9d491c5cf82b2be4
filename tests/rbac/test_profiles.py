"""Built-in roles in place of personas: what they allow too much, what they lack; and roles as `az` takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from azmlflow.rbac.operations import OPERATIONS, WORKSPACE
from azmlflow.rbac.profiles import compare, role_document
from azmlflow.rbac.roles import PERSONAS, combined, persona, union

GROUP = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg1"
ALLOWED: dict[str, list[str]] = json.loads((Path(__file__).parent / "data" / "persona-operations.json").read_text())[
    "allowed"
]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("viewer", "Reader"),
        ("tracker", "AzureML Data Scientist"),
        ("registrar", "AzureML Data Scientist"),
        ("submitter", "AzureML Data Scientist"),
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
    assert beyond == set(ALLOWED.get(found.role, ())) - set(ALLOWED[name])


def test_secrets_within_reach_are_named() -> None:
    assert "read notebook access tokens" in compare(persona("viewer")).too_much
    assert {"read the storage account's keys", "read the datastores' secrets"} < {*compare(persona("tracker")).too_much}
    operator = compare(persona("operator"))
    assert "create and resize computes" in operator.too_much
    assert operator.missing == (f"{WORKSPACE}/read",)
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
