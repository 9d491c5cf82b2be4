"""Jobs on a cluster against the same script started bare.

Throughput: 200 jobs of half a second on 4 nodes, from the first submission to the end of the last job, against the
same script as plain processes, 4 at a time. Latency: from a submission to the first line in the log that a client
reads, against the script started by hand. Both in turn with what they are compared with, so that drift hits both.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from azmlflow.resourcetypes.table import version_of
from tests.e2e.estate import Estate
from tests.e2e.people import ARM, Person, sign_in

COUNT, WIDTH, RATE_BOUND = 200, 4, 0.8
LATENCY_RUNS, LATENCY_BOUND = 7, 1.5
SCRIPT = "import time; print('begun', flush=True); time.sleep(0.5)"
_VERSION = {"api-version": version_of("Microsoft.MachineLearningServices/workspaces/jobs")}
_ENDED = ("Completed", "Failed", "Canceled")
_LOOK = 0.05
_WITHIN = 600.0


def cluster(owner: Person, workspace: str) -> str:
    """A cluster of `WIDTH` nodes."""
    scale = {"minNodeCount": 0, "maxNodeCount": WIDTH, "nodeIdleTimeBeforeScaleDown": "PT120S"}
    inner = {"vmSize": "Standard_DS3_v2", "scaleSettings": scale}
    body = {"location": "westeurope", "properties": {"computeType": "AmlCompute", "properties": inner}}
    compute = f"{workspace}/computes/bench"
    owner.ask("PUT", f"{ARM}{compute}", params=_VERSION, json=body).raise_for_status()
    return compute


def submit(owner: Person, workspace: str, compute: str, name: str) -> None:
    """Submit one job."""
    properties = {
        "jobType": "Command",
        "command": 'python -c "$SCRIPT"',
        "computeId": compute,
        "environmentVariables": {"SCRIPT": SCRIPT},
        "experimentName": "bench",
    }
    url = f"{ARM}{workspace}/jobs/{name}"
    owner.ask("PUT", url, params=_VERSION, json={"properties": properties}).raise_for_status()


def rate(owner: Person, workspace: str, compute: str, prefix: str) -> float:
    """Jobs a second through the cluster."""
    began = time.perf_counter()
    names = [f"{prefix}-{number:03}" for number in range(COUNT)]
    for name in names:
        submit(owner, workspace, compute, name)
    for name in reversed(names):  # nearly the only wait is for the last
        _wait_for(lambda name=name: _status(owner, workspace, name) in _ENDED)  # type: ignore[misc]
        assert _status(owner, workspace, name) == "Completed", _details(owner, workspace, name)
        if name == names[-1]:
            seconds = time.perf_counter() - began
    return COUNT / seconds


def bare_rate() -> float:
    """The same script as plain processes, as many at a time as there are nodes."""
    began = time.perf_counter()
    with ThreadPoolExecutor(WIDTH) as pool:
        tuple(pool.map(lambda _: _bare().wait(), range(COUNT)))
    return COUNT / (time.perf_counter() - began)


def latency(owner: Person, workspace: str, compute: str, name: str) -> float:
    """Seconds from a submission to the first line of the script in the log, as a client reads it."""
    began = time.perf_counter()
    submit(owner, workspace, compute, name)
    _wait_for(lambda: "begun" in _log(owner, workspace, name))
    seconds = time.perf_counter() - began
    _wait_for(lambda: _status(owner, workspace, name) in _ENDED)
    return seconds


def bare_latency() -> float:
    """Seconds from starting the script to its first line."""
    began = time.perf_counter()
    with _bare() as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        return time.perf_counter() - began


def report(estate: Estate) -> str:
    """Two lines: the throughput's ratio and the latency's difference, each with the bound that it is held to."""
    workspace = str(estate.outputs()["workspaceId"])
    with sign_in(estate, "developer@local.test") as owner:
        compute = cluster(owner, workspace)
        latency(owner, workspace, compute, "bench-warm")
        bare_latency()
        pairs = [(latency(owner, workspace, compute, f"bench-late-{n}"), bare_latency()) for n in range(LATENCY_RUNS)]
        more = sorted(a - b for a, b in pairs)
        bare, jobs = bare_rate(), rate(owner, workspace, compute, "bench-rate")
    return (
        f"submit to first log line {statistics.median(a for a, _ in pairs):.2f} s, bare "
        f"{statistics.median(b for _, b in pairs):.2f} s: {statistics.median(more):.2f} s more "
        f"(min {more[0]:.2f}, max {more[-1]:.2f}, n={len(more)}; wanted: at most {LATENCY_BOUND})\n"
        f"{COUNT} jobs of 0.5 s on {WIDTH} nodes: {jobs:.2f}/s, bare {bare:.2f}/s = {jobs / bare:.2f} "
        f"(wanted: at least {RATE_BOUND})"
    )


def _bare() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)


def _wait_for(true: Callable[[], bool]) -> None:
    until = time.monotonic() + _WITHIN
    while not true():
        assert time.monotonic() < until
        time.sleep(_LOOK)


def _status(owner: Person, workspace: str, name: str) -> str:
    answer = owner.ask("GET", f"{ARM}{workspace}/jobs/{name}", params=_VERSION)
    answer.raise_for_status()
    return str(answer.json()["properties"]["status"])


def _details(owner: Person, workspace: str, name: str) -> dict[str, Any]:
    url = f"https://westeurope.api.azureml.ms/history/v1.0{workspace}/runs/{name}/details"
    answer = owner.ask("GET", url)
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def _log(owner: Person, workspace: str, name: str) -> str:
    found = _details(owner, workspace, name)["logFiles"]
    return owner.ask("GET", next(iter(found.values())), headers={"Authorization": ""}).text if found else ""
