"""`azmlflow revoke`: takes a persona from a principal, in the settings and in Azure."""

from __future__ import annotations

import click

from azmlflow.cli import grants
from azmlflow.cli.errors import CliError
from azmlflow.cli.hold import finish, hold
from azmlflow.cli.invocation import Command, Invocation, common
from azmlflow.cli.mending import clear_the_way
from azmlflow.cli.people import assigned
from azmlflow.cli.session import Session, open_session
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.roles import persona


@click.command(
    cls=Command,
    examples=("azmlflow revoke alice@local.test tracker", "azmlflow revoke alice@local.test    # every persona"),
)
@click.argument("principal")
@click.argument("unwanted", metavar="[PERSONA]", required=False)
@common
def command(invocation: Invocation, principal: str, unwanted: str | None) -> None:
    """Take a persona from a principal, or every one that the stack gave."""
    name = persona(unwanted).name if unwanted else None
    invocation.ports.warm()
    session = open_session(invocation)
    session.settings()
    with hold(session.project, session.name, f"azmlflow revoke {principal}") as holder:
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        where = grants.planned_place(session, stack)
        present = grants.listed(session)
        gone = _meant(session, present, principal, name)
        session = grants.save(session, [grant for grant in present if grant not in gone])
        applied = grants.Applied((), ())
        if stack.state().resources:
            applied = grants.apply(session, stack, grants.targets(session, where, gone))
        certain = grants.wait(
            lambda: not any(assigned(invocation.ports, where, grant) for grant in gone),
            invocation.say,
            what="the role assignment to go",
            sleep=invocation.ports.sleep,
        )
        finish(holder)
    grants.tell_pending(session, applied)
    if not certain:
        invocation.warn("a role assignment is still there after ten minutes; see `azmlflow status`")
    invocation.result(
        {
            "stack": session.name,
            "revoked": [grant.to_config() for grant in gone],
            "pending": [change.urn for change in applied.pending],
        },
        "\n".join(f"{grant.display_name or grant.principal_id} is no longer {grant.persona}" for grant in gone),
    )


def _meant(session: Session, present: tuple[Grant, ...], principal: str, name: str | None) -> tuple[Grant, ...]:
    """The grants to take. The settings are asked first: a principal that is gone from the directory is only there.

    Raises:
        CliError: the principal has no such grant.
    """
    word = principal.lower()
    theirs = [grant for grant in present if word in {grant.principal_id.lower(), grant.display_name.lower()}]
    if not theirs:
        person = session.invocation.ports.find_person(principal, None)
        theirs = [grant for grant in present if grant.principal_id.lower() == person.id.lower()]
    gone = tuple(grant for grant in theirs if name is None or grant.persona == name)
    if not gone:
        has = ", ".join(grant.persona for grant in theirs)
        raise CliError(
            f"`{principal}` is not {name or 'given anything'} by stack `{session.name}`"
            + (f"; it is {has}" if has else ""),
            where=str(session.file.path),
            next=f"azmlflow status --stack {session.name}",
        )
    return gone
