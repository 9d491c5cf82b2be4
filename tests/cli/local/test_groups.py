"""Groups of the embedded Azure's directory, by the Graph that it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.local.groups import LocalGroups
from azmlflow.localazure.clients import control
from tests.cli.desk import Desk
from tests.localazure.control import ALICE, BOB, Azure


@pytest.fixture
def there(desk: Desk, azure: Azure, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A checkout whose embedded Azure is the one in this process."""

    def ask(_folder: object, method: str, url: str, *, principal: str, body: Any = None) -> control.Reply:
        split = urlsplit(url)
        content = b"" if body is None else json.dumps(body).encode()
        came = azure.send(split.netloc, method, f"{split.path}?{split.query}", content, principal)
        return control.Reply(came.status, came.body)

    monkeypatch.setattr(control, "ask", ask)
    monkeypatch.setattr(entering, "start", lambda *_: None)
    desk.settings()
    return desk


def members(desk: Desk) -> dict[str, list[str]]:
    found = desk.run("local", "group", "list", "-o", "json").json()
    return {each["displayName"]: each["members"] for each in found}


def test_a_groups_life(there: Desk) -> None:
    made = there.run("local", "group", "add", "data-team", ALICE, "-o", "json").json()
    assert members(there)["data-team"] == [ALICE]
    assert there.run("local", "group", "join", "data-team", BOB).code == 0
    assert there.run("local", "group", "leave", made["id"], ALICE).code == 0
    assert members(there)["data-team"] == [BOB]
    assert "data-team" in there.run("local", "group", "list").out
    assert there.run("local", "group", "add", "all", "data-team").code == 0
    assert members(there)["all"] == ["data-team"]
    assert there.run("local", "group", "remove", "DATA-TEAM").code == 0
    assert "data-team" not in members(there)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "Data-Scientists"), "there is a group `Data-Scientists` already"),
        (("join", "nosuch", ALICE), "nothing is called `nosuch`"),
        (("join", "data-scientists", "nobody@local.test"), "nothing is called `nobody@local.test`"),
        (("join", "data-scientists", "nobody"), "nobody is called `nobody`"),
        (("join", "data-scientist", ALICE), "nothing is called `data-scientist`; did you mean `data-scientists`?"),
        (("join", "data-scientists", "alise@local.test"), "did you mean `alice@local.test`?"),
        (("join", "data-scientists", "Data-Scientist"), "nobody is called `Data-Scientist`; did you mean `data-scien"),
        (("leave", "data-scientists", BOB), "the directory refused: "),
        (("remove", "nosuch"), "nothing is called `nosuch`"),
    ],
)
def test_what_is_refused(there: Desk, words: tuple[str, ...], told: str) -> None:
    there.run("local", "group", "add", "data-scientists", ALICE)
    done = there.run("local", "group", *words)
    assert done.code == 1
    assert told in done.err
    assert "next: azmlflow local " in done.err


def test_two_of_a_name_are_told_apart_by_id(there: Desk, azure: Azure, tmp_path: Path) -> None:
    for _ in range(2):
        azure.cloud.directory.add_group("twins")
    with pytest.raises(CliError, match="2 are called `twins`"):
        LocalGroups(there.project).remove_group("twins")
