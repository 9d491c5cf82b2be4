"""`azmlflow init`: write a stack's settings, from options or questions."""

from __future__ import annotations

import sys
from typing import Any

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.options import chosen, describe, offered
from azmlflow.cli.project.project import DEFAULT_STACK, choose_stack, find_project
from azmlflow.cli.project.settings_file import local_defaults, suggested_salt, write_settings
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.settings import Settings


class Init(Command):
    """A command whose help lists all settings."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the settings before the examples."""
        describe(Settings, formatter)
        super().format_epilog(ctx, formatter)


@click.command(
    cls=Init,
    examples=(
        "azmlflow init local",
        "azmlflow init prod --cloud azure --location westeurope --subscription 00000000-0000-0000-0000-000000000000",
        "azmlflow init dev --cloud azure --cluster cpu:Standard_DS3_v2:4 --yes",
    ),
)
@click.argument("name", required=False)
@offered(Settings)
@click.option("--subscription", metavar="ID", help="Azure subscription, else the one you are signed in to.")
@click.option("--force", is_flag=True, help="Write over the settings that are there.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: defaults for what no option says.")
@common
def command(
    invocation: Invocation, name: str | None, *, subscription: str | None, force: bool, yes: bool, **given: Any
) -> None:
    """On a terminal, what no option says is asked. A stack `local` is on the embedded Azure unless --cloud says
    otherwise; any other is on Azure.
    """
    project = find_project()
    stack = choose_stack(project, name or invocation.stack, invocation.ports.environment)
    path = project.settings_path(stack)
    if path.exists() and not force:
        raise CliError(
            f"stack `{stack}` has settings already; they are left as they are",
            where=str(path),
            next=f"azmlflow up --stack {stack}, or azmlflow init {stack} --force to write them anew",
        )
    asks, cloud = not yes and sys.stdin.isatty(), "local" if stack == DEFAULT_STACK else "azure"
    wanted = chosen(Settings, given, {"cloud": cloud} if asks else None)
    cloud = wanted.get("cloud", cloud)
    if asks and cloud == "azure" and subscription is None:
        subscription = click.prompt("subscription id (empty: the one you are signed in to)", default="", err=True)
    first = local_defaults() if cloud == "local" else {"cloud": cloud, "salt": suggested_salt(project)}
    ours = {**first, **wanted}
    Settings.from_mapping({f"{NAMESPACE}:{key}": value for key, value in ours.items()})
    provider = {"azure-native:subscriptionId": subscription, "azure-native:location": wanted.get("location")}
    others = {key: value for key, value in provider.items() if value}
    written = write_settings(project, stack, ours, others, fresh=True)
    invocation.result(
        {"stack": stack, "path": str(path), "settings": dict(written.config)},
        f"wrote {path}\nnext: azmlflow up --stack {stack}",
    )
