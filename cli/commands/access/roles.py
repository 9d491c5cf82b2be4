"""`azmlflow roles`: the personas, what each allows, and its role definition as `az role definition create` takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import completing
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.session import open_session
from azmlflow.rbac.operations import OPERATIONS, WORKSPACE
from azmlflow.rbac.profiles import compare, role_document
from azmlflow.rbac.roles import PERSONAS, Persona, combined, union

if TYPE_CHECKING:
    from azmlflow.infra.settings.settings import Settings


@click.command(
    cls=Command,
    examples=(
        "azmlflow roles",
        "azmlflow roles tracker+registrar",
        "azmlflow roles tracker -o json > tracker.json    # az role definition create --role-definition @tracker.json",
    ),
)
@click.argument("wanted", metavar="[PERSONA]", required=False, shell_complete=completing.persona)
@common
def command(invocation: Invocation, wanted: str | None) -> None:
    """Each with its operations, its Azure actions, and what stands for it in other profiles.

    PERSONA is one of them, or a combination as in tracker+registrar. With `--output json` a PERSONA is one role
    definition as `az role definition create` takes it, assignable in the stack's resource group; without it, a list of
    all. `strictTracker` and `roleProfile` are those of the stack's settings.
    """
    settings, group, missing = _stack(invocation)
    strict = bool(settings and settings.strict_tracker)
    chosen = (union(combined(wanted, strict_tracker=strict)),) if wanted else _all(strict)
    if invocation.output == "json":
        if group is None:
            raise missing or CliError("no resource group is known", next="azmlflow init")
        documents = [role_document(each, group) for each in chosen]
        invocation.result(documents[0] if wanted else documents, "")
        return
    built_in = bool(settings and settings.role_profile == "built-in")
    invocation.result(None, "\n\n".join(_text(each, built_in) for each in chosen))


def _all(strict: bool) -> tuple[Persona, ...]:
    return tuple(combined(each.name, strict_tracker=strict)[0] for each in PERSONAS)


def _stack(invocation: Invocation) -> tuple[Settings | None, str | None, CliError | None]:
    """The stack's settings and the id of its resource group; None, and why, where there is no stack."""
    try:
        session = open_session(invocation)
        settings = session.settings()
        outputs = session.stack().state().outputs
        place = settings.place(session.names(outputs), session.subscription(outputs))
    except CliError as fault:
        return None, None, fault
    return settings, place.group_id, None


def _text(persona: Persona, built_in: bool) -> str:
    operations = [each for each in OPERATIONS if set(each.actions) <= set(persona.actions)]
    short = [action.removeprefix(f"{WORKSPACE}/") for action in persona.actions]
    lines = [
        click.style(persona.name, bold=True) + f": {persona.summary}",
        "  operations",
        *(f"    {each.name:<24} {each.summary}" for each in operations),
        f"  actions, below {WORKSPACE}/",
        *(f"    {action}" for action in short),
    ]
    if persona.storage_roles:
        lines.append(f"  with identity-based storage also, on its account: {', '.join(persona.storage_roles)}")
    title = "  as built-in roles, as this stack has it" if built_in else "  where custom roles are forbidden"
    for part in combined(persona.name):
        comparison = compare(part)
        lines.append(f"{title} ({part.name}): {comparison.role}, which also allows to")
        lines += [f"    {words}" for words in comparison.too_much]
        lines += [f"    and lacks {action}" for action in comparison.missing]
    return "\n".join(lines)
