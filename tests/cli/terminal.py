"""A terminal for what is drawn: what stood on the screen, without the control codes that put it there."""

from __future__ import annotations

import re

import pytest

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
RED, GREEN = "\x1b[31m", "\x1b[32m"


def sit_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error is a terminal of 120 columns."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")


def drawn(written: str) -> list[str]:
    """Every line that was ever drawn, in order; what moves is drawn again and again."""
    return [line.strip() for line in _CONTROL.sub("", written).replace("\r", "\n").splitlines() if line.strip()]
