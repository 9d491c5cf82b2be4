"""`azmlflow reach`: who reaches what of the stack: the network, not the permission."""

from __future__ import annotations

from pathlib import Path

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session import reaching
from azmlflow.cli.session.invocation import Command, Invocation, answering
from azmlflow.cli.session.session import Session, open_session
from azmlflow.reach import page
from azmlflow.reach.matrix import Matrix, called, matrix
from azmlflow.reach.records import INTERNET, InvalidOrigin, Origin


@click.command(
    cls=Command,
    examples=(
        "azmlflow reach",
        "azmlflow reach --explain",
        "azmlflow reach --address 198.51.100.7 --explain",
        "azmlflow reach --output html --file reach.html",
    ),
)
@click.option("--explain", is_flag=True, help="Of each pair the reason, and the setting that would open it.")
@click.option("--address", metavar="ADDRESS", help="Your internet address, as firewalls see it; else nobody's.")
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result there instead of on standard output.",
)
@answering("text", "json", "html")
def command(invocation: Invocation, explain: bool, address: str | None, path: Path | None) -> None:
    """A row for each endpoint of the workspace and what it stands on; a column for the internet, one for each virtual
    network that the stack's private endpoints or computes stand in, and one for computes without a subnet. Whether one
    may do something once there is told by `azmlflow access`.
    """
    try:
        internet = Origin.parse(f"internet:{address}") if address else INTERNET
    except InvalidOrigin as fault:
        raise click.UsageError(f"--address: {fault}") from None
    session = open_session(invocation)
    outputs = session.outputs()
    invocation.ports.visit(session.project, session.file, invocation.say)
    found = reaching.look(invocation.ports.open_arm(), outputs.workspace_id)
    if found is None:
        raise CliError(
            f"workspace {outputs.workspace_name} is not there", next=f"azmlflow status --stack {session.name}"
        )
    for each in found.unread:
        invocation.warn(f"not read, and so taken for not there: {each}")
    table = matrix(found.facts, (internet, *found.inside()), found.endpoints)
    invocation.give(_form(session, table, explain), path)


def _form(session: Session, table: Matrix, explain: bool) -> str:
    match session.invocation.output:
        case "json":
            return _json(table)
        case "html":
            return page.page(table, session.name)
    if explain:
        return "\n\n".join(_explained(table))
    told = session.invocation.as_typed(f"azmlflow reach --explain --stack {session.name}")
    return f"{_signs(table)}\nwhy, and what would open it: {told}"


def _json(table: Matrix) -> str:
    import json

    cells = [
        {
            "from": str(origin),
            "to": row.endpoint.service,
            "resource": row.endpoint.resource_id,
            "host": row.endpoint.host,
            "allowed": cell.allowed,
            "way": cell.way,
            "reason": cell.reason,
            "setting": cell.setting or None,
        }
        for row in table.rows
        for origin, cell in zip(table.origins, row.cells, strict=True)
    ]
    return json.dumps({"origins": [str(each) for each in table.origins], "cells": cells}, indent=2)


def _signs(table: Matrix) -> str:
    networks = [each for each in table.origins if each.kind == "network"]
    numbers = {each: f" {number}" if len(networks) > 1 else "" for number, each in enumerate(networks, 1)}
    words = {"internet": "internet", "network": "network", "managed": "computes"}
    heads = [f"{words[each.kind]}{numbers.get(each, '')}" for each in table.origins]
    titles = [f"{row.endpoint.service} {row.endpoint.name}" for row in table.rows]
    width = max(len("reached from"), *map(len, titles))
    lines = ["  ".join([f"{'reached from':<{width}}", *heads])]
    for title, row in zip(titles, table.rows, strict=True):
        cells = ["yes" if cell.allowed else "-" for cell in row.cells]
        pairs = zip(cells, heads, strict=True)
        lines.append("  ".join([f"{title:<{width}}", *(f"{cell:<{len(head)}}" for cell, head in pairs)]).rstrip())
    named = [f"network{numbers[each]}: {each.where.rpartition('/')[2]}" for each in networks]
    return "\n".join([*lines, *named, "computes: those without a subnet"])


def _explained(table: Matrix) -> list[str]:
    found = []
    for row in table.rows:
        lines = [row.title]
        for origin, cell in zip(table.origins, row.cells, strict=True):
            opens = f"; opened by {cell.setting}" if cell.setting else ""
            lines.append(f"  from {called(origin)}: {'yes' if cell.allowed else 'no'}, {cell.reason}{opens}")
        found.append("\n".join(lines))
    return found
