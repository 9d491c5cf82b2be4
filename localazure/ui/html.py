"""How the embedded Azure's own pages look: one frame, one style sheet, no script.

Everything that is shown is escaped where it is put in (`cell`, `table`, `facts`); what is `Markup` already is not
escaped again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape

STYLE = """
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 72rem; padding: 1rem 1.5rem 3rem }
header { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; align-items: baseline;
  border-bottom: 1px solid color-mix(in srgb, currentColor 25%, transparent); padding-bottom: .5rem }
header strong { font-size: 1.1rem }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; flex: 1 }
nav a[aria-current] { font-weight: 700; text-decoration: none; color: inherit }
header form { display: inline }
h1 { font-size: 1.3rem; margin: 1.25rem 0 .5rem }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .4rem }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; opacity: .75; padding-bottom: .3rem }
.scroll { overflow-x: auto }
th, td { text-align: left; vertical-align: top; padding: .3rem .9rem .3rem 0 }
tbody tr:not(.note) > *, thead th { border-top: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
thead th { border-top: 0; vertical-align: bottom }
tbody th { font-weight: 600 }
tr.note td { padding-top: 0; overflow-wrap: anywhere }
.id { display: inline-block; min-width: min(11rem, 13vw); overflow-wrap: anywhere }
.id small { display: block; font-weight: 400; opacity: .75 }
[class^=state], time span, .number { white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0 }
dt { opacity: .75 }
dd { margin: 0; overflow-wrap: anywhere }
pre { padding: .75rem 1rem; white-space: pre-wrap; overflow-wrap: anywhere;
  background: color-mix(in srgb, currentColor 8%, transparent) }
code { font: .92em ui-monospace, monospace }
.refused { padding: .5rem .75rem; border-left: 4px solid #b3541e;
  background: color-mix(in srgb, #b3541e 12%, transparent); overflow-wrap: anywhere }
.state-Completed, .state-Succeeded { color: light-dark(#1a6b33, #7ad39a) }
.state-Failed { color: light-dark(#a3231f, #ff9a94) }
:focus-visible { outline: 2px solid Highlight; outline-offset: 2px }
@media (max-width: 60rem) { table { font-size: .87rem } th, td { padding-right: .6rem } }
@media print { nav, header form { display: none } body { max-width: none; padding: 0 } a { color: inherit } }
"""


class Markup(str):
    """Text that is HTML already."""


def cell(value: object) -> Markup:
    """A value as HTML; nothing for None."""
    return value if isinstance(value, Markup) else Markup("" if value is None else escape(str(value)))


def link(text: object, target: str) -> Markup:
    """A link to a page of ours; `target` is an address relative to the page, or absolute."""
    return Markup(f'<a href="{escape(target)}">{cell(text)}</a>')


def state(name: object) -> Markup:
    """A state, coloured where it has an end."""
    return Markup(f'<span class="state-{escape(str(name))}">{escape(str(name))}</span>')


def identifier(name: object, beside: object = None) -> Markup:
    """A name that may be long: it alone may be broken anywhere. `beside` stands below it, in small."""
    small = "" if beside is None else f"<small>{cell(beside)}</small>"
    return Markup(f'<span class="id">{cell(name)}{small}</span>')


def time(instant: str | None) -> Markup:
    """An instant as ARM writes it, to the second; nothing for None."""
    if not instant:
        return Markup("")
    day, _, hour = instant.partition("T")
    return Markup(
        f'<time datetime="{escape(instant)}"><span>{escape(day)}</span> <span>{escape(hour[:8])}</span></time>'
    )


def duration(begin: str | None, end: datetime) -> Markup:
    """How long something took that began at an instant as ARM writes it, to the second; nothing where it did not."""
    if not begin:
        return Markup("")
    seconds = max(0, round((end - datetime.fromisoformat(begin)) / timedelta(seconds=1)))
    minutes, hours = seconds // 60 % 60, seconds // 3600
    told = f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s" if minutes else f"{seconds} s"
    return Markup(f'<span class="number">{told}</span>')


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """A list of names and values."""
    return Markup("<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs) + "</dl>")


def table(
    caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]], notes: Iterable[object] | None = None
) -> Markup:
    """A table whose first column names the row.

    Args:
        caption: what the table is.
        columns: their heads.
        rows: their cells.
        notes: for each row what is told of it below, over the whole width; nothing where it is empty.
    """
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in columns)
    lines = []
    for row, note in zip(rows, notes, strict=True) if notes is not None else ((row, None) for row in rows):
        cells = "".join(f"<td>{cell(each)}</td>" for each in row[1:])
        lines.append(f'<tr><th scope="row">{cell(row[0])}</th>{cells}</tr>')
        if note:
            lines.append(f'<tr class="note"><td colspan="{len(columns)}">{cell(note)}</td></tr>')
    body = "\n".join(lines)
    return Markup(
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def refused(message: str) -> Markup:
    """What may not be read, said."""
    return Markup(f'<p class="refused">{escape(message)}</p>')


def frame(title: str, main: str, *, header: str = "", head: str = "") -> str:
    """A page.

    Args:
        title: of the page, and its heading.
        main: its content, HTML.
        header: what stands above it, HTML.
        head: further elements of its head.
    """
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
{head}<title>{escape(title)}</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
</head>
<body>
{header}<main>
<h1>{escape(title)}</h1>
{main}
</main>
</body>
</html>
"""
