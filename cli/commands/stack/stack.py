"""`azmlflow stack`: which stack bare commands mean, and why; the stacks of the project; another selected."""

from __future__ import annotations

from typing import Any

import click

from azmlflow.cli.project.project import Project, read_stack
from azmlflow.cli.project.selection import find_project, meant, select
from azmlflow.cli.session.invocation import Command, Invocation, common, complete_stack


@click.group(invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Nothing but `select` selects one. Bare, it lists them."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_)


@command.command(cls=Command, name="list", examples=("azmlflow stack list", "azmlflow stack list -o json"))
@common
def list_(invocation: Invocation) -> None:
    """The stacks that have settings here, on which cloud each is, and which of them bare commands mean."""
    project = find_project()
    name, why = meant(project, invocation.stack, invocation.ports.environment)
    rows = [_row(project, each, name) for each in project.stacks()]
    document = {"meant": name, "why": why, "stacks": rows}
    invocation.result(document, lambda: _text(rows, name, why))


@command.command(cls=Command, name="select", examples=("azmlflow stack select prod",))
@click.argument("name", shell_complete=complete_stack)
@common
def select_(invocation: Invocation, name: str) -> None:
    """Have bare commands mean this stack, in this project; Pulumi's own `pulumi stack select` does the same."""
    project = find_project()
    select(project, read_stack(project, name).name, invocation.ports.environment)
    now, why = meant(project, None, invocation.ports.environment)
    if now != name:
        invocation.warn(f"{why} still means `{now}`; next: unset AZMLFLOW_STACK")
    invocation.result({"selected": name, "meant": now}, f"selected: {name}\nnext: azmlflow status")


def _row(project: Project, name: str, chosen: str) -> dict[str, Any]:
    local = read_stack(project, name).local
    return {"stack": name, "cloud": "local" if local else "azure", "meant": name == chosen}


def _text(rows: list[dict[str, Any]], name: str, why: str) -> str:
    lines = [f"{'*' if each['meant'] else ' '} {each['stack']:24} {each['cloud']}" for each in rows]
    if not any(each["meant"] for each in rows):
        lines.append(f"bare commands mean `{name}` ({why}), which has no settings here\nnext: azmlflow init {name}")
    else:
        lines.append(f"bare commands mean `{name}`: {why}")
    return "\n".join(lines)
