"""`azmlflow fleet`: one command for many stacks, side by side, from fleet.yaml."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import click

from azmlflow.cli.fleet import crew
from azmlflow.cli.fleet.crew import Fate
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.side_by_side import drawing
from azmlflow.cli.project import fleet
from azmlflow.cli.project.fleet import Member
from azmlflow.cli.project.project import Project
from azmlflow.cli.project.selection import find_project
from azmlflow.cli.session.invocation import Command, Invocation, common

_WIDTH, _WIDEST = 4, 32


@click.group()
def command() -> None:
    """Each workspace is a stack of this checkout, with a process of its own: one failure leaves the others whole, and
    the command typed again goes on.
    """


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    only = click.option("--only", multiple=True, metavar="GLOB", help="Of these stacks only; may be repeated.")
    width = click.option(
        "--width", type=click.IntRange(1, _WIDEST), default=_WIDTH, show_default=True, help="How many at a time."
    )
    return common(width(only(function)))


@command.command(cls=Command, examples=("azmlflow fleet up", "azmlflow fleet up --only 'search-*' --width 8"))
@click.option("--yes", "-y", is_flag=True, help="Do not stop where something that holds no data would be deleted.")
@_options
def up(invocation: Invocation, only: tuple[str, ...], width: int, yes: bool) -> None:
    """Write the settings of each, and stand it up or bring it in line with them."""
    _do(invocation, "up", only, width, ["--yes"] if yes else [], written=True)


@command.command(cls=Command, examples=("azmlflow fleet preview", "azmlflow fleet preview -o json"))
@_options
def preview(invocation: Invocation, only: tuple[str, ...], width: int) -> None:
    """Write the settings of each, and show how much `fleet up` would change, and what each costs while idle."""
    _do(invocation, "preview", only, width, [], written=True)


@command.command(cls=Command, examples=("azmlflow fleet status", "azmlflow fleet status -o json"))
@_options
def status(invocation: Invocation, only: tuple[str, ...], width: int) -> None:
    """Show what stands of each."""
    _do(invocation, "status", only, width, [])


@command.command(cls=Command, examples=("azmlflow fleet down --only 'search-*'", "azmlflow fleet down --yes"))
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@_options
def down(invocation: Invocation, only: tuple[str, ...], width: int, yes: bool) -> None:
    """Remove everything that each made, for good; fleet.yaml and the stacks' settings stay."""
    count = len(fleet.read(find_project(), only))
    if not yes:
        what = f"{count} workspaces go, for good, with all that is in them"
        if not sys.stdin.isatty():
            raise CliError(what, next="azmlflow fleet down --yes")
        invocation.warn(what)
        typed = click.prompt(f"type how many go ({count})", err=True, default="", show_default=False)
        if typed.strip() != str(count):
            raise CliError("nothing is removed: the number typed is another", next="azmlflow fleet status")
    _do(invocation, "down", only, width, ["--yes"])


def _do(
    invocation: Invocation,
    verb: str,
    only: Sequence[str],
    width: int,
    options: list[str],
    *,
    written: bool = False,
) -> None:
    project = find_project()
    members = fleet.read(project, only)
    environment = dict(invocation.ports.environment)

    def run(member: Member, tell: Callable[[str], None]) -> dict[str, Any]:
        if written:
            member.write(project)
        elif not project.settings_path(member.stack).exists():
            return {"stack": member.stack, "stands": False}
        return _kept(crew.command([verb, "--stack", member.stack, *options], environment, tell))

    view = drawing(invocation.say, len(members), name=lambda each: each.stack, row=_row, line=_line)
    with view as on_change:
        ends = crew.work(members, run, width=width, on_change=on_change)
    _report(invocation, project, verb, ends)


def _kept(result: dict[str, Any]) -> dict[str, Any]:
    """Of a command's answer what the summary tells: a fleet may be large."""
    names = (
        "changes",
        "seconds",
        "stands",
        "unfinished",
        "elsewhere",
        "left",
        "protected",
        "workspaceName",
        "resourceGroup",
    )
    found = {name: result[name] for name in names if name in result}
    if "price" in result:
        found["price"] = {name: result["price"].get(name) for name in ("month", "currency", "date", "unknown")}
    return found


def _report(invocation: Invocation, project: Project, verb: str, ends: Sequence[Fate]) -> None:
    bad = [end for end in ends if end.state == "failed"]
    invocation.result(
        {
            "fleet": str(project.root / fleet.NAME),
            "command": verb,
            "done": len(ends) - len(bad),
            "failed": len(bad),
            "workspaces": [{**asdict(end), "seconds": round(end.seconds, 1)} for end in ends],
        },
        lambda: _table(ends),
    )
    if bad:
        names = ", ".join(end.stack for end in bad[:5]) + (f" and {len(bad) - 5} more" if len(bad) > 5 else "")
        raise CliError(
            f"{len(bad)} of {len(ends)} workspaces failed: {names}",
            where=str(project.root / fleet.NAME),
            next=bad[0].next or f"azmlflow fleet {verb}    (it goes on from here)",
        )


def _table(ends: Sequence[Fate]) -> str:
    if not ends:
        return "the fleet has no workspaces"
    wide = max(len(end.stack) for end in ends)
    return "\n".join(f"  {end.stack:<{wide}}  {end.state:<6} {end.seconds:7.1f} s  {_says(end)}" for end in ends)


def _says(end: Fate) -> str:
    if end.state == "failed":
        return end.says.splitlines()[0] if end.says else ""
    said: list[str] = []
    if "changes" in end.result:
        counts = {word: count for word, count in end.result["changes"].items() if word != "same"}
        said.append(", ".join(f"{count} {word}" for word, count in counts.items()) or "nothing to change")
    if "stands" in end.result:
        said.append("stands" if end.result["stands"] else "nothing stands")
    if end.result.get("elsewhere"):
        said.append(f"{len(end.result['elsewhere'])} differ")
    said += [f"{each['kind']} {each['name']} stays until {each['until']}" for each in end.result.get("protected") or ()]
    if price := end.result.get("price"):
        more = " and what is unknown" if price.get("unknown") else ""
        said.append(f"idle about {price['month']:g} {price['currency']} a month{more}")
    return "; ".join(said)


def _row(fate: Fate) -> str:
    return f"  … {fate.stack:<30} {fate.says}"


def _line(end: Fate) -> str:
    sign = click.style("  ✓ ", fg="green") if end.state == "done" else click.style("  ✗ ", fg="red")
    return f"{sign}{end.stack:<30} {end.seconds:6.1f} s  {_says(end)}"
