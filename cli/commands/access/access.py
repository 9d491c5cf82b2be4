"""`azmlflow access`: who can do what on the workspace, why, and whether that is what was declared."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from azmlflow.cli.access import completing, declared, log, person, principals, report
from azmlflow.cli.access.grants import place
from azmlflow.cli.access.people import principal_type
from azmlflow.cli.frame.folding import width
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
        "azmlflow access alice@local.test",
        "azmlflow access --drift",
        "azmlflow access --log",
        "azmlflow access --output html --file access.html",
    ),
)
@click.argument("principal", required=False, shell_complete=completing.principal)
@click.option(
    "--explain",
    "question",
    nargs=2,
    metavar="PRINCIPAL OPERATION",
    shell_complete=completing.question,
    help="Why PRINCIPAL may or may not do OPERATION, and the command that would let it.",
)
@click.option(
    "--drift",
    is_flag=True,
    help="What differs from the declared grants: missing, expired, undeclared, wider, orphaned. Exit code 1 if "
    "anything does.",
)
@click.option(
    "--log",
    "log_",
    is_flag=True,
    help="Who gave whom what, when, till when, and who took it away: the role assignments that stand, and those of the "
    "last 90 days that are gone.",
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
    invocation: Invocation,
    principal: str | None,
    *,
    question: tuple[str, str] | None,
    drift: bool,
    log_: bool,
    kind: str | None,
    path: Path | None,
) -> int | None:
    """With a PRINCIPAL: what it may do, by which role and group, and until when. Else a row for every user, group and
    application that has any access, by itself or through groups, inherited or not; a column for every operation. A
    condition or a group that may not be read makes a `?`, never a yes.
    """
    _check_usage(invocation.output, principal, question, kind, {"--drift": drift, "--log": log_})
    session = open_session(invocation)
    where = place(session, session.stack())
    invocation.ports.visit(session.project, session.file, invocation.say)
    if question:
        text, differs = _explained(session, where, question, kind), False
    elif principal:
        text, differs = _of_one(session, where, principal, kind), False
    elif log_:
        text, differs = _logged(session, where), False
    elif drift:
        text, differs = _compared(session, where)
    else:
        text, differs = _matrix(session, where, to_terminal=path is None), False
    invocation.give(text, path, f" ({len(COLUMNS)} operations)" if path and path.suffix == ".html" else "")
    return 1 if differs else None


def _check_usage(
    output: str,
    principal: str | None,
    question: tuple[str, str] | None,
    kind: str | None,
    flags: Mapping[str, bool],
) -> None:
    asked = [name for name, given in {"PRINCIPAL": principal, "--explain": question, **flags}.items() if given]
    if len(asked) > 1:
        raise click.UsageError(f"{' and '.join(asked)} are {len(asked)} questions; ask one at a time")
    if output in {"csv", "html"} and asked and not (asked == ["--log"] and output == "csv"):
        raise click.UsageError(f"--output {output} is for the whole matrix; {asked[0]} takes text or json")
    if kind and not (question or principal):
        raise click.UsageError("--type says what PRINCIPAL is, or that of --explain")
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
            who, now = session.invocation.ports.whoami().name, datetime.now(UTC)
            made = f"As of {now:%Y-%m-%d %H:%M} UTC, for {who}."
            given = log.read(session.invocation.ports, where, session.settings().grants, now)
            return access_html.page(table, f"stack {session.name}", made, _granted(session), given)
    return report.as_text(table, width(sys.stdout) if to_terminal else None)


def _granted(session: Session) -> dict[str, list[str]]:
    """Of an object id what the stack granted, and until when."""
    found: dict[str, list[str]] = {}
    for grant in session.settings().grants:
        end = f"until {grant.until}" if grant.until else "no end"
        at = " on the group" if grant.scope == "group" else ""
        found.setdefault(grant.principal_id.lower(), []).append(f"{grant.persona}{at}, {end}")
    return found


def _explained(session: Session, where: Place, question: tuple[str, str], kind: str | None) -> str:
    principal, operation = question
    who = session.invocation.ports.find_person(principal, kind)
    tenant = session.invocation.ports.read_tenant(where.subscription_id, where.workspace_id, (who.id,))
    explanation = explain(who.id, find_operation(operation), where.workspace_id, tenant.facts)
    name = who.name or tenant.directory.name(who.id)
    if session.invocation.output == "json":
        return report.explained_json(explanation, name, session.name, local=session.file.local)
    local = session.file.local
    return report.explained_text(explanation, who.id, name, session.name, tenant.directory, local=local)


def _of_one(session: Session, where: Place, principal: str, kind: str | None) -> str:
    who = principals.resolve(session.invocation.ports, where, principal, kind)
    tenant = session.invocation.ports.read_tenant(where.subscription_id, where.workspace_id, (who.id,))
    table = matrix(tenant.facts, where.workspace_id, tenant.directory, also=[who.id])
    row = next(each for each in table.rows if each.object_id == who.id.lower())
    grants = [each for each in session.settings().grants if each.principal_id.lower() == who.id.lower()]
    name = who.name or row.name
    if session.invocation.output == "json":
        return json.dumps(person.document(table, row, name, grants, tenant.directory), indent=2)
    return person.as_text(table, row, name, grants, tenant.directory)


def _logged(session: Session, where: Place) -> str:
    told = log.read(session.invocation.ports, where, session.settings().grants, datetime.now(UTC))
    if told.unseen:
        session.invocation.warn(told.unseen)
    match session.invocation.output:
        case "json":
            since = told.since.isoformat(timespec="seconds") if told.since else None
            document = {"stack": session.name, "endedSince": since, "assignments": log.document(told.entries)}
            return json.dumps(document, indent=2)
        case "csv":
            return log.as_csv(told.entries)
    return log.as_text(told)


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
