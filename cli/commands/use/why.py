"""`azmlflow why`: what an error means, whether the stack bears it out, and what to type."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.cli.checks import Situation
    from azmlflow.cli.why.answer import Answer

_CONFIRMED = {True: "yes", False: "no", None: "unknown"}
_UNKNOWN = "unknown: the table has no error like this one"


@click.command(
    cls=Command,
    examples=(
        "azmlflow why",
        'azmlflow why "RESOURCE_DOES_NOT_EXIST: No Experiment with id=7 exists"',
        "azmlflow why --file train.log --stack prod",
        "azmlflow run -- python train.py 2>&1 | azmlflow why",
    ),
)
@click.argument("text", nargs=-1)
@click.option("--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Read it there.")
@click.option(
    "--as",
    "principal",
    metavar="PRINCIPAL",
    shell_complete=completing.principal,
    help="Who had the error, where its text does not say.",
)
@click.option("--python", metavar="PATH", help="Interpreter that had it, else python3 on PATH.")
@common
def command(
    invocation: Invocation, text: tuple[str, ...], path: Path | None, principal: str | None, python: str | None
) -> int | None:
    """TEXT is an error of MLflow, an Azure SDK, az, Pulumi or a job's log, pasted; without TEXT and --file it is read
    from standard input. It is neither kept nor shown again. Exit code 1 if the error is not known.
    """
    from azmlflow.cli.why.reading import recognise

    recognised = recognise(_read(" ".join(text), path))
    if not recognised:
        nobody = "azmlflow doctor    (asks what every stack needs; docs/troubleshooting.md lists what is known)"
        document = {"known": False, "cause": None, "confirmed": None, "next": "azmlflow doctor"}
        invocation.result(document, lambda: _lines(_UNKNOWN, "unknown", nobody))
        return 1
    from azmlflow.cli.why.answer import answer

    situation, unasked = _situation(invocation, python)
    told = answer(recognised, situation, unasked, principal or "")
    next_ = invocation.as_typed(told.next)
    invocation.result(
        {
            "known": True,
            "name": told.record.name,
            "cause": told.cause,
            "confirmed": told.verdict.confirmed,
            "says": told.verdict.says,
            "next": next_,
            "source": told.record.source,
        },
        lambda: _lines(told.cause, _bears_out(told), next_),
    )
    return None


def _read(text: str, path: Path | None) -> str:
    from azmlflow.cli.why.reading import LONGEST

    if text and path:
        raise click.UsageError("give the text or --file, not both")
    if path is not None:
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - LONGEST))
                text = file.read().decode("utf-8", "replace")
        except OSError as fault:
            raise CliError(f"it cannot be read: {fault.strerror}", where=str(path), next=f"ls -l {path}") from fault
    if not text:
        if sys.stdin.isatty():
            click.echo("paste the error, then press Ctrl-D on a line of its own:", err=True)
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    if not text.strip():
        raise CliError(
            "there is no text to look at", next='azmlflow why "the error"    (or: COMMAND 2>&1 | azmlflow why)'
        )
    return text


def _situation(invocation: Invocation, python: str | None) -> tuple[Situation | None, str]:
    """The stack to ask; None and why where there is none that can be asked."""
    from azmlflow.cli.checks import Situation
    from azmlflow.cli.project import report
    from azmlflow.cli.session.session import open_session

    before = dict(invocation.ports.environment)  # entering a cloud changes it
    try:
        session = open_session(invocation)
        invocation.ports.visit(session.project, session.file, invocation.say)
        state = session.stack().state()
    except Exception as fault:
        known = report.known(fault)
        if known is None:
            raise
        return None, f"no stack can be asked: {known.what}"
    return Situation(session, state.outputs, before, python, state=state), ""


def _bears_out(told: Answer) -> str:
    return f"{_CONFIRMED[told.verdict.confirmed]}: {told.verdict.says}"


def _lines(cause: str, confirmed: str, next_: str) -> str:
    return f"cause: {cause}\nconfirmed: {confirmed}\nnext: {next_}"
