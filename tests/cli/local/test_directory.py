"""What the embedded Azure tells of its people, and answers that tell nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from azmlflow.cli.azure.errors import ArmError, MalformedAnswer
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import directory
from azmlflow.cli.project.project import Project
from azmlflow.localazure.clients import control
from tests.cli.desk import ALICE, WORKSPACE_ID


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "azmlflow")


def answering(monkeypatch: pytest.MonkeyPatch, *answers: control.Reply) -> list[str]:
    """Have the embedded Azure answer so, in turn; gives what is asked of it."""
    asked: list[str] = []
    left = list(answers)

    def ask(_folder: object, method: str, url: str, **_: Any) -> control.Reply:
        asked.append(f"{method} {url}")
        return left.pop(0)

    monkeypatch.setattr(control, "ask", ask)
    return asked


def test_what_a_principal_may_do(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [{"actions": ["A/read"], "notActions": []}, {"actions": ["B/Write"], "notActions": []}]
    asked = answering(monkeypatch, control.Reply(200, {"value": entries}))
    assert directory.permitted(project, ALICE.id, WORKSPACE_ID) == {"a/read", "b/write"}
    path = f"{WORKSPACE_ID}/providers/Microsoft.Authorization/permissions"
    assert asked == [f"GET https://management.azure.com{path}?api-version=2022-04-01"]


@pytest.mark.parametrize("status", [403, 404, 429, 503])
def test_who_has_no_role_or_is_told_to_wait_may_nothing_yet(
    project: Project, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    answering(monkeypatch, control.Reply(status, {"error": {"code": "X", "message": "no"}}))
    assert directory.permitted(project, ALICE.id, WORKSPACE_ID) == frozenset()


def test_what_is_refused_for_good_is_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, control.Reply(400, {"error": {"code": "InvalidApiVersion", "message": "old"}}))
    with pytest.raises(ArmError, match="InvalidApiVersion: old"):
        directory.permitted(project, ALICE.id, WORKSPACE_ID)


@pytest.mark.parametrize("body", [None, "text", [], {}, {"value": None}, {"value": {}}])
def test_no_list_is_no_empty_list(project: Project, monkeypatch: pytest.MonkeyPatch, body: object) -> None:
    answering(monkeypatch, control.Reply(200, body), control.Reply(200, body))
    with pytest.raises(MalformedAnswer):
        directory.permitted(project, ALICE.id, WORKSPACE_ID)
    with pytest.raises(MalformedAnswer):
        directory.LocalUsers(project).users()


def test_users_over_all_pages(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    next_ = f"{directory.GRAPH}/v1.0/users?page=2"
    first = {"value": [{"id": "1"}], "@odata.nextLink": next_}
    asked = answering(monkeypatch, control.Reply(200, first), control.Reply(200, {"value": [{"id": "2"}]}))
    assert [user["id"] for user in directory.LocalUsers(project).users()] == ["1", "2"]
    assert asked == [f"GET {directory.GRAPH}/v1.0/users", f"GET {next_}"]


@pytest.mark.parametrize("body", [None, "text", {"error": "no"}])
def test_a_refusal_of_the_directory_in_any_form(
    project: Project, monkeypatch: pytest.MonkeyPatch, body: object
) -> None:
    answering(monkeypatch, control.Reply(404, body))
    with pytest.raises(CliError, match="the directory refused: status 404"):
        directory.LocalUsers(project).remove("alice@local.test")
