"""Deterministic names: what must not change them, and what must."""

from __future__ import annotations

import uuid
from datetime import date

import pytest

from azmlflow.rbac.grants import Grant, assignment_name

SCOPE = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/ws"
PRINCIPAL = "AAAAAAAA-0000-4000-8000-000000000001"
ROLE = "BBBBBBBB-0000-4000-8000-000000000001"


def test_the_name_never_changes() -> None:
    # Written down: a project that has granted access finds its assignments by this name.
    name = assignment_name(SCOPE, PRINCIPAL, ROLE)
    assert name == "b57f20af-aef3-50b3-9649-94e207e01dea"
    assert name == str(uuid.UUID(name))


@pytest.mark.parametrize(
    ("scope", "principal", "role"),
    [
        (SCOPE.upper(), PRINCIPAL.lower(), ROLE.lower()),
        (f"{SCOPE}/", PRINCIPAL, f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
        (SCOPE, PRINCIPAL, f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{ROLE}"),
        (SCOPE, PRINCIPAL, f"/providers/Microsoft.Authorization/roleDefinitions/{ROLE}/"),
    ],
)
def test_spelling_does_not_matter(scope: str, principal: str, role: str) -> None:
    assert assignment_name(scope, principal, role) == assignment_name(SCOPE, PRINCIPAL, ROLE)


def test_scope_principal_and_role_do() -> None:
    names = {
        assignment_name(SCOPE, PRINCIPAL, ROLE),
        assignment_name(f"{SCOPE}2", PRINCIPAL, ROLE),
        assignment_name(SCOPE, ROLE, ROLE),
        assignment_name(SCOPE, PRINCIPAL, PRINCIPAL),
        assignment_name(SCOPE, ROLE, PRINCIPAL),
    }
    assert len(names) == 5


def test_settings_hold_a_grant_whole() -> None:
    grant = Grant(PRINCIPAL, "User", "Alice", "tracker")
    assert grant.to_config() == {
        "principalId": PRINCIPAL,
        "principalType": "User",
        "displayName": "Alice",
        "persona": "tracker",
    }


def test_what_makes_it_this_grant_is_principal_persona_and_scope() -> None:
    grant = Grant(PRINCIPAL, "User", "Alice", "tracker")
    assert Grant(PRINCIPAL.lower(), "Group", "Team", "tracker", until=date(2027, 1, 31)).key == grant.key
    others = (
        Grant(ROLE, "User", "Alice", "tracker"),
        Grant(PRINCIPAL, "User", "Alice", "viewer"),
        Grant(PRINCIPAL, "User", "Alice", "tracker", "group"),
    )
    assert len({grant.key, *(each.key for each in others)}) == 4


def test_what_is_not_as_usual_is_written_too() -> None:
    grant = Grant(PRINCIPAL, "Group", "Team", "viewer", "group", date(2027, 1, 31), {ROLE: "/their/id"})
    config = grant.to_config()
    assert (config["scope"], config["until"], config["adopted"]) == ("group", "2027-01-31", {ROLE: "/their/id"})


@pytest.mark.parametrize(
    ("today", "holds"), [(date(2027, 1, 30), True), (date(2027, 1, 31), True), (date(2027, 2, 1), False)]
)
def test_a_grant_holds_through_its_last_day(today: date, holds: bool) -> None:
    assert Grant(PRINCIPAL, "User", "", "viewer", until=date(2027, 1, 31)).in_force(today) is holds
    assert Grant(PRINCIPAL, "User", "", "viewer").in_force(today)
