"""Who gets a grant: names, ids, managed identities, computes; malformed ids."""

from __future__ import annotations

import pytest

from azmlflow.cli.access.principals import resolve
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.collaborators import Person
from azmlflow.infra.plan.identifiers import Place
from tests.cli.desk import ALICE, GROUP, GROUP_ID, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
ROBOT = "00000000-0000-4000-8000-0000000000b0"
IDENTITY = f"{GROUP_ID}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/robot"


def test_a_name_goes_to_the_directory(desk: Desk) -> None:
    assert resolve(desk.connect(), PLACE, " alice@local.test ", None) == ALICE


def test_a_managed_identity_and_a_computes(desk: Desk) -> None:
    desk.arm.put(IDENTITY, properties={"principalId": ROBOT.upper(), "clientId": "c"})
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu", identity={"type": "SystemAssigned", "principalId": ROBOT})
    ports = desk.connect()
    assert resolve(ports, PLACE, IDENTITY, None) == Person(ROBOT, "ServicePrincipal", "userAssignedIdentities/robot")
    assert resolve(ports, PLACE, "compute/cpu", None) == Person(ROBOT, "ServicePrincipal", "computes/cpu")
    assert resolve(ports, PLACE, f"{WORKSPACE_ID}/computes/cpu", None).id == ROBOT


def test_the_one_identity_that_a_compute_uses(desk: Desk) -> None:
    used = {IDENTITY: {"principalId": ROBOT.upper(), "clientId": "c"}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu", identity={"type": "UserAssigned", "userAssignedIdentities": used})
    assert resolve(desk.connect(), PLACE, "compute/cpu", None) == Person(ROBOT, "ServicePrincipal", "computes/cpu")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("00000000-0000-4000-8000-00000000000", "is not an object id"),
        ("0000000000004000800000000000000a", "is not an object id"),
        ("{00000000-0000-4000-8000-00000000000a}", "is not an object id"),
        ("/subscriptions/x/y", "is not an ARM id"),
        (
            f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/st",
            "is not a managed identity, workspace or compute",
        ),
        (GROUP_ID, "is not a managed identity, workspace or compute"),
        (IDENTITY, "does not exist"),
        ("compute/gone", "does not exist"),
        ("compute/cpu", "has no identity"),
        ("compute/two", "uses 2 identities: .*robot.*zoe"),
    ],
)
def test_what_is_nobody(desk: Desk, text: str, words: str) -> None:
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu", properties={})
    both = {IDENTITY: {"principalId": ROBOT}, f"{IDENTITY[:-5]}zoe": {"principalId": ALICE.id}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/two", identity={"type": "UserAssigned", "userAssignedIdentities": both})
    with pytest.raises(CliError, match=words) as caught:
        resolve(desk.connect(), PLACE, text, None)
    assert caught.value.next


@pytest.mark.parametrize(
    ("text", "where", "typed"),
    [
        ("/subscriptions/x/y", None, "az resource list --query '[].id' --output tsv"),
        (
            GROUP_ID,
            None,
            "az identity list --query '[].id' --output tsv; or give the object id of its service principal",
        ),
        (IDENTITY, IDENTITY, "az identity list --query '[].id' --output tsv"),
        ("Compute/gone", f"{WORKSPACE_ID}/computes/gone", "azmlflow get clusters"),
        (
            "Compute/cpu",
            f"{WORKSPACE_ID}/computes/cpu",
            "azmlflow set 'clusters[0].identity' system, then azmlflow up    (for the first cluster)",
        ),
        (
            f"{WORKSPACE_ID}/computes/cpu",
            f"{WORKSPACE_ID}/computes/cpu",
            "give it a system-assigned identity, or a user-assigned one",
        ),
        (
            f"{WORKSPACE_ID}/computes/bare",
            f"{WORKSPACE_ID}/computes/bare",
            "give it a system-assigned identity, or a user-assigned one",
        ),
        ("compute/two", f"{WORKSPACE_ID}/computes/two", f"azmlflow grant {IDENTITY} PERSONA    (one of them)"),
    ],
)
def test_who_is_nobody_is_told_where_that_was_seen_and_what_to_type(
    desk: Desk, text: str, where: str | None, typed: str
) -> None:
    desk.arm.put(f"{WORKSPACE_ID}/computes/cpu", properties={})
    unknown = {"type": "UserAssigned", "userAssignedIdentities": {IDENTITY: {}}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/bare", identity=unknown)
    both = {f"{IDENTITY[:-5]}zoe": {"principalId": ALICE.id}, IDENTITY: {"principalId": ROBOT}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/two", identity={"type": "UserAssigned", "userAssignedIdentities": both})
    with pytest.raises(CliError) as caught:
        resolve(desk.connect(), PLACE, text, None)
    assert (caught.value.where, caught.value.next) == (where, typed)


def test_two_identities_are_named_in_order(desk: Desk) -> None:
    both = {f"{IDENTITY[:-5]}zoe": {"principalId": ALICE.id}, IDENTITY: {"principalId": ROBOT}}
    desk.arm.put(f"{WORKSPACE_ID}/computes/two", identity={"type": "UserAssigned", "userAssignedIdentities": both})
    with pytest.raises(CliError) as caught:
        resolve(desk.connect(), PLACE, "compute/two", None)
    assert caught.value.what == f"`compute/two` uses 2 identities: {IDENTITY}, {IDENTITY[:-5]}zoe"
