"""Grants in a stack's settings, and their application: only the grant's own resources, then a wait until in force.

The settings are what counts: the grant is written there first, by object id, so that a later `up` agrees with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azmlflow.cli import progress
from azmlflow.cli.changes import Change
from azmlflow.cli.session import Session, standing
from azmlflow.cli.settings_file import write_settings
from azmlflow.cli.stack import Stack
from azmlflow.rbac.grants import Grant

if TYPE_CHECKING:
    from azmlflow.infra.identifiers import Place

# Microsoft: role assignments take up to 10 minutes to be in force everywhere.
LONGEST_WAIT = 600.0


@dataclass(frozen=True)
class Applied:
    """What applying a grant came to.

    Attributes:
        changes: what the engine did.
        pending: changes of other resources that wait for an `up`.
    """

    changes: tuple[Change, ...]
    pending: tuple[Change, ...]


def listed(session: Session) -> tuple[Grant, ...]:
    """The grants in the settings; infra's SettingsError if they are not valid."""
    return tuple(entry.record() for entry in session.settings().grants)


def same(one: Grant, other: Grant) -> bool:
    """Do two grants give the same persona to the same principal?"""
    return (one.principal_id.lower(), one.persona) == (other.principal_id.lower(), other.persona)


def save(session: Session, wanted: Sequence[Grant]) -> Session:
    """Write the grants into the settings file; the session with the new settings."""
    file = write_settings(session.project, session.name, {"grants": [grant.to_config() for grant in wanted]})
    return replace(session, file=file)


def place(session: Session, stack: Stack) -> Place:
    """The workspace that the grants are on.

    Raises:
        CliError: the stack does not stand.
    """
    from azmlflow.infra.identifiers import Place

    outputs = standing(session.name, stack.state().outputs)
    return Place(outputs.subscription_id, outputs.resource_group, outputs.workspace_name)


def planned_place(session: Session, stack: Stack) -> Place:
    """The workspace that the grants are on, or will be: a stack that came up only in part can be revoked on."""
    from azmlflow.infra.identifiers import Place

    outputs = stack.state().outputs
    names = session.names(outputs)
    return Place(session.subscription(outputs), names.resource_group, names.workspace)


def targets(session: Session, where: Place, changed: Sequence[Grant]) -> tuple[str, ...]:
    """URNs of the role definitions and assignments of grants."""
    found = [
        planned.urn(session.name, session.project.name)
        for grant in changed
        for planned in (where.role(grant.persona), where.assignment(grant))
    ]
    return tuple(dict.fromkeys(found))


def apply(session: Session, stack: Stack, urns: Sequence[str]) -> Applied:
    """Apply only these resources, and tell what else waits."""
    with progress.drawing(f"looking at stack {session.name}"):
        plan = stack.preview()
    mine = [change for change in plan.loud if change.urn in urns]
    others = tuple(change for change in plan.loud if change.urn not in urns)
    if not mine:
        return Applied((), others)
    with progress.drawing("applying the grant") as on_change:
        outcome = stack.up(on_change, targets=[change.urn for change in mine])
    return Applied(outcome.loud, others)


def tell_pending(session: Session, applied: Applied) -> None:
    """Name the changes that wait for an `up`."""
    if applied.pending:
        session.invocation.warn(f"other changes wait for `azmlflow up --stack {session.name}`:")
        for change in applied.pending:
            session.invocation.say(progress.plan_line(change))


def wait(
    asks: Callable[[], bool],
    say: Callable[[str], None],
    *,
    what: str,
    sleep: Callable[[float], None] = time.sleep,
    longest: float = LONGEST_WAIT,
) -> bool:
    """Ask until Azure says yes.

    Args:
        asks: one question.
        say: hears that there is a wait.
        what: what is waited for.
        sleep: waits.
        longest: seconds to wait in all.

    Returns:
        False when the time is over without a yes.
    """
    waited, pause = 0.0, 0.25
    while not asks():
        if waited >= longest:
            return False
        if waited < 1 <= waited + pause:
            say(f"waiting for Azure: {what} (this can take minutes) ...")
        sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 5.0)
    return True
