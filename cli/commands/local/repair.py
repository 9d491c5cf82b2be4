"""`azmlflow local repair`: look at all that the embedded Azure holds, and mend what is damaged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from azmlflow.cli.project.selection import find_project
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.cli.local.repair import Part


@click.command(cls=Command, examples=("azmlflow local repair", "azmlflow local repair -o json"))
@common
def repair(invocation: Invocation) -> None:
    """Look at all that it holds, and mend what is damaged.

    Databases, ports, keys, and Pulumi's state of local stacks. What can be read of a damaged file is saved, what it
    lost comes from a copy if there is one, and the damaged file is kept. The embedded Azure is stopped for it.
    """
    from azmlflow.cli.local.repair import repair as mend

    parts = mend(find_project(), datetime.now(UTC), invocation.say)
    damaged = any(each.fault is not None for each in parts)
    last = "next: azmlflow local start" if damaged else "all of it is whole"
    invocation.result([each.document() for each in parts], "\n".join([*map(_line, parts), last]))


def _line(part: Part) -> str:
    if part.fault is None:
        return f"✓ {part.words}"
    kept = f"\n    the damaged one is kept: {part.kept}" if part.kept else ""
    return f"✗ {part.words}: {part.fault}\n    {part.done}{kept}"
