"""A file of grants: read whole or not at all, each line's fault told."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from azmlflow.cli.access.wishes import read_file
from azmlflow.cli.frame.errors import CliError

TODAY = date(2026, 11, 26)


def read(tmp_path: Path, text: str | bytes) -> list[tuple[str, str, str, object, str | None, int]]:
    path = tmp_path / "people.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [
        (each.principal, "+".join(one.name for one in each.personas), each.scope, each.until, each.kind, each.line)
        for each in read_file(path, TODAY)
    ]


def test_every_column(tmp_path: Path) -> None:
    text = (
        "principal,persona,scope,until,type\n"
        "alice@local.test,tracker+registrar,,2027-01-31,\n"
        "\n"
        '"Data, scientists",viewer,group,30d,Group\n'
        "bob@local.test,viewer,,never,User\n"
    )
    assert read(tmp_path, text) == [
        ("alice@local.test", "tracker+registrar", "workspace", date(2027, 1, 31), None, 2),
        ("Data, scientists", "viewer", "group", date(2026, 12, 26), "Group", 4),
        ("bob@local.test", "viewer", "workspace", "never", "User", 5),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffPersona;Principal\r\nviewer;alice@local.test\r\n",
        "principal,persona\nalice@local.test,viewer",
        'principal,persona\n"alice@local.test","viewer"\n',
    ],
)
def test_as_spreadsheets_write_it(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text) == [("alice@local.test", "viewer", "workspace", None, None, 2)]


def test_each_lines_fault_is_told(tmp_path: Path) -> None:
    text = (
        "principal,persona,until,type\n"
        "alice@local.test,traker,,\n"
        "bob@local.test,viewer,,\n"
        ",viewer,,\n"
        "carol@local.test,,,\n"
        "dan@local.test,viewer,2020-01-01,\n"
        "eve@local.test,viewer,36h,\n"
        "fay@local.test,viewer,,Robot\n"
        "gus@local.test,viewer\n"
        "hal@local.test,viewer,,,,\n"
    )
    with pytest.raises(CliError) as refused:
        read(tmp_path, text)
    lines = refused.value.what.splitlines()
    assert lines[0] == "8 lines cannot be granted, so nothing is:"
    assert [line.split(":")[0].strip() for line in lines[1:]] == [f"line {n}" for n in (2, 4, 5, 6, 7, 8, 9, 10)]
    assert "did you mean" in lines[1] or "tracker" in lines[1]
    assert lines[2].endswith("it names no principal")
    assert lines[3].endswith("it names no persona")
    assert lines[6].endswith("`Robot` is not a type: User, Group, ServicePrincipal")
    assert lines[7].endswith("it has 2 fields, not 4: empty ones are written too")
    assert refused.value.where == str(tmp_path / "people.csv")
    assert refused.value.next == "mend them, and type it again"


def test_a_line_of_two_faults_counts_as_one_and_two_lines_as_two(tmp_path: Path) -> None:
    for lines, said in ((",viewer\n", "1 line cannot"), (",viewer\na,\n", "2 lines cannot")):
        with pytest.raises(CliError, match=said):
            read(tmp_path, f"principal,persona\n{lines}")


def test_what_quotes_break_is_told_with_the_lines_after_it(tmp_path: Path) -> None:
    text = 'principal,persona\n"alice"x,viewer\n,viewer\nbob@local.test,viewer\n'
    with pytest.raises(CliError) as refused:
        read(tmp_path, text)
    first, second = refused.value.what.splitlines()[1:]
    assert first.startswith("  line 2: ',' expected after")  # Python's csv module, in strict mode
    assert second == "  line 3: it names no principal"


def test_lines_within_quotes_are_one_line_and_kept_as_they_are(tmp_path: Path) -> None:
    text = 'principal,persona\r\n"data\r\nscientists",viewer\r\n'
    assert read(tmp_path, text) == [("data\r\nscientists", "viewer", "workspace", None, None, 3)]


def test_as_many_as_may_be(tmp_path: Path) -> None:
    assert len(read(tmp_path, "principal,persona\n" + "a,viewer\n" * 1000)) == 1000
    text = "principal,persona\na,viewer\n"
    assert len(read(tmp_path, text + "\n" * (1_000_000 - len(text)))) == 1


def test_a_file_that_is_not_there_says_so_and_how_to_look(tmp_path: Path) -> None:
    path = tmp_path / "nosuch.csv"
    with pytest.raises(CliError, match="it cannot be read: No such file or directory") as refused:
        read_file(path, TODAY)
    assert (refused.value.where, refused.value.next) == (str(path), f"ls -l {path}")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("alice@local.test,viewer\n", "its first line names the columns"),
        ("principal,persona,colour\na,viewer,red\n", "its first line names the columns"),
        ("principal,principal,persona\na,b,viewer\n", "its first line names the columns"),
        ("principal,persona\n", "it has no line below its header"),
        ("", "its first line names the columns"),
        (b"principal,persona\n\xff\xfe,viewer\n", "it is not UTF-8"),
        ("principal,persona\n" + "a,viewer\n" * 1001, "it has more than 1000 lines"),
        ("principal,persona\n" + "a" * 1_000_001, "it has more than a million bytes"),
        ('principal,persona\n"alice,viewer\n', "line 2: a quotation mark has no other one to its end"),
        ("principal,persona\nalice\n", "line 2: it has 1 field, not 2"),
    ],
)
def test_what_is_no_such_file(tmp_path: Path, text: str | bytes, why: str) -> None:
    with pytest.raises(CliError) as refused:
        read(tmp_path, text)
    assert why in refused.value.what
    assert refused.value.where == str(tmp_path / "people.csv")
    assert refused.value.next


def test_a_wrong_header_is_shown_with_what_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(CliError) as refused:
        read(tmp_path, "alice@local.test,viewer\nbob,viewer\n")
    assert refused.value.what == (
        "its first line names the columns: principal, persona and, if wanted, scope, until, type; it is "
        "`alice@local.test,viewer`"
    )
    assert refused.value.next == "azmlflow grant --help"
