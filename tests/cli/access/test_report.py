"""What `access` prints, whole: texts as people read them, JSON and CSV as programs do."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from azmlflow.cli.access import log, person, report
from azmlflow.infra.plan.identifiers import Place
from azmlflow.rbac.evaluate import Decision
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.operations import Operation
from azmlflow.rbac.report.access import Cell, Column, Explanation, Matrix, Row, WhoIsWho
from azmlflow.rbac.report.changes import Change, History
from azmlflow.rbac.report.differences import Drift, Finding
from azmlflow.rbac.report.log import Entry, Log, entries, people, unseen
from azmlflow.rbac.report.log import roles as names

GROUP = "/subscriptions/s/resourceGroups/rg"
SCOPE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
READ = Operation("read_runs", ("ml/runs/read",), (), "see runs")
LOG = Operation("log_metric", ("ml/runs/write", "ml/runs/read"), (), "log to runs")
DEPLOY = Operation("deploy", ("ml/deploy",), (), "deploy models")
ALICE, TEAM = "00000000-0000-4000-8000-0000000000a1", "00000000-0000-4000-8000-0000000000f1"
WHO = WhoIsWho({ALICE: ("User", "alice@local.test"), TEAM: ("Group", "team")})
MAY = Decision(
    "allowed",
    f"{ALICE} may ml/runs/read",
    "ml/runs/read",
    SCOPE,
    "granted",
    assignment="/a/1",
    assigned_at=GROUP,
    role="Reader",
    pattern="*/read",
    through=TEAM,
    marked=True,
)
OWN = Decision("allowed", "yes", "ml/runs/write", SCOPE, "granted", "/a/2", SCOPE, "Writer", "ml/*")
NOT = Decision("refused", f"{ALICE} has no role for ml/deploy", "ml/deploy", SCOPE, "no-assignment")
DENIED = Decision("refused", "a deny", "ml/deploy", SCOPE, "denied", "/d/1", SCOPE, "Deny all", "*")
PERHAPS = Decision("unknown", "it rests on a condition", "ml/runs/write", SCOPE, "condition", role="Odd")
COLUMNS = (Column("runs", READ), Column("runs", LOG), Column("serving", DEPLOY))


def cells(*decisions: Decision) -> tuple[Cell, ...]:
    return tuple(Cell(each.verdict, each) for each in decisions)


ROWS = (
    Row(ALICE, "User", "alice@local.test", ("a note", "another"), cells(MAY, PERHAPS, NOT)),
    Row("b", "Group", "=team", (), cells(MAY, OWN, NOT)),
    Row("c", "User", "c", (), cells(NOT, MAY, PERHAPS)),
)
TABLE = Matrix(SCOPE, COLUMNS, ROWS)


def test_the_matrix_whole() -> None:
    assert report.as_text(TABLE).splitlines() == [
        f"access at {SCOPE}",
        "",
        "principal                runs   serving",
        "alice@local.test (User)  1/2 ?  -",
        "  ! a note",
        "  ! another",
        "=team (Group)            yes    -",
        "c (User)                 1/2    ?",
        "",
        "each group: `yes` all operations, `-` none, `?` rests on what is not known:",
        "  runs        read_runs, log_metric",
        "  serving     deploy",
        "why: azmlflow access --explain PRINCIPAL OPERATION",
    ]


def test_on_a_narrow_terminal_names_have_lines_of_their_own() -> None:
    assert report.as_text(TABLE, 36).splitlines()[:7] == [
        "access at ws in rg",
        "",
        "  runs   serving",
        "alice@local.test (User)",
        "  1/2 ?  -",
        "  ! a note",
        "  ! another",
    ]
    assert report.as_text(TABLE, 39).splitlines()[2:4] == [
        "principal                runs   serving",
        "alice@local.test (User)  1/2 ?  -",
    ]
    lasting = Matrix(
        SCOPE, COLUMNS, (Row("d", "User", "daniela.of.the.long.name@local.test", (), cells(MAY, OWN, NOT)),)
    )
    assert report.as_text(lasting, 40).splitlines()[2:5] == [
        "principal                 runs   serving",
        "daniela.of.the.long.name@local.test (User)",
        "                          yes    -",
    ]
    subscription = Matrix("/subscriptions/s", COLUMNS, ROWS)
    assert report.as_text(subscription, 80).splitlines()[0] == "access at /subscriptions/s"
    assert report.as_text(Matrix(GROUP, COLUMNS, ROWS), 80).splitlines()[0] == f"access at {GROUP}"


def test_the_matrix_for_programs() -> None:
    document = json.loads(report.as_json(TABLE))
    assert document["scope"] == SCOPE
    assert document["columns"] == [
        {"group": "runs", "operation": "read_runs"},
        {"group": "runs", "operation": "log_metric"},
        {"group": "serving", "operation": "deploy"},
    ]
    first = document["principals"][0]
    assert {name: value for name, value in first.items() if name != "operations"} == {
        "principalId": ALICE,
        "type": "User",
        "name": "alice@local.test",
        "notes": ["a note", "another"],
    }
    assert first["operations"]["read_runs"] == {
        "verdict": "allowed",
        "action": "ml/runs/read",
        "cause": "granted",
        "reason": f"{ALICE} may ml/runs/read",
        "assignment": "/a/1",
        "assignedAt": GROUP,
        "role": "Reader",
        "pattern": "*/read",
        "through": TEAM,
        "marked": True,
    }
    assert first["operations"]["deploy"] == {
        "verdict": "refused",
        "action": "ml/deploy",
        "cause": "no-assignment",
        "reason": f"{ALICE} has no role for ml/deploy",
    }


def test_the_matrix_for_spreadsheets() -> None:
    assert report.as_csv(TABLE).split("\r\n") == [
        "principal_id,type,name,notes,runs:read_runs,runs:log_metric,serving:deploy",
        f"{ALICE},User,alice@local.test,a note; another,allowed,unknown,refused",
        "b,Group,'=team,,allowed,allowed,refused",
        "c,User,c,,refused,allowed,unknown",
        "",
    ]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])  # OWASP, "CSV Injection"
def test_what_a_spreadsheet_would_take_for_a_formula_is_told_as_text(first: str) -> None:
    assert report.no_formula(f"{first}1") == f"'{first}1"
    assert report.no_formula(f"1{first}") == f"1{first}"
    assert report.no_formula("") == ""


def explained(*decisions: Decision, **more: Any) -> Explanation:
    verdict = "allowed" if all(each.allowed for each in decisions) else "refused"
    known: dict[str, Any] = {"blocked": False, "persona": None, "role": None, **more}
    return Explanation(LOG, verdict, decisions, **known)  # type: ignore[arg-type]


def told(explanation: Explanation) -> list[str]:
    return report.explained_text(explanation, ALICE, "alice", "dev", WHO, local=False).splitlines()


def test_why_somebody_may_whole() -> None:
    assert told(explained(MAY, OWN)) == [
        "alice may log_metric: log to runs",
        "  yes ml/runs/read",
        "        role 'Reader', by its pattern '*/read'",
        f"        assigned at {GROUP}",
        "        by /a/1",
        f"        through group team ({TEAM})",
        "        this rests on a wildcard that stands for no segment",
        "  yes ml/runs/write",
        "        role 'Writer', by its pattern 'ml/*'",
        f"        assigned at {SCOPE}",
        "        by /a/2",
    ]


def test_why_somebody_may_not_whole() -> None:
    assert told(explained(OWN, NOT, DENIED, persona="deployer")) == [
        "alice may not log_metric: log to runs",
        "  yes ml/runs/write",
        "        role 'Writer', by its pattern 'ml/*'",
        f"        assigned at {SCOPE}",
        "        by /a/2",
        "  -   ml/deploy",
        "        alice has no role for it",
        "  -   ml/deploy",
        "        a deny",
        f"        assigned at {SCOPE}",
        "        by /d/1",
        "missing: ml/deploy, ml/deploy",
        "next: azmlflow grant alice deployer --stack dev",
    ]


@pytest.mark.parametrize(
    ("more", "command"),
    [
        ({"blocked": True}, "a deny assignment stands in the way: who made it has to lift it; no role helps"),
        (
            {"blocked": True, "persona": "viewer"},
            "a deny assignment stands in the way: who made it has to lift it; no role helps",
        ),
        ({"persona": "viewer"}, "azmlflow grant 'a b' viewer --stack dev"),
        (
            {"role": "Key Vault Reader"},
            f"az role assignment create --assignee 'a b' --role 'Key Vault Reader' --scope {SCOPE}    "
            "(no persona allows it)",
        ),
        ({}, "no persona and no built-in role allows it: it takes a custom role"),
    ],
)
def test_what_would_let_somebody(more: dict[str, Any], command: str) -> None:
    assert report.remedy(explained(NOT, **more), "a b", "dev", local=False) == command
    assert report.remedy(explained(OWN), "a b", "dev", local=False) is None


def test_on_the_embedded_azure_az_is_typed_under_run() -> None:
    command = report.remedy(explained(NOT, role="Reader"), "alice", "dev", local=True)
    assert str(command).startswith("azmlflow run --without-stack --stack dev -- az role assignment create")


def test_why_for_programs() -> None:
    document = json.loads(report.explained_json(explained(OWN, NOT, persona="deployer"), "alice", "dev", local=False))
    assert {name: value for name, value in document.items() if name != "actions"} == {
        "principal": "alice",
        "operation": "log_metric",
        "verdict": "refused",
        "missing": ["ml/deploy"],
        "next": "azmlflow grant alice deployer --stack dev",
    }
    assert [(each["verdict"], each["action"]) for each in document["actions"]] == [
        ("allowed", "ml/runs/write"),
        ("refused", "ml/deploy"),
    ]


MISSING = Finding("missing", ALICE, "alice", "alice lacks tracker", "azmlflow up", operations=("log_metric", "deploy"))
EXTRA = Finding(
    "undeclared", "x", "bob", "bob has Owner", "az role assignment delete --ids /a/9", "/a/9", "Owner", SCOPE
)
OPENS = Finding("undeclared", "x", "bob", "bob has Reader", "azmlflow access", operations=("read_runs",))


def test_drift_whole() -> None:
    drift = Drift((MISSING, EXTRA, OPENS), ("a group above", "and one more"), ())
    assert report.drift_text(drift, "dev", local=False).splitlines() == [
        "3 differences from the grants of stack dev",
        "  missing: alice lacks tracker",
        "      so it may not: log_metric, deploy",
        "      next: azmlflow up --stack dev",
        "  undeclared: bob has Owner",
        "      next: az role assignment delete --ids /a/9",
        "  undeclared: bob has Reader",
        "      it opens: read_runs",
        "      next: azmlflow access --stack dev",
        "not the stack's to declare:",
        "  a group above",
        "  and one more",
    ]
    assert report.drift_text(Drift((), (), ()), "dev", local=False) == "nothing differs from the grants of stack dev"
    one = report.drift_text(Drift((EXTRA,), (), ()), "dev", local=False)
    assert one.splitlines()[0] == "1 difference from the grants of stack dev"
    assert report.drift_text(Drift((EXTRA, OPENS), (), ()), "dev", local=False).startswith("2 differences from")


def test_drift_for_programs() -> None:
    drift = Drift((MISSING, EXTRA), ("a group above",), ("the vault",))
    assert json.loads(report.drift_json(drift, "dev", local=False)) == {
        "stack": "dev",
        "drift": [
            {
                "sort": "missing",
                "principalId": ALICE,
                "name": "alice",
                "what": "alice lacks tracker",
                "assignment": None,
                "role": None,
                "scope": None,
                "operations": ["log_metric", "deploy"],
                "next": "azmlflow up --stack dev",
            },
            {
                "sort": "undeclared",
                "principalId": "x",
                "name": "bob",
                "what": "bob has Owner",
                "assignment": "/a/9",
                "role": "Owner",
                "scope": SCOPE,
                "operations": [],
                "next": "az role assignment delete --ids /a/9",
            },
        ],
        "outside": ["a group above"],
        "unchecked": ["the vault"],
    }


def test_one_person_whole() -> None:
    grants = [
        Grant(ALICE, "User", "alice", "tracker", until=date(2027, 1, 31)),
        Grant(ALICE, "User", "alice", "viewer", "group"),
    ]
    row = Row(ALICE, "", "alice", ("a note",), cells(MAY, OWN, DENIED))
    assert person.as_text(TABLE, row, "alice", grants, WHO).splitlines() == [
        "alice (unknown) at ws",
        "  grant      tracker, until 2027-01-31",
        "  grant      viewer on the group, no end",
        "  ! a note",
        "  runs       yes  see runs, by Reader, in team",
        "             yes  log to runs, by Writer",
        "  serving    no   deploy models",
        "why: azmlflow access --explain alice OPERATION",
    ]
    unsure = Row(ALICE, "User", "alice", (), cells(PERHAPS, NOT, NOT))
    assert person.as_text(TABLE, unsure, "alice", [], WHO).splitlines()[:3] == [
        "alice (User) at ws",
        "  runs       ?    see runs, by Odd",
        "             no   log to runs",
    ]
    through = replace(DENIED, through=TEAM)  # a deny is no role that somebody has by a group
    refused = Row(ALICE, "User", "alice", (), cells(OWN, OWN, through))
    assert person.as_text(TABLE, refused, "alice", [], WHO).splitlines()[-2] == "  serving    no   deploy models"
    nothing = Row(ALICE, "User", "alice", (), cells(NOT, NOT, NOT))
    assert person.as_text(TABLE, nothing, "alice", [], WHO).splitlines() == [
        "alice (User) at ws",
        "  may do nothing here",
        "next: azmlflow grant alice viewer",
    ]


def test_one_person_for_programs() -> None:
    row = Row(ALICE, "User", "alice", ("a note",), cells(MAY, OWN, NOT))
    grants = [Grant(ALICE, "User", "alice", "tracker")]
    document = person.document(TABLE, row, "alice@x", grants, WHO)
    assert document["principal"] == {"id": ALICE, "name": "alice@x", "type": "User"}
    assert (document["scope"], document["notes"]) == (SCOPE, ["a note"])
    assert [(each["persona"], each["scope"]) for each in document["grants"]] == [("tracker", "workspace")]
    assert document["operations"] == {
        "read_runs": {"verdict": "allowed", "role": "Reader", "at": GROUP, "through": "team"},
        "log_metric": {"verdict": "allowed", "role": "Writer", "at": SCOPE, "through": None},
        "deploy": {"verdict": "refused", "role": None, "at": None, "through": None},
    }


def assigned(**more: Any) -> Any:
    given = {
        "created_on": None,
        "created_by": None,
        "principal_id": ALICE,
        "role_definition_id": "/r/1",
        "scope": SCOPE,
    }
    return SimpleNamespace(id="/a/1", **{**given, **more})


def test_the_log_whole() -> None:
    east = timezone(timedelta(hours=2))
    made = [
        assigned(role_definition_id="/unknown/role"),
        assigned(created_on=datetime(2026, 11, 27, 1, 30, 59, tzinfo=east), created_by=TEAM.upper(), scope="/"),
        assigned(created_on=datetime(2026, 11, 28, tzinfo=UTC), created_by="somebody", scope=GROUP),
    ]
    roles: Any = [SimpleNamespace(id="/x/1", name="Reader")]
    place = Place("s", "rg", "ws")
    standing = tuple(map(log.standing, made))
    found = entries(standing, (), names(place.home, roles), WHO, {"/a/1": "2027-01-31"})
    assert log.as_text(Log(found, datetime(2026, 8, 30, tzinfo=UTC))).splitlines() == [
        "2026-11-28 00:00  somebody gave alice@local.test Reader at rg, until 2027-01-31",
        "2026-11-26 23:30  team gave alice@local.test Reader at the tenant, until 2027-01-31",
        "unknown           unknown gave alice@local.test /unknown/role at ws, until 2027-01-31",
        "times are UTC; what was taken away is told from 2026-08-30 on",
    ]
    assert log.as_csv(found).splitlines() == [
        "on,by,to,role,at,until,ended,endedBy,stands,id",
        f"2026-11-28T00:00:00+00:00,somebody,alice@local.test,Reader,{GROUP},2027-01-31,,,yes,/a/1",
        "2026-11-26T23:30:59+00:00,team,alice@local.test,Reader,/,2027-01-31,,,yes,/a/1",
        f",,alice@local.test,/unknown/role,{SCOPE},2027-01-31,,,yes,/a/1",
    ]
    assert log.document(found)[2] == {
        "on": "",
        "by": "",
        "to": "alice@local.test",
        "role": "/unknown/role",
        "at": SCOPE,
        "until": "2027-01-31",
        "ended": "",
        "endedBy": "",
        "stands": True,
        "id": "/a/1",
    }
    assert people(standing, ()) == (ALICE, TEAM, "somebody")
    assert log.as_text(Log((), None)) == "no role assignment reaches the workspace\ntimes are UTC"


def test_what_is_gone_is_told_whole() -> None:
    """Its role may be gone as well: a persona's has the name that it had, a built-in one that of Azure."""
    place = Place("s", "rg", "ws")
    role, on = names(place.home, ()), datetime(2026, 11, 1, 9, tzinfo=UTC)
    assert role(place.role_definition_id("tracker")).startswith("azmlflow tracker (rg-")
    assert role(
        "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
    ) == ("Reader")
    id_ = f"{SCOPE}/providers/Microsoft.Authorization/roleAssignments/1"
    made = Change(id_, on, ALICE, True, TEAM, "/x/1")
    ended = Change(id_.upper(), on + timedelta(hours=1), TEAM, False, "", "")
    (entry,) = entries((), (made, made, ended), str, WHO, {})
    assert (entry.on, entry.by, entry.to, entry.role) == (
        "2026-11-01T09:00:00+00:00",
        "alice@local.test",
        "team",
        "/x/1",
    )
    assert (entry.ended, entry.ended_by, entry.stands) == ("2026-11-01T10:00:00+00:00", "team", False)
    assert people((), (made, ended)) == (ALICE, TEAM)
    assert "cannot be seen" in unseen(History((), None), SCOPE)
    assert unseen(History((), on), SCOPE) == ""


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("log-artefact", "no. Did you mean log_artifact?"),
        ("WRITE_RUNS", "no. Did you mean write_run?"),
        ("xyzzy", "no"),
    ],
)
def test_the_nearest_operation(name: str, told: str) -> None:
    assert report.nearest_operation(name, "no") == told


def test_a_group_is_no_operation_and_its_own_are_named() -> None:
    assert report.nearest_operation("Register", "no") == (
        "'Register' is a group of operations; ask one of them: write_models, stage_models, register_local_model, "
        "delete_models"
    )


def test_the_log_says_what_azure_does_not_tell() -> None:
    bare = Entry("", "", "", "", SCOPE, "", "", "", stands=False, id="/x")
    (line, _) = log.as_text(Log((bare,), None, "since when is not known")).splitlines()
    assert line == "unknown           unknown gave unknown a role at ws; it is gone"
