"""A new project: from `azmlflow init`, in a folder that is in none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project import template
from azmlflow.cli.project.selection import TEMPLATE, find_project
from tests.cli.desk import Desk


@pytest.fixture
def folder(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "my models"
    made.mkdir()
    monkeypatch.chdir(made)
    return made


def test_init_writes_a_whole_project(desk: Desk, folder: Path) -> None:
    done = desk.run("init", "local", "--yes")
    assert done.code == 0
    assert "made" in done.err and "my-models" in done.err
    assert yaml.safe_load((folder / "Pulumi.yaml").read_text()) == {
        "name": "my-models",
        "description": "An Azure Machine Learning workspace for MLflow, and who may do what in it",
        "runtime": "python",
        "azmlflow": True,
    }
    found = find_project(folder)
    assert (found.name, found.own_program) == ("my-models", False)
    ignored = (folder / ".gitignore").read_text().splitlines()
    assert {".azmlflow/", ".azureml/", "/Pulumi.local.yaml"} <= set(ignored)
    assert not any("*" in line for line in ignored), "stacks' settings are committed"
    first, *_ = (folder / "Pulumi.local.yaml").read_text().splitlines()
    schema = first.removeprefix("# yaml-language-server: $schema=")
    assert (folder / schema).read_text() == (TEMPLATE.parent / "infra" / "settings" / "schema.json").read_text()


def test_a_second_stack_leaves_the_project_as_it_is(desk: Desk, folder: Path) -> None:
    desk.run("init", "local", "--yes")
    (folder / "Pulumi.yaml").write_text("name: mine\nazmlflow: true\n")
    (folder / ".gitignore").write_text("")
    assert "a project" not in desk.run("init", "prod", "--yes").err
    assert (folder / "Pulumi.yaml").read_text() == "name: mine\nazmlflow: true\n"
    assert (folder / ".gitignore").read_text() == ""


def test_what_is_ignored_already_stays_and_stands_once(desk: Desk, folder: Path) -> None:
    (folder / ".gitignore").write_text("data/\n.azureml/")
    desk.run("init", "local", "--yes")
    lines = (folder / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["data/", ".azureml/"]
    assert lines.count(".azureml/") == 1
    assert ".azmlflow/" in lines


def test_a_program_that_is_there_is_nobody_elses_to_run(desk: Desk, folder: Path) -> None:
    (folder / "__main__.py").write_text("print('train')\n")
    done = desk.run("init", "local", "--yes")
    assert done.code == 1
    assert "holds a program" in done.err
    assert [path.name for path in folder.iterdir()] == ["__main__.py"]


def test_settings_at_fault_make_no_project(desk: Desk, folder: Path) -> None:
    assert desk.run("init", "prod", "--yes", "--location", "westeurop").code == 1
    assert list(folder.iterdir()) == []


def test_a_folder_without_rights_is_told_and_is_no_project_then(
    desk: Desk, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    done = desk.run("init", "local", "--yes")
    assert done.code == 1
    assert "cannot write .gitignore: Permission denied" in done.err
    assert "next: ls -ld" in done.err
    assert list(folder.iterdir()) == []


def test_a_changed_program_is_its_users_own(desk: Desk, folder: Path) -> None:
    desk.run("init", "local", "--yes")
    program = folder / "__main__.py"
    program.write_text(program.read_text() + "print('more')\n")
    assert find_project(folder).own_program


def test_the_environment_within_the_project_is_the_programs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", str(folder / "envs" / "venv"))
    template.write(template.planned(folder))
    document = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert document["runtime"] == {"name": "python", "options": {"virtualenv": "envs/venv"}}


@pytest.mark.parametrize(("name", "called"), [("Größe (2)", "Gr-e-2"), ("---", "azmlflow"), ("x" * 120, "x" * 100)])
def test_a_projects_name_is_one_that_pulumi_takes(tmp_path: Path, name: str, called: str) -> None:
    assert template.planned(tmp_path / name).name == called


def test_a_folder_below_another_program_is_left_alone(desk: Desk, folder: Path) -> None:
    (folder / "Pulumi.yaml").write_text("name: shop\nruntime: yaml\n")
    below = folder / "below"
    below.mkdir()
    done = desk.run("-C", str(below), "init", "local", "--yes")
    assert done.code == 1
    assert "`shop` is not azmlflow's" in done.err
    with pytest.raises(CliError):
        find_project(below)
