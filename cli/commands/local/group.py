"""`azmlflow local group`: groups of the embedded Azure's directory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from azmlflow.cli.access import completing
from azmlflow.cli.local import entering
from azmlflow.cli.project.selection import find_project
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.cli.local.groups import LocalGroups


@click.group()
def group() -> None:
    """Groups of its directory, which `grant` knows, and who is in them."""


@group.command(
    cls=Command, name="add", examples=("azmlflow local group add data-team alice@local.test bob@local.test",)
)
@click.argument("name")
@click.argument("members", nargs=-1, metavar="[MEMBER]...", shell_complete=completing.local_member)
@common
def add(invocation: Invocation, name: str, members: tuple[str, ...]) -> None:
    """Add a group, with members at once if some are named."""
    groups = _groups(invocation)
    made = groups.add_group(name)
    for member in members:
        groups.put(made["id"], member)
    told = {"id": made["id"], "displayName": name, "members": list(members)}
    invocation.result(told, f"added {name} ({made['id']}){_with(members)}")


@group.command(cls=Command, name="list", examples=("azmlflow local group list", "azmlflow local group list -o json"))
@common
def list_(invocation: Invocation) -> None:
    """List the groups and their members."""
    found = [
        {"id": each["id"], "displayName": each["displayName"], "members": [_name(one) for one in each["members"]]}
        for each in _groups(invocation).groups()
    ]
    lines = [f"{each['displayName']:<32} {each['id']}  {', '.join(each['members']) or 'nobody'}" for each in found]
    invocation.result(found, "\n".join(lines) or "there is no group\nnext: azmlflow local group add NAME MEMBER")


@group.command(cls=Command, name="join", examples=("azmlflow local group join data-team carol@local.test",))
@click.argument("name", shell_complete=completing.local_group)
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...", shell_complete=completing.local_member)
@common
def join(invocation: Invocation, name: str, members: tuple[str, ...]) -> None:
    """Put users, groups or applications into a group."""
    groups = _groups(invocation)
    for member in members:
        groups.put(name, member)
    invocation.result({"group": name, "joined": list(members)}, f"in {name} now: {', '.join(members)}")


@group.command(cls=Command, name="leave", examples=("azmlflow local group leave data-team carol@local.test",))
@click.argument("name", shell_complete=completing.local_group)
@click.argument("members", nargs=-1, required=True, metavar="MEMBER...", shell_complete=completing.local_member)
@common
def leave(invocation: Invocation, name: str, members: tuple[str, ...]) -> None:
    """Take members out of a group."""
    groups = _groups(invocation)
    for member in members:
        groups.take(name, member)
    invocation.result({"group": name, "left": list(members)}, f"no longer in {name}: {', '.join(members)}")


@group.command(cls=Command, name="remove", examples=("azmlflow local group remove data-team",))
@click.argument("name", shell_complete=completing.local_group)
@common
def remove(invocation: Invocation, name: str) -> None:
    """Remove a group; role assignments stay, as on Azure."""
    _groups(invocation).remove_group(name)
    invocation.result({"removed": name}, f"removed {name}")


def _groups(invocation: Invocation) -> LocalGroups:
    from azmlflow.cli.local.groups import LocalGroups

    project = find_project()
    entering.start(project, invocation.say)
    return LocalGroups(project)


def _name(member: dict[str, Any]) -> str:
    return str(member.get("userPrincipalName") or member.get("displayName") or member["id"])


def _with(members: tuple[str, ...]) -> str:
    return f", with {', '.join(members)}" if members else ""
