"""What `azmlflow access` found, as text, JSON and CSV."""

from __future__ import annotations

import csv
import difflib
import io
import json
import shlex
from typing import Any

from azmlflow.cli.frame.folding import short
from azmlflow.cli.frame.hints import as_typed
from azmlflow.rbac.evaluate import Decision, Verdict
from azmlflow.rbac.operations import OPERATIONS
from azmlflow.rbac.report.access import AROUND, COLUMNS, Explanation, Matrix, Row, WhoIsWho
from azmlflow.rbac.report.differences import Drift
from azmlflow.rbac.report.reasons import MAY, because

NO_NAMES = (
    "names and deleted principals are not told; it needs User.Read.All, GroupMember.Read.All, Application.Read.All"
)
_NAME = 24  # columns that names have at least, if they stand beside their cells
_SIGNS: dict[Verdict, str] = {"allowed": "yes", "refused": "-", "unknown": "?"}


def as_text(table: Matrix, columns: int | None = None) -> str:
    """The matrix by groups: `yes` where all of a group is allowed, else how much of it.

    Args:
        table: the matrix.
        columns: how wide a terminal is; None for what nobody looks at, which has whole names and lines.
    """
    groups = list(dict.fromkeys(column.group for column in table.columns))
    spans = [max(len(group), 5) for group in groups]
    longest = max([len("principal"), *(len(_title(row)) for row in table.rows)])
    room = longest if columns is None else columns - sum(spans) - 2 * len(spans)
    width = min(longest, room) if room >= min(longest, _NAME) else 0  # else each name on a line of its own
    lines = [f"access at {table.scope if columns is None else _place(table.scope)}", ""]
    pairs = list(zip(groups, spans, strict=True))
    heading = "principal" if width else ""
    lines.append("  ".join([f"{heading:<{width}}", *(f"{group:<{span}}" for group, span in pairs)]).rstrip())
    for row in table.rows:
        cells = [f"{_share(table, row, group):<{span}}" for group, span in pairs]
        title = _title(row) if columns is None else short(_title(row))
        if len(title) > width:  # on a line of its own, the cells below
            lines.append(title)
            title = ""
        lines.append("  ".join([f"{title:<{width}}", *cells]).rstrip())
        lines += [f"  ! {note}" for note in row.notes]
    lines += ["", "each group: `yes` all operations, `-` none, `?` rests on what is not known:"]
    for group in groups:
        names = ", ".join(column.operation.name for column in table.columns if column.group == group)
        lines.append(f"  {group:<10}  {names}")
    return "\n".join([*lines, "why: azmlflow access --explain PRINCIPAL OPERATION"])


def _share(table: Matrix, row: Row, group: str) -> str:
    """`yes`, `-`, `?`, or how many of a group's operations: `3/5`, `3/5 ?`."""
    verdicts = [cell.verdict for cell, column in zip(row.cells, table.columns, strict=True) if column.group == group]
    if len(set(verdicts)) == 1:
        return _SIGNS[verdicts[0]]
    doubt = " ?" if "unknown" in verdicts else ""
    return f"{verdicts.count('allowed')}/{len(verdicts)}{doubt}"


def _place(scope: str) -> str:
    """A resource and its group, for a title."""
    words = scope.split("/")
    return f"{words[-1]} in {words[4]}" if len(words) > 5 else scope


def _title(row: Row) -> str:
    return f"{row.name} ({row.type})"


def as_json(table: Matrix) -> str:
    """The matrix, each cell with its reason."""
    rows = [
        {
            "principalId": row.object_id,
            "type": row.type,
            "name": row.name,
            "notes": list(row.notes),
            "operations": {
                column.operation.name: {"verdict": cell.verdict, **_decision(cell.decision)}
                for cell, column in zip(row.cells, table.columns, strict=True)
            },
        }
        for row in table.rows
    ]
    columns = [{"group": column.group, "operation": column.operation.name} for column in table.columns]
    return json.dumps({"scope": table.scope, "columns": columns, "principals": rows}, indent=2)


def as_csv(table: Matrix) -> str:
    """The matrix as comma-separated values (RFC 4180), one line a principal."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = [f"{column.group}:{column.operation.name}" for column in table.columns]
    writer.writerow(["principal_id", "type", "name", "notes", *names])
    for row in table.rows:
        about = (no_formula(text) for text in (row.type, row.name, "; ".join(row.notes)))
        writer.writerow([row.object_id, *about, *(cell.verdict for cell in row.cells)])
    return out.getvalue()


def no_formula(text: str) -> str:
    """A text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _decision(decision: Decision) -> dict[str, Any]:
    document: dict[str, Any] = {
        "action": decision.action,
        "cause": decision.cause,
        "reason": decision.reason,
        "assignment": decision.assignment,
        "assignedAt": decision.assigned_at,
        "role": decision.role,
        "pattern": decision.pattern,
        "through": decision.through,
        "marked": decision.marked or None,
    }
    return {name: value for name, value in document.items() if value is not None}


def explained_json(explanation: Explanation, name: str, stack: str, *, local: bool) -> str:
    """An explanation with the decision on each action."""
    document = {
        "principal": name,
        "operation": explanation.operation.name,
        "verdict": explanation.verdict,
        "actions": [{"verdict": each.verdict, **_decision(each)} for each in explanation.decisions],
        "missing": [each.action for each in explanation.decisions if not each.allowed],
        "next": remedy(explanation, name, stack, local=local),
    }
    return json.dumps(document, indent=2)


def explained_text(
    explanation: Explanation, principal_id: str, name: str, stack: str, directory: WhoIsWho, *, local: bool
) -> str:
    """An explanation for people: the actions, what decided told once for those that share it, and what would let it."""
    lines = [f"{name} {MAY[explanation.verdict]} {explanation.operation.name}: {explanation.operation.summary}"]
    grounds: dict[tuple[Verdict, tuple[str, ...]], list[str]] = {}
    for each in explanation.decisions:
        grounds.setdefault((each.verdict, _grounds(each, principal_id, name, directory)), []).append(each.action)
    for (verdict, why), actions in grounds.items():
        lines += [f"  {_SIGNS[verdict]:<3} {action}" for action in actions]
        lines += [f"        {line}" for line in why]
    if missing := [each.action for each in explanation.decisions if not each.allowed]:
        lines.append(f"missing: {', '.join(missing)}")
    if command := remedy(explanation, name, stack, local=local):
        lines.append(f"next: {command}")
    return "\n".join(lines)


def _grounds(decision: Decision, principal_id: str, name: str, directory: WhoIsWho) -> tuple[str, ...]:
    if decision.assignment is None or not decision.allowed:
        lines = [because(decision, principal_id, name)]
    else:
        lines = [f"role '{decision.role}', by its pattern '{decision.pattern}'"]
    if decision.assignment is not None:
        lines += [f"assigned at {decision.assigned_at}", f"by {decision.assignment}"]
    if decision.through:
        lines.append(f"through group {directory.name(decision.through)} ({decision.through})")
    if decision.marked:
        lines.append("this rests on a wildcard that stands for no segment")
    return tuple(lines)


def remedy(explanation: Explanation, name: str, stack: str, *, local: bool) -> str | None:
    """The command that would let the principal do it; None if it may, or if no role helps."""
    if explanation.verdict == "allowed":
        return None
    if explanation.blocked:
        return "a deny assignment stands in the way: who made it has to lift it; no role helps"
    if explanation.persona:
        return f"azmlflow grant {shlex.quote(name)} {explanation.persona} --stack {stack}"
    if explanation.role:
        scope = shlex.quote(explanation.decisions[0].scope)
        role = shlex.quote(explanation.role)
        command = f"az role assignment create --assignee {shlex.quote(name)} --role {role} --scope {scope}"
        return as_typed(f"{command}    (no persona allows it)", stack, name=True, local=local)
    return "no persona and no built-in role allows it: it takes a custom role"


def drift_json(drift: Drift, stack: str, *, local: bool) -> str:
    """The differences."""
    findings = [
        {
            "sort": each.sort,
            "principalId": each.principal_id,
            "name": each.name,
            "what": each.what,
            "assignment": each.assignment,
            "role": each.role,
            "scope": each.scope,
            "operations": list(each.operations),
            "next": as_typed(each.next, stack, name=True, local=local),
        }
        for each in drift.findings
    ]
    document = {
        "stack": stack,
        "drift": findings,
        "outside": list(drift.outside),
        "unchecked": list(drift.unchecked),
    }
    return json.dumps(document, indent=2)


def drift_text(drift: Drift, stack: str, *, local: bool) -> str:
    """The differences for people, each with the command that mends it."""
    count = len(drift.findings)
    said = f"{count} difference{'s' if count != 1 else ''} from" if count else "nothing differs from"
    lines = [f"{said} the grants of stack {stack}"]
    for each in drift.findings:
        lines += [f"  {each.sort}: {each.what}"]
        verb = "so it may not" if each.sort == "missing" else "it opens"
        lines += [f"      {verb}: {', '.join(each.operations)}"] if each.operations else []
        lines += [f"      next: {as_typed(each.next, stack, name=True, local=local)}"]
    if drift.outside:
        lines.append("not the stack's to declare:")
        lines += [f"  {line}" for line in drift.outside]
    return "\n".join(lines)


def nearest_operation(name: str, refusal: str) -> str:
    """What to say of a name that is not an operation."""
    known = [each.name for each in (*OPERATIONS, *AROUND)]
    near = difflib.get_close_matches(name.lower().replace("-", "_"), known, n=1, cutoff=0.5)
    groups = {column.group for column in COLUMNS}
    if name.lower() in groups:
        return f"'{name}' is a group of operations; ask one of them: " + ", ".join(
            column.operation.name for column in COLUMNS if column.group == name.lower()
        )
    return f"{refusal}{f'. Did you mean {near[0]}?' if near else ''}"
