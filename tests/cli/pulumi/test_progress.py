"""Progress: plain lines where nobody watches, a moving board on a terminal; quiet resources are not shown."""

from __future__ import annotations

import pytest

from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Change

RUNNING = Change("urn::vault", "a:b:Vault", "mlflow-vault", "create", "running")
DONE = Change("urn::vault", "a:b:Vault", "mlflow-vault", "create", "done", 2.0)
SAME = Change("urn::group", "a:b:Group", "mlflow-group", "same", "done", 1.0)
FAILED = Change("urn::logs", "a:b:Workspace", "mlflow-logs", "create", "failed", 3.0)


def test_plain_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.drawing("standing up") as on_change:
        for change in (RUNNING, SAME, DONE, FAILED):
            on_change(change)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert [line.split()[:3] for line in captured.err.splitlines()] == [
        ["created", "Vault", "mlflow-vault"],
        ["failed", "Workspace", "mlflow-logs"],
    ]


def test_a_board_on_a_terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with progress.drawing("standing up") as on_change:
        for change in (RUNNING, SAME, DONE, FAILED):
            on_change(change)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "created" in captured.err
    assert "failed" in captured.err
    assert "mlflow-group" not in captured.err
