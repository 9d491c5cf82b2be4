"""Who has access to a workspace: its role assignments, what each principal may and by which way, and the whole matrix.

Each fact is one that Azure Resource Manager tells to the principal who looks (`arm.Reader`); what may not be read is
said in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from azmlflow.localazure.core.errors import AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.ui import html
from azmlflow.localazure.ui.visit import Visit
from azmlflow.rbac import scopes
from azmlflow.rbac.facts import Facts
from azmlflow.rbac.index import role_guid
from azmlflow.rbac.report import access_html, log
from azmlflow.rbac.report.access import Matrix, WhoIsWho, matrix, principals
from azmlflow.rbac.report.log import Log, Standing

_AUTHORIZATION = "providers/Microsoft.Authorization/roleAssignments"


async def show(visit: Visit) -> str:
    """Who has access: by which role, which way, since when and by whom; in words what each may."""
    try:
        listed = await visit.reader.all(f"{visit.id}/{_AUTHORIZATION}")
        table = await _matrix(visit)
        given = await _log(visit, listed)
    except AzureError as error:
        return html.refused(error.message)
    names = {row.object_id: row.name for row in table.rows}
    whole_matrix = html.link("The whole matrix, with reasons", "access-matrix")
    report = f'<p>{html.cell(made(visit))} <span class="screen">{whole_matrix}</span></p>'
    return report + _given(visit, listed, names) + _taken(visit, given) + _may(table)


async def whole(visit: Visit) -> str:
    """The page that `azmlflow access --output html` writes.

    Raises:
        AzureError: role assignments may not be read.
    """
    granted: dict[str, list[str]] = {}
    for each in visit.grants:
        end = f"until {each.until}" if each.until else "no end"
        granted.setdefault(each.principal_id, []).append(f"{each.persona}, {end}")
    table = await _matrix(visit)
    given = await _log(visit, await visit.reader.all(f"{visit.id}/{_AUTHORIZATION}"))
    return access_html.page(table, f"workspace {visit.workspace['name']}", made(visit), granted, given)


def made(visit: Visit) -> str:
    """When a report was made, and by whom."""
    return f"As of {visit.cloud.clock.now():%Y-%m-%d %H:%M} UTC, for {visit.principal.name}."


def _given(visit: Visit, listed: Iterable[Document], names: Mapping[str, str]) -> html.Markup:
    roles = {role.id.rpartition("/")[2].lower(): role.name for role in visit.cloud.enforcer.facts().definitions}
    granted = {(each.scope, each.principal_id, each.role): each for each in visit.grants}
    rows = []
    for each in sorted(listed, key=lambda one: str(one["properties"].get("createdOn")), reverse=True):
        told = each["properties"]
        who, by = str(told["principalId"]).lower(), visit.cloud.directory.get(str(told.get("createdBy") or ""))
        guid = str(told["roleDefinitionId"]).rpartition("/")[2].lower()
        role = roles.get(guid, told["roleDefinitionId"])
        grant = granted.get((scopes.key(str(told["scope"])), who, guid))
        rows.append(
            (
                html.identifier(names.get(who, who)),
                told.get("principalType"),
                html.identifier(grant.persona, role) if grant else html.identifier(role),
                html.word(grant.until or "no end") if grant else None,
                _place(visit, str(told["scope"])),
                html.time(told.get("createdOn")),
                by.name if by else told.get("createdBy"),
            )
        )
    head = ("Principal", "Type", "Persona or role", "Ends", "At", "Since (UTC)", "Given by")
    caption = "Role assignments that reach the workspace" + (
        ". Persona and end are the stack's grants, as they were when this page was opened: Azure knows of neither"
        if visit.grants
        else ""
    )
    return html.table(caption, head, rows)


async def _log(visit: Visit, listed: Iterable[Document]) -> Log:
    """Who gave whom what, and took it away, as far as the principal may read it."""
    standing = tuple(map(_standing, listed))
    past = await visit.reader.history(visit.id, visit.cloud.clock.now())
    grants = {(each.scope, each.principal_id, each.role): each.until for each in visit.grants}
    ends = {
        each.id.lower(): grants.get((scopes.key(each.scope), each.principal_id.lower(), role_guid(each.role_id)), "")
        for each in standing
    }
    home = visit.id.rpartition("/providers/")[0]
    role = log.roles(home, visit.cloud.enforcer.facts().definitions)
    found = (visit.cloud.directory.get(each) for each in log.people(standing, past.changes))
    who = WhoIsWho({each.object_id.lower(): (each.kind, each.upn or each.display_name) for each in found if each})
    entries = log.entries(standing, past.changes, role, who, ends)
    return Log(entries, past.since, log.unseen(past, visit.id))


def _standing(one: Document) -> Standing:
    told = one["properties"]
    on = told.get("createdOn")
    return Standing(
        str(one["id"]),
        datetime.fromisoformat(on) if on else None,
        str(told.get("createdBy") or ""),
        str(told["principalId"]),
        str(told["roleDefinitionId"]),
        str(told["scope"]),
    )


def _taken(visit: Visit, given: Log) -> str:
    """What was taken away again, the last first."""
    if given.since is None:
        return html.refused(given.unseen)
    gone = sorted((each for each in given.entries if not each.stands), key=lambda each: each.ended, reverse=True)
    rows = [
        (
            html.identifier(each.to or "unknown"),
            html.identifier(each.role or "unknown"),
            _place(visit, each.at),
            html.time(each.on) or "unknown",
            each.by or "unknown",
            html.time(each.ended) or "unknown",
            each.ended_by or "unknown",
        )
        for each in gone
    ]
    head = ("Principal", "Role", "At", "Given (UTC)", "Given by", "Taken away (UTC)", "Taken away by")
    caption = f"Role assignments that were taken away, from {given.since:%Y-%m-%d} on"
    if not rows:
        return f"<p>No role assignment was taken away from {given.since:%Y-%m-%d} on.</p>"
    missing = html.refused(given.unseen) if given.unseen else ""
    return html.table(caption, head, rows) + missing


def _place(visit: Visit, scope: str) -> object:
    """Where an assignment is, in words; its name beside where that is not the workspace's own."""
    name, here = scope.rpartition("/")[2], visit.id.lower()
    if scope.lower() == here:
        return "the workspace"
    other = "above it" if here.startswith(f"{scope.rstrip('/')}/".lower()) else "below it"
    return html.identifier({3: "the subscription", 5: "the group"}.get(len(scope.split("/")), other), name)


def _may(table: Matrix) -> html.Markup:
    rows = []
    for row in table.rows:
        allowed: dict[str, list[str]] = {}
        ways = set()
        for column, each in zip(table.columns, row.cells, strict=True):
            if each.verdict == "allowed":
                allowed.setdefault(column.group, []).append(column.operation.summary)
                ways.add(each.decision.through)
        words = "".join(f"<li>{html.cell(summary)}</li>" for found in allowed.values() for summary in found)
        may = html.Markup(
            f"<details><summary>{html.cell(', '.join(allowed))}</summary><ul>{words}</ul></details>"
            if allowed
            else "nothing"
        )
        names = {each.object_id: each.name for each in table.rows}
        way = ", ".join(sorted("directly" if each is None else f"in {names.get(each, each)}" for each in ways))
        rows.append((html.identifier(row.name), row.type, may, way, "; ".join(row.notes)))
    head = ("Principal", "Type", "May", "Way in", "Note")
    return html.Markup("<h2>Who may do what</h2>" + html.table("Open a line to read it in words", head, rows))


async def _matrix(visit: Visit) -> Matrix:
    """Who can do what, by the assignments that the principal may read.

    Raises:
        AzureError: they may not be read.
    """
    listed = await visit.reader.all(f"{visit.id}/{_AUTHORIZATION}")
    known, directory = visit.cloud.enforcer.facts(), visit.cloud.directory
    ids = {str(each["id"]).lower() for each in listed}
    assignments = tuple(each for each in known.assignments if each.id.lower() in ids)
    facts = Facts(
        assignments,
        known.definitions,
        known.denies,
        _memberships({each.principal_id.lower() for each in assignments}, known.memberships),
        known.management_groups,
    )
    found = (directory.get(each) for each in principals(facts))
    names = {each.object_id.lower(): (each.kind, each.upn or each.display_name) for each in found if each}
    return matrix(facts, visit.id, WhoIsWho(names))


def _memberships(named: set[str], known: Mapping[str, Iterable[str]]) -> dict[str, Iterable[str]]:
    """The memberships of groups that are named, and of groups in those."""
    groups = set(named)
    while True:
        kept = {member: held for member, held in known.items() if not groups.isdisjoint(map(str.lower, held))}
        more = groups | {member.lower() for member in kept}
        if more == groups:
            return kept
        groups = more
