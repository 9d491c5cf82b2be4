"""The matrix of access, and the log of who gave and took it, as one self-contained HTML page: searchable, printable,
nothing fetched.

The rule that keeps it small: a reason is written once. Under the table stand all reasons, numbered, and all actions,
lettered; a cell holds its sign, its reason's number and, unless allowed, the letter of the action that decided. So the
page is whole on paper and without its script, which only searches and brings a cell's reason to the cell.

Everything shown is escaped, and a content security policy lets nothing run but the page's own script, by its hash
(W3C, "Content Security Policy Level 3"), so that a name in the directory cannot become code.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from azmlflow.rbac.report.access import Cell, Matrix, Row
from azmlflow.rbac.report.log import Entry, Log, place

# Class and sign of a cell. The classes are short because there are some ten thousand cells.
_SIGNS = {"allowed": ("y", "✓"), "refused": ("n", "·"), "unknown": ("q", "?")}

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
td.y { background: #d9f2df; color: #0b5a20; font-weight: 700 }
td.q { background: #fff0c9; color: #6b4a00; font-weight: 700 }
td.n { color: #77777f }
td i { font-size: .65em; font-style: normal; font-weight: 400; margin-left: .15em }
#why { position: sticky; bottom: 0; display: block; background: #fff; padding: .5rem 0; overflow-wrap: anywhere }
h2 { font-size: 1rem; margin: 1.25rem 0 .25rem }
ol { margin: 0; padding-left: 3.5em; overflow-wrap: anywhere }
ol.letters { list-style: lower-alpha }
tr[hidden] { display: none }
#log td, #log th { text-align: left; overflow-wrap: anywhere }
#log tr.gone { color: #55555e }
#log time { white-space: nowrap }
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
const why = document.getElementById("why");
const reasons = [...document.querySelectorAll("#reasons li")], actions = [...document.querySelectorAll("#actions li")];
const letters = new Map(actions.map(item => [item.dataset.letter, item.textContent.trim()]));
const rows = [...document.querySelectorAll("#matrix tbody tr")];
const log = [...document.querySelectorAll("#log tbody tr")];
const keys = new WeakMap(), verdicts = {y: "allowed", n: "refused", q: "unknown"};
function note(cell) { return cell.lastElementChild.textContent; }
function reason(cell) {
  const [, number, letter] = note(cell).match(/^(\\d+)(\\w*)$/);
  const action = letters.get(letter);
  return verdicts[cell.className] + ": " + (action ? action + ": " : "") + reasons[number - 1].textContent.trim();
}
function key(row) {
  if (!keys.has(row)) {
    const roles = [...row.cells].slice(1).map(cell => reasons[parseInt(note(cell)) - 1].dataset.role);
    keys.set(row, [row.cells[0].textContent, ...new Set(roles)].join(" ").toLowerCase());
  }
  return keys.get(row);
}
function show() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let left = 0;
  for (const row of rows) {
    row.hidden = !words.every(word => key(row).includes(word));
    left += row.hidden ? 0 : 1;
  }
  for (const row of log) row.hidden = !words.every(word => row.textContent.toLowerCase().includes(word));
  count.textContent = left + " of " + rows.length;
}
const table = document.querySelector("#matrix");
table.addEventListener("pointerover", event => {
  const cell = event.target.closest("tbody td");
  if (cell) cell.title = reason(cell);
});
table.addEventListener("click", event => {
  const cell = event.target.closest("tbody td");
  if (cell) why.textContent = cell.parentElement.cells[0].firstChild.textContent + ": " + reason(cell);
});
box.addEventListener("input", show);
document.querySelector("form").addEventListener("submit", event => event.preventDefault());
show();
"""


@dataclass
class _Notes:
    """The reasons and actions told under the table, in the order in which cells first name them."""

    reasons: dict[tuple[str, str], int] = field(default_factory=dict)
    actions: dict[str, str] = field(default_factory=dict)

    def mark(self, cell: Cell, who: str) -> str:
        """A cell's note: the number of its reason and, unless allowed, the letter of the action that decided."""
        decision = cell.decision
        told = decision.reason
        if decision.cause == "not-in-roles":
            told = told.replace(decision.action, "it")
        elif decision.cause == "no-assignment":
            told = told.replace(who, "the principal")
        number = self.reasons.setdefault((told, decision.role or ""), len(self.reasons) + 1)
        if cell.verdict == "allowed":
            return str(number)
        return f"{number}{self.actions.setdefault(decision.action, letters(len(self.actions)))}"

    def html(self) -> str:
        """Both lists."""
        reasons = "\n".join(
            f'<li data-role="{escape(role)}">{escape(told)}' if role else f"<li>{escape(told)}"
            for told, role in self.reasons
        )
        actions = "\n".join(f'<li data-letter="{mark}">{escape(action)}' for action, mark in self.actions.items())
        return (
            f'<h2>Reasons</h2>\n<ol id="reasons">\n{reasons}\n</ol>\n'
            f'<h2>Actions that decided</h2>\n<ol id="actions" class="letters">\n{actions}\n</ol>'
        )


def page(
    table: Matrix,
    subject: str,
    made: str = "",
    grants: Mapping[str, Sequence[str]] | None = None,
    given: Log | None = None,
) -> str:
    """The page.

    Args:
        table: who can do what.
        subject: what it is about, for the title: `stack prod`.
        made: when the report was made, and by whom.
        grants: of an object id (lower case) what was granted, and until when.
        given: who gave whom what, and took it away; left out where that was not asked.
    """
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; form-action 'none'"
    title = escape(f"Access on {subject}")
    notes = _Notes()
    rows = "\n".join(_row(row, notes, (grants or {}).get(row.object_id, ())) for row in table.rows)
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
<p>{escape(made)}</p>
<p>✓ allowed, · refused, ? rests on a condition or on what may not be read. Beside each sign stands the number of its
reason below, and the letter of the action that decided; point at a cell, or click it, to read them here.</p>
<form role="search"><label>Search <input id="search" type="search" placeholder="name, type, id, role" autofocus></label>
<output id="count"></output></form>
<table id="matrix">
<thead>
{_head(table)}
</thead>
<tbody>
{rows}
</tbody>
</table>
<output id="why"></output>
{_log(given) if given else ""}{notes.html()}
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


def _row(row: Row, notes: _Notes, grants: Sequence[str]) -> str:
    said = "".join(f"<small>{escape(grant)}</small>" for grant in grants)
    said += "".join(f'<small class="note">{escape(note)}</small>' for note in row.notes)
    below = escape(row.type if row.name == row.object_id else f"{row.type} {row.object_id}")
    head = f'<th scope="row">{escape(row.name)}<small>{below}</small>{said}</th>'
    return f"<tr>{head}{''.join(_cell(cell, row.object_id, notes) for cell in row.cells)}"


def _cell(cell: Cell, who: str, notes: _Notes) -> str:
    kind, sign = _SIGNS[cell.verdict]
    # An end tag that HTML lets one leave out is left out: cells are the most of the page.
    return f"<td class={kind}>{sign}<i>{notes.mark(cell, who)}</i>"


def _log(log: Log) -> str:
    """Who gave whom what, the last first; what is gone stands there too."""
    heads = ("given", "by", "to", "role", "at", "until", "taken away", "by")
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    lines = "\n".join(map(_entry, log.entries))
    told = "; ".join(filter(None, (log.told, log.unseen)))
    return (
        f'<h2>Who gave whom what, and who took it away</h2>\n<p id="told">{escape(told)}.</p>\n'
        f'<table id="log">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n</table>\n'
    )


def _entry(entry: Entry) -> str:
    ended = _time(entry.ended) if entry.ended or entry.stands else "gone, unknown when"
    # As in a line of `access --log`: what Azure does not tell is unknown, not nobody's.
    told = [_time(entry.on) or "unknown"]
    told += [escape(each or "unknown") for each in (entry.by, entry.to, entry.role)]
    told += [f'<span title="{escape(entry.at)}">{escape(place(entry.at))}</span>', escape(entry.until), ended]
    told += [escape(entry.ended_by or ("unknown" if entry.ended else ""))]
    cells = "".join(f"<td>{each}" for each in told)
    return f"<tr>{cells}" if entry.stands else f'<tr class="gone">{cells}'


def _time(instant: str) -> str:
    """An instant of the log, to the minute; nothing for none."""
    said = escape(instant[:16].replace("T", " "))
    return f'<time datetime="{escape(instant)}">{said}</time>' if instant else ""


def letters(number: int) -> str:
    """`a` to `z`, then `aa` and so on, as `list-style: lower-alpha` counts (W3C, "CSS Counter Styles Level 3")."""
    rest, last = divmod(number, 26)
    return (letters(rest - 1) if rest else "") + chr(ord("a") + last)
