"""`azmlflow ui`: the address on each cloud, and what a browser is given."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from azmlflow.cli.local import entering, pages
from tests.cli.desk import OUTPUTS, Desk

ADDRESS = "http://127.0.0.1:20001/sign-in?code=secret"


@pytest.fixture
def local(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A standing local stack whose embedded Azure is taken to run, and signs in whoever is asked for."""
    desk.settings()
    desk.stand()
    desk.project.state.mkdir()
    monkeypatch.setattr(entering, "start", lambda *_: None)
    monkeypatch.setattr(pages, "address", lambda _project, who, workspace: f"{ADDRESS}&{who}&{workspace}")
    return desk


def test_the_browser_gets_a_file_that_only_this_user_can_read(local: Desk) -> None:
    done = local.run("ui", "--as", "bob@local.test")
    expected = f"{ADDRESS}&bob@local.test&{OUTPUTS['workspaceId']}"
    assert (done.code, done.out.strip()) == (0, expected)
    (opened,) = local.browsed
    assert "secret" not in opened, "other users of the machine see a browser's arguments"
    path = Path(unquote(urlsplit(opened).path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert expected.replace("&", "&amp;") in path.read_text()


def test_printed_for_the_developer_unless_told_otherwise(local: Desk) -> None:
    for option in ("--print", "--no-browser"):
        told = local.run("ui", option, "-o", "json").json()
        assert told == {
            "stack": "local",
            "address": f"{ADDRESS}&developer@local.test&{OUTPUTS['workspaceId']}",
            "as": "developer@local.test",
            "opened": False,
        }
    assert local.browsed == []


def test_without_a_browser_the_address_is_what_one_gets(local: Desk) -> None:
    local.browser = False
    done = local.run("ui")
    assert (done.code, ADDRESS in done.out) == (0, True)
    assert "open the address yourself" in done.err


def test_nothing_to_look_at(local: Desk) -> None:
    local.stack.held = replace(local.stack.held, outputs={})
    done = local.run("ui")
    assert done.code == 1
    assert "azmlflow up --stack local" in done.err


def test_on_azure_it_is_the_studio_as_oneself(desk: Desk) -> None:
    desk.settings("prod", "config:\n  azmlflow:cloud: azure\n")
    desk.stand()
    done = desk.run("ui", "--stack", "prod", "-o", "json")
    assert done.json() == {"stack": "prod", "address": OUTPUTS["studioUrl"], "as": None, "opened": True}
    assert desk.browsed == [OUTPUTS["studioUrl"]]
    refused = desk.run("ui", "--stack", "prod", "--as", "bob@local.test")
    assert refused.code == 1
    assert "nobody can sign in as `bob@local.test`" in refused.err
