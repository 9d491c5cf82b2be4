"""`azmlflow grant`: a persona for a principal, written into the settings and applied alone."""

from __future__ import annotations

import click

from azmlflow.cli import grants
from azmlflow.cli.hold import finish, hold
from azmlflow.cli.invocation import Command, Invocation, common
from azmlflow.cli.mending import clear_the_way
from azmlflow.cli.people import Person, in_force
from azmlflow.cli.session import open_session
from azmlflow.rbac.grants import Grant
from azmlflow.rbac.roles import persona


@click.command(
    cls=Command,
    examples=(
        "azmlflow grant alice@local.test tracker",
        "azmlflow grant data-scientists viewer",
        "azmlflow grant 00000000-0000-0000-0000-000000000000 registrar --stack prod",
    ),
)
@click.argument("principal")
@click.argument("wanted", metavar="PERSONA", required=True)
@click.option(
    "--type",
    "kind",
    type=click.Choice(["User", "Group", "ServicePrincipal"]),
    help="What PRINCIPAL is; with an object id the directory is not needed then.",
)
@common
def command(invocation: Invocation, principal: str, wanted: str, kind: str | None) -> None:
    """Give a principal a persona on the workspace.

    PRINCIPAL is a user name, mail address, display name, application id or object id. PERSONA is what the principal
    may do with MLflow: viewer, tracker, registrar, submitter or operator.
    """
    chosen = persona(wanted)
    invocation.ports.warm()
    session = open_session(invocation)
    session.settings()
    with hold(session.project, session.name, f"azmlflow grant {principal} {chosen.name}") as holder:
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        where = grants.place(session, stack)
        person = invocation.ports.find_person(principal, kind)
        grant = Grant(person.id, person.type, person.name, chosen.name)
        present = grants.listed(session)
        if not any(grants.same(grant, other) for other in present):
            session = grants.save(session, (*present, grant))
        applied = grants.apply(session, stack, grants.targets(session, where, (grant,)))
        certain = grants.wait(
            lambda: in_force(invocation.ports, session, where, grant),
            invocation.say,
            what="the grant to be in force",
            sleep=invocation.ports.sleep,
        )
        finish(holder)
    grants.tell_pending(session, applied)
    if not certain:
        invocation.warn("Azure has not put the grant in force within ten minutes; it will")
    invocation.result(
        {
            "stack": session.name,
            **grant.to_config(),
            "assignmentId": where.assignment_id(grant.persona, grant.principal_id),
            "changed": bool(applied.changes),
            "inForce": certain,
            "pending": [change.urn for change in applied.pending],
        },
        lambda: _text(person, chosen.name, chosen.summary, bool(applied.changes)),
    )


def _text(person: Person, name: str, summary: str, changed: bool) -> str:
    return f"{person.name} {'is now' if changed else 'is already'} {name}: {summary}"
