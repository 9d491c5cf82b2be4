"""Small charts as SVG, drawn here, without a script: bars by day, and a line of what was at work over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from html import escape

from azmlflow.localazure.ui.html import Markup

_WIDE, _HIGH, _FOOT = 560, 120, 16


def bars(title: str, days: Sequence[date], counts: Mapping[date, Mapping[str, int]]) -> Markup:
    """A bar for each day, its parts one above the other.

    Args:
        title: what it shows, for those who hear the page.
        days: from left to right.
        counts: of a day, how many of each part; the parts' names are classes of the style sheet.
    """
    most = max([sum(counts.get(day, {}).values()) for day in days], default=0) or 1
    step = _WIDE / max(len(days), 1)
    shapes = []
    for at, day in enumerate(days):
        top = float(_HIGH)
        for part, count in counts.get(day, {}).items():
            high = count / most * (_HIGH - 8)
            top -= high
            shapes.append(
                f'<rect class="{escape(part)}" x="{at * step + step * 0.15:.1f}" y="{top:.1f}" '
                f'width="{step * 0.7:.1f}" height="{high:.1f}"><title>{day}: {count} {escape(part)}</title></rect>'
            )
    marks = [_text(0, str(days[0]), "start"), _text(_WIDE, str(days[-1]), "end")] if days else []
    return _chart(f"{title}; most on a day: {most}", [*shapes, *marks])


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
        return f"{x:.1f},{_HIGH - level / (most or 1) * (_HIGH - 8):.1f}"

    path = f"0,{_HIGH} " + " ".join(place(*each) for each in levels) + f" {_WIDE},{_HIGH}"
    marks = [_text(0, f"{begin:%m-%d %H:%M}", "start"), _text(_WIDE, f"{end:%m-%d %H:%M}", "end")]
    return _chart(f"{title}; most at a time: {most}", [f'<polygon class="line" points="{path}"/>', *marks])


def _text(x: int, text: str, anchor: str) -> str:
    return f'<text x="{x}" y="{_HIGH + _FOOT - 3}" text-anchor="{anchor}">{escape(text)}</text>'


def _chart(title: str, shapes: Sequence[str]) -> Markup:
    axis = f'<line class="axis" x1="0" y1="{_HIGH}" x2="{_WIDE}" y2="{_HIGH}"/>'
    return Markup(
        f'<svg class="chart" viewBox="0 0 {_WIDE} {_HIGH + _FOOT}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(shapes)}{axis}</svg>"
    )
