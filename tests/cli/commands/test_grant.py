"""`grant` and `revoke`: the settings say it, only its own resources are applied, other changes are named."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import yaml

from azmlflow.cli.access import grants
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import Say
from azmlflow.cli.project.hold import Holder, hold
from azmlflow.cli.project.project import Project, StackFile
from azmlflow.cli.pulumi.changes import Change, OnChange, Outcome
from azmlflow.cli.pulumi.deployment import Pending, Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session.collaborators import Person
from azmlflow.infra.plan.identifiers import Place
from azmlflow.infra.rehearsal import rehearse
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.roles import persona
from tests.cli.desk import ALICE, GROUP, OUTPUTS, SUBSCRIPTION, WORKSPACE, Desk, FakeStack, assignment_id

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
    desk.arm.put(assignment_id(PLACE, "tracker", ALICE.id))
    return desk


def written(desk: Desk) -> list[dict[str, Any]]:
    config = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]
    found: list[dict[str, Any]] = config.get("azmlflow:grants", [])
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


def test_what_a_grant_that_died_was_making_is_in_the_state_before_it_is_looked_at(standing: Desk) -> None:
    """The engine notes it as begun for as long as nobody says otherwise."""
    assert standing.run("grant", "alice@local.test", "tracker").code == 0
    standing.stack.calls.clear()
    begun = Pending(Resource(ASSIGNMENT, "azure-native:authorization:RoleAssignment"), "creating")
    standing.stack.held = replace(standing.stack.held, pending=(begun,))
    assert standing.run("grant", "alice@local.test", "tracker").code == 0
    assert standing.stack.calls[0] == "clear"
    assert not standing.stack.held.pending


def test_a_grant_again_changes_nothing(standing: Desk) -> None:
    assert standing.run("grant", "alice@local.test", "tracker").code == 0
    standing.stack.calls.clear()
    done = standing.run("grant", "alice@local.test", "tracker")
    assert "is already tracker" in done.out
    assert standing.stack.calls == ["preview"]
    assert len(written(standing)) == 1


def stand_as_an_up_left_it(desk: Desk, *grants: Grant) -> None:
    config = {"azmlflow:cloud": "local", "azmlflow:grants": [each.to_config() for each in grants]}
    desk.settings(text=yaml.safe_dump({"config": config}))
    found = rehearse(config, project="azmlflow", stack="local", subscription=SUBSCRIPTION, tenant="t1")
    for each in found:
        properties = {"permissions": each.inputs.get("permissions")}
        desk.arm.put(each.id, type="x", tags=each.inputs.get("tags"), properties=properties)
    desk.stand(*(Resource(each.urn, each.type, each.id, each.inputs) for each in found))
    desk.stack.planned = (planned(ROLE, "create"), planned(ASSIGNMENT, "create"), OTHER)


def test_where_nothing_else_waits_no_preview_is_asked_for(desk: Desk) -> None:
    stand_as_an_up_left_it(desk)
    desk.arm.put(assignment_id(PLACE, "tracker", ALICE.id))
    done = desk.run("grant", "alice@local.test", "tracker", "-o", "json")
    assert desk.stack.calls == [f"up {ROLE} {ASSIGNMENT}"]
    assert (done.json()["changed"], done.json()["pending"]) == (True, [])


def test_where_nothing_waits_at_all_no_engine_is_asked(desk: Desk) -> None:
    stand_as_an_up_left_it(desk, GRANT)
    done = desk.run("grant", "alice@local.test", "tracker", "-o", "json")
    assert desk.stack.calls == []
    assert (done.json()["changed"], done.json()["inForce"], done.json()["pending"]) == (False, True, [])


def test_where_something_else_waits_the_preview_tells_it(desk: Desk) -> None:
    stand_as_an_up_left_it(desk)
    desk.arm.put(assignment_id(PLACE, "tracker", ALICE.id))
    settings = yaml.safe_load((desk.root / "Pulumi.local.yaml").read_text())["config"]
    desk.settings(text=yaml.safe_dump({"config": {**settings, "azmlflow:clusters": [{"name": "cpu"}]}}))
    done = desk.run("grant", "alice@local.test", "tracker", "-o", "json")
    assert desk.stack.calls == ["preview", f"up {ROLE} {ASSIGNMENT}"]
    assert done.json()["pending"] == [OTHER.urn]


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


def test_the_wait_tells_how_long_it_has_been() -> None:
    said: list[str] = []
    assert not grants.wait(lambda: False, said.append, what="x", sleep=lambda _: None, longest=40)
    assert said[0].startswith("waiting for Azure: x")
    assert 3 <= len(said) <= 4
    assert all("still waiting" in line for line in said[1:])


def test_a_combination_is_several_grants(standing: Desk) -> None:
    standing.arm.put(assignment_id(PLACE, "viewer", ALICE.id))
    document = standing.run("grant", "alice@local.test", "tracker+viewer", "-o", "json").json()
    assert [one["persona"] for one in document["grants"]] == ["tracker", "viewer"]
    assert [one["persona"] for one in written(standing)] == ["tracker", "viewer"]


def test_a_grant_that_ends_says_who_ends_it(standing: Desk) -> None:
    done = standing.run("grant", "alice@local.test", "tracker", "--until", "2999-12-31")
    assert (
        "tracker until 2999-12-31, by UTC. Azure does not enforce it: the first `azmlflow up` after that day does"
        in done.out
    )
    assert written(standing) == [{**GRANT.to_config(), "until": "2999-12-31"}]


def test_a_grant_again_keeps_its_end_and_says_so(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker", "--until", "2999-12-31")
    standing.arm.put(assignment_id(PLACE, "viewer", ALICE.id))
    done = standing.run("grant", "alice@local.test", "tracker+viewer")
    assert done.code == 0
    assert "tracker keeps its end, 2999-12-31; --until never takes it away" in done.err
    assert "tracker until 2999-12-31, by UTC" in done.out
    assert "viewer until" not in done.out
    assert [each.get("until") for each in written(standing)] == ["2999-12-31", None]
    assert standing.run("grant", "alice@local.test", "tracker", "-o", "json").json()["until"] == "2999-12-31"


def test_an_end_is_taken_away_by_never(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker", "--until", "2999-12-31")
    done = standing.run("grant", "alice@local.test", "tracker", "--until", "never")
    assert (done.code, written(standing)) == (0, [GRANT.to_config()])
    assert "it was to end on 2999-12-31, and has no end now" in done.err


def test_a_grant_that_has_ended_is_given_anew_without_an_end(standing: Desk) -> None:
    """It would not be in force otherwise; that it had one is told."""
    entry = {**GRANT.to_config(), "until": "2020-01-31"}
    standing.settings(text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": [entry]}}))
    done = standing.run("grant", "alice@local.test", "tracker")
    assert (done.code, written(standing)) == (0, [GRANT.to_config()])
    assert "it ended on 2020-01-31, and has no end now" in done.err


@pytest.mark.parametrize(("text", "days"), [("30d", 30), ("2w", 14), ("48h", 2), ("0d", 0)])
def test_an_end_may_be_a_time_from_today(standing: Desk, text: str, days: int) -> None:
    today = datetime.now(UTC).date()
    assert standing.run("grant", "alice@local.test", "tracker", "--until", text).code == 0
    assert written(standing)[0]["until"] in {str(today + timedelta(days=days + late)) for late in (0, 1)}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--until", "2020-01-31"), 1, "2020-01-31, is past already"),
        (("--until", "soon"), 2, "`soon` is not a day such as 2027-01-31, no time such as 30d or 2w, nor `never`"),
        (("--until", "12h"), 2, "`12h` is not a number of whole days: a grant ends with a day"),
        (("--until", "999999w"), 2, "`999999w` from today is longer than the calendar"),
        (("--until", "2027-02-30"), 2, "`2027-02-30` is not a day"),
        (
            ("--scope", "/subscriptions/00000000-0000-4000-8000-0000000000ff/resourceGroups/x"),
            1,
            "is outside of the stack's subscription",
        ),
        (("--scope", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/other"), 1, "neither the stack's workspace nor"),
        (("--scope", "everything"), 1, "`everything` is not a scope"),
    ],
)
def test_bad_days_and_scopes_write_nothing(standing: Desk, words: tuple[str, ...], code: int, told: str) -> None:
    done = standing.run("grant", "alice@local.test", "tracker", *words)
    assert done.code == code
    assert told in done.err
    assert written(standing) == []
    assert standing.stack.calls == []


@pytest.mark.parametrize("scope", ["group", PLACE.group_id, PLACE.group_id.upper()])
def test_a_grant_on_the_group(standing: Desk, scope: str) -> None:
    on_group = Grant(ALICE.id, ALICE.type, ALICE.name, "tracker", "group")
    standing.stack.planned = (planned(PLACE.assignment(on_group).urn("local", "azmlflow"), "create"),)
    standing.arm.put(PLACE.assignment(on_group).id)
    document = standing.run("grant", "alice@local.test", "tracker", "--scope", scope, "-o", "json").json()
    assert document["assignmentId"].startswith(f"{PLACE.group_id}/providers/Microsoft.Authorization/")
    assert written(standing) == [on_group.to_config()]


def test_what_cannot_be_applied_is_not_left_in_the_settings(standing: Desk) -> None:
    standing.stack.fault = CliError("AuthorizationFailed: no")
    assert standing.run("grant", "alice@local.test", "tracker").code == 1
    assert written(standing) == []


class Replicating(FakeStack):
    """Azure learns of the principal at the third try."""

    tries = 0

    def up(
        self, on_change: OnChange | None = None, targets: Sequence[str] = (), *, without: Sequence[str] = ()
    ) -> Outcome:
        self.tries += 1
        if self.tries < 3:
            raise CliError("Code=PrincipalNotFound: Principal x does not exist in the directory")
        return super().up(on_change, targets, without=without)


def test_a_principal_that_azure_does_not_know_yet_is_waited_for(standing: Desk) -> None:
    stack = Replicating(planned=standing.stack.planned, held=standing.stack.held, there=True)
    standing.stack = stack
    done = standing.run("grant", "alice@local.test", "tracker")
    assert done.code == 0
    assert stack.tries == 3
    assert done.err.count("waiting for Azure to learn of the principal") == 2


def test_a_principal_that_azure_never_learns_of_is_an_error_in_the_end(standing: Desk) -> None:
    standing.stack.fault = CliError("PrincipalNotFound: no")
    done = standing.run("grant", "alice@local.test", "tracker")
    assert done.code == 1
    assert written(standing) == []


def theirs(desk: Desk) -> str:
    """Somebody else's assignment of the same role to Alice."""
    id_ = f"{PLACE.workspace_id}/providers/Microsoft.Authorization/roleAssignments/{UUID(int=7)}"
    given = {
        "principalId": ALICE.id,
        "roleDefinitionId": PLACE.role_definition_id("tracker"),
        "scope": PLACE.workspace_id,
    }
    desk.arm.documents.clear()
    desk.arm.put(id_, properties=given)
    return id_


def test_somebody_elses_assignment_is_adopted_and_stays(standing: Desk) -> None:
    id_ = theirs(standing)
    standing.stack.planned = ()
    done = standing.run("grant", "alice@local.test", "tracker")
    assert f"adopted: somebody else's assignment gives tracker just this already ({id_})" in done.err
    assert written(standing) == [{**GRANT.to_config(), "adopted": {PLACE.role_guid("tracker"): id_}}]
    assert standing.stack.calls == ["preview", f"up {ROLE}"]  # the role is kept from now on, whatever becomes of us
    gone = standing.run("revoke", "alice@local.test", "-o", "json")
    assert gone.json()["left"] == [id_]
    assert id_.lower() in standing.arm.documents


def test_a_role_that_stayed_behind_is_taken_over(standing: Desk) -> None:
    standing.arm.put(PLACE.role("tracker").id)
    done = standing.run("grant", "alice@local.test", "tracker")
    assert "taking over the role of a persona" in done.err
    assert [entry.id for entry in standing.stack.imported] == [PLACE.role("tracker").id]


def test_up_adopts_too_and_forgets_what_is_gone(standing: Desk) -> None:
    standing.run("grant", "alice@local.test", "tracker")
    id_ = theirs(standing)
    assert standing.run("up").code == 0
    assert list(written(standing)[0]["adopted"].values()) == [id_]
    standing.arm.documents.clear()
    assert standing.run("up").code == 0
    assert written(standing) == [GRANT.to_config()]


def test_status_does_not_take_faulty_settings_for_settings_without_grants(standing: Desk) -> None:
    config = {"azmlflow:cloud": "local", "azmlflow:grants": [GRANT.to_config()], "azmlflow:nosuch": 1}
    standing.settings(text=yaml.safe_dump({"config": config}))
    standing.stack.held = State((), (), {**OUTPUTS, "grants": [{**GRANT.to_config(), "scope": "workspace"}]})
    done = standing.run("status", "-o", "json")
    assert done.code == 0
    assert "azmlflow:nosuch" in done.err
    (told,) = done.json()["grants"]
    assert "takes it away" not in told["state"]
    assert told["state"].startswith("given by the last `azmlflow up`; the settings have faults")


def test_status_tells_how_each_grant_stands(standing: Desk) -> None:
    entries = [
        {**GRANT.to_config(), "until": "2020-01-31"},
        {**GRANT.to_config(), "persona": "viewer", "until": "2999-12-31"},
        {**GRANT.to_config(), "persona": "operator", "scope": "group"},
    ]
    standing.settings(text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": entries}}))
    given = [{**entry, "scope": "workspace", "assignmentId": "x"} for entry in entries[:2]]
    gone = {**given[0], "persona": "registrar", "until": ""}
    standing.stack.held = State((), (), {**OUTPUTS, "grants": [*given, gone]})
    found = {one["persona"]: one["state"] for one in standing.run("status", "-o", "json").json()["grants"]}
    assert found == {
        "tracker": "ended 2020-01-31, but in force until the next `azmlflow up`",
        "viewer": "until 2999-12-31",
        "operator": "not given yet: `azmlflow up` does it",
        "registrar": "no longer in the settings: the next `azmlflow up` takes it away",
    }
    text = standing.run("status").out
    assert "alice@local.test: operator on the group, not given yet" in text
    standing.stack.planned = ()
    up = standing.run("up")
    assert "alice@local.test is no longer tracker: the grant's last day was 2020-01-31" in up.err
    assert "out of Pulumi.local.yaml: tracker of alice@local.test, which ended 2020-01-31" in up.err
    assert [each["persona"] for each in written(standing)] == ["viewer", "operator"]


def test_a_grant_that_has_ended_stays_in_the_settings_until_an_up_has_taken_it_away(standing: Desk) -> None:
    entry = {**GRANT.to_config(), "until": "2020-01-31"}
    standing.settings(text=yaml.safe_dump({"config": {"azmlflow:cloud": "local", "azmlflow:grants": [entry]}}))
    standing.stack.fault = CliError("the engine failed")
    assert standing.run("up").code == 1
    assert written(standing) == [entry]


def test_the_built_in_profile_warns_of_what_is_too_much(standing: Desk) -> None:
    standing.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:roleProfile: built-in\n")
    place = Place(SUBSCRIPTION, GROUP, WORKSPACE, None, "built-in")
    standing.arm.put(place.assignment(GRANT).id)
    standing.permitted = [frozenset({"microsoft.machinelearningservices/workspaces/*"})]
    done = standing.run("grant", "alice@local.test", "tracker", "-o", "json")
    assert "tracker is the built-in role `AzureML Data Scientist` here, which also allows to:" in done.err
    assert "read the datastores' secrets" in done.err
    assert done.json()["assignmentId"] == place.assignment(GRANT).id
    assert "tracker is the built-in role `AzureML Data Scientist` here" in standing.run("up").err


BOB = Person("00000000-0000-4000-8000-0000000000b1", "User", "bob@local.test")


def test_many_grants_in_one_update(standing: Desk) -> None:
    standing.people[BOB.name] = BOB
    roles = [PLACE.role(each).urn("local", "azmlflow") for each in ("tracker", "viewer")]
    given = [
        PLACE.assignment(Grant(ALICE.id, ALICE.type, ALICE.name, "tracker")).urn("local", "azmlflow"),
        PLACE.assignment(Grant(BOB.id, BOB.type, BOB.name, "viewer", "group")).urn("local", "azmlflow"),
    ]
    standing.stack.planned = tuple(planned(urn, "create") for urn in (*roles, *given))
    standing.arm.put(PLACE.assignment(Grant(BOB.id, BOB.type, BOB.name, "viewer", "group")).id)
    path = standing.root / "people.csv"
    path.write_text("principal,persona,scope,until\nalice@local.test,tracker,,30d\nbob@local.test,viewer,group,\n")
    done = standing.run("grant", "--file", str(path))
    assert done.code == 0
    assert [(each["displayName"], each["persona"], each.get("scope")) for each in written(standing)] == [
        ("alice@local.test", "tracker", None),
        ("bob@local.test", "viewer", "group"),
    ]
    assert standing.stack.calls[0] == "preview"
    assert len([call for call in standing.stack.calls if call.startswith("up ")]) == 1
    assert {*roles, *given} == set(standing.stack.calls[1].split()[1:])
    assert "alice@local.test is now tracker" in done.out
    assert "bob@local.test is now viewer on the whole resource group" in done.out


def test_many_grants_from_standard_input(standing: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def typed(text: str) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    typed("principal,persona\nalice@local.test,tracker\nnobody@local.test,viewer\n")
    done = standing.run("grant", "--file", "-")
    assert done.code == 1
    assert "line 3: nobody is called `nobody@local.test`" in done.err
    assert "[standard input]" in done.err
    assert written(standing) == []
    typed("principal,persona\nalice@local.test,tracker\n")
    assert standing.run("grant", "--file", "-").code == 0
    assert [each["displayName"] for each in written(standing)] == [ALICE.name]
    monkeypatch.setattr("sys.stdin", None)
    assert "its first line names the columns" in standing.run("grant", "--file", "-").err


def test_a_broken_file_is_told_of_where_nothing_stands(desk: Desk) -> None:
    desk.settings()
    path = desk.root / "people.csv"
    path.write_text("principal,persona\nalice@local.test,trackr\nnobody@local.test,viewer\n")
    done = desk.run("grant", "--file", str(path))
    assert "1 line cannot be granted" in done.err
    assert "line 2: unknown persona" in done.err


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("alice@local.test,tracker,\nnobody@local.test,viewer,\n", ["line 3: nobody is called `nobody@local.test`"]),
        ("alice@local.test,tracker,/subscriptions/x\nnobody@local.test,viewer,\n", ["line 2: ", "line 3: "]),
        ("alice@local.test,tracker,\nalice@local.test,viewer+tracker,\n", ["line 3: ", "by line 2 already"]),
        ("alice@local.test,trackr,\n", ["line 2: "]),
        # What only the directory knows is told in the same breath, in the order of the lines.
        (
            "nobody@local.test,viewer,\nalice@local.test,trackr,\nalice@local.test,viewer,galaxy\n",
            [
                "3 lines cannot",
                "line 2: nobody is called",
                "line 3: unknown persona",
                "line 4: `galaxy` is not a scope",
            ],
        ),
    ],
)
def test_a_file_with_a_broken_line_grants_nothing(standing: Desk, lines: str, told: list[str]) -> None:
    path = standing.root / "people.csv"
    path.write_text(f"principal,persona,scope\n{lines}")
    done = standing.run("grant", "--file", str(path))
    assert done.code == 1
    assert all(each in done.err for each in told)
    assert sorted(told[1:], key=done.err.index) == told[1:]
    assert written(standing) == []
    assert not [call for call in standing.stack.calls if call.startswith("up")]


@pytest.mark.parametrize(
    "words", [("alice@local.test", "viewer", "--file", "FILE"), ("--file", "FILE", "--until", "30d"), ("alice",), ()]
)
def test_either_one_or_a_file(standing: Desk, words: tuple[str, ...]) -> None:
    path = standing.root / "people.csv"
    path.write_text("principal,persona\nalice@local.test,viewer\n")
    assert standing.run("grant", *(str(path) if word == "FILE" else word for word in words)).code == 2


def test_a_held_stack_is_waited_for_only_with_wait(standing: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    connect = standing.connect
    with contextlib.ExitStack() as holding:
        holding.enter_context(hold(standing.project, "local", "azmlflow up"))

        def sleep(seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                holding.close()

        monkeypatch.setattr(standing, "connect", lambda: replace(connect(), sleep=sleep))
        refused = standing.run("grant", "alice@local.test", "tracker")
        assert (refused.code, waits) == (1, [])
        assert "--wait 10m" in refused.err
        late = standing.run("grant", "alice@local.test", "tracker", "--wait", "2s")
        assert (late.code, waits) == (1, [1.0, 1.0])
        assert "waiting for `azmlflow up`" in late.err
        waits.clear()
        assert standing.run("grant", "alice@local.test", "tracker", "--wait", "10m").code == 0
    assert waits[:3] == [1.0, 1.0, 1.0]
    assert standing.run("grant", "alice@local.test", "tracker", "--wait", "soon").code == 2


@pytest.mark.parametrize(
    "words", [("grant", "alice@local.test", "tracker"), ("revoke", "alice@local.test"), ("up", "--yes")]
)
def test_what_others_wrote_while_it_waited_stays(
    standing: Desk, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    connect, path = standing.connect, standing.root / "Pulumi.local.yaml"
    opened: list[StackFile] = []
    theirs = (
        "config:\n  azmlflow:cloud: local\n  azmlflow:grants:\n"
        "    - principalId: 00000000-0000-4000-8000-0000000000f7\n"
        "      principalType: User\n      displayName: dave@local.test\n      persona: viewer\n"
    )
    with contextlib.ExitStack() as holding:
        holding.enter_context(hold(standing.project, "local", "azmlflow grant dave@local.test viewer"))

        def sleep(_seconds: float) -> None:
            path.write_text(theirs)
            holding.close()

        def open_stack(project: Project, file: StackFile, holder: Holder | None, say: Say) -> Stack:
            opened.append(file)
            return connect().open_stack(project, file, holder, say)

        monkeypatch.setattr(standing, "connect", lambda: replace(connect(), sleep=sleep, open_stack=open_stack))
        standing.run(*words, "--wait", "10m")
    assert "dave@local.test" in {each["displayName"] for each in written(standing)}
    assert "dave@local.test" in str(opened[0].config)
