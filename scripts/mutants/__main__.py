"""`make mutants`: change the code in every small way, a change at a time, and see that a test fails.

A sample by default, drawn by a seed, of so many minutes a target; `--all` takes every change and renews the counts in
docs/mutants.md. Exit code 1 if a change was left that docs/mutants.md does not explain.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.mutants import report
from scripts.mutants.child import RESULTS
from scripts.mutants.targets import TARGETS, Target
from scripts.mutants.tree import copy

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


def main() -> int:
    """Run the targets that were named, or all of them."""
    names = [target.name for target in TARGETS]
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"which of {', '.join(names)}; all by default")
    parser.add_argument("--all", action="store_true", help="every change, and renew docs/mutants.md")
    parser.add_argument("--only", default="", metavar="MODULE", help="how the modules' names begin: rbac.report")
    parser.add_argument("--seed", type=int, default=1, help="draws the sample")
    parser.add_argument("--minutes", type=float, default=2, help="of a target's sample")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="changes tried at a time")
    given = parser.parse_args()
    if unknown := set(given.targets) - {*names}:
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    wanted = [target for target in TARGETS if target.name in (given.targets or names)]
    words = [str(given.seed), str(0 if given.all else 60 * given.minutes), given.only, str(given.workers)]
    amiss = [_take(each, words, whole=given.all and not given.only) for each in wanted]
    return int(any(amiss))


def _take(target: Target, words: list[str], *, whole: bool) -> int:
    """One target; how many changes are left without a reason, or have a reason and are not left.

    Args:
        target: which.
        words: `child`'s arguments.
        whole: every change is tried, so that the report can be renewed.
    """
    _say(f"--- {target.name}")
    changes = report.read(_try(target, words))
    text = report.read_report()
    reasons = report.explained(text)
    left = {change.key for change in changes if change.end in report.LEFT}
    amiss = [f"no test fails: {key}" for key in sorted(left - reasons.keys())]
    if whole:
        places = {change.place for change in changes}
        stale = [key for key in reasons if key.partition(": ")[0] in places and key not in left]
        amiss += [f"explained, but a test fails, or there is no such change: {key}" for key in stale]
        report.REPORT.write_text(report.renewed(text, target.name, changes, [each.name for each in TARGETS]), "utf-8")
    for line in amiss:
        _say(line)
    _say(f"{target.name}: {len(changes)} changes tried, {len(left)} left, {len(left - reasons.keys())} unexplained")
    return len(amiss)


def _try(target: Target, words: list[str]) -> list[dict[str, str]]:
    """What became of each change of a target.

    Raises:
        SystemExit: the tests fail without any change, or mutmut does.
    """
    with tempfile.TemporaryDirectory(prefix="mutants-") as place:
        folder = Path(place)
        copy(target, folder)
        command = [sys.executable, "-m", "scripts.mutants.child", *words]
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        # No plugin but pytest's own: each costs time with each change.
        environment = {**os.environ, "PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        log = folder / "log"
        with log.open("wb") as file:
            ended = subprocess.run(command, cwd=folder, env=environment, stdout=file, stderr=file, check=False)
        if ended.returncode:
            lines = log.read_text(encoding="utf-8").replace("\r", "\n").splitlines()
            told = "\n".join(line for line in lines if line.strip() and line[0] not in _SPINNER)
            tests = " ".join(target.tests)
            sys.exit(
                f"mutmut ended with {ended.returncode}; do the tests pass? python -m pytest {tests}\n{told[-3000:]}"
            )
        found: list[dict[str, str]] = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        return found


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
