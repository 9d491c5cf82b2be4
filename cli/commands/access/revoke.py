"""`azmlflow revoke`: takes a persona from a principal, in the settings and in Azure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import click

from azmlflow.cli.access import assignments, completing, grants, principals, revocation
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending.mending import held
from azmlflow.cli.project.hold import note_path, read_note
from azmlflow.cli.session import relying
from azmlflow.cli.session.invocation import Command, Invocation, common, patient
from azmlflow.cli.session.session import Session, open_session
from azmlflow.rbac import scopes
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.roles import combined

if TYPE_CHECKING:
    from azmlflow.cli.access.assignments import Listing
    from azmlflow.cli.access.revocation import Had
    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.infra.plan.records import Assignment


@click.command(
    cls=Command,
    examples=(
        "azmlflow revoke alice@local.test tracker",
        "azmlflow revoke alice@local.test    # every persona",
        "azmlflow revoke data-scientists viewer --scope group",
    ),
)
@click.argument("principal", shell_complete=completing.granted)
@click.argument("unwanted", metavar="[PERSONA]", required=False, shell_complete=completing.persona)
@click.option("--scope", type=click.Choice(get_args(GrantScope)), help="Only what was granted there.")
@patient
@common
def command(invocation: Invocation, principal: str, unwanted: str | None, scope: str | None) -> None:
    """PRINCIPAL is what `grant` takes, or the name that `status` shows.
    The settings, the last `up` and Azure itself are looked at, and what stands of this stack's is ended first. A role
    assignment that somebody else made stays: it is named.
    """
    names = tuple(each.name for each in combined(unwanted)) if unwanted else ()
    invocation.ports.warm()
    session = open_session(invocation)
    words = " ".join(filter(None, ("azmlflow", "revoke", principal, unwanted, scope and f"--scope {scope}")))
    before = read_note(note_path(session.project, session.name))
    with held(session, words) as (current, stack):
        session = current
        arm, outputs = invocation.ports.open_arm(), stack.state().outputs
        where, present = grants.planned_place(session, stack), session.settings().grants
        places = revocation.Places.of(session, where, outputs)
        known = (*revocation.of_last_up(outputs), *present)
        who = revocation.called(known, principal) or _somebody(session, where, principal)
        listing = assignments.read(arm, where)
        had = revocation.look(session, arm, places, listing, known=known, who=who)
        gone = [g for g in had.grants if (not names or g.persona in names) and scope in (None, g.scope)]
        if not gone and had.grants and not (before and before.command == words):
            raise CliError(
                _not_given(session, principal, names, had),
                where=str(session.file.path),
                next=f"azmlflow status --stack {session.name}",
            )
        stay = [grant for grant in present if grant.key not in {each.key for each in gone}]
        going = tuple(revocation.going(had, places, gone, stay, session.settings().identities()))
        beside = [each for each in going if not scopes.contains(where.group_id, each.scope)]
        roles = [relying.Role(each.id, each.principal_id, each.scope) for each in beside]
        relied = relying.leave(session, stack, where.workspace_id, roles)
        going = tuple(each for each in going if each.id.lower() not in relied)
        _check_right(session, listing, going)
        session = grants.save(session, stay) if len(stay) != len(present) else session
        for each in going:
            arm.delete(each.id)
        applied = grants.Applied((), ())
        state = stack.state()
        if gone and state.resources:
            relying.leave_roles(session, stack, state, where, stay)
            applied = grants.apply(session, stack, places.urns(gone, session.name, session.project.name))
        certain = grants.wait(
            lambda: not any(arm.role_assignment(each.id) for each in going),
            invocation.say,
            what="the role assignment to go",
            sleep=invocation.ports.sleep,
        )
    grants.tell_pending(session, applied)
    if not certain:
        invocation.warn("a role assignment is still there after ten minutes; see `azmlflow status`")
    invocation.result(
        {
            "stack": session.name,
            "revoked": [grant.to_config() for grant in gone],
            "left": sorted(id_ for grant in gone for id_ in grant.adopted.values()),
            "pending": [change.urn for change in applied.pending],
        },
        lambda: (
            "\n".join(session.invocation.as_typed(_line(grant)) for grant in gone)
            or _nothing(session, principal, names, had)
        ),
    )


def _line(grant: Grant) -> str:
    who = grant.display_name or grant.principal_id
    if not grant.adopted:
        return f"{who} is no longer {grant.persona}"
    ids = " ".join(sorted(grant.adopted.values()))
    return (
        f"{who} is no longer {grant.persona} by this stack, but keeps what somebody else assigned "
        f"(and Azure keeps the role); to take that too: az role assignment delete --ids {ids}"
    )


def _nothing(session: Session, principal: str, names: Sequence[str], had: Had) -> str:
    """What to say where nothing is to be taken."""
    if had.grants:
        return f"{_not_given(session, principal, names, had)}: nothing is left to revoke"
    lines = [f"{principal} has nothing from stack {session.name}, in its settings or in Azure: nothing to revoke"]
    return "\n".join([*lines, *(f"somebody else assigned, and it stays: {id_}" for id_ in had.others)])


def _not_given(session: Session, principal: str, names: Sequence[str], had: Had) -> str:
    has = ", ".join(f"{grant.persona}{' at the group' if grant.scope == 'group' else ''}" for grant in had.grants)
    return f"`{principal}` is not {' or '.join(names) or 'given that'} by stack `{session.name}`; it is {has}"


def _check_right(session: Session, listing: Listing, going: Sequence[Assignment]) -> None:
    """See that we may delete the assignments.

    Raises:
        CliError: we may not; the error names who could.
    """
    ports = session.invocation.ports
    name_of = assignments.namer(lambda object_id: ports.find_person(object_id, None).name)
    needs = [(assignments.MAY_TAKE, each.scope) for each in going]
    assignments.check_right(ports.open_arm(), listing, needs, name_of)


def _somebody(session: Session, where: Place, principal: str) -> Grant:
    """A grant of nothing, for who it is, where neither settings nor the last `up` know the name."""
    person = principals.resolve(session.invocation.ports, where, principal, None)
    return Grant(person.id, person.type, person.name, "")
