"""`azmlflow doctor`: is everything here that an `up` needs? Each answer with the command that mends it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from azmlflow.cli.checks import Situation, doctor
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import hanging
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session

_SIGNS = {"ok": ("✓", "green"), "warning": ("!", "yellow"), "failed": ("✗", "red"), "skipped": ("-", "bright_black")}


@click.command(
    cls=Command,
    examples=("azmlflow doctor", "azmlflow doctor --fix", "azmlflow doctor -o json | jq '.checks[] | select(.fix)'"),
)
@click.option("--fix", is_flag=True, help="Do the fixes that harm nothing: get the engine, register providers.")
@click.option("--python", metavar="PATH", help="Interpreter whose MLflow is looked at, else python3 on PATH.")
@common
def command(invocation: Invocation, fix: bool, python: str | None) -> None:
    """Changes nothing without --fix. Exit code 1 if a check failed. A stack's first `up` asks the most important
    of these questions itself.
    """
    session = open_session(invocation, make_local=True)
    before = dict(invocation.ports.environment)  # entering a cloud changes it
    unreachable = _visit(session)
    state, unread = _state(session)
    situation = Situation(session, state.outputs, before, python, unreachable, unread, state)
    with progress.drawing(f"examining stack {session.name}"):
        answers = doctor.examine(situation)
        if fix:
            answers = doctor.repair(situation, answers)
    failed = sum(answer.finding.status == "failed" for answer in answers)
    invocation.result(
        {"stack": session.name, "ok": not failed, "checks": [answer.document() for answer in answers]},
        lambda: _table(answers),
    )
    doctor.refuse(answers, session.name)


def _visit(session: Session) -> CliError | None:
    """Enter the cloud; why it cannot be, or None."""
    from azmlflow.cli.project import report

    try:
        session.invocation.ports.visit(session.project, session.file, session.invocation.say)
    except Exception as fault:
        known = report.known(fault)
        if known is None:
            raise
        return known
    return None


def _state(session: Session) -> tuple[State, CliError | None]:
    """The stack's state, or why it cannot be read; an empty one where no engine is here that could."""
    from azmlflow.cli.pulumi import engine

    if not session.file.local and engine.present(session.invocation.ports.environment) is None:
        return State(), None
    try:
        return session.stack().state(), None
    except CliError as fault:
        return State(), fault


def _table(answers: Sequence[doctor.Answer]) -> str:
    lines: list[str] = []
    for answer in answers:
        sign, colour = _SIGNS[answer.finding.status]
        lines.append(f"  {click.style(sign, fg=colour)} {answer.check.name:<13} {hanging(answer.finding.says, 18)}")
        if answer.fix:
            lines.append(f"{'':18}{click.style('fix:', bold=True)} {answer.fix}")
    return "\n".join(lines)
