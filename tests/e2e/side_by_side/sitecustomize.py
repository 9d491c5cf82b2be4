"""Has commands of stacks that begin side by side meet in the worst order; on PYTHONPATH, Python runs it at each start.

`FIRST=stack` begins alone. It is held where it has just written its empty state, until every other one of `OTHERS` has
written its own; these begin once the first one's state is there. No more of azmlflow is known here than where Pulumi
keeps states, and that `--stack` names one.
"""

import os
import sys
import time
from pathlib import Path

_WITHIN = 40.0  # seconds, after which they go on alone, and the test fails


def _meet(first: str, others: list[str], backend: Path, ours: str) -> None:
    def wait(*stacks: str) -> None:
        until = time.monotonic() + _WITHIN
        while not all((backend / f"{stack}.json").exists() for stack in stacks) and time.monotonic() < until:
            time.sleep(0.02)

    if ours != first:
        wait(first)
        return
    written = False

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal written
        if written and (backend / f"{first}.json").exists():
            written = False
            wait(*others)
        elif event == "os.rename" and str(arguments[1]).endswith(f"/{first}.json"):
            written = True

    sys.addaudithook(hear)


_words = sys.orig_argv
if "SIDE_BY_SIDE" in os.environ and "--stack" in _words:
    _all = os.environ["SIDE_BY_SIDE"].split(",")
    _meet(_all[0], _all[1:], Path(os.environ["SIDE_BY_SIDE_STATES"]), _words[_words.index("--stack") + 1])
