"""What one principal may do, by which role, and until when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from azmlflow.rbac.grants import Grant
from azmlflow.rbac.report.access import Matrix, Row, WhoIsWho

_SIGNS = {"allowed": "yes", "refused": "no", "unknown": "?"}


def document(table: Matrix, row: Row, name: str, grants: Sequence[Grant], who: WhoIsWho) -> Mapping[str, Any]:
    """As `--output json` prints it."""
    return {
        "principal": {"id": row.object_id, "name": name, "type": row.type},
        "scope": table.scope,
        "grants": [{**grant.to_config(), "scope": grant.scope} for grant in grants],
        "notes": list(row.notes),
        "operations": {
            column.operation.name: {
                "verdict": cell.verdict,
                "role": cell.decision.role,
                "at": cell.decision.assigned_at,
                "through": who.name(cell.decision.through) if cell.decision.through else None,
            }
            for column, cell in zip(table.columns, row.cells, strict=True)
        },
    }


def as_text(table: Matrix, row: Row, name: str, grants: Sequence[Grant], who: WhoIsWho) -> str:
    """For people: the grants, then the operations by group, each with what decided."""
    lines = [f"{name} ({row.type or 'unknown'}) at {table.scope.rpartition('/')[2]}"]
    for grant in grants:
        end = f"until {grant.until}" if grant.until else "no end"
        lines.append(f"  grant      {grant.persona}{' on the group' if grant.scope == 'group' else ''}, {end}")
    lines += [f"  ! {note}" for note in row.notes]
    if not any(cell.verdict != "refused" for cell in row.cells):
        return "\n".join([*lines, "  may do nothing here", f"next: azmlflow grant {name} viewer"])
    before = ""
    for column, cell in zip(table.columns, row.cells, strict=True):
        group, before = ("" if column.group == before else column.group), column.group
        decided = cell.decision
        by = f", by {decided.role}" if decided.role and cell.verdict != "refused" else ""
        through = f", in {who.name(decided.through)}" if decided.through and by else ""
        lines.append(f"  {group:<11}{_SIGNS[cell.verdict]:<4} {column.operation.summary}{by}{through}")
    return "\n".join([*lines, f"why: azmlflow access --explain {name} OPERATION"])
