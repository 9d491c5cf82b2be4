"""`make bench`, or `python -m benchmarks NAME ...` for some of them: ratios of two things run side by side.

Each is measured in a project folder of its own, with an embedded Azure of its own. For figures to quote, on a machine
that does nothing else; the whole takes half an hour.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import access, artifacts, fleet, jobs, latency, opentofu, scoring, startup, sweep, tracking, ui
from tests.e2e.estate import Estate, make_estate


@dataclass(frozen=True)
class Benchmark:
    """One measurement: its name, how it is taken, and whether it begins in a standing workspace."""

    name: str
    report: Callable[[Estate], str]
    stands: bool = True


BENCHMARKS = (
    Benchmark("help", startup.help_pair, stands=False),
    Benchmark("no-op", startup.no_op_pair),
    Benchmark("opentofu", opentofu.report, stands=False),
    Benchmark("latency", latency.report, stands=False),
    Benchmark("locked-down", latency.locked, stands=False),
    Benchmark("fleet", fleet.report, stands=False),
    Benchmark("sweep", sweep.report, stands=False),
    Benchmark("jobs", jobs.report),
    Benchmark("scoring", scoring.report),
    Benchmark("tracking", tracking.report),
    Benchmark("ui", ui.report),
    Benchmark("artifacts", artifacts.report),
    Benchmark("matrix", access.report, stands=False),
    Benchmark("access", access.whole),
)


def main(names: list[str]) -> int:
    """Take all measurements, or those named; exit code 2 for a name that is none."""
    known = [each.name for each in BENCHMARKS]
    if unknown := set(names) - set(known):
        print(f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for each in BENCHMARKS:
        if not names or each.name in names:
            with tempfile.TemporaryDirectory() as folder:
                estate = make_estate(Path(folder) / "project", typed=True)
                try:
                    if each.stands:
                        estate.azmlflow("up")
                    print(f"== {each.name}\n{each.report(estate)}", flush=True)
                finally:
                    estate.azmlflow("local", "stop")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
