"""`azmlflow revoke`: takes a persona from a principal, in the settings and in Azure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, get_args

import click

from azmlflow.cli.access import assignments, grants, principals
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending.mending import held
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import Session, open_session
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.roles import combined

if TYPE_CHECKING:
    from azmlflow.infra.plan.identifiers import Assignment, Place


@click.command(
    cls=Command,
    examples=(
        "azmlflow revoke alice@local.test tracker",
        "azmlflow revoke alice@local.test    # every persona",
        "azmlflow revoke data-scientists viewer --scope group",
    ),
)
@click.argument("principal")
@click.argument("unwanted", metavar="[PERSONA]", required=False)
@click.option("--scope", type=click.Choice(get_args(GrantScope)), help="Only what was granted there.")
@common
def command(invocation: Invocation, principal: str, unwanted: str | None, scope: str | None) -> None:
    """PRINCIPAL is what `grant` takes, or the name that `status` shows.
    A role assignment that somebody else made stays: it is named.
    """
    names = tuple(each.name for each in combined(unwanted)) if unwanted else ()
    invocation.ports.warm()
    session = open_session(invocation)
    with held(session, f"azmlflow revoke {principal}") as stack:
        where = grants.planned_place(session, stack)
        present = session.settings().grants
        gone = _meant(session, where, present, principal, names=names, scope=scope)
        stay = [grant for grant in present if grant not in gone]
        arm = invocation.ports.open_arm()
        left = {each.key for each in where.assignments(stay)}
        going = [each for each in where.assignments(gone) if each.key not in left and arm.role_assignment(each.id)]
        _check_right(session, where, going)
        session = grants.save(session, stay)
        applied = grants.Applied((), ())
        if stack.state().resources:
            applied = grants.apply(session, stack, grants.targets(session, where, gone))
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
        "\n".join(_line(grant) for grant in gone),
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


def _check_right(session: Session, where: Place, going: Sequence[Assignment]) -> None:
    """See that we may delete the assignments.

    Raises:
        CliError: we may not; the error names who could.
    """
    if not going:
        return
    ports = session.invocation.ports
    arm = ports.open_arm()
    name_of = assignments.namer(lambda object_id: ports.find_person(object_id, None).name)
    needs = [(assignments.MAY_TAKE, each.scope) for each in going]
    assignments.check_right(arm, assignments.read(arm, where), needs, name_of)


def _meant(
    session: Session,
    where: Place,
    present: tuple[Grant, ...],
    principal: str,
    *,
    names: Sequence[str],
    scope: str | None,
) -> tuple[Grant, ...]:
    """The grants to take. The settings are asked first: a principal that is gone from the directory is only there.

    Raises:
        CliError: the principal has no such grant.
    """
    word = principal.lower()
    theirs = [grant for grant in present if word in {grant.principal_id.lower(), grant.display_name.lower()}]
    if not theirs:
        person = principals.resolve(session.invocation.ports, where, principal, None)
        theirs = [grant for grant in present if grant.principal_id.lower() == person.id.lower()]
    gone = tuple(
        grant for grant in theirs if (not names or grant.persona in names) and (scope is None or grant.scope == scope)
    )
    if not gone:
        has = ", ".join(f"{grant.persona}{' at the group' if grant.scope == 'group' else ''}" for grant in theirs)
        raise CliError(
            f"`{principal}` is not {' or '.join(names) or 'given anything'} by stack `{session.name}`"
            + (f"; it is {has}" if has else ""),
            where=str(session.file.path),
            next=f"azmlflow status --stack {session.name}",
        )
    return gone
