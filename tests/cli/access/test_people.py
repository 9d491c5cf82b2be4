"""Whether a grant is in force: its assignments are there, and the principal itself is told that it may do all of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from azmlflow.cli.access import people
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import open_session
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.grants import Grant
from tests.cli.desk import ALICE, GROUP, SUBSCRIPTION, WORKSPACE, Desk

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
GRANT = Grant(ALICE.id, "User", ALICE.name, "operator")
ML = "microsoft.machinelearningservices/workspaces"
COMPUTES = frozenset((f"{ML}/computes/*",))


def in_force(desk: Desk, place: Place, allowed: frozenset[str] | None, *, there: bool = True) -> bool:
    desk.settings()
    desk.stand()
    for each in place.assignments((GRANT,)) if there else ():
        desk.arm.put(each.id)
    at_it = {place.workspace_id: allowed}
    ports = replace(desk.connect(), permitted=lambda _project, _file, _grant, scope: at_it[scope])
    session = open_session(Invocation(connect=lambda: ports))
    return people.in_force(ports, session, place, GRANT)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, True),  # who cannot be asked
        (frozenset(("*",)), True),
        (COMPUTES | {f"{ML}/read"}, True),
        (COMPUTES, False),
        (frozenset(), False),
    ],
)
def test_the_principal_itself_is_asked_where_it_can_be(
    desk: Desk, allowed: frozenset[str] | None, expected: bool
) -> None:
    assert in_force(desk, PLACE, allowed) is expected


def test_without_its_assignment_nothing_is_in_force_whatever_else_allows_it(desk: Desk) -> None:
    assert not in_force(desk, PLACE, frozenset(("*",)), there=False)
    assert not in_force(desk, PLACE, None, there=False)


def test_what_the_built_in_role_lacks_is_not_waited_for(desk: Desk) -> None:
    # Microsoft, "AzureML Compute Operator": computes and notebooks' machines, and no workspace.
    place = replace(PLACE, profile="built-in")
    assert in_force(desk, place, COMPUTES)
    assert not in_force(desk, place, frozenset((f"{ML}/read",)))
