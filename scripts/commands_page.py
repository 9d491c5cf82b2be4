"""docs/commands.md, made from the command line itself: every command's help, as `--help` shows it in 80 columns."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import click

from azmlflow.cli.main import cli

_HEAD = """\
# Commands

Made from the commands' own help; not to be edited by hand.
"""
_COLUMNS = 80


def page() -> str:
    """The whole page."""
    root = click.Context(cli, info_name="azmlflow", terminal_width=_COLUMNS, **cli.context_settings)
    return "\n".join([_HEAD, _block(_help(cli, root)), *_below(cli, root)])


def _below(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        here = click.Context(command, parent=context, info_name=name, terminal_width=_COLUMNS)
        yield f"{'#' * min(here.command_path.count(' ') + 1, 3)} {here.command_path}\n"
        yield _block(_help(command, here))
        if isinstance(command, click.Group):
            yield from _below(command, here)


def _help(command: click.Command, context: click.Context) -> str:
    """Its help in this context alone: click keeps the `--help` of the first one that a command was asked in."""
    fresh = copy.copy(command)
    fresh._help_option = None
    return fresh.get_help(context)


def _block(text: str) -> str:
    return f"```text\n{text.rstrip()}\n```\n"
