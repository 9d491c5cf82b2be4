"""`azmlflow run`: a command with the stack's variables, in the environment the user is in."""

from __future__ import annotations

from pathlib import Path

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.project import config_json
from azmlflow.cli.session import reaching
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session, standing
from azmlflow.reach.records import INTERNET, InvalidOrigin, Origin

_BY_A_SIGNAL = 128  # and more: somebody ended it


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    examples=(
        "azmlflow run -- python track.py",
        "azmlflow run --as alice@local.test -- python track.py --epochs 3",
        "azmlflow run --from network -- python track.py",
        "azmlflow run --stack prod -- mlflow experiments search",
    ),
)
@completing.as_user()
@click.option(
    "--from",
    "where",
    metavar="ORIGIN",
    help="Come from here: internet, network (the stack's own) or an internet address (embedded Azure only).",
)
@click.option("--without-stack", is_flag=True, help="Also where no stack stands: for az, terraform, ...")
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
@common
def command(
    invocation: Invocation, principal: str | None, where: str | None, without_stack: bool, words: tuple[str, ...]
) -> None:
    """The command runs in the environment you are in, with your own Python; its exit code is passed through. At a
    terminal `azmlflow why` is offered if it failed. On Azure its environment is as it is; --as and --from are refused.
    """
    session = open_session(invocation)
    if session.file.local:
        entering.start(session.project, invocation.say)
    before = dict(invocation.ports.environment)
    origin = _origin(session, where) if where else None
    environment = entering.child_environment(session.project, session.file, principal, before, origin)
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


def _origin(session: Session, where: str) -> Origin:
    """From where a command is to come.

    Raises:
        CliError: the word is none of those that are known, or the stack has no network of its own, or several.
    """
    if where == "internet" or not session.file.local:
        return INTERNET
    if where != "network":
        try:
            return Origin.parse(f"internet:{where}")
        except InvalidOrigin:
            raise CliError(
                f"--from takes internet, network or an internet address, not `{where}`",
                next="azmlflow run --help",
            ) from None
    outputs = session.outputs()
    session.invocation.ports.visit(session.project, session.file, session.invocation.say)
    found = reaching.look(session.invocation.ports.open_arm(), outputs.workspace_id)
    networks = found.networks if found is not None else ()
    if len(networks) != 1:
        told = f"{len(networks)} networks" if networks else "no network of its own: no private endpoint leads to it"
        raise CliError(f"stack `{session.name}` has {told}", next=f"azmlflow reach --stack {session.name}")
    return Origin("network", networks[0])


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
