"""`azmlflow run`: a command with the stack's variables, in the environment the user is in."""

from __future__ import annotations

import click

from azmlflow.cli.local import entering
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session


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
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@common
def command(invocation: Invocation, principal: str | None, words: tuple[str, ...]) -> None:
    """Run a command with the stack's variables, as yourself or as somebody else.

    The command runs in the environment you are in, with your own Python; its exit code is passed through. On Azure
    its environment is as it is, and --as is refused.
    """
    session = open_session(invocation)
    if session.file.local:
        entering.start(session.project, invocation.say)
    environment = entering.child_environment(session.project, session.file, principal, invocation.ports.environment)
    if session.file.local:
        uri = session.stack().state().outputs.get("trackingUri")
        if isinstance(uri, str):
            environment["MLFLOW_TRACKING_URI"] = uri
        entering.remember_interpreter(session.project, words, environment)
    click.get_current_context().exit(invocation.ports.execute(list(words), environment))
