"""`azmlflow ui`: the address on each cloud, and what a browser is given."""

from __future__ import annotations

import re
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit

import pytest

from azmlflow.cli.local import entering, pages
from tests.cli.desk import OUTPUTS, Desk

ADDRESS = "http://127.0.0.1:20001/sign-in?code=secret"


TOLD: list[object] = []  # the grants of the last page that was opened
ALICE = "00000000-0000-4000-8000-0000000000aa"
RUN = "c0ffee00c0ffee00c0ffee00c0ffee00"
WORKSPACE = OUTPUTS["workspaceId"]
MLFLOW = f"https://westeurope.api.azureml.ms/mlflow/v2.0{WORKSPACE}/#/experiments/1"


def _address(_project: object, who: str, workspace: str, grants: Sequence[object], page: str = "") -> str:
    TOLD[:] = grants
    return f"{ADDRESS}&{who}&{workspace}{page}"


@pytest.fixture
def local(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A standing local stack whose embedded Azure is taken to run, and signs in whoever is asked for."""
    desk.settings()
    desk.stand()
    desk.project.state.mkdir()
    monkeypatch.setattr(entering, "start", lambda *_: None)
    monkeypatch.setattr(pages, "address", _address)
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


def test_personas_and_ends_of_the_stacks_grants_go_along(local: Desk) -> None:
    who = f"principalId: {ALICE}, principalType: User"
    grants = f"[{{{who}, persona: tracker, until: '2099-12-31'}}, {{{who}, persona: viewer, scope: group}}]"
    local.settings(
        "local", f"config:\n  azmlflow:cloud: local\n  azmlflow:location: westeurope\n  azmlflow:grants: {grants}\n"
    )
    assert local.run("ui", "--print").code == 0
    told = [cast(dict[str, str], each) for each in TOLD]
    assert [(each["persona"], each["until"], each["principal_id"]) for each in told] == [
        ("tracker", "2099-12-31", ALICE),
        ("viewer", "", ALICE),
    ]
    assert told[0]["scope"] == WORKSPACE.lower() and told[1]["scope"].endswith("/resourcegroups/rg-mlflow-local")
    assert all(re.fullmatch(r"[0-9a-f-]{36}", each["role"]) for each in told)


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


@pytest.mark.parametrize(
    ("link", "page"),
    [
        (f"{MLFLOW}/runs/{RUN}", f"mlflow/#/experiments/1/runs/{RUN}"),
        (MLFLOW, "mlflow/#/experiments/1"),
        (f" {MLFLOW.replace('resourceGroups', 'resourcegroups')}\n", "mlflow/#/experiments/1"),
        (f"https://ml.azure.com/runs/red_sea_12?wsid={WORKSPACE}&tid=x", "jobs/red_sea_12"),
        (f"https://ml.azure.com/runs/red_sea_12?wsid={WORKSPACE.lower()}", "jobs/red_sea_12"),
        (f"https://ml.azure.com/endpoints/realtime/wine/detail?wsid={WORKSPACE}", "endpoints/wine"),
    ],
)
def test_a_link_that_a_tool_printed_opens_its_page(local: Desk, link: str, page: str) -> None:
    assert local.run("ui", link, "--print").out.strip() == f"{ADDRESS}&developer@local.test&{WORKSPACE}{page}"


@pytest.mark.parametrize(
    ("link", "told"),
    [
        (f"https://ml.azure.com/runs/red?wsid={WORKSPACE}2", "another workspace"),
        ("https://ml.azure.com/runs/red", "another workspace"),
        (MLFLOW.replace("/workspaces/", "/workspaces/not-"), "another workspace"),
        (f"https://evil.example/runs/red?wsid={WORKSPACE}", "is no link to"),
        (f"{MLFLOW}/../../x", "is no link to"),
        ("red_sea_12", "is no link to"),
        ("https://[", "is no link to"),
    ],
)
def test_another_link_is_refused(local: Desk, link: str, told: str) -> None:
    done = local.run("ui", link, "--print")
    assert (done.code, done.out) == (1, "")
    assert told in done.err
    assert "next: azmlflow " in done.err


def test_on_azure_a_link_is_opened_as_it_is(desk: Desk) -> None:
    desk.settings("prod", "config:\n  azmlflow:cloud: azure\n")
    desk.stand()
    link = f"https://ml.azure.com/runs/red?wsid={WORKSPACE}"
    assert desk.run("ui", link, "--stack", "prod").out.strip() == link
    assert desk.browsed == [link]
    assert desk.run("ui", "https://evil.example", "--stack", "prod").code == 1
