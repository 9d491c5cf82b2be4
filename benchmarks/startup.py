"""The CLI's start against click's import; a no-op `azmlflow up` against `pulumi up` of nothing."""

from __future__ import annotations

import sys

from benchmarks.pairs import Command, compare, show
from tests.e2e.estate import Estate

HELP_BOUND, NO_OP_BOUND = 2.0, 1.5


def help_pair(estate: Estate) -> str:
    """`azmlflow --help` / `python -c "import click"`."""
    helped = Command("azmlflow --help", ("azmlflow", "--help"), estate.folder, estate.environment)
    words = (sys.executable, "-c", "import click")
    imported = Command('python -c "import click"', words, estate.folder, estate.environment)
    return show(compare(helped, imported, runs=15), HELP_BOUND)


def no_op_pair(estate: Estate) -> str:
    """A no-op `azmlflow up` / `pulumi up` of an empty Python program, on the same kind of backend."""
    engine = estate.azmlflow("env", "--engine", "--output", "json").json()["set"]
    environment = {**estate.environment, **engine}
    empty = estate.folder.with_name("empty")
    (empty / "backend").mkdir(parents=True)
    environment["PULUMI_BACKEND_URL"] = f"file://{empty / 'backend'}"
    (empty / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
    (empty / "__main__.py").write_text("")
    Command("", ("pulumi", "stack", "init", "local", "--non-interactive"), empty, environment).seconds()
    words = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "local")
    nothing = Command("pulumi up of an empty program", words, empty, environment)
    no_op = Command("no-op azmlflow up", ("azmlflow", "up"), estate.folder, estate.environment)
    return show(compare(no_op, nothing), NO_OP_BOUND)
