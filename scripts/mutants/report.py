"""docs/mutants.md: how many changes of each module were noticed, by what, and which were not and why that is right.

The reasons are written there by hand, in blocks of changes below a heading each; the table is written by `make mutants
ALL=1`, a target at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.mutants.bare import SUFFIX
from scripts.mutants.tree import ROOT

REPORT = ROOT / "docs" / "mutants.md"
TABLE = "| target | module | changes | refused by mypy | failed by a test | endless | left |"
_RULE = "|---|---|---:|---:|---:|---:|---:|"
LEFT = ("survived", "no tests", "suspicious")
_ENDLESS = ("timeout", "segfault")  # stopped for its time, or for its memory


@dataclass(frozen=True)
class Change:
    """One change that was tried.

    Attributes:
        module: `rbac/evaluate.py`.
        place: `rbac.evaluate.Decision.allowed`.
        text: `was -> is`, of a change that was left.
        end: what became of it, in mutmut's word.
    """

    module: str
    place: str
    text: str
    end: str

    @property
    def key(self) -> str:
        """Its line in the report."""
        return f"{self.place}: {self.text}"


def read(results: Iterable[Mapping[str, str]]) -> tuple[Change, ...]:
    """The changes of a run."""
    return tuple(
        Change(
            module=each["module"].removeprefix("src/azmlflow/"),
            place=_place(each["name"]),
            text=_text(each["diff"]),
            end=each["end"],
        )
        for each in results
    )


def _place(name: str) -> str:
    """`rbac.evaluate.Decision.allowed` of `azmlflow.rbac.evaluate.xǁDecisionǁallowed__bare__mutmut_1`."""
    module, _, mangled = name.removeprefix("azmlflow.").rpartition(".")
    function = mangled.partition("__mutmut_")[0].removesuffix(SUFFIX)
    return f"{module}.{function.removeprefix('x_').removeprefix('xǁ').replace('ǁ', '.')}"


def _text(diff: str) -> str:
    """The lines that differ, the first of each side."""
    sides = {}
    for sign in "-+":
        lines = [line[1:].strip() for line in diff.splitlines()[2:] if line.startswith(sign)]
        sides[sign] = (lines or ["nothing"])[0] + (" ..." if len(lines) > 1 else "")
    return f"{sides['-']} -> {sides['+']}" if diff else ""


def explained(text: str) -> dict[str, str]:
    """Change -> why it may be left: the lines of each block, and the heading above it."""
    found: dict[str, str] = {}
    reason, inside = "", False
    for line in text.splitlines():
        if line.startswith("### "):
            reason = line.removeprefix("### ")
        elif line.startswith("```"):
            inside = not inside
        elif inside and line.strip():
            found[line.strip()] = reason
    return found


def counted(target: str, changes: Sequence[Change]) -> list[str]:
    """A row a module."""
    rows = []
    for module in sorted({change.module for change in changes}):
        ends = Counter(change.end for change in changes if change.module == module)
        cells = (
            sum(ends.values()),
            ends["caught by type check"],
            ends["killed"],
            sum(ends[end] for end in _ENDLESS),
            sum(ends[end] for end in LEFT),
        )
        rows.append(f"| {target} | {module} | {' | '.join(map(str, cells))} |")
    return rows


def renewed(text: str, target: str, changes: Sequence[Change], order: Sequence[str]) -> str:
    """The report with a target's rows replaced, the targets in order."""
    head, _, tail = text.partition(TABLE)
    rows = re.findall(r"^\| \w+ \| .*$", tail, re.MULTILINE)
    rest = re.sub(r"\A\n\|---.*\n(\|.*\n)*", "", tail)
    kept = [row for row in rows if row.split()[1] in order and row.split()[1] != target]
    table = sorted([*kept, *counted(target, changes)], key=lambda row: (order.index(row.split()[1]), row))
    return "\n".join([f"{head}{TABLE}", _RULE, *table, rest])


def read_report(path: Path = REPORT) -> str:
    """What it says."""
    return path.read_text(encoding="utf-8")
