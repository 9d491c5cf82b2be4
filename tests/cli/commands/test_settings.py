"""`settings`: what may be set; `stack`: which stack is meant."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from azmlflow.cli import main
from azmlflow.cli.project.selection import selection_files
from azmlflow.cli.session.invocation import Invocation
from azmlflow.infra.settings.listing import listed
from azmlflow.infra.settings.settings import Settings
from tests.cli.desk import Desk


def test_all_settings_are_listed_where_no_project_is(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = desk.run("settings", "-o", "json")
    assert [each["key"] for each in done.json()] == [each.key for each in listed(Settings)]
    text = desk.run("settings").out
    for each in listed(Settings):
        assert f"  {each.key} " in text or f"  {each.key}\n" in text


def test_one_is_explained_with_the_command_that_sets_it(desk: Desk) -> None:
    text = desk.run("settings", "azmlflow:clusters[2].maxNodes").out
    assert "clusters[].maxNodes\n  Most nodes at a time.\n  may be   1 to 65000\n  default  4\n" in text
    line = text.splitlines()[-1].removeprefix("next: ")
    desk.settings(text="config:\n  azmlflow:cloud: local\n  azmlflow:clusters: [{name: cpu}]\n")
    assert desk.run(*shlex.split(line)[1:]).code == 0


def test_a_group_tells_what_is_in_it(desk: Desk) -> None:
    keys = [each["key"] for each in desk.run("settings", "clusters", "-o", "json").json()]
    assert keys[0] == "clusters"
    assert "clusters[].vmSize" in keys
    assert all(key.startswith("clusters") for key in keys)


def test_a_misspelt_one_gets_the_nearest(desk: Desk) -> None:
    done = desk.run("settings", "locaton")
    assert done.code == 1
    assert "did you mean location?" in done.err
    assert done.err.splitlines()[-1] == "next: azmlflow settings location"


def test_the_schema_is_the_packages(desk: Desk) -> None:
    assert "azmlflow:location" in json.loads(desk.run("settings", "--schema").out)["properties"]["config"]["properties"]
    assert desk.run("settings", "location", "--schema").code == 2


@pytest.fixture
def two(desk: Desk) -> Desk:
    for name, cloud in (("dev", "local"), ("prod", "azure")):
        (desk.root / f"Pulumi.{name}.yaml").write_text(f"config:\n  azmlflow:cloud: {cloud}\n")
    return desk


def test_which_stack_is_meant_and_why(two: Desk) -> None:
    found = two.run("stack", "list", "-o", "json").json()
    assert (found["meant"], found["why"]) == ("local", "none is selected")
    assert found["stacks"] == [
        {"stack": "dev", "cloud": "local", "meant": False},
        {"stack": "prod", "cloud": "azure", "meant": False},
    ]
    assert "next: azmlflow init local" in two.run("stack").out
    two.environment["AZMLFLOW_STACK"] = "prod"
    assert "bare commands mean `prod`: AZMLFLOW_STACK" in two.run("stack").out


def test_a_stack_is_selected_until_another_is(two: Desk) -> None:
    assert two.run("stack", "select", "prod").code == 0
    assert "* prod" in two.run("stack", "list").out
    theirs, _ = selection_files(two.project, two.environment)
    theirs.parent.mkdir(parents=True)
    theirs.write_text('{"stack": "prod"}')  # as `pulumi stack select` in the user's own home
    os.utime(theirs, (2**31, 2**31))
    assert two.run("stack", "select", "dev").code == 0
    assert "* dev" in two.run("stack", "list").out


def test_a_stack_that_is_not_there_is_not_selected(two: Desk) -> None:
    done = two.run("stack", "select", "prdo")
    assert done.code == 1
    assert "did you mean `prod`" in done.err
    assert two.run("stack", "list", "-o", "json").json()["why"] == "none is selected"


def test_a_variable_that_wins_is_told(two: Desk) -> None:
    two.environment["AZMLFLOW_STACK"] = "dev"
    assert "AZMLFLOW_STACK still means `dev`" in two.run("stack", "select", "prod").err


@pytest.mark.parametrize(
    ("words", "typed", "offered"),
    [
        (["stack", "select"], "", ["dev", "prod"]),
        (["status", "--stack"], "p", ["prod"]),
        (["settings"], "budget.m", ["budget.monthly", "budget.mail"]),
    ],
)
def test_completion(two: Desk, words: list[str], typed: str, offered: list[str]) -> None:
    completion = ShellComplete(main.cli, {"obj": Invocation(two.connect)}, "azmlflow", "_AZMLFLOW_COMPLETE")
    assert [each.value for each in completion.get_completions(words, typed)] == offered
