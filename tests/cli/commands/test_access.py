"""`azmlflow access`: what it asks, what it prints in each form, and how it ends."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.session.collaborators import Collaborators
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.live.people import Tenant
from azmlflow.rbac.records import RoleAssignment, RoleDefinition
from azmlflow.rbac.report.access import COLUMNS, WhoIsWho
from azmlflow.rbac.roles import built_in_role, persona
from tests.cli.desk import ALICE, GROUP, GROUP_ID, OUTPUTS, SUBSCRIPTION, WORKSPACE, WORKSPACE_ID, Desk, assignment_id
from tests.cli.wire import answer

PLACE = Place(SUBSCRIPTION, GROUP, WORKSPACE)
BOB = "00000000-0000-4000-8000-0000000000b2"
TEAM = "00000000-0000-4000-8000-0000000000c3"
ROBOT = "00000000-0000-4000-8000-0000000000b9"
EVIL = '=HYPERLINK("x")<script>alert(1)</script>'
TRACKER = RoleDefinition(PLACE.role_definition_id("tracker"), "azmlflow tracker", persona("tracker").permissions)
OWNER = built_in_role("Owner").definition()
HERS = RoleAssignment(assignment_id(PLACE, "tracker", ALICE.id), ALICE.id, TRACKER.id, WORKSPACE_ID)
HIS = RoleAssignment(f"{GROUP_ID}/providers/Microsoft.Authorization/roleAssignments/his", BOB, OWNER.id, GROUP_ID)
THEIRS = RoleAssignment(f"{WORKSPACE_ID}/theirs", TEAM, TRACKER.id, WORKSPACE_ID, principal_type="Group")
NAMES = {ALICE.id: ("User", ALICE.name), BOB: ("User", EVIL), TEAM: ("Group", "team")}
SETTINGS = (
    "config:\n  azmlflow:cloud: local\n  azmlflow:grants:\n"
    f"    - principalId: {ALICE.id}\n      principalType: User\n"
    f"      displayName: {ALICE.name}\n      persona: tracker\n"
)


@pytest.fixture
def tenant(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A standing stack with Alice as its declared tracker, and whatever assignments a test gives."""
    desk.settings(text=SETTINGS)
    desk.stand()
    desk.arm.put(WORKSPACE_ID, identity={"principalId": "00000000-0000-4000-8000-0000000000e5"})
    connect = desk.connect

    def hold(*assignments: RoleAssignment, readable: bool = True, unread: tuple[str, ...] = ()) -> None:
        facts = Facts(assignments, [TRACKER, OWNER], (), {}, {f"/subscriptions/{SUBSCRIPTION}": ()}, unread)
        found = Tenant(facts, WhoIsWho(NAMES if readable else {}, readable))

        def read(subscription: str, scope: str, _also: tuple[str, ...]) -> Tenant:
            assert (subscription, scope) == (SUBSCRIPTION, WORKSPACE_ID)
            return found

        def replaced() -> Collaborators:
            return dataclasses.replace(connect(), read_tenant=read)

        monkeypatch.setattr(desk, "connect", replaced)

    return hold


def test_the_matrix_in_text(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS, HIS)
    done = desk.run("access")
    assert done.code == 0
    alice = next(line for line in done.out.splitlines() if line.startswith("alice"))
    assert alice.split()[2:] == ["yes", "yes", *"-------"]
    bob = next(line for line in done.out.splitlines() if line.startswith("=HYPERLINK"))
    assert bob.split()[-9:] == ["yes"] * 9


def test_the_matrix_fits_a_terminal_of_80_columns(
    desk: Desk, tenant: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    robot = RoleAssignment(f"{WORKSPACE_ID}/robot", ROBOT, TRACKER.id, WORKSPACE_ID)
    tenant(HERS, HIS, robot)
    lines = desk.run("access").out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "access at mlw-mlflow-local in rg-mlflow-local"
    at = lines.index(f"{ALICE.name} (User)")
    assert lines[at + 1].split() == ["yes", "yes", *"-------"]
    assert any(line.startswith("00000000…") for line in lines)
    assert ROBOT in desk.run("access", "-o", "csv").out


def test_the_matrix_in_json_carries_reasons(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS)
    document = desk.run("access", "-o", "json").json()
    assert len(document["columns"]) == len(COLUMNS)
    operations = document["principals"][0]["operations"]
    assert operations["write_run"]["assignment"] == HERS.id
    assert operations["write_run"]["role"] == TRACKER.name
    assert operations["delete_models"]["cause"] == "not-in-roles"


def test_the_matrix_in_csv_is_no_formula(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS, HIS)
    rows = list(csv.DictReader(io.StringIO(desk.run("access", "-o", "csv").out)))
    assert {row["name"] for row in rows} == {ALICE.name, f"'{EVIL}"}
    assert {row["track:write_run"] for row in rows} == {"allowed"}


def test_the_page_is_written_and_escaped(desk: Desk, tenant: Callable[..., None], tmp_path: Path) -> None:
    tenant(HERS, HIS)
    path = tmp_path / "access.html"
    done = desk.run("access", "-o", "html", "--file", str(path))
    assert (done.code, done.out) == (0, "")
    assert f"wrote {path}" in done.err
    page = path.read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "http://" not in page
    assert "https://" not in page


def test_a_file_that_cannot_be_written(desk: Desk, tenant: Callable[..., None], tmp_path: Path) -> None:
    tenant(HERS)
    done = desk.run("access", "--file", str(tmp_path / "no" / "such.html"))
    assert done.code == 1
    assert "cannot be written" in done.err
    assert "next:" in done.err


def test_what_may_not_be_read_is_said_and_the_rows_stay(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS, THEIRS, readable=False, unread=(TEAM,))
    done = desk.run("access")
    assert "group members unknown: needs GroupMember.Read.All" in done.err
    assert "names and deleted principals are not told" in done.err
    assert f"{TEAM} (Group)" in done.out
    assert ALICE.id in done.out
    assert "! group members unknown: needs GroupMember.Read.All" in done.out


def test_why_somebody_may(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS)
    done = desk.run("access", "--explain", ALICE.name, "write_run")
    assert done.code == 0
    for part in (HERS.id, WORKSPACE_ID, TRACKER.name, "workspaces/experiments/runs/write", "may write_run"):
        assert part in done.out
    document = desk.run("access", "--explain", ALICE.name, "write_run", "-o", "json").json()
    assert (document["verdict"], document["missing"], document["next"]) == ("allowed", [], None)


def test_why_somebody_may_not_and_what_would_let_it(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant()
    done = desk.run("access", "--explain", ALICE.name, "stage-models")
    assert "missing: Microsoft.MachineLearningServices/workspaces/models/write" in done.out
    assert f"next: azmlflow grant {ALICE.name} registrar --stack local" in done.out
    assert f"No role assignment of {ALICE.name} or of its groups reaches" in done.out
    assert ALICE.id not in done.out
    done = desk.run("access", "--explain", ALICE.name, "submit_job")
    assert done.out.count("No role assignment of") == 1, "the actions share it"
    assert done.out.count("\n  -   Microsoft.") > 1
    done = desk.run("access", "--explain", ALICE.name, "grant_access")
    assert "next: azmlflow run --without-stack --stack local -- az role assignment create --assignee" in done.out


def test_drift_ends_with_1_only_if_there_is_any(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS)
    done = desk.run("access", "--drift")
    assert done.code == 0
    assert "nothing differs from the grants of stack local" in done.out
    tenant(HIS)
    done = desk.run("access", "--drift", "-o", "json")
    assert done.code == 1
    assert [(each["sort"], each["principalId"]) for each in done.json()["drift"]] == [
        ("missing", ALICE.id),
        ("undeclared", BOB),
    ]
    text = desk.run("access", "--drift").out
    assert "next: azmlflow up --stack local" in text
    assert f"next: azmlflow run --without-stack --stack local -- az role assignment delete --ids {HIS.id}" in text


def test_drift_looks_into_the_storage_account_where_it_is_opened_as_the_caller(
    desk: Desk, tenant: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant(HERS)
    desk.settings(text=f"{SETTINGS}  azmlflow:storageAuth: identity\n")
    connect, roles = desk.connect, persona("tracker").storage_roles
    asked: list[str] = []
    held: list[RoleAssignment] = []

    def read(_subscription: str, scope: str, _also: tuple[str, ...]) -> Tenant:
        asked.append(scope)
        definitions = [TRACKER, *(built_in_role(name).definition() for name in roles)]
        above = {f"/subscriptions/{SUBSCRIPTION}": ()}
        return Tenant(Facts([HERS, *held], definitions, management_groups=above), WhoIsWho(NAMES))

    monkeypatch.setattr(desk, "connect", lambda: dataclasses.replace(connect(), read_tenant=read))
    done = desk.run("access", "--drift", "-o", "json")
    assert asked == [GROUP_ID], "one look for both"
    assert done.code == 1
    assert [(each["sort"], each["principalId"]) for each in done.json()["drift"]] == [("missing", ALICE.id)]
    account = f"{GROUP_ID}/providers/Microsoft.Storage/storageAccounts/{OUTPUTS['storageAccount']}"
    held += [RoleAssignment(f"{account}/{name}", ALICE.id, built_in_role(name).id, account) for name in roles]
    assert desk.run("access", "--drift").code == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--explain", "alice@local.test", "write_runz"), "Did you mean write_run?"),
        (("--explain", "alice@local.test", "track"), "is a group of operations"),
        (("--explain", "alice@local.test", "write_run", "--drift"), "ask one at a time"),
        (("--drift", "--output", "html"), "is for the whole matrix"),
        (("--type", "User"), "--explain"),
    ],
)
def test_wrong_usage(desk: Desk, tenant: Callable[..., None], words: tuple[str, ...], told: str) -> None:
    tenant(HERS)
    done = desk.run("access", *words)
    assert done.code == 2
    assert told in " ".join(done.err.split())


def test_an_unknown_principal_and_a_stack_that_does_not_stand(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS)
    assert desk.run("access", "--explain", "nobody@local.test", "write_run").code == 1
    desk.settings("other")
    desk.stack.held = dataclasses.replace(desk.stack.held, outputs={})
    done = desk.run("access", "--stack", "other")
    assert done.code == 1
    assert "azmlflow up --stack other" in done.err


def test_one_person_with_the_grants_end_and_the_group(desk: Desk, tenant: Callable[..., None]) -> None:
    desk.settings(text=SETTINGS + "      until: '2099-12-31'\n")
    tenant(HERS)
    done = desk.run("access", ALICE.name)
    assert done.code == 0
    assert "grant      tracker until 2099-12-31" not in done.out
    assert "  grant      tracker, until 2099-12-31" in done.out
    assert "  track      yes  Create, rename, tag and restore experiments, by azmlflow tracker" in done.out
    assert "  register   no   Create, rename, update, alias and tag models and versions\n" in done.out
    document = desk.run("access", ALICE.name, "-o", "json").json()
    assert document["operations"]["write_run"]["role"] == TRACKER.name
    assert document["grants"][0]["until"] == "2099-12-31"


def test_one_person_who_may_do_nothing(desk: Desk, tenant: Callable[..., None]) -> None:
    desk.settings()
    tenant()
    done = desk.run("access", ALICE.name)
    assert "may do nothing here" in done.out
    assert f"next: azmlflow grant {ALICE.name} viewer" in done.out


def _stands(desk: Desk, made: str, by: str, one: RoleAssignment) -> None:
    properties = {"principalId": one.principal_id, "roleDefinitionId": one.role_definition_id, "scope": one.scope}
    desk.arm.put(one.id, properties={**properties, "createdOn": made, "createdBy": by})


def test_the_log_says_who_gave_whom_what_and_when(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS, HIS)
    _stands(desk, "2026-11-01T08:00:00Z", BOB, HERS)
    _stands(desk, "2026-11-02T09:30:00Z", ROBOT, HIS)
    lines = desk.run("access", "--log").out.splitlines()
    assert lines[0] == f"2026-11-02 09:30  {ROBOT} gave {EVIL} Owner at {GROUP}"
    assert lines[1] == f"2026-11-01 08:00  {EVIL} gave {ALICE.name} azmlflow tracker at {WORKSPACE}"
    document = desk.run("access", "--log", "-o", "json").json()
    assert [each["on"] for each in document["assignments"]] == [
        "2026-11-02T09:30:00+00:00",
        "2026-11-01T08:00:00+00:00",
    ]
    rows = list(csv.DictReader(io.StringIO(desk.run("access", "--log", "-o", "csv").out)))
    assert (rows[0]["to"], rows[1]["by"]) == (f"'{EVIL}", f"'{EVIL}")
    assert (rows[0]["stands"], rows[0]["ended"]) == ("yes", "")
    assert desk.run("access", "--log", "-o", "html").code == 2
    assert desk.run("access", ALICE.name, "--log").code == 2


def _event(verb: str, status: str, at: str, one: RoleAssignment, operation: str, **properties: str) -> dict[str, Any]:
    """As Microsoft, "Azure Activity Log event schema" has it."""
    return {
        "operationId": operation,
        "operationName": {"value": f"Microsoft.Authorization/roleAssignments/{verb}"},
        "status": {"value": status},
        "subStatus": {"value": "" if status == "Started" else "OK"},
        "eventTimestamp": at,
        "caller": "bob@example.com",
        "claims": {"http://schemas.microsoft.com/identity/claims/objectidentifier": BOB},
        "resourceId": one.id,
        "properties": properties,
    }


def test_the_log_tells_what_was_taken_away_and_by_whom(desk: Desk, tenant: Callable[..., None]) -> None:
    desk.settings(text=SETTINGS + "      until: '2099-12-31'\n")
    tenant(HERS)
    _stands(desk, "2026-11-05T08:00:00Z", BOB, HERS)
    said = json.dumps({"Properties": {"PrincipalId": HERS.principal_id, "RoleDefinitionId": HERS.role_definition_id}})
    gone = json.dumps({"properties": {"principalId": HIS.principal_id, "roleDefinitionId": HIS.role_definition_id}})
    desk.arm.events = [
        _event("delete", "Succeeded", "2026-11-03T10:00:00.1234567Z", HERS, "2"),
        _event("delete", "Started", "2026-11-03T10:00:00Z", HERS, "2"),
        _event("write", "Succeeded", "2026-11-01T09:00:00.5Z", HERS, "1"),
        _event("write", "Started", "2026-11-01T09:00:00Z", HERS, "1", requestbody=said),
        _event("delete", "Succeeded", "2026-10-20T07:00:00Z", HIS, "0", responseBody=gone),
        _event("write", "Failed", "2026-10-19T07:00:00Z", HIS, "f"),
    ]
    lines = desk.run("access", "--log").out.splitlines()
    assert lines[0] == f"2026-11-05 08:00  {EVIL} gave {ALICE.name} azmlflow tracker at {WORKSPACE}, until 2099-12-31"
    assert lines[1] == (
        f"2026-11-01 09:00  {EVIL} gave {ALICE.name} azmlflow tracker at {WORKSPACE}; "
        f"{EVIL} took it away on 2026-11-03 10:00"
    )
    assert lines[2] == (
        f"unknown           unknown gave {EVIL} Owner at {GROUP}; {EVIL} took it away on 2026-10-20 07:00"
    )
    assert len(lines) == 4
    assert lines[3].startswith("times are UTC; what was taken away is told from 20")
    first, second, _ = desk.run("access", "--log", "-o", "json").json()["assignments"]
    assert (first["stands"], first["until"], first["ended"]) == (True, "2099-12-31", "")
    assert (second["stands"], second["ended"], second["endedBy"]) == (False, "2026-11-03T10:00:00+00:00", EVIL)
    asked = desk.arm.filters[0]
    assert " and resourceProvider eq 'Microsoft.Authorization'" in asked
    assert asked.startswith("eventTimestamp ge '20")
    assert "eventTimestamp le" not in asked  # in whole seconds it would leave away what was done in this one


def test_who_may_not_read_the_activity_log_is_told_what_it_takes(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant(HERS)
    _stands(desk, "2026-11-05T08:00:00Z", BOB, HERS)
    desk.arm.log_readable = ()
    done = desk.run("access", "--log")
    assert done.code == 0
    assert done.out.splitlines()[1] == "times are UTC"
    assert "what was taken away again cannot be seen" in done.err
    assert f"Microsoft.Insights/eventtypes/values/read at {GROUP_ID}" in " ".join(done.err.split())
    assert desk.run("access", "--log", "-o", "json").json()["endedSince"] is None
    desk.arm.log_readable = ("resourceGroupName",)
    done = desk.run("access", "--log")
    assert "told from" in done.out
    assert "on the whole subscription cannot be seen" in done.err


def test_a_grant_that_went_with_its_scope_is_told_as_gone(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant()
    said = json.dumps({"properties": {"principalId": ALICE.id, "roleDefinitionId": HERS.role_definition_id}})
    desk.arm.events = [
        _event("write", "Succeeded", "2026-11-01T09:00:00Z", HERS, "1"),
        _event("write", "Started", "2026-11-01T09:00:00Z", HERS, "1", requestbody=said),
    ]
    (line, _) = desk.run("access", "--log").out.splitlines()
    assert line == f"2026-11-01 09:00  {EVIL} gave {ALICE.name} azmlflow tracker at {WORKSPACE}; it is gone"


def test_another_refusal_of_the_log_is_told_in_azures_words_beside_what_stands(
    desk: Desk, tenant: Callable[..., None]
) -> None:
    """Azure Monitor tells code and message in no `error`."""
    tenant(HERS)
    _stands(desk, "2026-11-05T08:00:00Z", BOB, HERS)
    said = {"code": "BadRequest", "message": "The start time cannot be more than 90 days in the past."}
    desk.arm.log_refusal = answer(400, said)
    why = f"what was taken away again cannot be seen: of its activity log Azure says: BadRequest: {said['message']}"
    done = desk.run("access", "--log")
    assert (done.code, done.out.splitlines()[1]) == (0, "times are UTC")
    assert f"{EVIL} gave {ALICE.name} azmlflow tracker" in done.out
    assert why in " ".join(done.err.split())
    page = desk.run("access", "-o", "html").out
    assert why in page
    assert f"<td>{ALICE.name}" in page


def test_an_event_that_is_none_is_told(desk: Desk, tenant: Callable[..., None]) -> None:
    tenant()
    desk.arm.events = [_event("delete", "Succeeded", "yesterday", HERS, "1", responseBody="[]")]
    done = desk.run("access", "--log")
    assert done.code == 1
    assert "not Azure's" in done.err
