"""What a local stack's engine finds in its home."""

from __future__ import annotations

import contextlib
import importlib.metadata
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from azmlflow.cli.local import entering
from azmlflow.cli.project.project import Project
from azmlflow.cli.project.selection import find_project
from tests.cli.desk import Desk

VERSION = importlib.metadata.version("pulumi_azure_native")


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """A stand-in for the official plugin."""
    binary = tmp_path / "plugins" / f"resource-azure-native-v{VERSION}" / "pulumi-resource-azure-native"
    binary.parent.mkdir(parents=True)
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    return binary


@pytest.fixture
def place(desk: Desk) -> Path:
    """Where the engine of the desk's local stacks looks for the plugin."""
    home = desk.root / ".azmlflow" / "pulumi"
    return home / "plugins" / f"resource-azure-native-v{VERSION}" / "pulumi-resource-azure-native"


def test_the_plugin_is_ours_unless_the_variable_names_another(place: Path, official: Path) -> None:
    project = find_project()
    entering.prepare_pulumi(project, {})
    assert "azmlflow.localazure.plugin" in place.read_text()
    entering.prepare_pulumi(project, {"AZMLFLOW_AZURE_NATIVE": str(official.parent)})
    assert place.resolve() == official
    entering.prepare_pulumi(project, {"AZMLFLOW_AZURE_NATIVE": ""})
    assert "azmlflow.localazure.plugin" in place.read_text()


def test_our_plugin_serves_from_this_process_and_the_official_one_and_own_programs_do_not(desk: Desk) -> None:
    environment = {"AZMLFLOW_CLOUD": f"local:{desk.root}"}
    with entering.plugins(desk.project, environment)() as variables:
        assert variables["PULUMI_DEBUG_PROVIDERS"].startswith("azure-native:")
    with entering.plugins(desk.project, {**environment, "AZMLFLOW_AZURE_NATIVE": "/official"})() as variables:
        assert variables == {}
    with entering.plugins(replace(desk.project, own_program=True), environment)() as variables:
        assert variables == {}


def test_doctor_says_which_plugin_is_in_place(desk: Desk, place: Path, official: Path) -> None:
    desk.settings()

    def plugin(*words: str) -> tuple[str, str]:
        (found,) = [
            each for each in desk.run("doctor", "-o", "json", *words).json()["checks"] if each["name"] == "plugin"
        ]
        return found["status"], found["says"]

    missing = f"azure-native {VERSION} is not in place; `up` puts it there"
    assert plugin() == ("warning", missing)
    assert plugin("--fix") == ("ok", f"azure-native {VERSION}, as the program asks for")
    desk.environment["AZMLFLOW_AZURE_NATIVE"] = str(official)
    assert plugin() == ("warning", missing)
    assert plugin("--fix") == (
        "ok",
        f"azure-native {VERSION}, as the program asks for: the official one in {official.parent}",
    )
    assert place.resolve() == official
    del desk.environment["AZMLFLOW_AZURE_NATIVE"]
    assert plugin() == ("warning", missing)


def test_up_tells_what_is_wrong_with_the_plugin_that_the_variable_names(desk: Desk, tmp_path: Path) -> None:
    desk.settings()
    desk.environment["AZMLFLOW_AZURE_NATIVE"] = str(tmp_path / "nowhere")
    done = desk.run("doctor", "--fix")
    assert "no azure-native plugin that can be run is at" in done.out + done.err
    assert "next: unset AZMLFLOW_AZURE_NATIVE" in done.out + done.err


def test_a_state_without_its_passphrase_is_set_aside(desk: Desk) -> None:
    project = find_project()
    state = project.backend / ".pulumi/stacks/azmlflow/local.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    project.passphrase.unlink(missing_ok=True)
    entering.set_lost_state_aside(project)
    assert not project.backend.exists()
    assert (desk.root / ".azmlflow/backend-1/.pulumi/stacks/azmlflow/local.json").exists()


def test_whoever_looks_whether_a_state_was_lost_and_whoever_begins_one_take_turns(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The workspaces of a fleet begin side by side: one that is held in mid-look must not see what another begins."""
    project = find_project()
    project.passphrase.unlink(missing_ok=True)
    turns: list[str] = []

    def held(who: str) -> str:
        turns.append(who)
        with pytest.raises(Timeout):
            FileLock(project.state / "settings.lock").acquire(blocking=False)
        return ""

    monkeypatch.setattr(entering, "set_state_aside", lambda _project: held("look"))
    entering.set_lost_state_aside(project)
    token = secrets.token_urlsafe
    monkeypatch.setattr(secrets, "token_urlsafe", lambda count: held("begin") or token(count))
    entering.prepare_pulumi(project, {})
    assert turns == ["look", "begin"]
    entering.set_lost_state_aside(project)
    entering.prepare_pulumi(project, {})
    assert turns == ["look", "begin"]


def test_of_two_that_make_the_passphrase_the_first_ones_stays(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine may have read it already."""
    project = find_project()
    project.passphrase.unlink(missing_ok=True)

    @contextlib.contextmanager
    def after_them(_project: Project) -> Iterator[None]:
        project.passphrase.write_text("theirs\n")
        yield

    monkeypatch.setattr(entering, "editing", after_them)
    entering.prepare_pulumi(project, {})
    assert project.passphrase.read_text() == "theirs\n"
