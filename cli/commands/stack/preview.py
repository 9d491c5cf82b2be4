"""`azmlflow preview`: what `up` would change, without changing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from azmlflow.cli.mending import instances
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Outcome
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session import standing, unchanged
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.prices import Bill, bill

if TYPE_CHECKING:
    from azmlflow.infra.settings.settings import Settings

_GOING = ("delete", "delete-replaced", "discard", "discard-replaced")


@click.command(cls=Command, examples=("azmlflow preview", "azmlflow preview -o json | jq '.resources[].name'"))
@common
def command(invocation: Invocation) -> None:
    """Shows too what the stack costs a month while nothing runs, as an order of magnitude."""
    invocation.ports.warm()
    session = open_session(invocation, make_local=True)
    settings = session.settings()
    session.enter()
    stack = session.stack()
    if not stack.exists():
        stack.create()
    state = stack.state()
    with progress.drawing(f"looking at stack {session.name}"):
        outcome = unchanged.outcome(session, state) or stack.preview()
    found, refused, price = standing.of(session, state), _refused(session, state, outcome), _price(outcome)
    apart = [] if session.project.own_program else _apart(session, state, settings)
    mended = "" if found.foreign else "; `up` puts it right"
    beside = [f"  ! {line}{mended}" for line in found.says()]
    beside += [f"  ! {line}" for line in found.stops()]
    beside += [f"  ~ {line}" for line in apart]
    invocation.result(
        {
            "stack": session.name,
            "changes": dict(outcome.summary),
            "resources": [
                {"name": c.name, "type": c.type, "operation": c.operation, "properties": list(c.keys)}
                for c in outcome.loud
            ],
            "elsewhere": list(found.says()),
            "inTheWay": list(found.stops()),
            "apart": apart,
            "refused": refused,
            "price": price.document(),
        },
        lambda: _text(session.name, outcome, beside, refused, price),
    )


def _price(outcome: Outcome) -> Bill:
    """What stands after an `up` costs while idle."""
    return bill((each.type, each.inputs) for each in outcome.changes if each.custom and each.operation not in _GOING)


def _refused(session: Session, state: State, outcome: Outcome) -> list[str]:
    """What Azure would refuse of the changes, as far as it can be asked now: VM sizes that the region has not, models
    that are not there."""
    from azmlflow.cli.checks.base import Situation
    from azmlflow.cli.checks.cloud import SIZES
    from azmlflow.cli.checks.doctor import examine
    from azmlflow.cli.checks.serving import SERVING

    changed = {change.type.rpartition(":")[2] for change in outcome.loud}
    asked = [check for check, type_ in ((SIZES, "Compute"), (SERVING, "OnlineDeployment")) if type_ in changed]
    if not asked:
        return []
    situation = Situation(session, state.outputs, session.invocation.ports.environment, state=state)
    return [each.finding.says for each in examine(situation, asked) if each.finding.status == "failed"]


def _apart(session: Session, state: State, settings: Settings) -> list[str]:
    """What `up` changes beside the engine: idle time and schedules of compute instances."""
    workspace = state.outputs.get("workspaceId")
    if not settings.instances or not isinstance(workspace, str):
        return []
    arm = session.invocation.ports.open_arm()
    return [change.says for change in instances.changes(arm, workspace, settings.instances)]


def _text(stack: str, outcome: Outcome, beside: list[str], refused: list[str], price: Bill) -> str:
    lines = [*beside, *map(progress.plan_line, outcome.loud)]
    if not lines:
        return "\n".join((f"stack {stack}: no changes", *price.text()))
    return "\n".join(
        [
            f"stack {stack}: {len(lines)} change{'s' if len(lines) != 1 else ''}",
            *lines,
            *(f"  ! {line}: `up` would fail" for line in refused),
            *price.text(),
            f"next: edit Pulumi.{stack}.yaml" if refused else f"next: azmlflow up --stack {stack}",
        ]
    )
