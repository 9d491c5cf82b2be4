"""`grant` and `revoke`: the settings say it, only its own resources are applied, other changes are named."""

from __future__ import annotations

import pytest
import yaml

from azmlflow.cli import grants
from azmlflow.cli.changes import Change
from azmlflow.cli.deployment import Resource, State
from azmlflow.infra.identifiers import Place
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.roles import persona
from tests.cli.desk import ALICE, GROUP, SUBSCRIPTION, WORKSPACE, Desk

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
GRANT = Grant(ALICE.id, ALICE.type, ALICE.name, "tracker")
ROLE = PLACE.role("tracker").urn("local", "azmlflow")
ASSIGNMENT = PLACE.assignment(GRANT).urn("local", "azmlflow")
OTHER = Change("urn:pulumi:local::azmlflow::t:t:Vault::vault", "t:t:Vault", "vault", "update", "planned")


def planned(urn: str, operation: str) -> Change:
    return Change(urn, "t:t:T", urn.rsplit("::", 1)[-1], operation, "planned")


@pytest.fixture
def standing(desk: Desk) -> Desk:
    desk.settings()
    desk.stand()
    desk.stack.planned = (planned(ROLE, "create"), planned(ASSIGNMENT, "create"), OTHER)
    desk.arm.put(PLACE.assignment_id("tracker", ALICE.id))
    return desk


def written(desk: Desk) -> list[dict[str, str]]:
    config = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]
    found: list[dict[str, str]] = config.get("azmlflow:grants", [])
    return found


def test_a_grant_is_written_and_applied_alone(standing: Desk) -> None:
    done = standing.run("grant", "alice@local.test", "tracker", "--output", "json")
    assert done.code == 0
    assert written(standing) == [GRANT.to_config()]
    assert standing.stack.calls == ["preview", f"up {ROLE} {ASSIGNMENT}"]
    document = done.json()
    assert (document["changed"], document["inForce"], document["pending"]) == (True, True, [OTHER.urn])
    assert "other changes wait" in done.err
    assert "vault" in done.err


def test_a_grant_again_changes_nothing(standing: Desk) -> None:
    assert standing.run("grant", "alice@local.test", "tracker").code == 0
    standing.stack.calls.clear()
    done = standing.run("grant", "alice@local.test", "tracker")
    assert "is already tracker" in done.out
    assert standing.stack.calls == ["preview"]
    assert len(written(standing)) == 1


def test_other_settings_and_pulumis_own_stay(standing: Desk) -> None:
    standing.settings(text="encryptionsalt: v1:x\nconfig:\n  azmlflow:cloud: local\n  other:key: 3\n")
    assert standing.run("grant", "alice@local.test", "tracker").code == 0
    document = yaml.safe_load((standing.root / "Pulumi.local.yaml").read_text())
    assert document["encryptionsalt"] == "v1:x"
    assert document["config"]["other:key"] == 3


@pytest.mark.parametrize("words", [("grant", "nobody@local.test", "tracker"), ("grant", "alice@local.test", "traker")])
def test_an_unknown_user_or_persona_writes_nothing(standing: Desk, words: tuple[str, ...]) -> None:
    done = standing.run(*words)
    assert done.code == 1
    assert "nobody@local.test" in done.err or "tracker" in done.err
    assert "next:" in done.err
    assert written(standing) == []
    assert standing.stack.calls == []


def test_a_grant_on_nothing(desk: Desk) -> None:
    desk.settings()
    done = desk.run("grant", "alice@local.test", "tracker")
    assert done.code == 1
    assert "does not stand" in done.err
    assert "azmlflow up --stack local" in done.err
    assert written(desk) == []


def test_in_force_means_that_the_principal_itself_may(standing: Desk) -> None:
    hers = frozenset(action.lower() for action in persona("tracker").actions)
    standing.permitted = [frozenset(), hers - {min(hers)}, hers]
    assert standing.run("grant", "alice@local.test", "tracker", "-o", "json").json()["inForce"]
    assert standing.permitted == []


def test_the_wait_asks_until_azure_says_yes_and_says_so() -> None:
    answers = iter([False, False, False, False, True])
    waits: list[float] = []
    said: list[str] = []
    assert grants.wait(lambda: next(answers), said.append, what="the grant", sleep=waits.append)
    assert waits == sorted(waits)
    assert len(waits) == 4
    assert len(said) == 1


def test_the_wait_ends() -> None:
    waits: list[float] = []
    assert not grants.wait(lambda: False, lambda _: None, what="x", sleep=waits.append, longest=20)
    assert 20 <= sum(waits) < 26


def test_a_revocation(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker")
    standing.stand(Resource("urn::x", "t:t:T"))
    standing.stack.planned = (planned(ASSIGNMENT, "delete"), planned(ROLE, "delete"))
    standing.stack.calls.clear()
    standing.arm.documents.clear()
    done = standing.run("revoke", "alice@local.test")
    assert done.code == 0
    assert "no longer tracker" in done.out
    assert written(standing) == []
    assert standing.stack.calls == ["preview", f"up {ASSIGNMENT} {ROLE}"]


def test_a_revocation_of_what_was_not_given(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker")
    done = standing.run("revoke", "alice@local.test", "viewer")
    assert done.code == 1
    assert "is not viewer by stack `local`; it is tracker" in done.err
    assert len(written(standing)) == 1


def test_a_stack_that_came_up_in_part_can_be_revoked_on(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker")
    standing.stack.held = State()
    standing.stack.calls.clear()
    standing.arm.documents.clear()
    assert standing.run("revoke", "alice@local.test").code == 0
    assert written(standing) == []
    assert standing.stack.calls == []


def test_a_principal_gone_from_the_directory_can_be_revoked(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker")
    standing.people.clear()
    standing.arm.documents.clear()
    assert standing.run("revoke", ALICE.id.upper()).code == 0
    assert written(standing) == []
