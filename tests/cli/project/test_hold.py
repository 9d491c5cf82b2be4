"""One command at a time on a stack; what a dead one left is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.hold import Note, finish, hold, holding, note_path, read_note
from azmlflow.cli.project.project import Project
from azmlflow.localazure.machine.errors import UnreadableFile


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "azmlflow")


def test_the_second_is_told_who_holds_the_stack(project: Project) -> None:
    with hold(project, "local", "azmlflow up"):
        found = holding(project, "local")
        assert found is not None
        with pytest.raises(CliError, match=rf"held by `azmlflow up` \(pid {found.pid}, since \d\d:"):  # noqa: SIM117
            with hold(project, "local", "azmlflow down"):
                pytest.fail("held twice")
        with hold(project, "other", "azmlflow up"):
            pass
    assert holding(project, "local") is None


@pytest.mark.parametrize("suffix", [".lock", ".json"])
def test_a_pipe_in_the_place_of_lock_or_note_is_named_and_not_waited_for(project: Project, suffix: str) -> None:
    with hold(project, "local", "azmlflow up") as holder:
        holder.engine(4711)
    odd = note_path(project, "local").with_suffix(suffix)
    odd.unlink()
    os.mkfifo(odd)
    with pytest.raises(UnreadableFile, match=f"local{suffix} cannot be used") as told:
        holding(project, "local")
    assert told.value.where == str(odd)
    with pytest.raises(UnreadableFile), hold(project, "local", "azmlflow up"):
        pytest.fail("held")


def test_a_finished_command_leaves_no_note(project: Project) -> None:
    with hold(project, "local", "azmlflow up") as holder:
        assert holder.previous is None
        holder.finish()
    assert read_note(note_path(project, "local")) is None


def test_a_holder_killed_while_it_writes_leaves_a_note(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    path = note_path(project, "local")
    with hold(project, "local", "azmlflow up") as holder:
        holder.engine(4711)
        monkeypatch.setattr(holder._file, "truncate", lambda: None)  # killed right before it cuts off the old rest
        holder.engine(5)
        assert path.read_text().endswith("}11}")
        note = read_note(path)
    assert note is not None
    assert (note.command, note.engine) == ("azmlflow up", 5)


def test_a_failed_command_leaves_its_note(project: Project) -> None:
    with pytest.raises(ValueError, match="died"):  # noqa: SIM117
        with hold(project, "local", "azmlflow up") as holder:
            holder.engine(4711)
            raise ValueError("died")
    with hold(project, "local", "azmlflow up") as holder:
        assert holder.previous is not None
        assert (holder.previous.command, holder.previous.engine) == ("azmlflow up", 4711)
        holder.finish()
    with hold(project, "local", "azmlflow up") as holder:
        assert holder.previous is None


def test_a_command_that_failed_before_anything_began_leaves_things_as_they_were(project: Project) -> None:
    with hold(project, "local", "azmlflow grant"):
        pass
    assert read_note(note_path(project, "local")) is None
    with hold(project, "local", "azmlflow up") as holder:
        holder.engine(4711)
    with hold(project, "local", "azmlflow grant"):
        pass
    note = read_note(note_path(project, "local"))
    assert note is not None
    assert (note.command, note.engine) == ("azmlflow up", 4711)


def test_a_small_command_keeps_the_note_of_the_one_before(project: Project) -> None:
    with hold(project, "local", "azmlflow up") as holder:
        holder.engine(4711)
    with hold(project, "local", "azmlflow grant") as holder:
        finish(holder)
    note = read_note(note_path(project, "local"))
    assert isinstance(note, Note)
    assert note.command == "azmlflow up"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": "x"}'])
def test_a_torn_note_is_no_note(project: Project, text: str) -> None:
    path = note_path(project, "local")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert read_note(path) is None
