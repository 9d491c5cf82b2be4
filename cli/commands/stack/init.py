"""`azmlflow init`: write a stack's settings, from options or questions; a project around them where there is none."""

from __future__ import annotations

import shlex
import sys
from typing import Any

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.options import chosen, describe, offered, offers
from azmlflow.cli.project.project import DEFAULT_STACK, make_state
from azmlflow.cli.project.selection import choose_stack, project_at, start_folder
from azmlflow.cli.project.settings_file import local_defaults, suggested_salt, write_settings
from azmlflow.cli.project.template import planned, write
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.infra.settings import listing
from azmlflow.infra.settings.faults import SettingsError
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.infra.settings.profiles import PROFILES
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
        "azmlflow init prod --cloud azure --profile locked-down",
    ),
)
@click.argument("name", required=False)
@offered(Settings)
@click.option("--subscription", metavar="ID", help="Azure subscription, else the one you are signed in to.")
@click.option(
    "--profile", type=click.Choice([*PROFILES]), help="Begin with the settings of the usual three; options go first."
)
@click.option("--force", is_flag=True, help="Write over the settings that are there.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: defaults for what no option says.")
@common
def command(
    invocation: Invocation,
    name: str | None,
    *,
    subscription: str | None,
    profile: str | None,
    force: bool,
    yes: bool,
    **given: Any,
) -> None:
    """A folder that is in no project becomes one. On a terminal, what no option says is asked. A stack `local` is on
    the embedded Azure unless --cloud says otherwise; any other is on Azure.
    """
    folder = start_folder(invocation.ports.environment)
    found = project_at(folder)
    project = found or planned(folder)
    stack = choose_stack(project, name or invocation.stack, invocation.ports.environment)
    path = project.settings_path(stack)
    if path.exists() and not force:
        raise CliError(
            f"stack `{stack}` has settings already; they are left as they are",
            where=str(path),
            next=f"azmlflow up --stack {stack}, or azmlflow init {stack} --force    (writes them anew)",
        )
    asks, cloud = not yes and sys.stdin.isatty(), "local" if stack == DEFAULT_STACK else "azure"
    wanted = chosen(Settings, given, {"cloud": cloud} if asks else None)
    cloud = wanted.get("cloud", cloud)
    if asks and cloud == "azure" and subscription is None:
        subscription = click.prompt("subscription id (empty: the one you are signed in to)", default="", err=True)
    first = local_defaults() if cloud == "local" else {"cloud": cloud, "salt": suggested_salt(project)}
    ours = {**first, **(PROFILES[profile] if profile else {}), **wanted}
    _check(stack, ours)
    if found is None:
        write(project)
        invocation.say(f"made {project.root} a project, `{project.name}`: Pulumi.yaml, __main__.py, .gitignore")
    make_state(project)
    provider = {"azure-native:subscriptionId": subscription, "azure-native:location": wanted.get("location")}
    others = {key: value for key, value in provider.items() if value}
    written = write_settings(project, stack, ours, others, fresh=True)
    invocation.result(
        {"stack": stack, "path": str(path), "settings": dict(written.config)},
        f"wrote {path}\nnext: azmlflow up --stack {stack}",
    )


def _check(stack: str, ours: dict[str, Any]) -> None:
    """Refuse settings that are not valid, before there is a file that `azmlflow set` could mend.

    Raises:
        CliError: they are not; with the option that mends the first fault.
    """
    try:
        Settings.from_mapping({f"{NAMESPACE}:{key}": value for key, value in ours.items()})
    except SettingsError as fault:
        first = fault.faults[0]
        top = listing.located(first.key.removeprefix(f"{NAMESPACE}:"))[0]
        option = next((each for each in offers(Settings) if each.path[0] == top), None)
        again = f"azmlflow init {stack} --{option.name} " if option else ""
        example = shlex.quote(first.suggest) if first.suggest and option and not option.mark.parts else ""
        raise CliError(
            "; ".join(f"{each.key}: {each.what}" for each in fault.faults) + "; nothing is written",
            next=f"{again}{example}" if example else f"azmlflow init {stack} --help",
        ) from None
