"""Progress: plain lines where nobody watches, a moving board on a terminal; quiet resources are not shown."""

from __future__ import annotations

import pytest

from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Change
from tests.cli.terminal import GREEN, RED, drawn, sit_at

RUNNING = Change("urn::vault", "a:b:Vault", "mlflow-vault", "create", "running")
DONE = Change("urn::vault", "a:b:Vault", "mlflow-vault", "create", "done", 2.0)
LONG = Change("urn::long", "a:b:Vault", "long-" * 30, "create", "done", 2.0)
SAME = Change("urn::group", "a:b:Group", "mlflow-group", "same", "done", 1.0)
FAILED = Change("urn::logs", "a:b:Workspace", "mlflow-logs", "create", "failed", 3.0)


def test_plain_lines_are_never_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.drawing("standing up") as on_change:
        for change in (RUNNING, SAME, DONE, LONG, FAILED):
            on_change(change)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split() for line in captured.err.splitlines()] == [
        ["created", "Vault", "mlflow-vault", "2.0", "s"],
        ["created", "Vault", LONG.name, "2.0", "s"],
        ["failed", "Workspace", "mlflow-logs", "3.0", "s"],
    ]


def test_on_a_terminal_what_is_under_way_is_seen_with_its_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at(monkeypatch)
    now = 10.0
    with progress.drawing("standing up", lambda: now) as on_change:
        on_change(SAME)
        now = 12.0
        on_change(RUNNING)
        now = 17.0  # what is drawn last is what stands at the end
    captured = capsys.readouterr()
    assert captured.out == ""
    head, vault = drawn(captured.err)[-2:]
    assert head.split(maxsplit=1)[1] == "standing up  7 s"
    assert vault.split() == ["creating", "Vault", "mlflow-vault", "5.0", "s"]
    assert "mlflow-group" not in captured.err


def test_on_a_terminal_what_people_have_no_word_for_is_told_in_the_engines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at(monkeypatch)
    with progress.drawing("standing up", lambda: 0.0) as on_change:
        on_change(Change("urn::vault", "a:b:Vault", "mlflow-vault", "import-replacement", "running"))
    assert drawn(capsys.readouterr().err)[-1].split()[:2] == ["import-replacement", "Vault"]


def test_on_a_terminal_what_is_done_stays_and_leaves_the_board(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sit_at(monkeypatch)
    with progress.drawing("standing up", lambda: 0.0) as on_change:
        for change in (RUNNING, DONE, FAILED):
            on_change(change)
    written = capsys.readouterr().err
    lines = drawn(written)
    assert [line.split()[:3] for line in lines if line.startswith("created")] == [["created", "Vault", "mlflow-vault"]]
    assert lines[-1].endswith("standing up  0 s")  # and nothing under way below it
    assert f"{GREEN}  created" in written
    assert f"{RED}  failed" in written
