"""`azmlflow preview`: what `up` would change, without changing it."""

from __future__ import annotations

import click

from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.session import standing
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session
from azmlflow.cli.session.standing import Standing


@click.command(cls=Command, examples=("azmlflow preview", "azmlflow preview -o json | jq '.resources[].name'"))
@common
def command(invocation: Invocation) -> None:
    invocation.ports.warm()
    session = open_session(invocation, make_local=True)
    session.settings()
    session.enter()
    stack = session.stack()
    if not stack.exists():
        stack.create()
    with progress.drawing(f"looking at stack {session.name}"):
        outcome = stack.preview()
    found = standing.of(session, stack.state())
    invocation.result(
        {
            "stack": session.name,
            "changes": dict(outcome.summary),
            "resources": [
                {"name": c.name, "type": c.type, "operation": c.operation, "properties": list(c.keys)}
                for c in outcome.loud
            ],
            "elsewhere": list(found.says()),
        },
        lambda: _text(session.name, outcome, found),
    )


def _text(stack: str, outcome: Outcome, found: Standing) -> str:
    lines = [*(f"  ! {line}; `up` puts it right" for line in found.says()), *map(progress.plan_line, outcome.loud)]
    if not lines:
        return f"stack {stack}: no changes"
    return "\n".join(
        [
            f"stack {stack}: {len(lines)} change{'s' if len(lines) != 1 else ''}",
            *lines,
            f"next: azmlflow up --stack {stack}",
        ]
    )
