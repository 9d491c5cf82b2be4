"""The matrix as one HTML page without scripts, which asks nobody for anything."""

from __future__ import annotations

from html import escape

from azmlflow.reach.matrix import Matrix, called
from azmlflow.reach.records import Decision

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #1b1b1b }
table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #d0d0d0; padding: .5rem .7rem; text-align: left; vertical-align: top }
td.yes { background: #e7f4e8 } td.no { background: #fbeaea }
td b { display: block } code { background: #f1f1f1; padding: 0 .2rem }
"""


def page(table: Matrix, stack: str) -> str:
    """The page of a stack: a row for each endpoint, a column for each origin, in a cell the reason."""
    head = "".join(f"<th>from {escape(called(each))}</th>" for each in table.origins)
    body = "\n".join(f"<tr><th>{escape(row.title)}</th>{''.join(map(_cell, row.cells))}</tr>" for row in table.rows)
    title = f"Who reaches what: {escape(stack)}"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{title}</h1>
<table>
<thead><tr><th>endpoint</th>{head}</tr></thead>
<tbody>
{body}
</tbody>
</table>
</body>
</html>
"""


def _cell(decision: Decision) -> str:
    kind = "yes" if decision.allowed else "no"
    opens = f"<br>opened by <code>{escape(decision.setting)}</code>" if decision.setting else ""
    return f'<td class="{kind}"><b>{kind}</b>{escape(decision.reason)}{opens}</td>'
