"""`azmlflow env`: the variables that point a shell at the stack."""

from __future__ import annotations

from collections.abc import Mapping

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.local.variables import Variables, dotenv, path_with, script, undo, with_memory
from azmlflow.cli.project.project import refuse_mixed_clouds
from azmlflow.cli.pulumi import engine
from azmlflow.cli.session.invocation import Command, Invocation, answering
from azmlflow.cli.session.session import Session, open_session
from azmlflow.localazure.core.constants import DEVELOPER


@click.command(
    cls=Command,
    examples=(
        'eval "$(azmlflow env)"',
        'eval "$(azmlflow env --engine)"    # then: pulumi preview',
        'eval "$(azmlflow env --as alice@local.test)"',
        'eval "$(azmlflow env --unset)"',
        "azmlflow env --output dotenv > .env    # for VS Code and notebooks",
    ),
)
@completing.as_user()
@click.option(
    "--engine", "with_engine", is_flag=True, help="Also what Pulumi's own command needs: PATH, home, backend."
)
@click.option("--unset", is_flag=True, help="Give the shell back what it had.")
@answering("text", "json", "dotenv")
def command(invocation: Invocation, principal: str | None, with_engine: bool, unset: bool) -> None:
    environment = dict(invocation.ports.environment)
    if unset and invocation.output == "dotenv":
        raise click.UsageError("--unset is for a shell; of a .env file, delete it")
    if unset:
        _show(invocation, undo(environment) or Variables({}))
        return
    session = open_session(invocation)
    refuse_mixed_clouds(session.file, environment)
    wanted = _wanted(session, principal, environment)
    if with_engine:
        wanted = Variables({**wanted.set, **_engine(session, environment)}, wanted.unset)
    _show(invocation, with_memory(wanted, environment))


def _wanted(session: Session, principal: str | None, environment: Mapping[str, str]) -> Variables:
    if not session.file.local:
        if principal:
            raise CliError(
                f"stack `{session.name}` is on Azure, where nobody can sign in as `{principal}` for them",
                next="drop --as, or sign in as them: az login",
            )
        return Variables(_tracking(session), ())
    entering.start(session.project, session.invocation.say)
    from azmlflow.localazure.clients import environ

    given, dropped = environ.variables(session.project.local, principal or DEVELOPER, environment)
    return Variables({**given, **_tracking(session)}, tuple(dropped))


def _tracking(session: Session) -> dict[str, str]:
    """Where MLflow tracks, when the stack stands."""
    outputs = session.stack().state().outputs
    uri = outputs.get("trackingUri")
    return {"MLFLOW_TRACKING_URI": uri} if isinstance(uri, str) else {}


def _engine(session: Session, environment: Mapping[str, str]) -> dict[str, str]:
    say = session.invocation.say
    found = engine.ensure(environment, say)
    host = engine.ensure_language_host(found, environment, say)
    # The interpreter's own folder first: the language host runs the program with the first `python3` on PATH.
    path = path_with((entering.interpreter_folder(), found.folder, host), environment)
    if not session.file.local:
        return {"PATH": path}
    entering.prepare_pulumi(session.project, environment)
    return {"PATH": path, **entering.pulumi_variables(session.project)}


def _show(invocation: Invocation, variables: Variables) -> None:
    if invocation.output == "dotenv":
        click.echo(dotenv(variables))
        return
    invocation.result(
        {"set": dict(variables.set), "unset": [name for name in variables.unset if name not in variables.set]},
        lambda: script(variables),
    )
