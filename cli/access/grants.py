"""Grants in a stack's settings, and their application: only the grant's own resources, then a wait until in force.

The settings are what counts: the grant is written there first, by object id, so that a later `up` agrees with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import differences
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Change, Outcome
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import Session, standing
from azmlflow.rbac.grants import Grant

if TYPE_CHECKING:
    from azmlflow.infra.plan.identifiers import Place

# Microsoft: role assignments take up to 10 minutes to be in force everywhere.
LONGEST_WAIT = 600.0
# A principal that the directory has just made is unknown to Azure Resource Manager for a while.
LONGEST_REPLICATION = 300.0
_BETWEEN_WORDS = 10.0


@dataclass(frozen=True)
class Applied:
    """What applying a grant came to.

    Attributes:
        changes: what the engine did.
        pending: changes of other resources that wait for an `up`.
    """

    changes: tuple[Change, ...]
    pending: tuple[Change, ...]


def merged(present: Sequence[Grant], new: Sequence[Grant]) -> tuple[Grant, ...]:
    """The grants with new ones among them: one for the same principal, persona and scope takes the old one's place."""
    by_key = {grant.key: grant for grant in new}
    kept = tuple(by_key.pop(grant.key, grant) for grant in present)
    return (*kept, *by_key.values())


def save(session: Session, wanted: Sequence[Grant]) -> Session:
    """Write the grants into the settings file; the session with the new settings."""
    file = write_settings(session.project, session.name, {"grants": [grant.to_config() for grant in wanted]})
    return replace(session, file=file)


def place(session: Session, stack: Stack) -> Place:
    """The workspace that the grants are on.

    Raises:
        CliError: the stack does not stand.
    """
    outputs = stack.state().outputs
    standing(session.name, outputs)
    return planned_place(session, stack)


def planned_place(session: Session, stack: Stack) -> Place:
    """The workspace that the grants are on, or will be: a stack that came up only in part can be revoked on."""
    outputs = stack.state().outputs
    return session.settings().place(session.names(outputs), session.subscription(outputs))


def targets(session: Session, where: Place, changed: Sequence[Grant]) -> tuple[str, ...]:
    """URNs of the role definitions and assignments of grants."""
    planned = (*where.roles(changed), *(each.planned() for each in where.assignments(changed, adopted=True)))
    return tuple(dict.fromkeys(each.urn(session.name, session.project.name) for each in planned))


def apply(session: Session, stack: Stack, urns: Sequence[str], also: Sequence[str] = ()) -> Applied:
    """Apply only these resources, and tell what else waits: by the engine's preview, where anything else does.

    Args:
        session: the stack's session.
        stack: the stack.
        urns: what may change.
        also: what goes along even where nothing but its options change, which no preview tells.
    """
    differing = None if session.project.own_program else differences.differing(session, stack.state())
    mine, others = [urn for urn in urns if urn in (differing or ())], tuple[Change, ...]()
    if differing is None or not differing.issubset(urns):
        with progress.drawing(f"looking at stack {session.name}"):
            plan = stack.preview()
        mine = [change.urn for change in plan.loud if change.urn in urns]
        others = tuple(change for change in plan.loud if change.urn not in urns)
    if not mine and not also:
        return Applied((), others)
    outcome = _patiently(session, stack, tuple(dict.fromkeys((*also, *mine))))
    return Applied(outcome.loud, others)


def _patiently(session: Session, stack: Stack, urns: Sequence[str]) -> Outcome:
    """Apply; while Azure doesn't know the principal yet (`PrincipalNotFound`), wait and try again.

    Raises:
        CliError: the engine's own, and Azure's when five minutes have not helped.
    """
    waited, pause = 0.0, 2.0
    while True:
        try:
            with progress.drawing(f"changing access on stack {session.name}") as on_change:
                return stack.up(on_change, targets=urns)
        except CliError as fault:
            if "principalnotfound" not in fault.what.lower() or waited >= LONGEST_REPLICATION:
                raise
        session.invocation.say(f"waiting for Azure to learn of the principal ({waited:.0f} s so far) ...")
        session.invocation.ports.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 30.0)


def warn_of_built_in(invocation: Invocation, personas: Iterable[str]) -> None:
    """In the profile `built-in`: say what the role that stands for each persona grants too much, and what it lacks."""
    from azmlflow.rbac.profiles import compare
    from azmlflow.rbac.roles import persona

    for name in dict.fromkeys(personas):
        nearest = compare(persona(name))
        invocation.warn(
            f"{name} is the built-in role `{nearest.role}` here, which also allows to: {'; '.join(nearest.too_much)}"
            + (f"; it lacks {', '.join(nearest.missing)}" if nearest.missing else "")
        )


def take_over_roles(session: Session, stack: Stack, where: Place, wanted: Sequence[Grant]) -> None:
    """Take roles of ours that are in Azure but not in the state into it: the provider refuses to create what exists.

    A role stays behind when the last grant of its persona goes while somebody else's assignment of it is there.
    """
    state = stack.state()
    name, project = session.name, session.project.name
    lost = [each for each in where.roles(wanted) if not state.has(each.urn(name, project))]
    if not lost:
        return
    from azmlflow.cli.mending.recover import Wanted, take_over
    from azmlflow.cli.pulumi.sdk import azure_native_version
    from azmlflow.infra.plan.tags import owner

    take_over(
        stack,
        session.invocation.ports.open_arm(),
        [Wanted(one.type, one.name, one.id, one.urn(name, project), one.parent_urn(name, project)) for one in lost],
        version=azure_native_version(),
        owned=lambda _: True,  # a role's GUID follows from the group and the persona: it is nobody else's
        owner=owner(project, name),
        say=lambda _: session.invocation.say("taking over the role of a persona, which is in Azure already"),
    )


def tell_before_up(session: Session, state: State) -> None:
    """Say what roles of the profile `built-in` allow too much, and which grants this `up` takes away as ended."""
    today, present = session.invocation.ports.today(), session.settings().grants
    if session.settings().role_profile == "built-in":
        warn_of_built_in(session.invocation, [grant.persona for grant in present if grant.in_force(today)])
    given = {(str(e.get("principalId")), e.get("persona"), e.get("scope")) for e in state.outputs.get("grants") or ()}
    for grant in present:
        if not grant.in_force(today) and grant.key in given:
            session.invocation.say(
                f"{grant.display_name or grant.principal_id} is no longer {grant.persona}: "
                f"the grant's last day was {grant.until}"
            )


def drop_ended(session: Session) -> None:
    """After an `up`: what has ended and was taken away is in the settings no more."""
    today, present = session.invocation.ports.today(), session.settings().grants
    ended = [grant for grant in present if not grant.in_force(today)]
    for grant in ended:
        session.invocation.say(
            f"out of {session.file.path.name}: {grant.persona} of {grant.display_name or grant.principal_id}, "
            f"which ended {grant.until}"
        )
    if ended:
        save(session, [grant for grant in present if grant.in_force(today)])


def adopt_and_release(session: Session, stack: Stack, state: State) -> Session:
    """Before an `up`: rely on what somebody else has assigned meanwhile, and no longer on what they took away again.

    Without new or adopted grants nothing is asked; nor before anything stands, but for roles on a given account.

    Returns:
        The session, with the new settings where they had to change.

    Raises:
        CliError: another role has the name of one that is needed, or there is no room for more assignments.
    """
    today, present = session.invocation.ports.today(), session.settings().grants
    where = planned_place(session, stack)
    shared = str(where.storage_account or "").startswith("/")  # a person may have another stack's roles there
    if "workspaceId" not in state.outputs and not (present and shared):
        return session
    from azmlflow.cli.access import assignments
    from azmlflow.infra.plan.tags import owner

    def made(grant: Grant) -> bool:
        planned = (each.planned() for each in where.assignments((grant,)))
        return all(state.has(each.urn(session.name, session.project.name)) for each in planned)

    wanted = tuple(grant for grant in present if grant.in_force(today))
    if all(made(grant) and not grant.adopted for grant in wanted):
        return session
    arm, ours = session.invocation.ports.open_arm(), owner(session.project.name, session.name)
    listing = assignments.read(arm, where)
    assignments.check_names(arm, where, wanted)
    assignments.check_room(listing, where.assignments(wanted), session.invocation.warn)
    with_adopted = assignments.adopt(arm, where, assignments.release(arm, wanted), listing, ours)
    take_over_roles(session, stack, where, with_adopted)
    grants = merged(present, with_adopted)
    return session if grants == present else save(session, grants)


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
        say: hears that there is a wait, and every ten seconds how long it has been.
        what: what is waited for.
        sleep: waits.
        longest: seconds to wait in all.

    Returns:
        False when the time is over without a yes.
    """
    waited, pause, last_word = 0.0, 0.25, 0.0
    while not asks():
        if waited >= longest:
            return False
        if waited < 1 <= waited + pause:
            say(f"waiting for Azure: {what} (this can take minutes) ...")
        elif waited >= last_word + _BETWEEN_WORDS:
            last_word = waited
            say(f"  still waiting, {waited:.0f} s: asked again every {pause:.0f} s")
        sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 5.0)
    return True
