"""`azmlflow local`: the embedded Azure of this checkout."""

from __future__ import annotations

import collections
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import completing
from azmlflow.cli.commands.local.faults import faults
from azmlflow.cli.commands.local.group import group
from azmlflow.cli.commands.local.limits import limits
from azmlflow.cli.commands.local.repair import repair
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.local import entering
from azmlflow.cli.project.project import Project, read_stack
from azmlflow.cli.project.selection import find_project
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.cli.local.directory import LocalUsers


@click.group()
def command() -> None:
    """There is one for each checkout, shared by its local stacks."""


def _project(invocation: Invocation) -> Project:
    """The checkout.

    Raises:
        CliError: `--stack` names a stack that is on Azure.
    """
    entering.refuse_here()
    project = find_project()
    if invocation.stack and not read_stack(project, invocation.stack).local:
        raise CliError(
            f"stack `{invocation.stack}` is on Azure; the embedded Azure serves local stacks",
            where=str(project.settings_path(invocation.stack)),
            next=f"azmlflow status --stack {invocation.stack}",
        )
    return project


def _latency(_context: click.Context, _option: click.Parameter, value: str | None) -> str | None:
    """A profile's name, as it was typed.

    Raises:
        click.BadParameter: there is none of that name.
    """
    from azmlflow.localazure.core.latency import UnknownLatency, profile

    try:
        return value if value is None else profile(value).name
    except UnknownLatency as fault:
        raise click.BadParameter(str(fault)) from None


@command.command(cls=Command, examples=("azmlflow local start", "azmlflow local start --latency azure"))
@click.option(
    "--latency",
    metavar="PROFILE",
    callback=_latency,
    help="How long things take: none, azure, or azure:SECONDS, as azure but nothing longer than that.",
)
@common
def start(invocation: Invocation, latency: str | None) -> None:
    """Start it, unless it runs."""
    project = _project(invocation)
    entering.start(project, invocation.say, latency)
    _tell(invocation, project)


@command.command(cls=Command, examples=("azmlflow local stop",))
@common
def stop(invocation: Invocation) -> None:
    """Stop it; what it holds stays."""
    from azmlflow.localazure.process import daemon

    project = _project(invocation)
    was = entering.running(project)
    if was:
        daemon.stop(project.local)
    invocation.result({"running": False, "stopped": was}, "stopped" if was else "it was not running")


@command.command(cls=Command, examples=("azmlflow local status", "azmlflow local status -o json"))
@common
def status(invocation: Invocation) -> None:
    """Say whether it runs, and where it keeps its things."""
    _tell(invocation, _project(invocation))


@command.command(cls=Command, examples=("azmlflow local logs", "azmlflow local logs --lines 200 --follow"))
@click.option(
    "--lines", "-n", type=click.IntRange(min=0), default=50, show_default=True, help="How many lines, from the end."
)
@click.option("--follow", "-f", is_flag=True, help="Go on as it writes, until Ctrl-C.")
@common
def logs(invocation: Invocation, lines: int, follow: bool) -> None:
    """Show its log."""
    path = _project(invocation).local / "daemon.log"
    if not path.exists():
        raise CliError(
            "there is no log: the embedded Azure never ran here", where=str(path), next="azmlflow local start"
        )
    with path.open(encoding="utf-8", errors="replace") as file:
        tail = [line.rstrip("\n") for line in collections.deque(file, maxlen=lines)]
        invocation.result({"path": str(path), "lines": tail}, "\n".join(tail))
        while follow:
            fresh = file.readline()
            if fresh:
                click.echo(fresh.rstrip("\n"))
            else:
                time.sleep(0.3)


@command.command(cls=Command, examples=("azmlflow local reset", "azmlflow local reset --yes"))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@common
def reset(invocation: Invocation, yes: bool) -> None:
    """Throw away all that it holds.

    Pulumi's state and the grants of the local stacks go with it.
    """
    from azmlflow.localazure.process import daemon

    project = _project(invocation)
    _confirm_reset(invocation, project, yes)
    daemon.reset(project.local)
    # State that speaks of resources which are no more would fail every later command.
    for folder in (project.backend, project.state / "holders"):
        shutil.rmtree(folder, ignore_errors=True)
    for name in _drop_grants(project):
        invocation.say(
            f"stack {name}: its grants are gone from {project.settings_path(name).name}, as is whom they named"
        )
    invocation.result({"reset": True}, "the embedded Azure is empty\nnext: azmlflow up")


def _drop_grants(project: Project) -> tuple[str, ...]:
    """Take the grants out of the local stacks' settings: a new directory has other object ids."""
    found: list[str] = []
    for name in project.stacks():
        file = read_stack(project, name)
        if file.local and file.get("grants"):
            write_settings(project, name, {"grants": None})
            found.append(name)
    return tuple(found)


def _confirm_reset(invocation: Invocation, project: Project, yes: bool) -> None:
    invocation.say("this goes, for good:")
    for folder in (project.local, project.backend):
        invocation.say(f"  - {folder}")
    if yes:
        return
    if not sys.stdin.isatty():
        raise CliError("`local reset` asks first, and nobody is there to answer", next="azmlflow local reset --yes")
    if not click.confirm("go on?", err=True):
        raise CliError("not reset", next="azmlflow local status")


command.add_command(faults)
command.add_command(group)
command.add_command(limits)
command.add_command(repair)


@command.group()
def user() -> None:
    """Users of its directory, whom `run --as` and `grant` know."""


@user.command(cls=Command, name="add", examples=("azmlflow local user add carol@local.test",))
@click.argument("name", metavar="NAME@DOMAIN")
@click.option("--display-name", metavar="TEXT", help="Name for people; default the part before the @.")
@common
def add(invocation: Invocation, name: str, display_name: str | None) -> None:
    """Add a user."""
    directory = _directory(invocation)
    made = directory.add(name, display_name)
    invocation.result(_plain(made), f"added {made['userPrincipalName']} ({made['id']})")


@user.command(cls=Command, name="list", examples=("azmlflow local user list",))
@common
def list_(invocation: Invocation) -> None:
    """List the users."""
    users = _directory(invocation).users()
    invocation.result(
        [_plain(entry) for entry in users],
        "\n".join(f"{entry['userPrincipalName']:<32} {entry['id']}  {entry['displayName']}" for entry in users),
    )


@user.command(cls=Command, name="remove", examples=("azmlflow local user remove carol@local.test",))
@click.argument("name", metavar="NAME@DOMAIN", shell_complete=completing.local_user)
@common
def remove(invocation: Invocation, name: str) -> None:
    """Remove a user; role assignments stay, as on Azure."""
    _directory(invocation).remove(name)
    invocation.result({"removed": name}, f"removed {name}")


def _directory(invocation: Invocation) -> LocalUsers:
    from azmlflow.cli.local.directory import LocalUsers

    project = _project(invocation)
    entering.start(project, invocation.say)
    return LocalUsers(project)


def _plain(entry: dict[str, str]) -> dict[str, str]:
    return {"id": entry["id"], "userPrincipalName": entry["userPrincipalName"], "displayName": entry["displayName"]}


def _tell(invocation: Invocation, project: Project) -> None:
    from azmlflow.localazure.cloud.skipped import left_out
    from azmlflow.localazure.process import daemon

    found = daemon.status(project.local) if project.local.exists() else None
    log = Path(project.local / "daemon.log")
    if found is None:
        invocation.result({"running": False, "state": str(project.local)}, "stopped\nnext: azmlflow local start")
        return
    broken = left_out(project.local)
    invocation.result(
        {
            "running": True,
            "pid": found.pid,
            "proxyPort": found.proxy_port,
            "identityPort": found.identity_port,
            "state": str(project.local),
            "log": str(log),
            "leftOut": [{"name": name, "fault": fault} for name, fault in broken],
        },
        "\n".join(
            (
                f"running (pid {found.pid}), proxy on 127.0.0.1:{found.proxy_port}",
                f"  state {project.local}",
                f"  log   {log}",
                *(f"  broken and left out: {name} ({fault})" for name, fault in broken),
            )
        ),
    )
