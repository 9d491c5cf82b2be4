"""Text on a terminal of 80 columns: whole words, whole commands; elsewhere as it is."""

from __future__ import annotations

import io

import pytest

from azmlflow.cli.frame.folding import folded, short


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def eighty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


LONG = "alice@local.test is declared tracker, but no role assignment gives what a tracker has at the workspace"


def test_lines_break_between_words_and_go_on_below_their_text() -> None:
    assert folded(f"  missing: {LONG}", Terminal()).splitlines() == [
        "  missing: alice@local.test is declared tracker, but no role assignment gives",
        "           what a tracker has at the workspace",
    ]


def test_a_column_goes_on_in_its_column() -> None:
    lines = folded(f"  grant         {LONG}", Terminal()).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(" " * 16 + "has at" if "what a tracker" in lines[0] else " " * 16)
    assert max(map(len, lines)) <= 80


def test_a_command_stays_whole() -> None:
    command = f"      next: az role assignment delete --ids /subscriptions/{'a' * 90} --yes"
    assert folded(command, Terminal()) == command
    line = folded(f"{'word ' * 13}type `azmlflow up --stack local` and then go on with it", Terminal())
    assert "`azmlflow up --stack local`" in line
    assert len(line.splitlines()) == 2


def test_what_has_no_blank_is_not_broken() -> None:
    assert folded(f"at {'x' * 100}", Terminal()).splitlines() == ["at", f"  {'x' * 100}"]
    for row in (f"  tracking URI  azureml://{'x' * 90}", "x" * 100):
        assert folded(row, Terminal()) == row


def test_elsewhere_and_where_it_fits_it_is_as_it_was() -> None:
    assert folded(f"  missing: {LONG}", io.StringIO()) == f"  missing: {LONG}"
    assert folded("a  b\n\n   c", Terminal()) == "a  b\n\n   c"


def test_ids_are_short_in_tables() -> None:
    assert short("grant-tracker-92566351-c9ec-472c-9514-29ad3a8747a3") == "grant-tracker-92566351…"
    assert short("92566351-c9ec") == "92566351-c9ec"
