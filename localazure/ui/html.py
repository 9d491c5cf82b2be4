"""How the embedded Azure's own pages look: one frame, one style sheet, no script.

Everything that is shown is escaped where it is put in (`cell`, `table`, `facts`); what is `Markup` already is not
escaped again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; overflow-wrap: anywhere;
  border-bottom: 1px solid color-mix(in srgb, currentColor 15%, transparent) }
tbody th { font-weight: 600 }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.25rem; margin: 0 }
dt { opacity: .75 }
dd { margin: 0; overflow-wrap: anywhere }
pre { padding: .75rem 1rem; overflow-x: auto; background: color-mix(in srgb, currentColor 8%, transparent) }
code { font: .92em ui-monospace, monospace }
.refused { padding: .5rem .75rem; border-left: 4px solid #b3541e;
  background: color-mix(in srgb, #b3541e 12%, transparent); overflow-wrap: anywhere }
.state-Completed, .state-Succeeded { color: light-dark(#1a6b33, #7ad39a) }
.state-Failed { color: light-dark(#a3231f, #ff9a94) }
:focus-visible { outline: 2px solid Highlight; outline-offset: 2px }
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


def facts(pairs: Iterable[tuple[str, object]]) -> Markup:
    """A list of names and values."""
    return Markup("<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs) + "</dl>")


def table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    """A table whose first column names the row."""
    head = "".join(f'<th scope="col">{escape(each)}</th>' for each in columns)
    lines = [
        f'<tr><th scope="row">{cell(row[0])}</th>{"".join(f"<td>{cell(each)}</td>" for each in row[1:])}</tr>'
        for row in rows
    ]
    body = "\n".join(lines)
    return Markup(
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
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
