"""`azmlflow local limits`: what a job may take of this machine."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from azmlflow.cli.project.selection import find_project
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.life import duration

if TYPE_CHECKING:
    from datetime import timedelta

_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(?:i?B)?)?", re.IGNORECASE)


def _size(_context: click.Context, _parameter: click.Parameter, text: str | None) -> int | None:
    """`4GiB`, `500M`: bytes, in units of 1024."""
    if text is None:
        return None
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"'{text}' is not a size such as 500M or 4GiB")
    return int(float(found[1]) * _UNITS[(found[2] or "").upper()])


@click.command(
    cls=Command,
    examples=(
        "azmlflow local limits",
        "azmlflow local limits --memory 4GiB --disk 20GiB --time 2h",
        "azmlflow local limits --none",
    ),
)
@click.option("--time", metavar="TIME", callback=duration, help="Wall time: 90m, 2h.")
@click.option("--memory", metavar="SIZE", callback=_size, help="Memory of all its processes together: 500M, 4GiB.")
@click.option("--disk", metavar="SIZE", callback=_size, help="What it may write into its folder: 20GiB.")
@click.option("--none", "clear", is_flag=True, help="Take these settings away, before others are made.")
@common
def limits(
    invocation: Invocation, time: timedelta | None, memory: int | None, disk: int | None, *, clear: bool
) -> None:
    """What a job may take of this machine: show it, or set it.

    It holds for jobs that start from now on. One that passes a limit is Failed, with the reason. Its own
    `limits.timeout` holds too, and the memory and temporary disk that its cluster's VM size has; the least counts.
    Which Python jobs run with is told to `azmlflow local start` by the variable AZMLFLOW_JOB_PYTHON; else it is the one
    that `azmlflow run` was last given.
    """
    from azmlflow.localazure.work.limits import JobLimits, amount, read_limits, write_limits

    state = find_project().local
    before = read_limits(state)
    kept = JobLimits() if clear else before
    now = JobLimits(
        time.total_seconds() if time else kept.seconds,
        kept.memory if memory is None else memory,
        kept.disk if disk is None else disk,
    )
    if now != before:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_limits(state, now)
    sizes = (("memory", now.memory), ("disk", now.disk))
    shown = [
        ("time", f"{now.seconds:g} s" if now.seconds else "as the job says"),
        *((name, amount(size) if size else "as the VM size has") for name, size in sizes),
    ]
    invocation.result(asdict(now), "\n".join(f"{name:<7} {value}" for name, value in shown))
