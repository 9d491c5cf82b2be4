"""`azmlflow sweep` of 50 groups whose deletion takes 1 s each, ten at a time, against the ideal of 5 s; and its memory.

The second is a fault rule of the embedded Azure (a slow answer), so that it is the same
on every machine; all else that a removal asks Azure (plan, check, residue) is what the ratio tells.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from azmlflow.localazure.front.faults import FaultRule, write_faults
from azmlflow.resourcetypes.table import version_of
from tests.e2e.estate import Estate
from tests.e2e.many import group_id, make_groups

GROUPS, WIDTH, SECONDS, BOUND = 50, 10, 1.0, 0.8
_WORDS = ("azmlflow", "sweep", "--name", "bench-*", "--width", str(WIDTH), "--apply", "--yes", "-o", "json")


def bare(estate: Estate) -> str:
    """One line: the same deletions as bare requests, which tells how busy the machine is: idle, this is the ideal."""
    names = [f"bare-{number:02}" for number in range(GROUPS)]
    arm = make_groups(estate, names, timedelta(days=1), timedelta(days=1), workspace=False)
    _slow_deletions(estate)
    version = version_of("Microsoft.Resources/resourceGroups")
    began = time.perf_counter()
    with ThreadPoolExecutor(WIDTH) as pool:
        tuple(pool.map(lambda name: arm.ask("DELETE", group_id(name), version), names))
    seconds = time.perf_counter() - began
    return (
        f"the same deletions as bare requests: {seconds:.2f} s = {GROUPS / WIDTH * SECONDS / seconds:.2f} of the ideal"
    )


def _slow_deletions(estate: Estate) -> None:
    slow = (
        FaultRule("DELETE", r"resourcegroups/[^/]+$", "before", nth, "slow", SECONDS) for nth in range(1, GROUPS + 1)
    )
    write_faults(estate.folder / ".azmlflow" / "local", tuple(slow))


def measure(estate: Estate) -> str:
    """One line: the rate of the whole command and of the removals alone, by the ideal one, and the peak memory."""
    state = estate.folder / ".azmlflow" / "local"
    names = [f"bench-{number:02}" for number in range(GROUPS)]
    make_groups(estate, names, timedelta(days=1), timedelta(days=1), workspace=False)
    _slow_deletions(estate)
    log = estate.folder / "sweep.json"
    with log.open("wb") as out:
        began = time.perf_counter()
        process = subprocess.Popen(
            _WORDS, cwd=estate.folder, env=estate.environment, stdout=out, stdin=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    write_faults(state, ())
    document = json.loads(log.read_text())
    assert {group["result"] for group in document["groups"]} == {"removed"}, document
    lines = [json.loads(line) for line in Path(document["audit"]).read_text().splitlines()]
    instants = [datetime.fromisoformat(line["when"]) for line in lines]
    removing = (max(instants) - min(instants)).total_seconds()
    ideal = GROUPS / WIDTH * SECONDS
    return (
        f"sweep of {GROUPS} groups at {SECONDS:.0f} s each, width {WIDTH}: removals {removing:.2f} s = "
        f"{ideal / removing:.2f} of the ideal rate, the whole command {seconds:.2f} s = {ideal / seconds:.2f} "
        f"(wanted: at least {BOUND}); {usage.ru_maxrss / 1024:.0f} MiB at most"
    )


def report(estate: Estate) -> str:
    """Twice two lines."""
    estate.azmlflow("local", "start")
    lines = []
    for _ in range(2):
        lines += [bare(estate), measure(estate)]
        (estate.folder / ".azmlflow" / "logs" / "sweep.jsonl").unlink()
    return "\n".join(lines)
