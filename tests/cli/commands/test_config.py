"""config.json: written whole, never over another workspace's, found by the SDKs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project import config_json
from azmlflow.cli.project.config_json import Coordinates
from tests.cli.desk import Desk

WANTED = Coordinates("sub", "rg", "ws")
OTHER = {"subscription_id": "sub", "resource_group": "rg", "workspace_name": "theirs"}


def test_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / ".azureml" / "config.json"
    assert config_json.write(path, WANTED, stack="local")
    assert json.loads(path.read_text()) == {"subscription_id": "sub", "resource_group": "rg", "workspace_name": "ws"}
    assert not config_json.write(path, WANTED, stack="local")


def test_another_workspaces_file_is_left_without_force(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(OTHER))
    with pytest.raises(CliError, match="names another workspace: theirs in rg") as caught:
        config_json.write(path, WANTED, stack="local")
    assert "--force" in str(caught.value.next)
    assert json.loads(path.read_text()) == OTHER
    assert config_json.write(path, WANTED, stack="local", force=True)
    assert config_json.read(path) == WANTED


@pytest.mark.parametrize("text", ["{", "[]", '{"subscription_id": "x"}', '{"subscription_id": 1}'])
def test_a_file_that_is_no_config_json_is_left_without_force(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(CliError, match="left as it is"):
        config_json.write(path, WANTED, stack="local")
    assert path.read_text() == text
    assert config_json.write(path, WANTED, stack="local", force=True)


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.mkdir()
    with pytest.raises(CliError, match="is a folder"):
        config_json.write(path, WANTED, stack="local", force=True)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / ".azureml").write_text("")
    with pytest.raises(CliError):
        config_json.write(tmp_path / ".azureml" / "config.json", WANTED, stack="local")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CliError, match=r"cannot write config\.json: Permission denied"):
        config_json.write(tmp_path / "config.json", WANTED, stack="local")


def test_no_permission_whoever_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    with pytest.raises(CliError, match=r"cannot write config\.json: Permission denied") as caught:
        config_json.write(tmp_path / "config.json", WANTED, stack="local")
    assert caught.value.where == str(tmp_path / "config.json")


def test_a_far_azureml_folder_beats_a_near_file(tmp_path: Path) -> None:
    near = tmp_path / "work" / "config.json"
    config_json.write(near, WANTED, stack="local")
    assert config_json.shadow(near, tmp_path / "work") is None
    far = tmp_path / ".azureml" / "config.json"
    config_json.write(far, WANTED, stack="local")
    assert config_json.shadow(near, tmp_path / "work") == far
    assert config_json.shadow(far, tmp_path) is None


def test_a_nearer_file_beats_ours_from_where_the_user_is(tmp_path: Path) -> None:
    ours = tmp_path / ".azureml" / "config.json"
    nearer = tmp_path / "examples" / ".azureml" / "config.json"
    for path in (ours, nearer):
        config_json.write(path, WANTED, stack="local")
    assert config_json.shadow(ours, tmp_path / "examples") == nearer
    assert config_json.shadow(ours, tmp_path.parent) is None


def test_the_command(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    done = desk.run("config", "--output", "json")
    path = desk.root / ".azureml" / "config.json"
    assert (done.code, done.json()["path"], done.json()["written"]) == (0, str(path), True)
    elsewhere = desk.root / "sub" / "config.json"
    done = desk.run("config", "--path", "sub/config.json")
    assert done.code == 0
    assert f"the SDKs find {path} first" in done.err
    assert config_json.remembered(desk.project, "local") == (path, elsewhere)


def test_the_command_where_nothing_stands(desk: Desk) -> None:
    desk.settings()
    done = desk.run("config")
    assert (done.code, done.out) == (1, "")
    assert "does not stand" in done.err
    assert "azmlflow up --stack local" in done.err


@pytest.mark.parametrize("content", ["[" * 100_000, "\udcff", "[]", "{"])
def test_a_config_json_that_is_none_is_left_and_named(desk: Desk, content: str) -> None:
    desk.settings()
    desk.stand()
    path = desk.root / "config.json"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    done = desk.run("config", "--path", str(path))
    assert done.code == 1
    assert "config.json" in done.err
    assert "report" not in done.err


def test_a_pipe_is_no_config_json(desk: Desk) -> None:
    desk.settings()
    desk.stand()
    os.mkfifo(desk.root / "config.json")
    assert "is not a file" in desk.run("config", "--path", "config.json").err
