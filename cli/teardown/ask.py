"""What a removal asks of people before, and tells them after."""

from __future__ import annotations

import sys

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown.outcome import Left


def confirm(what: str, name: str, again: str) -> None:
    """Have the name typed back.

    Raises:
        CliError: nobody is there to type it, or it is another.
    """
    if not sys.stdin.isatty():
        words = again.replace("azmlflow down --stack local", "azmlflow down")
        raise CliError("`down` asks before it removes, and nobody is there to answer", next=f"{words} --yes")
    typed = click.prompt(f"type the {what}'s name ({name}) to remove it", err=True, default="", show_default=False)
    if typed.strip() != name:
        raise CliError("not removed: the name typed is another", next=again)


def text(what: str, left: tuple[Left, ...]) -> str:
    """The residue report for people."""
    if not left:
        looked = "groups, soft-deleted things, role definitions and assignments, Pulumi state, files"
        return click.style(f"{what} is gone: nothing left", fg="green", bold=True) + f"  (looked at: {looked})"
    lines = [f"  {entry.kind} {entry.name}{f': {entry.why}' if entry.why else ''}" for entry in left]
    return "\n".join([f"{what}: left behind", *lines])


def leftover(what: str, left: tuple[Left, ...], again: str) -> CliError:
    """The error of a removal that leaves something."""
    return CliError(
        f"{len(left)} thing{'s are' if len(left) > 1 else ' is'} left of {what}", where=left[0].where, next=again
    )
