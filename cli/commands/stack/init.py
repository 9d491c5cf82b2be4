"""`azmlflow init`: write a stack's settings, from options or questions."""

from __future__ import annotations

import sys
from typing import Any

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import DEFAULT_STACK, NAMESPACE, choose_stack, find_project
from azmlflow.cli.project.settings_file import local_defaults, suggested_salt, write_settings
from azmlflow.cli.session.invocation import Command, Invocation, common


@click.command(
    cls=Command,
    examples=(
        "azmlflow init local",
        "azmlflow init prod --cloud azure --location westeurope --subscription 00000000-0000-0000-0000-000000000000",
        "azmlflow init dev --cloud azure --cluster cpu:Standard_DS3_v2:4 --yes",
    ),
)
@click.argument("name", required=False)
@click.option(
    "--cloud", type=click.Choice(["local", "azure"]), help="Where the stack lives; `local` for a stack `local`."
)
@click.option("--location", metavar="REGION", help="Azure region.")
@click.option("--prefix", metavar="TEXT", help="What the names of all resources are made from.")
@click.option("--salt", metavar="TEXT", help="Another salt gives another set of names.")
@click.option("--resource-group", metavar="NAME", help="Name of the resource group, else made from prefix and stack.")
@click.option("--workspace", metavar="NAME", help="Name of the workspace, else made from prefix and stack.")
@click.option(
    "--cluster", "clusters", multiple=True, metavar="NAME[:SIZE[:MAX]]", help="A compute cluster; may be repeated."
)
@click.option("--subscription", metavar="ID", help="Azure subscription, else the one you are signed in to.")
@click.option("--force", is_flag=True, help="Write over the settings that are there.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: defaults for what no option says.")
@common
def command(invocation: Invocation, name: str | None, yes: bool, force: bool, **options: Any) -> None:
    """Write a stack's settings, from options or, on a terminal, from questions."""
    project = find_project()
    stack = choose_stack(project, name or invocation.stack, invocation.ports.environment)
    path = project.settings_path(stack)
    if path.exists() and not force:
        raise CliError(
            f"stack `{stack}` has settings already; they are left as they are",
            where=str(path),
            next=f"azmlflow up --stack {stack}, or azmlflow init {stack} --force to write them anew",
        )
    if not yes and sys.stdin.isatty():
        _ask(stack, options)
    ours = _settings(project, stack, options)
    _validate(ours)
    written = write_settings(project, stack, ours, _others(options), fresh=True)
    invocation.result(
        {"stack": stack, "path": str(path), "settings": dict(written.config)},
        f"wrote {path}\nnext: azmlflow up --stack {stack}",
    )


def _ask(stack: str, options: dict[str, Any]) -> None:
    """Ask for what no option says; an empty answer is the default."""
    if options["cloud"] is None:
        default = "local" if stack == DEFAULT_STACK else "azure"
        options["cloud"] = click.prompt("cloud", type=click.Choice(["local", "azure"]), default=default, err=True)
    for key, question, default in (
        ("location", "Azure region", "westeurope"),
        ("prefix", "prefix of all names", "mlflow"),
    ):
        if options[key] is None:
            options[key] = click.prompt(question, default=default, err=True)
    if options["cloud"] == "azure" and options["subscription"] is None:
        answer = click.prompt("subscription id (empty: the one you are signed in to)", default="", err=True)
        options["subscription"] = answer or None


def _settings(project: Any, stack: str, options: dict[str, Any]) -> dict[str, Any]:
    local = options["cloud"] == "local" or (options["cloud"] is None and stack == DEFAULT_STACK)
    ours: dict[str, Any] = local_defaults() if local else {"cloud": "azure", "salt": suggested_salt(project)}
    for key, option in (
        ("location", "location"),
        ("prefix", "prefix"),
        ("salt", "salt"),
        ("resourceGroup", "resource_group"),
        ("workspace", "workspace"),
    ):
        if options[option] is not None:
            ours[key] = options[option]
    if options["clusters"]:
        ours["clusters"] = [_cluster(text) for text in options["clusters"]]
    return ours


def _cluster(text: str) -> dict[str, Any]:
    name, _, rest = text.partition(":")
    size, _, most = rest.partition(":")
    cluster: dict[str, Any] = {"name": name}
    if size:
        cluster["vmSize"] = size
    if most:
        if not most.isdigit():
            raise click.BadParameter(f"`{most}` is no number of nodes", param_hint="--cluster")
        cluster["maxNodes"] = int(most)
    return cluster


def _validate(ours: dict[str, Any]) -> None:
    from azmlflow.infra.settings.settings import Settings

    Settings.from_mapping({f"{NAMESPACE}:{key}": value for key, value in ours.items()})


def _others(options: dict[str, Any]) -> dict[str, Any]:
    """Settings of the provider's own namespace."""
    found = {"azure-native:subscriptionId": options["subscription"], "azure-native:location": options["location"]}
    return {key: value for key, value in found.items() if value}
