"""`make bench`: access in a large tenant; the CLI's start against click's import; a no-op `azmlflow up`
against `pulumi up` of nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks import access
from benchmarks.pairs import Command, compare, show
from tests.e2e.estate import Estate, make_estate

HELP_BOUND, NO_OP_BOUND = 2.0, 2.5


def help_pair(folder: Path, environment: dict[str, str]) -> str:
    """`azmlflow --help` / `python -c "import click"`."""
    helped = Command("azmlflow --help", ("azmlflow", "--help"), folder, environment)
    imported = Command('python -c "import click"', (sys.executable, "-c", "import click"), folder, environment)
    return show(compare(helped, imported, runs=15), HELP_BOUND)


def no_op_pair(estate: Estate, empty: Path) -> str:
    """A no-op `azmlflow up` / `pulumi up` of an empty Python program, on the same kind of backend."""
    engine = estate.azmlflow("env", "--engine", "--output", "json").json()["set"]
    environment = {**estate.environment, **engine}
    (empty / "backend").mkdir(parents=True)
    environment["PULUMI_BACKEND_URL"] = f"file://{empty / 'backend'}"
    (empty / "Pulumi.yaml").write_text("name: empty\nruntime: python\n")
    (empty / "__main__.py").write_text("")
    Command("", ("pulumi", "stack", "init", "local", "--non-interactive"), empty, environment).seconds()
    words = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", "local")
    nothing = Command("pulumi up of an empty program", words, empty, environment)
    no_op = Command("no-op azmlflow up", ("azmlflow", "up"), estate.folder, estate.environment)
    return show(compare(no_op, nothing), NO_OP_BOUND)


def main() -> None:
    """Stand an estate up in a folder of its own, measure, take it down."""
    print(access.report(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        estate = make_estate(Path(folder) / "project")
        try:
            estate.azmlflow("up")
            print(help_pair(estate.folder, estate.environment), flush=True)
            print(no_op_pair(estate, Path(folder) / "empty"), flush=True)
        finally:
            estate.azmlflow("local", "stop")


if __name__ == "__main__":
    main()
