"""`azmlflow grant`: a persona for a principal, written into the settings and applied alone."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import assignments, completing, grants, principals
from azmlflow.cli.access.people import in_force, principal_type
from azmlflow.cli.access.wishes import End, FaultyLines, Wish, day, read_end, read_file, resolved
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import mending
from azmlflow.cli.mending.mending import held
from azmlflow.cli.session.collaborators import Person
from azmlflow.cli.session.invocation import Command, Invocation, common, patient
from azmlflow.cli.session.session import Session, open_session
from azmlflow.infra.plan.tags import owner
from azmlflow.rbac import scopes
from azmlflow.rbac.grants import Grant, GrantScope
from azmlflow.rbac.roles import combined, persona

if TYPE_CHECKING:
    from azmlflow.cli.pulumi.stack import Stack
    from azmlflow.infra.plan.identifiers import Place


def _end(_context: click.Context, _parameter: click.Parameter, text: str | None) -> End:
    try:
        return None if text is None else read_end(text)
    except ValueError as fault:
        raise click.BadParameter(str(fault)) from None


@click.command(
    cls=Command,
    examples=(
        "azmlflow grant alice@local.test tracker",
        "azmlflow grant alice@local.test tracker+registrar --until 2027-01-31",
        "azmlflow grant alice@local.test tracker --until 30d",
        "azmlflow grant data-scientists viewer --scope group",
        "azmlflow grant 00000000-0000-0000-0000-000000000000 registrar --stack prod",
        "azmlflow grant compute/cpu tracker",
        "azmlflow grant --file people.csv",
        "cat people.csv | azmlflow grant --file -",
    ),
)
@click.argument("principal", required=False, shell_complete=completing.principal)
@click.argument("wanted", metavar="PERSONA", required=False, shell_complete=completing.persona)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
    help="Many, in one update: comma-separated, with a first line principal,persona and, if wanted, scope,until,type. "
    "One bad line, and nothing is done. - reads standard input.",
)
@principal_type
@click.option(
    "--scope",
    "scope",
    metavar="workspace|group",
    shell_complete=completing.scope,
    default="workspace",
    show_default=True,
    help="Where: on the workspace, or on its whole resource group; the ARM id of either does as well.",
)
@click.option(
    "--until",
    metavar="DATE|TIME|never",
    callback=_end,
    help="Last day of the grant, by UTC: a date, 30d or 2w from today, or never; else a grant that is there keeps its "
    "own. Azure does not know of it: the next `azmlflow up` after it takes it away.",
)
@patient
@common
def command(
    invocation: Invocation,
    principal: str | None,
    wanted: str | None,
    *,
    path: Path | None,
    kind: str | None,
    scope: str,
    until: End,
) -> None:
    """PRINCIPAL is a user name, mail address, display name, application id or object id; a managed identity's ARM id;
    or compute/NAME. PERSONA is what the principal may do with MLflow: viewer, tracker, registrar, submitter,
    deployer, scorer or operator, or several, as in tracker+registrar.
    """
    try:
        wishes = _wishes(invocation, principal, wanted, path=path, kind=kind, scope=scope, until=until)
    except FaultyLines as fault:
        raise _with_all_faults(invocation, fault) from None
    invocation.ports.warm()
    session = open_session(invocation)
    words = f"azmlflow grant {f'--file {path}' if path else f'{principal} {wanted}'}"
    with held(session, words) as (current, stack):
        session = current
        where = grants.place(session, stack)
        before = {grant.key for grant in session.settings().grants}
        found = resolved(wishes, functools.partial(_found, session, where), path)
        new = [grant for wish, person in found for grant in _with_ends(session, wish, person)]
        new = list(_prepared(session, where, new))
        session, applied = _applied(session, stack, where, new)
        certain = grants.wait(
            lambda: all(in_force(invocation.ports, session, where, grant) for grant in new),
            invocation.say,
            what="the grant to be in force",
            sleep=invocation.ports.sleep,
        )
    grants.tell_pending(session, applied)
    if not certain:
        invocation.warn("Azure has not put the grant in force within ten minutes; it will")
    elif applied.changes and not (session.file.local and all(each.principal_type == "User" for each in new)):
        invocation.say(
            "Azure has the role assignment; when it is in force everywhere only the principal itself can see "
            "(up to ten minutes)"
        )
    if where.profile == "built-in":
        grants.warn_of_built_in(invocation, [each.persona for each in new])
    documents = [
        {**grant.to_config(), "scope": grant.scope, "assignmentId": where.assignment(grant).id} for grant in new
    ]
    invocation.result(
        {
            "stack": session.name,
            **documents[0],
            "grants": documents,
            "changed": bool(applied.changes),
            "inForce": certain,
            "pending": [change.urn for change in applied.pending],
        },
        lambda: _text(new, before if path else () if applied.changes else {each.key for each in new}),
    )


def _wishes(
    invocation: Invocation,
    principal: str | None,
    wanted: str | None,
    *,
    path: Path | None,
    kind: str | None,
    scope: str,
    until: End,
) -> tuple[Wish, ...]:
    """What is asked for.

    Raises:
        CliError: an end is past, or a file has a fault.
    """
    today = invocation.ports.today()
    if path is not None:
        if principal or kind or until or scope != "workspace":
            raise click.UsageError("--file says who, what, where and until when: give nothing beside it")
        return read_file(path, today)
    if principal is None or wanted is None:
        raise click.UsageError("give a PRINCIPAL and a PERSONA, or --file")
    personas = combined(wanted)
    try:
        last = day(until, today)
    except ValueError as fault:
        take = f"azmlflow revoke {principal} {personas[0].name}    (to take it away)"
        raise CliError(str(fault), next=take) from fault
    return (Wish(principal, personas, scope, last, kind),)


def _with_all_faults(invocation: Invocation, fault: FaultyLines) -> FaultyLines:
    """A file's faults with those that the directory alone knows of, if it can be asked: all are mended at once."""
    try:
        session = open_session(invocation)
        invocation.ports.visit(session.project, session.file, invocation.say)
        where = grants.place(session, session.stack())
        resolved(fault.wishes, functools.partial(_found, session, where), fault.path)
    except FaultyLines as more:
        return fault.and_of(more)
    except CliError:  # nothing stands yet, say: the file comes first
        return fault
    return fault


def _found(session: Session, where: Place, wish: Wish) -> tuple[Wish, Person]:
    """A wish with its scope read, and who is meant."""
    placed = replace(wish, scope=_scope(where, wish.scope))
    return placed, principals.resolve(session.invocation.ports, where, wish.principal, wish.kind)


def _with_ends(session: Session, wish: Wish, person: Person) -> Iterator[Grant]:
    """A wish's grants with their ends. One that is there keeps its own, while it is in force, if none is asked for."""
    at: GrantScope = "group" if wish.scope == "group" else "workspace"
    new = [Grant(person.id, person.type, person.name, each.name, at) for each in wish.personas]
    until = wish.until
    ends = {grant.key: grant.until for grant in session.settings().grants if grant.until is not None}
    say, today = session.invocation.say, session.invocation.ports.today()
    for grant in new:
        before = ends.get(grant.key)
        after = until if isinstance(until, date) else None
        if until is None and before is not None and before >= today:
            say(f"{grant.persona} keeps its end, {before}; --until never takes it away")
            after = before
        elif after is None and before is not None:
            was = f"ended on {before}" if before < today else f"was to end on {before}"
            say(f"{grant.persona}: it {was}, and has no end now")
        yield replace(grant, until=after)


def _scope(where: Place, text: str) -> GrantScope:
    """The scope that is meant.

    Raises:
        CliError: it is neither the stack's workspace nor its resource group.
    """
    usual = f"--scope workspace ({where.workspace}), or --scope group ({where.resource_group})"
    if text in ("workspace", "group"):
        return "group" if text == "group" else "workspace"
    try:
        parsed = scopes.parse(text)
    except scopes.InvalidScope as fault:
        raise CliError(f"`{text}` is not a scope: {fault}", next=usual) from fault
    key = scopes.key(parsed.id)
    if key == scopes.key(where.workspace_id):
        return "workspace"
    if key == scopes.key(where.group_id):
        return "group"
    if (parsed.subscription or "").lower() != where.subscription_id.lower():
        what = f"`{text}` is outside of the stack's subscription {where.subscription_id}"
    else:
        what = f"`{text}` is neither the stack's workspace nor its resource group"
    raise CliError(f"{what}; a grant reaches no further than the stack", next=usual)


def _prepared(session: Session, where: Place, new: Sequence[Grant]) -> tuple[Grant, ...]:
    """The new grants, with what somebody else gave already written into them.

    Raises:
        CliError: we may not make them, there is no room, or a name is taken.
    """
    invocation, arm = session.invocation, session.invocation.ports.open_arm()
    listing = assignments.read(arm, where)
    ours = owner(session.project.name, session.name)
    with_adopted = assignments.adopt(arm, where, new, listing, ours)
    wanted = where.assignments(with_adopted)
    missing = [each for each in wanted if each.guid not in listing.names()]
    needs = [(assignments.MAY_ASSIGN, each.scope) for each in missing]
    if missing and where.profile == "least-privilege":
        needs.append((assignments.MAY_DEFINE, where.group_id))
    name_of = assignments.namer(lambda object_id: invocation.ports.find_person(object_id, None).name)
    assignments.check_right(arm, listing, needs, name_of)
    assignments.check_room(listing, missing, invocation.warn)
    assignments.check_names(arm, where, with_adopted)
    for grant in with_adopted:
        for id_ in grant.adopted.values():
            invocation.say(
                f"adopted: somebody else's assignment gives {grant.persona} just this already ({id_}); "
                "it is relied on, and neither managed nor deleted here"
            )
    return with_adopted


def _applied(session: Session, stack: Stack, where: Place, new: Sequence[Grant]) -> tuple[Session, grants.Applied]:
    """Write the grants and apply them; what cannot be applied is not left in the settings."""
    present = session.settings().grants
    wanted = grants.merged(present, new)
    session = grants.save(session, wanted) if wanted != present else session
    also = [each.urn(session.name, session.project.name) for each in where.roles([one for one in new if one.adopted])]
    try:
        mending.look(session, stack)  # what was deleted elsewhere is made again, not waited for
        grants.take_over_roles(session, stack, where, new)
        return session, grants.apply(session, stack, grants.targets(session, where, new), also)
    except CliError:
        if wanted != present:
            grants.save(session, present)
        raise


def _text(new: Sequence[Grant], before: Collection[tuple[str, str, str]]) -> str:
    """What to say of each grant; `before` are those that were there already."""
    lines = []
    for grant in new:
        where = " on the whole resource group" if grant.scope == "group" else ""
        is_ = "is already" if grant.key in before else "is now"
        lines.append(
            f"{grant.display_name or grant.principal_id} {is_} {grant.persona}{where}: {persona(grant.persona).summary}"
        )
    lines += [
        f"{grant.persona} until {grant.until}, by UTC. Azure does not enforce it: "
        "the first `azmlflow up` after that day does"
        for grant in new
        if grant.until
    ]
    return "\n".join(lines)
