"""Which project is meant, from anywhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import from_anywhere
from azmlflow.cli.project.selection import find_project, start_folder
from tests.cli.desk import Desk

OURS = "name: azmlflow\nazmlflow: true\n"


@pytest.fixture
def elsewhere(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in no project, which is the current one; the desk's project is another."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def test_a_project_by_its_folder(desk: Desk, elsewhere: Path) -> None:
    desk.settings()
    assert "nothing stands" in desk.run("-C", str(desk.root), "status").out
    below = desk.root / "code"
    below.mkdir()
    assert "nothing stands" in desk.run("-C", "../checkout/code", "status").out
    assert desk.run("status").code == 1, "it holds for one command"


def test_what_is_to_be_typed_says_which_project(desk: Desk, elsewhere: Path) -> None:
    desk.settings()
    assert f"next: azmlflow -C {desk.root} up --stack local" in desk.run("-C", str(desk.root), "status").out
    done = desk.run("-C", str(desk.root), "status", "--stack", "locl")
    assert f"next: azmlflow -C {desk.root} status --stack local    (or azmlflow init locl, for another)" in done.err


def test_a_folder_that_is_not_there(desk: Desk) -> None:
    assert desk.run("-C", "nowhere", "status").code == 2


def test_a_project_by_the_variable(desk: Desk, elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZMLFLOW_PROJECT", str(desk.root))
    assert find_project().root == desk.root
    monkeypatch.chdir(desk.root)
    assert find_project().root == desk.root
    monkeypatch.setenv("AZMLFLOW_PROJECT", str(desk.root / "nowhere"))
    with pytest.raises(CliError, match="names a folder that is not there"):
        find_project()


def test_the_variable_takes_no_other_project_than_the_one_that_people_stand_in(
    desk: Desk, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (elsewhere / "Pulumi.yaml").write_text(OURS)
    with pytest.raises(CliError, match="but this folder is in the project") as caught:
        start_folder({"AZMLFLOW_PROJECT": str(desk.root)})
    assert "unset AZMLFLOW_PROJECT" in str(caught.value.next)
    monkeypatch.setenv("AZMLFLOW_PROJECT", str(desk.root))
    desk.settings()
    assert desk.run("status").code == 1
    assert desk.run("-C", str(desk.root), "status").code == 0


@pytest.mark.parametrize("mark", ["2", "3"])
def test_a_newer_azmlflows_project(tmp_path: Path, mark: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: x\nazmlflow: {mark}\n")
    with pytest.raises(CliError, match="is a newer azmlflow's") as caught:
        find_project(tmp_path)
    assert caught.value.next == "python -m pip install --upgrade azmlflow"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("azmlflow up", "azmlflow -C '/a b' up"),
        ("it is so: `azmlflow up` goes on", "it is so: `azmlflow -C '/a b' up` goes on"),
        ("azmlflow local stop, then azmlflow up", "azmlflow -C '/a b' local stop, then azmlflow -C '/a b' up"),
        ("next:\n  azmlflow grant x", "next:\n  azmlflow -C '/a b' grant x"),
        ("azmlflow -C /c up", "azmlflow -C /c up"),
        ("export X=/azmlflow up", "export X=/azmlflow up"),
    ],
)
def test_commands_in_a_text_name_the_project(text: str, told: str) -> None:
    assert from_anywhere(text, Path("/a b")) == told


@pytest.mark.parametrize("link", [False, True])
def test_a_state_that_is_no_folder_stops_every_command(desk: Desk, tmp_path: Path, link: bool) -> None:
    """Else what cannot be looked at is told as what is not there."""
    desk.settings()
    state = desk.project.state
    if state.exists():
        shutil.rmtree(state)
    if link:
        state.symlink_to(tmp_path / "a disk that is not mounted")
    else:
        state.touch()
    for line in (("status",), ("up",), ("local", "status"), ("local", "repair")):
        done = desk.run(*line)
        assert done.code == 1, line
        assert "where azmlflow keeps the state of this project, is a" in done.err
        assert f"next: mv {state} {state}.old" in done.err
    state.rename(f"{state}.old")
    assert desk.run("status").code == 0
