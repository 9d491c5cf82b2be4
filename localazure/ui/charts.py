"""Small charts as SVG, drawn here, without a script: bars by day, and a line of what was at work over time.

Shapes are as wide as their place; words stand beside them, as words, so that they can be read at each width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape

from azmlflow.localazure.ui.html import Markup

_WIDE, _HIGH, _ROOM = 1000, 100, 6


def bars(title: str, days: Sequence[date], counts: Mapping[date, Mapping[str, int]]) -> Markup:
    """A bar for each day, its parts one above the other.

    Args:
        title: what it shows, for those who hear the page.
        days: from left to right.
        counts: of a day, how many of each part; the parts' names are classes of the style sheet.
    """
    most = max([sum(counts.get(day, {}).values()) for day in days], default=0)
    step = _WIDE / max(len(days), 1)
    shapes = []
    for at, day in enumerate(days):
        top = float(_HIGH)
        for part, count in counts.get(day, {}).items():
            high = count / (most or 1) * (_HIGH - _ROOM)
            top -= high
            shapes.append(
                f'<rect class="{escape(part)}" x="{at * step + step * 0.15:.1f}" y="{top:.1f}" '
                f'width="{step * 0.7:.1f}" height="{high:.1f}"><title>{day}: {count} {escape(part)}</title></rect>'
            )
    parts = sorted({part for day in days for part in counts.get(day, {})})
    key = "".join(f'<span class="of-{escape(part)}">{escape(part)}</span> ' for part in parts)
    first, last = (str(days[0]), str(days[-1])) if days else ("", "")
    return _chart(f"{title}; most on a day: {most}", shapes, (first, f"{key}most on a day: {most}", last))


def line(title: str, begin: datetime, end: datetime, spans: Sequence[tuple[datetime, datetime]]) -> Markup:
    """How many spans there were at each time, as steps.

    Args:
        title: what it shows.
        begin, end: of the chart.
        spans: each from when to when.
    """
    changes: dict[datetime, int] = {}
    for first, last in spans:
        if last > begin and first < end:
            changes[max(first, begin)] = changes.get(max(first, begin), 0) + 1
            changes[min(last, end)] = changes.get(min(last, end), 0) - 1
    levels, now = [(begin, 0)], 0
    for instant in sorted(changes):
        levels.append((instant, now))
        now += changes[instant]
        levels.append((instant, now))
    levels.append((end, now))
    most = max(level for _, level in levels)
    whole = (end - begin) / timedelta(seconds=1)

    def place(instant: datetime, level: int) -> str:
        x = (instant - begin) / timedelta(seconds=1) / whole * _WIDE
        return f"{x:.1f},{_HIGH - level / (most or 1) * (_HIGH - _ROOM):.1f}"

    path = f"0,{_HIGH} " + " ".join(place(*each) for each in levels) + f" {_WIDE},{_HIGH}"
    words = (f"{begin:%Y-%m-%d %H:%M}", f"most at a time: {most}", f"{end:%Y-%m-%d %H:%M} UTC")
    return _chart(f"{title}; most at a time: {most}", [f'<polygon class="line" points="{path}"/>'], words)


def _chart(title: str, shapes: Sequence[str], words: Sequence[str]) -> Markup:
    return Markup(
        f'<figure><svg viewBox="0 0 {_WIDE} {_HIGH}" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(title)}"><title>{escape(title)}</title>{"".join(shapes)}</svg>'
        f"<figcaption>{''.join(f'<span>{each}</span>' for each in words)}</figcaption></figure>"
    )
