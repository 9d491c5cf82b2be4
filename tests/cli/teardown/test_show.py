"""What a removal shows while it runs: lines where nobody watches, a moving board on a terminal."""

from __future__ import annotations

import click
import pytest

from azmlflow.cli.teardown.removal import Left, Progress
from azmlflow.cli.teardown.show import residue, watching
from tests.cli.terminal import drawn, sit_at


def told(what: str, state: str, seconds: float, step: str = "delete the group") -> Progress:
    return Progress(step, what, state, seconds)


def test_a_removal_where_nobody_watches_is_a_line_when_it_begins_and_each_half_minute(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with watching("delete the group") as on_progress:
        for seconds in (0, 10, 29, 30, 59, 60):
            on_progress(told("vaults/kv", "deleting", seconds))
        on_progress(told("vaults/kv", "purging", 61))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split() for line in captured.err.splitlines()] == [
        ["deleting", "vaults/kv", "0", "s"],
        ["deleting", "vaults/kv", "30", "s"],
        ["deleting", "vaults/kv", "60", "s"],
        ["purging", "vaults/kv", "61", "s"],
    ]


def test_a_removal_on_a_terminal_moves_and_shows_what_was_told_lately(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at(monkeypatch)
    with watching("delete the group") as on_progress:
        on_progress(told("vaults/old", "deleting", 1))
        on_progress(told("vaults/kv", "deleting", 5))
        on_progress(told("workspaces/ws", "deleting", 6))
        on_progress(told("vaults/kv", "purging", 6))
    captured = capsys.readouterr()
    assert captured.out == ""
    *_, head, workspace, vault = drawn(captured.err)
    assert head.split(maxsplit=1)[1] == "delete the group: delete the group"
    assert workspace.split() == ["deleting", "workspaces/ws", "6", "s"]
    assert vault.split() == ["purging", "vaults/kv", "6", "s"]


def test_the_board_of_a_removal_has_eight_lines_at_most_and_those_of_its_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at(monkeypatch)
    with watching("down") as on_progress:
        on_progress(told("vaults/kv", "purging", 9, "purge the key vault"))
        for number in range(9):
            on_progress(told(f"disks/{number}", "deleting", 10))
    lines = drawn(capsys.readouterr().err)
    assert [line.split()[1] for line in lines[-8:]] == [f"disks/{number}" for number in range(1, 9)]
    assert lines[-9].endswith("down: delete the group")


KV = Left("key vault", "kv", "/kv", "soft-deleted")
KEPT = Left("key vault", "kv", "/kv", "purge protection keeps it", until="2027-02-25")


@pytest.mark.parametrize(
    ("left", "kept", "then", "lines"),
    [
        ((), (), "", ["stack dev is gone: nothing left  (looked at: LOOKED)"]),
        # What the next `up` does is told of what is kept, and where nothing is kept there is nothing to tell.
        ((), (), "the next `up` takes other names", ["stack dev is gone: nothing left  (looked at: LOOKED)"]),
        (
            *((), (KEPT,), ""),
            [
                "stack dev is gone: nothing left that anybody could remove  (looked at: LOOKED)",
                "  key vault kv: purge protection keeps it",
            ],
        ),
        (
            *((), (KEPT,), "the next `up` takes other names"),
            [
                "stack dev is gone: nothing left that anybody could remove  (looked at: LOOKED)",
                "  key vault kv: purge protection keeps it",
                "  the next `up` takes other names",
            ],
        ),
        (
            *((KV,), (KEPT,), "the next `up` takes other names"),
            [
                "stack dev: left behind",
                "  key vault kv: soft-deleted",
                "  key vault kv: purge protection keeps it",
                "  the next `up` takes other names",
            ],
        ),
        ((KV,), (), "", ["stack dev: left behind", "  key vault kv: soft-deleted"]),
    ],
)
def test_what_is_left_and_what_azure_keeps(
    left: tuple[Left, ...], kept: tuple[Left, ...], then: str, lines: list[str]
) -> None:
    looked = "groups, soft-deleted things, role definitions and assignments, Pulumi state, files"
    told = click.unstyle(residue("stack dev", left, kept, then))
    assert told.splitlines() == [line.replace("LOOKED", looked) for line in lines]
