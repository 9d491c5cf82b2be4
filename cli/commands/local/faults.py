"""`azmlflow local faults`: have the embedded Azure fail, to see what one's own tools make of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.selection import find_project
from azmlflow.cli.session.invocation import Command, Invocation, common

if TYPE_CHECKING:
    from azmlflow.localazure.front.faults import FaultRule

# As `localazure.faults` has them; not imported, to keep `--help` quick. A test holds the two together.
WHENS = ("before", "after", "answered")
WHATS = (
    *("429", "500", "503", "reset", "failed", "slow", "pause", "kill"),
    *("word", "html", "half", "types", "entries", "empty", "redirect", "foreign"),
)


@click.group()
def faults() -> None:
    """Have it fail, by rule. None is on unless one was added here; a rule strikes once."""


@faults.command(
    cls=Command,
    examples=(
        "azmlflow local faults add --what 429 --seconds 5 --nth 3",
        "azmlflow local faults add --what failed --method DELETE --path '/resourceGroups/[^/]+$'",
        "azmlflow local faults add --what reset --when after --method PUT --path '/workspaces/[^/]+$'",
    ),
)
@click.option("--what", type=click.Choice(WHATS), required=True, help="What happens.")
@click.option(
    "--when", type=click.Choice(WHENS), default="before", show_default=True, help="Before the work, or after."
)
@click.option("--method", default="*", show_default=True, metavar="METHOD", help="HTTP method it is for.")
@click.option("--path", default="/", show_default=True, metavar="PATTERN", help="Searched in the request's path.")
@click.option("--nth", type=click.IntRange(min=1), default=1, show_default=True, help="Which of those requests.")
@click.option("--seconds", type=click.FloatRange(min=0), default=1.0, show_default=True, help="Delay, or Retry-After.")
@common
def add(invocation: Invocation, **rule: object) -> None:
    """Add a rule; counting begins anew."""
    import re

    from azmlflow.localazure.front.faults import FaultRule, read_faults, write_faults

    fault = FaultRule(**{**rule, "method": str(rule["method"]).upper()})  # type: ignore[arg-type]
    try:
        re.compile(fault.path)
    except re.error as wrong:
        raise CliError(
            f"--path is not a pattern: {wrong}", where=fault.path, next="azmlflow local faults add --help"
        ) from None
    state = find_project().local
    write_faults(state, (*read_faults(state), fault))
    _tell(invocation, read_faults(state))


@faults.command(cls=Command, name="list", examples=("azmlflow local faults list",))
@common
def list_(invocation: Invocation) -> None:
    """List the rules."""
    from azmlflow.localazure.front.faults import read_faults

    _tell(invocation, read_faults(find_project().local))


@faults.command(cls=Command, examples=("azmlflow local faults clear",))
@common
def clear(invocation: Invocation) -> None:
    """Take all rules away."""
    from azmlflow.localazure.front.faults import write_faults

    write_faults(find_project().local, ())
    invocation.result([], "no faults")


def _tell(invocation: Invocation, rules: tuple[FaultRule, ...]) -> None:
    lines = [f"{rule.what:<7} {rule.when:<9} request {rule.nth} of {rule.method} {rule.path}" for rule in rules]
    invocation.result([asdict(rule) for rule in rules], "\n".join(lines) or "no faults")
