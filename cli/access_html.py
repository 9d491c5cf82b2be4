"""The matrix of access as one self-contained HTML page: searchable, printable, nothing fetched.

Everything shown is escaped, and a content security policy lets nothing run but the page's own script, by its hash
(W3C, "Content Security Policy Level 3"), so that a name in the directory cannot become code.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape

from azmlflow.rbac.access import Cell, Matrix, Row

_SIGNS = {"allowed": "✓", "refused": "·", "unknown": "?"}

_STYLE = """
:root { color-scheme: light; font: 14px/1.4 system-ui, sans-serif; color: #1b1b1f; background: #fff }
body { margin: 1.5rem }
h1 { font-size: 1.25rem; margin: 0 0 .25rem }
p { margin: .25rem 0; color: #55555e; overflow-wrap: anywhere }
form { margin: 1rem 0 }
input { font: inherit; padding: .4rem .6rem; width: 22rem; max-width: 100% }
table { border-collapse: collapse }
th, td { border: 1px solid #d8d8df; padding: .2rem .45rem; text-align: center }
thead th { background: #f3f3f7 }
thead th.operation { writing-mode: vertical-rl; transform: rotate(180deg); text-align: left; font-weight: 500 }
tbody th { text-align: left; font-weight: 600; max-width: 22rem; overflow-wrap: anywhere }
tbody th small { display: block; font-weight: 400; color: #55555e }
tbody th small.note { color: #8a3b00 }
td.allowed { background: #d9f2df; color: #0b5a20; font-weight: 700 }
td.unknown { background: #fff0c9; color: #6b4a00; font-weight: 700 }
td.refused { color: #9a9aa3 }
tr[hidden] { display: none }
@media screen { thead { position: sticky; top: 0 } }
@media print {
  @page { size: landscape; margin: 10mm }
  :root { font-size: 9px }
  body { margin: 0 }
  form { display: none }
  thead { display: table-header-group }
  tr { break-inside: avoid }
  td, th { -webkit-print-color-adjust: exact; print-color-adjust: exact }
}
"""

_SCRIPT = """
const box = document.getElementById("search"), count = document.getElementById("count");
const rows = [...document.querySelectorAll("tbody tr")];
function show() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let left = 0;
  for (const row of rows) {
    row.hidden = !words.every(word => row.dataset.text.includes(word));
    left += row.hidden ? 0 : 1;
  }
  count.textContent = left + " of " + rows.length;
}
box.addEventListener("input", show);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
show();
"""


def page(table: Matrix, stack: str) -> str:
    """The page.

    Args:
        table: who can do what.
        stack: name of the stack, for the title.
    """
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    title = escape(f"Access on stack {stack}")
    rows = "\n".join(_row(row) for row in table.rows)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<p>{escape(table.scope)}</p>
<p>✓ allowed, · refused, ? rests on a condition or on what may not be read; point at a cell for its reason.</p>
<form role="search"><label>Search <input id="search" type="search" placeholder="name, type, id, role" autofocus></label>
<output id="count"></output></form>
<table>
<thead>
{_head(table)}
</thead>
<tbody>
{rows}
</tbody>
</table>
<script>{_SCRIPT}</script>
</body>
</html>
"""


def _head(table: Matrix) -> str:
    groups: dict[str, int] = {}
    for column in table.columns:
        groups[column.group] = groups.get(column.group, 0) + 1
    above = "".join(f'<th scope="colgroup" colspan="{many}">{escape(group)}</th>' for group, many in groups.items())
    operations = (column.operation for column in table.columns)
    below = "".join(
        f'<th scope="col" class="operation" title="{escape(each.summary)}">{escape(each.name)}</th>'
        for each in operations
    )
    return f'<tr><th rowspan="2" scope="col">principal</th>{above}</tr>\n<tr>{below}</tr>'


def _row(row: Row) -> str:
    roles = {cell.decision.role for cell in row.cells if cell.decision.role}
    text = " ".join([row.name, row.type, row.object_id, *row.notes, *sorted(roles)]).lower()
    notes = "".join(f'<small class="note">{escape(note)}</small>' for note in row.notes)
    head = f'<th scope="row">{escape(row.name)}<small>{escape(row.type)} {escape(row.object_id)}</small>{notes}</th>'
    return f'<tr data-text="{escape(text)}">{head}{"".join(_cell(cell) for cell in row.cells)}</tr>'


def _cell(cell: Cell) -> str:
    reason = f"{cell.verdict}: {cell.decision.reason}"
    return f'<td class="{cell.verdict}" title="{escape(reason)}">{_SIGNS[cell.verdict]}</td>'
