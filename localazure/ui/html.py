"""What the embedded Azure's own pages are made of: one frame, one bar; how they look is in `style.py`,
what their script adds in `script.py`.

Everything that is shown is escaped where it is put in (`cell`, `table`, `facts`); what is `Markup` already is not
escaped again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from html import escape


class Markup(str):
    """Text that is HTML already."""


def cell(value: object) -> Markup:
    """A value as HTML; nothing for None."""
    return value if isinstance(value, Markup) else Markup("" if value is None else escape(str(value)))


def link(text: object, target: str) -> Markup:
    """A link to a page of ours; `target` is an address relative to the page, or absolute."""
    return Markup(f'<a href="{escape(target)}">{cell(text)}</a>')


def state(name: object, like: str = "") -> Markup:
    """A state, coloured where it has an end; `like` is the one whose colour it has, if that is another's."""
    return Markup(f'<span class="state-{escape(like or str(name))}">{escape(str(name))}</span>')


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
    return Markup(f'<span class="number" data-sort="{seconds}">{told}</span>')


def word(value: object) -> Markup:
    """A short name, which is not broken."""
    return Markup(f'<span class="word">{cell(value)}</span>') if value else Markup("")


def facts(pairs: Iterable[tuple[str, object]], title: str = "") -> Markup:
    """A list of names and values, under a title if it has one; what has no value is left out."""
    head = f"<h2>{escape(title)}</h2>" if title else ""
    shown = "".join(f"<dt>{escape(name)}</dt><dd>{cell(value)}</dd>" for name, value in pairs if cell(value))
    return Markup(f"<dl>{head}{shown}</dl>")


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
        named = zip(columns[1:], row[1:], strict=True)
        cells = "".join(f'<td data-label="{escape(name)}">{cell(each)}</td>' for name, each in named)
        lines.append(f'<tr><th scope="row">{cell(row[0])}</th>{cells}</tr>')
        if note:
            lines.append(f'<tr class="note"><td colspan="{len(columns)}">{cell(note)}</td></tr>')
    body = "\n".join(lines)
    return Markup(
        f'<div class="scroll"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{body}</tbody></table></div>"
    )


def card(title: str, count: object, more: object) -> Markup:
    """A count, what it is of, and what is to be added."""
    return Markup(
        f'<section class="card"><h2>{escape(title)}</h2><p class="count">{cell(count)}</p>'
        f"<p><small>{cell(more)}</small></p></section>"
    )


def bar(name: object, links: Iterable[tuple[str, str, bool]], who: str, sign_out: str) -> Markup:
    """What stands above every page, MLflow's too.

    Args:
        name: the workspace's.
        links: text, address, whether it is the page that is looked at.
        who: the principal who looks.
        sign_out: where the button posts.
    """
    shown = "".join(
        f'<a href="{escape(target)}"{" aria-current=page" if here else ""}>{cell(text)}</a>'
        for text, target, here in links
    )
    return Markup(
        f'<header class="azml-bar"><strong>{cell(name)}</strong><nav>{shown}</nav><span>{cell(who)}</span>'
        f'<form method="post" action="{escape(sign_out)}"><button>Sign out</button></form></header>\n'
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
<script src="/tables.js" defer></script>
</head>
<body>
{header}<main>
<h1>{escape(title)}</h1>
{main}
</main>
</body>
</html>
"""
