"""`azmlflow run`: a command with the stack's variables, in the environment the user is in."""

from __future__ import annotations

from pathlib import Path

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.project import config_json
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session, standing

_BY_A_SIGNAL = 128  # and more: somebody ended it


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    examples=(
        "azmlflow run -- python track.py",
        "azmlflow run --as alice@local.test -- python track.py --epochs 3",
        "azmlflow run --stack prod -- mlflow experiments search",
    ),
)
@click.option("--as", "principal", metavar="PRINCIPAL", help="Sign in as this user (embedded Azure only).")
@click.option("--without-stack", is_flag=True, help="Also where no stack stands: for az, terraform, ...")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@common
def command(invocation: Invocation, principal: str | None, without_stack: bool, words: tuple[str, ...]) -> None:
    """The command runs in the environment you are in, with your own Python; its exit code is passed through. At a
    terminal `azmlflow why` is offered if it failed. On Azure its environment is as it is, and --as is refused.
    """
    session = open_session(invocation)
    if session.file.local:
        entering.start(session.project, invocation.say)
    environment = entering.child_environment(session.project, session.file, principal, invocation.ports.environment)
    if session.file.local:
        outputs = session.stack().state().outputs
        if not without_stack:
            environment["MLFLOW_TRACKING_URI"] = standing(session.name, outputs).tracking_uri
            _refuse_another(session, config_json.coordinates(outputs))
        entering.remember_interpreter(session.project, words, environment)
    code = invocation.ports.execute(list(words), environment)
    if 0 < code < _BY_A_SIGNAL:
        invocation.say("next: azmlflow why    (paste the error: what it means, whether the stack bears it out)")
    click.get_current_context().exit(code)


def _refuse_another(session: Session, ours: config_json.Coordinates) -> None:
    """The config.json that the SDKs find from here names the stack's workspace, where there is one.

    Raises:
        CliError: it names another: what the command tracks would go there.
    """
    path = config_json.found_from(Path.cwd())
    found = config_json.read(path) if path is not None else None
    if path is not None and found is not None and not ours.same(found):
        raise CliError(
            f"the SDKs would find the config.json of {found.words()} here; stack `{session.name}` is {ours.words()}",
            where=str(path),
            next=f"azmlflow config --stack {session.name} --path {path} --force    (or cd to another folder)",
        )
