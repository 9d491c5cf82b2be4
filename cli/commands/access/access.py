"""`azmlflow access`: who can do what on the workspace, why, and whether that is what was declared."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import declared, report
from azmlflow.cli.access.grants import place
from azmlflow.cli.access.people import principal_type
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.folding import folded, width
from azmlflow.cli.session.invocation import Command, Invocation, answering
from azmlflow.cli.session.session import Session, open_session
from azmlflow.rbac.operations import UnknownOperation
from azmlflow.rbac.report import access_html
from azmlflow.rbac.report.access import COLUMNS, UNREAD, explain, find_operation, matrix
from azmlflow.rbac.report.drift import find_drift, merged
from azmlflow.rbac.report.subjects import STORAGE

if TYPE_CHECKING:
    from azmlflow.infra.plan.identifiers import Place


@click.command(
    cls=Command,
    examples=(
        "azmlflow access",
        "azmlflow access --explain alice@local.test write_run",
        "azmlflow access --drift",
        "azmlflow access --output html --file access.html",
    ),
)
@click.option(
    "--explain",
    "question",
    nargs=2,
    metavar="PRINCIPAL OPERATION",
    help="Why PRINCIPAL may or may not do OPERATION, and the command that would let it.",
)
@click.option(
    "--drift",
    is_flag=True,
    help="What differs from the declared grants: missing, expired, undeclared, wider, orphaned. Exit code 1 if "
    "anything does.",
)
@principal_type
@click.option(
    "--file",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the result there instead of on standard output.",
)
@answering("text", "json", "csv", "html")
def command(
    invocation: Invocation, question: tuple[str, str] | None, drift: bool, kind: str | None, path: Path | None
) -> int | None:
    """A row for every user, group and application that has any access, by itself or through groups, inherited or not; a
    column for every operation. A condition or a group that may not be read makes a `?`, never a yes.
    """
    _check_usage(invocation.output, question, drift, kind)
    session = open_session(invocation)
    where = place(session, session.stack())
    invocation.ports.visit(session.project, session.file, invocation.say)
    if question:
        text, differs = _explained(session, where, question, kind), False
    elif drift:
        text, differs = _compared(session, where)
    else:
        text, differs = _matrix(session, where, to_terminal=path is None), False
    _give(invocation, text, path)
    return 1 if differs else None


def _check_usage(output: str, question: tuple[str, str] | None, drift: bool, kind: str | None) -> None:
    if question and drift:
        raise click.UsageError("--explain and --drift are two questions; ask one at a time")
    if output in {"csv", "html"} and (question or drift):
        raise click.UsageError(f"--output {output} is for the whole matrix; --explain and --drift take text or json")
    if kind and not question:
        raise click.UsageError("--type says what the PRINCIPAL of --explain is")
    if question:
        try:
            find_operation(question[1])
        except UnknownOperation as fault:
            raise click.UsageError(report.nearest_operation(question[1], str(fault))) from fault


def _matrix(session: Session, where: Place, *, to_terminal: bool) -> str:
    grants = declared.of(session, where)
    tenant = session.invocation.ports.read_tenant(
        where.subscription_id, where.workspace_id, tuple(each.principal_id for each in grants)
    )
    table = matrix(tenant.facts, where.workspace_id, tenant.directory, also=[each.principal_id for each in grants])
    for group in tenant.facts.unread_groups:
        session.invocation.warn(f"{tenant.directory.name(group)}: {UNREAD}; what may rest on it is shown as ?")
    if not tenant.directory.readable:
        session.invocation.warn(f"the directory may not be read: {report.NO_NAMES}")
    match session.invocation.output:
        case "json":
            return report.as_json(table)
        case "csv":
            return report.as_csv(table)
        case "html":
            return access_html.page(table, session.name)
    return report.as_text(table, width(sys.stdout) if to_terminal else None)


def _explained(session: Session, where: Place, question: tuple[str, str], kind: str | None) -> str:
    principal, operation = question
    person = session.invocation.ports.find_person(principal, kind)
    tenant = session.invocation.ports.read_tenant(where.subscription_id, where.workspace_id, (person.id,))
    explanation = explain(person.id, find_operation(operation), where.workspace_id, tenant.facts)
    name = person.name or tenant.directory.name(person.id)
    if session.invocation.output == "json":
        return report.explained_json(explanation, name, session.name, local=session.file.local)
    local = session.file.local
    return report.explained_text(explanation, person.id, name, session.name, tenant.directory, local=local)


def _compared(session: Session, where: Place) -> tuple[str, bool]:
    grants = declared.of(session, where)
    ports = session.invocation.ports
    # One look for both: the storage account is in the same group, and nothing changes between two questions.
    scope = where.workspace_id if where.storage_id is None else where.group_id
    tenant = ports.read_tenant(where.subscription_id, scope, tuple(each.principal_id for each in grants))
    facts, people = tenant.facts, tenant.directory
    own = declared.own_identities(ports.open_arm(), where.workspace_id)
    compared = [find_drift(facts, where.workspace_id, where.group_id, grants, people, own=own)]
    if where.storage_id is not None:
        data = declared.on_storage(session, where)
        compared.append(find_drift(facts, where.storage_id, where.group_id, data, people, own=own, subject=STORAGE))
    drift = merged(compared)
    for what in drift.unchecked:
        session.invocation.warn(f"not looked into: {what}")
    if session.invocation.output == "json":
        return report.drift_json(drift, session.name, local=session.file.local), bool(drift.findings)
    return report.drift_text(drift, session.name, local=session.file.local), bool(drift.findings)


def _give(invocation: Invocation, text: str, path: Path | None) -> None:
    if path is None:
        told = text.removesuffix("\n")
        click.echo(folded(told) if invocation.output == "text" else told)
        return
    try:
        path.write_text(f"{text.removesuffix(chr(10))}\n", encoding="utf-8", newline="")
    except OSError as fault:
        raise CliError(
            f"the result cannot be written: {fault.strerror}", where=str(path), next="choose another --file"
        ) from fault
    invocation.say(f"wrote {path} ({len(COLUMNS)} operations)" if path.suffix == ".html" else f"wrote {path}")
