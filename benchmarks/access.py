"""Access in a large tenant (`tenant`): the matrix alone at several sizes, and the whole command with its fetching.

The matrix: seconds of one core and memory at 1k, 2k, 4k and 8k assignments. Who is in the tenant is the same at each
size and is judged at each, so there is a fixed cost, which is told by itself: the matrix with no assignment at all.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import time
import tracemalloc

from azmlflow.localazure.core.store import Store
from azmlflow.rbac.report.access import COLUMNS, WhoIsWho, matrix
from benchmarks.tenant import DEFINITIONS_HELD, GROUPS, SCOPE, USERS, tenant, write
from tests.e2e.estate import Estate

SIZES = (1000, 2000, 4000, 8000)
BOUND = 1.0  # seconds, at 4,000 assignments


def seconds(assignments: int) -> float:
    """Seconds of one core for the whole matrix, its index included."""
    facts = tenant(assignments)
    gc.collect()
    before = time.process_time()
    matrix(facts, SCOPE, WhoIsWho({}, readable=False))
    return time.process_time() - before


def memory(assignments: int) -> tuple[int, int]:
    """Bytes that the index and the matrix take: at their most, and in the end."""
    facts = tenant(assignments)
    tracemalloc.start()
    table = matrix(facts, SCOPE, WhoIsWho({}, readable=False))
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert table.rows
    return most, held


def report(_estate: Estate) -> str:
    """One line a size: the least and the median of five runs, what each assignment adds, and memory."""
    lines = [f"matrix of {USERS + GROUPS} principals x {len(COLUMNS)} operations, {DEFINITIONS_HELD} definitions:"]
    fixed = min(seconds(0) for _ in range(5))
    lines.append(f"  no assignment: {fixed:.3f} s, the fixed cost of {USERS + GROUPS} rows")
    for size in SIZES:
        times = sorted(seconds(size) for _ in range(5))
        most, held = memory(size)
        added = (times[0] - fixed) / size * 1e6
        wanted = f"; wanted: under {BOUND} s" if size == 4000 else ""
        lines.append(
            f"  {size:>5} assignments: {times[0]:.3f} s (median {statistics.median(times):.3f}), each adds "
            f"{added:.0f} us, {most / 2**20:.0f} MB at most, {held / 2**20:.0f} MB kept{wanted}"
        )
    return "\n".join(lines)


def whole(estate: Estate, runs: int = 3) -> str:
    """`azmlflow access` over an embedded Azure that holds the tenant at 4,000 assignments: seconds, most memory."""
    facts = tenant(4000, estate.outputs()["workspaceId"])
    estate.azmlflow("local", "stop")
    store = Store(estate.folder / ".azmlflow" / "local" / "azure.db")
    write(store, facts)
    store.close()
    estate.azmlflow("local", "start")
    times, most = [], 0
    for _ in range(runs):
        began = time.perf_counter()
        child = subprocess.Popen(
            ("azmlflow", "access", "--output", "csv"),
            cwd=estate.folder,
            env=estate.environment,
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        times.append(time.perf_counter() - began)
        assert child.returncode == 0, "azmlflow access failed"
        most = max(most, usage.ru_maxrss)
    return (
        f"azmlflow access, fetching 4,000 assignments, 500 definitions and 1,100 principals: {min(times):.2f} s "
        f"(median {statistics.median(times):.2f}, n={runs}), {most // 1024} MB at most"
    )
