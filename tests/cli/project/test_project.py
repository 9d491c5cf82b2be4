"""Which project, which stack, which cloud."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import Project, read_stack, refuse_mixed_clouds, write_atomically
from azmlflow.cli.project.selection import choose_stack, find_project, selection_files


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "Pulumi.yaml").write_text("name: azmlflow\nazmlflow: true\n")
    return find_project(tmp_path)


def settings(project: Project, *stacks: str) -> None:
    for stack in stacks:
        project.settings_path(stack).write_text("config: {}\n")


def select(project: Project, home: Path, document: object) -> None:
    digest = hashlib.sha1(str(project.root / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    path = home / "workspaces" / f"azmlflow-{digest}-workspace.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(document))


def test_the_nearest_pulumi_yaml_upwards(project: Project) -> None:
    below = project.root / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == project


def test_no_project(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="no azmlflow project here") as caught:
        find_project(tmp_path)
    assert caught.value.where == str(tmp_path)


@pytest.mark.parametrize("text", ["name: [\n", "- a\n", "runtime: python\n"])
def test_a_broken_pulumi_yaml_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(text)
    with pytest.raises(CliError) as caught:
        find_project(tmp_path)
    assert "Pulumi.yaml" in f"{caught.value.what} {caught.value.where}"


def test_the_option_wins_then_the_variable_then_the_selection_then_local(project: Project, tmp_path: Path) -> None:
    environment = {"PULUMI_HOME": str(tmp_path / "home")}
    settings(project, "chosen")
    assert choose_stack(project, None, environment) == "local"
    select(project, tmp_path / "home", {"stacks": {"file:///x": "organization/azmlflow/chosen"}})
    assert choose_stack(project, None, environment) == "chosen"
    environment["AZMLFLOW_STACK"] = "named"
    assert choose_stack(project, None, environment) == "named"
    assert choose_stack(project, "asked", environment) == "asked"


def test_the_selection_of_the_backend_in_use(project: Project, tmp_path: Path) -> None:
    settings(project, "one", "two")
    select(project, tmp_path / "home", {"stacks": {"file:///x": "o/p/one", "azblob://y": "o/p/two"}})
    environment = {"PULUMI_HOME": str(tmp_path / "home"), "PULUMI_BACKEND_URL": "azblob://y"}
    assert choose_stack(project, None, environment) == "two"


def test_an_older_engines_selection_in_our_own_home(project: Project, tmp_path: Path) -> None:
    settings(project, "older")
    select(project, project.pulumi_home, {"stack": "older"})
    assert choose_stack(project, None, {"PULUMI_HOME": str(tmp_path / "home")}) == "older"


def test_what_was_selected_last_counts_and_only_where_it_has_settings(project: Project, tmp_path: Path) -> None:
    settings(project, "here", "there")
    select(project, tmp_path / "home", {"stack": "there"})
    select(project, project.pulumi_home, {"stack": "here"})
    environment = {"PULUMI_HOME": str(tmp_path / "home")}
    first, second = selection_files(project, environment)
    os.utime(first, (1, 1))
    os.utime(second, (2, 2))
    assert choose_stack(project, None, environment) == "here"
    project.settings_path("here").unlink()
    assert choose_stack(project, None, environment) == "there"


def test_an_empty_option_is_no_stack(project: Project) -> None:
    with pytest.raises(CliError, match="--stack names no stack"):
        choose_stack(project, "", {"PULUMI_HOME": "/nowhere", "AZMLFLOW_STACK": "prod"})


@pytest.mark.parametrize("mark", ["", "azmlflow: false\n", "azmlflow: 'true'\n"])
def test_another_project_is_left_alone(tmp_path: Path, mark: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\n{mark}")
    with pytest.raises(CliError, match="the Pulumi project `shop` is not azmlflow's") as caught:
        find_project(tmp_path)
    assert "azmlflow: true" in str(caught.value.next)


@pytest.mark.parametrize(
    ("text", "files", "own"),
    [
        ("runtime: python\nmain: infra/\n", (), False),
        ("runtime: python\n", (), False),
        ("runtime: python\n", ("__main__.py",), True),
        ("runtime: {name: python}\nmain: code\n", ("code/__main__.py",), True),
        ("runtime: yaml\n", (), True),
    ],
)
def test_whose_program_runs(tmp_path: Path, text: str, files: tuple[str, ...], own: bool) -> None:
    (tmp_path / "Pulumi.yaml").write_text(f"name: azmlflow\nazmlflow: true\n{text}")
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert find_project(tmp_path).own_program is own


def test_a_checkouts_own_program_is_azmlflows() -> None:
    assert not find_project(Path(__file__).resolve().parents[3]).own_program


@pytest.mark.parametrize("name", ["../x", "a b", "a/b", "x" * 101])
def test_no_stack_name(project: Project, name: str) -> None:
    with pytest.raises(CliError, match="not a stack name"):
        choose_stack(project, name, {"PULUMI_HOME": "/nowhere"})


def test_a_stack_that_does_not_exist_names_the_nearest(project: Project) -> None:
    (project.root / "Pulumi.production.yaml").write_text("config: {}\n")
    with pytest.raises(CliError, match="did you mean `production`") as caught:
        read_stack(project, "prodution")
    assert caught.value.next == "azmlflow status --stack production    (or azmlflow init prodution, for another)"


@pytest.mark.parametrize("text", ["config: 3\n", "config: [\n", "[]\n"])
def test_a_broken_settings_file_is_named(project: Project, text: str) -> None:
    path = project.root / "Pulumi.local.yaml"
    path.write_text(text)
    with pytest.raises(CliError) as caught:
        read_stack(project, "local")
    assert str(path) in str(caught.value.where)


def test_which_cloud(project: Project) -> None:
    (project.root / "Pulumi.local.yaml").write_text("config:\n  azmlflow:cloud: local\n")
    (project.root / "Pulumi.prod.yaml").write_text("encryptionsalt: x\n")
    assert read_stack(project, "local").local
    assert not read_stack(project, "prod").local


def test_an_azure_stack_refuses_a_shell_that_points_at_the_embedded_azure(project: Project) -> None:
    (project.root / "Pulumi.prod.yaml").write_text("")
    stack = read_stack(project, "prod")
    refuse_mixed_clouds(stack, {})
    with pytest.raises(CliError, match="points at the embedded Azure") as caught:
        refuse_mixed_clouds(stack, {"AZMLFLOW_CLOUD": "local:/somewhere"})
    assert caught.value.next == 'eval "$(azmlflow env --unset)"'


def test_a_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    write_atomically(path, "one", mode=0o600)
    assert path.read_text() == "one"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder is wanted")
    with pytest.raises(CliError, match="cannot write file"):
        write_atomically(blocked / "file", "two")
