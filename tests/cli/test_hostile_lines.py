"""Whatever is typed for whichever argument or option of a command ends as an answer or a refusal, no fault of ours.

A sample of all lines, another for each number in AZMLFLOW_FUZZ; -1 to -12 are twelfths that make all of them.
"""

from __future__ import annotations

import io
import itertools
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from azmlflow.cli.main import cli
from azmlflow.cli.project import report
from tests.cli.desk import Desk

# Not started here: it replaces this process, opens a browser, waits, or asks Azure's own directory.
_APART = {"ui", "local start", "local stop", "local reset", "local repair", "local logs"}
HOSTILE = (
    "", " ", "a" * 5000, "\x01\x1b[31mred", os.fsdecode(b"\xff\xfe"), "-x", "--", "..", "../../etc/passwd",
    "\uff41lice@local.test", "\u0430lice", "-1", "99999999999999999999", "1e400", "nan", "0001-01-01", "2026-02-30",
    "9999-12-31T23:59:59-14:00", "99999999999w", "/dev/null", "/proc/self/mem", "%s%n{0}", "[1", "{a: &a [*a]}",
    "\u202eabc", "a\nb", "' OR 1=1 --", "~nobody/x", "http://[", "compute/", "/subscriptions/", "@/etc", "\u0663",
)  # fmt: skip


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        elif " ".join((*words, name)) not in _APART:
            yield (*words, name), command


def lines() -> Iterator[tuple[str, ...]]:
    """Each argument and option of each command once with each hostile text, the other arguments being plain."""
    for words, command in commands(cli):
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        plain = ["alice@local.test" for each in arguments if each.required]
        for text in HOSTILE:
            for place in range(len(arguments)):
                yield (*words, *plain[:place], text, *plain[place + 1 :])
            for option in command.params:
                if isinstance(option, click.Option) and not option.is_flag and not option.count:
                    yield (*words, *plain, option.opts[0], text)


EVERY = tuple(lines())


def test_no_line_is_a_fault_of_ours(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # as Python's own is
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    desk.settings()
    assert len(EVERY) > 3000
    seed = int(os.environ.get("AZMLFLOW_FUZZ", "0"))
    chosen = EVERY[-seed - 1 :: 12] if seed < 0 else random.Random(seed).sample(EVERY, 250)
    try:
        bad = list(itertools.islice((told for line in chosen if (told := fault(desk, line))), 60))
    finally:
        stopped = desk.run("local", "stop")  # some of the lines start the embedded Azure
    assert stopped.code == 0
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "stderr"])
@pytest.mark.parametrize("line", [("why",), ("settings",), ("init", "zz"), ("nope",)], ids=lambda line: line[0])
def test_a_stream_that_the_shell_closed_is_no_fault(
    closed: str, line: tuple[str, ...], desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.setattr(sys, closed, None)  # as Python has it then
    assert "unexpected" not in desk.run(*line).err


def test_a_folder_that_is_gone(desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (gone := tmp_path / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert "the folder that this shell is in is not there any more" in desk.run("status").err
    monkeypatch.chdir(tmp_path)


def test_a_file_where_a_folder_is_wanted(tmp_path: Path) -> None:
    (file := tmp_path / "cache").write_text("")
    with pytest.raises(FileExistsError) as met:
        file.mkdir()
    told = report.known(met.value)
    assert told is not None
    assert told.what == "cache cannot be used: a file stands where a folder should be"


def fault(desk: Desk, line: tuple[str, ...]) -> str:
    """What is wrong with the end of a line; empty for nothing."""
    done = desk.run(*line)
    shown = [each[:60] for each in line]
    if "please report" in done.err.lower() or "unexpected" in done.err.lower():
        return f"{shown}: {done.err[:260]}"
    if done.code not in (0, 1, 2):
        return f"{shown}: ended with {done.code}"
    if done.code and not (done.err + done.out).strip():
        return f"{shown}: ended with {done.code} without a word"
    return ""
