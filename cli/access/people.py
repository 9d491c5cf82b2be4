"""Who is meant, and what they have: principals of the directory, and whether their grants are in force.

The look-up by name is `azmlflow.rbac.live.principals`'s; here its answer becomes what the settings hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast, get_args

import click

from azmlflow.cli.session.collaborators import Collaborators, Person
from azmlflow.cli.session.session import Session
from azmlflow.rbac.grants import PrincipalType

if TYPE_CHECKING:
    from azmlflow.infra.plan.identifiers import Place
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.live.waits import OnWait

# Of a command that takes a PRINCIPAL.
principal_type = click.option(
    "--type",
    "kind",
    type=click.Choice(get_args(PrincipalType)),
    help="What PRINCIPAL is; with an object id the directory is not needed then.",
)


def find(name: str, kind: str | None = None, on_wait: OnWait | None = None) -> Person:
    """A principal by user name, mail address, display name, application id or object id.

    Args:
        name: who is meant.
        kind: its type, if it is said.
        on_wait: hears of each long wait that the directory asks for.

    Raises:
        Typed errors of `azmlflow.rbac.live.errors`: nobody is called so, several are, the directory may not be read.
    """
    from azmlflow.cli.azure.caller import credential
    from azmlflow.rbac.live.principals import resolve_principal

    typed = cast("PrincipalType | None", kind)
    principal = resolve_principal(credential(), name, kind=typed, on_wait=on_wait)
    return Person(principal.object_id, principal.type, principal.display_name)


def assigned(ports: Collaborators, where: Place, grant: Grant) -> bool:
    """Are the grant's role assignments there? Those that somebody else made are not asked for."""
    arm = ports.open_arm()
    return all(arm.role_assignment(each.id) is not None for each in where.assignments((grant,)))


def in_force(ports: Collaborators, session: Session, where: Place, grant: Grant) -> bool:
    """Does Azure act on the grant yet?

    Azure tells nobody when an assignment has reached all of its servers; only the principal's own permissions do. Where
    we can sign in as the principal (a user of the embedded Azure) they are asked; else the assignments must be there.
    """
    if not assigned(ports, where, grant):
        return False
    allowed = ports.permitted(session.project, session.file, grant, where.workspace_id)
    if allowed is None:
        return True
    from azmlflow.rbac.patterns import match
    from azmlflow.rbac.profiles import compare
    from azmlflow.rbac.roles import persona

    wanted = persona(grant.persona, strict_tracker=session.settings().strict_tracker)
    never = compare(persona(grant.persona)).missing if where.profile == "built-in" else ()
    # Patterns: an Owner's `*` covers the persona too, whatever is assigned.
    return all(
        any(match(pattern, action) is not None for pattern in allowed)
        for action in wanted.actions
        if action not in never
    )
