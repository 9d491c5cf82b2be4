"""Text on a terminal of 80 columns: whole words, whole commands; elsewhere as it is."""

from __future__ import annotations

import io
import subprocess

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


def test_colours_take_no_columns_and_stay_where_they_were() -> None:
    green, red, off = "\x1b[32m", "\x1b[31m", "\x1b[0m"
    fits = f"  {green}✓{off} quota         {'x' * 60}"
    assert folded(fits, Terminal()) == fits
    id_ = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg/providers/Microsoft.X/workspaces/mlw"
    told = folded(f"  {green}✓{off} rights        {id_} may {red}not{off} be used by {LONG}", Terminal())
    assert told.replace(green, "").replace(red, "").replace(off, "").splitlines() == [
        "  ✓ rights        …/workspaces/mlw may not be used by alice@local.test is",
        "                  declared tracker, but no role assignment gives what a tracker",
        "                  has at the workspace",
    ]
    assert f"✓{off} rights" in told
    assert f"…/workspaces/mlw may{red} not{off} be" in told


def test_a_column_goes_on_in_its_column() -> None:
    lines = folded(f"  grant         {LONG}", Terminal()).splitlines()
    assert len(lines) == 2
    assert lines[1].startswith(" " * 16 + "has at" if "what a tracker" in lines[0] else " " * 16)
    assert max(map(len, lines)) <= 80


def test_the_first_colon_of_a_line_ends_its_column() -> None:
    assert folded(f"tracker: who also tracks: {LONG}", Terminal()).splitlines()[1].startswith(" " * 9 + "assignment")


def test_a_command_is_joined_again_by_a_shell() -> None:
    command = f"      next: az role assignment delete --ids /subscriptions/{'a' * 190} --yes"
    lines = folded(command, Terminal()).splitlines()
    assert max(map(len, lines)) <= 80
    assert all(line.endswith("\\") for line in lines[:-1])
    typed = "\n".join(lines).partition("next: ")[2]
    words = subprocess.run(["sh", "-c", f"printf '%s\\n' {typed}"], capture_output=True, text=True, check=True)
    assert words.stdout.split("\n")[:-1] == command.split()[1:]


def test_what_is_quoted_or_has_a_note_stays_whole() -> None:
    for command in (f"next: az x --role 'a b' {'y' * 90}", f"next: azmlflow up    (because {LONG})"):
        assert folded(command, Terminal()) == command


def test_of_an_id_its_end_is_told() -> None:
    id_ = "/subscriptions/10ca1000-0000-4000-8000-000000000002/resourceGroups/rg/providers/Microsoft.X/workspaces/mlw"
    assert folded(f"  bob has 'Owner' at {id_}: not declared", Terminal()) == (
        "  bob has 'Owner' at …/workspaces/mlw: not declared"
    )
    assert folded(f"  bob at {id_}", io.StringIO()) == f"  bob at {id_}"


def test_a_command_between_backticks_stays_whole() -> None:
    line = folded(f"{'word ' * 13}type `azmlflow up --stack local` and then go on with it", Terminal())
    assert "`azmlflow up --stack local`" in line
    assert len(line.splitlines()) == 2


def test_what_is_to_be_copied_stays_whole() -> None:
    """An address over several lines would be copied with the blanks between them."""
    address = f"azureml://{'x' * 90}"
    assert folded(f"  tracking URI  {address}", Terminal()) == f"  tracking URI  {address}"
    told = folded(f"error: {'it is so ' * 8}[/home/some body/a project/Pulumi.local.yaml]", Terminal())
    assert told.splitlines()[1].endswith("[/home/some body/a project/Pulumi.local.yaml]")


def test_elsewhere_and_where_it_fits_it_is_as_it_was() -> None:
    assert folded(f"  missing: {LONG}", io.StringIO()) == f"  missing: {LONG}"
    assert folded("a  b\n\n   c", Terminal()) == "a  b\n\n   c"


def test_ids_are_short_in_tables() -> None:
    assert short("grant-tracker-92566351-c9ec-472c-9514-29ad3a8747a3") == "grant-tracker-92566351…"
    assert short("92566351-c9ec") == "92566351-c9ec"
