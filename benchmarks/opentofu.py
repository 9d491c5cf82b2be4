"""`up`, a no-op `up` and `down` against OpenTofu's apply, plan and destroy of as many resources with azurerm.

Both work on the same embedded Azure, which is done at once; azurerm is told not to wait by the clock. It is meant
whole, as people have it: one that is cut to a few services starts much sooner. Where OpenTofu or azurerm is not found
nothing is measured, and the report says so.
"""

from __future__ import annotations

import sys

from benchmarks.pairs import Command, Pair, show
from tests.e2e import tofu
from tests.e2e.estate import Estate

RUNS = 5
_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"
# Ours, theirs, and what the ratio of their times is wanted to be at most.
_PAIRS = (
    (("up", "--yes"), ("apply", "-auto-approve"), 1.5),
    (("up", "--yes"), ("plan", "-detailed-exitcode"), 1.5),
    (("down", "--yes"), ("destroy", "-auto-approve"), 1.2),
)


def report(estate: Estate) -> str:
    """Three lines: what stands up, what changes nothing, and what goes."""
    if tofu.programs() is None:
        return f"not measured: {tofu.NEEDS}"
    estate.azmlflow("local", "start")
    stack = tofu.at(estate, estate.folder.with_name("stack"))
    told = estate.azmlflow("run", "--without-stack", "--", sys.executable, "-c", _ENVIRONMENT)
    theirs = {**told.json(), **stack.variables}  # without the start of `azmlflow run`, which is ours
    commands = [
        (
            Command(f"azmlflow {ours[0]}", ("azmlflow", *ours), estate.folder, estate.environment),
            Command(f"tofu {words[0]}", stack.words(*words), stack.folder, theirs),
            bound,
        )
        for ours, words, bound in _PAIRS
    ]
    times = [[(a.seconds(), b.seconds()) for a, b, _ in commands] for _ in range(RUNS + 1)][1:]  # the first warms up
    lines = []
    for (a, b, bound), taken in zip(commands, zip(*times, strict=True), strict=True):
        pair = Pair(a, b, tuple(ours for ours, _ in taken), tuple(other for _, other in taken))
        lines.append(show(pair, bound))
    return "\n".join(lines)
