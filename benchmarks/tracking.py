"""`log_metric` by MLflow's own client, through the embedded Azure against a bare `mlflow server` of the same version,
in turn: how many a second. One client, one worker, SQLite both.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.estate import Estate

BOUND = 0.8
ROUNDS, COUNT = 7, 200
OWNER = "developer@local.test"
_SCRIPT = Path(__file__).with_name("logged.py")
_LOOK, _WITHIN = 0.1, 120.0


@contextlib.contextmanager
def bare() -> Iterator[str]:
    """A bare MLflow server that answers; its address."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        where = ["--backend-store-uri", "sqlite:///mlflow.db", "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(
            [str(Path(sys.executable).with_name("mlflow")), "server", *where, "--workers", "1"],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + _WITHIN
            while not _answers(port):
                assert time.monotonic() < until and server.poll() is None
                time.sleep(_LOOK)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def report(estate: Estate) -> str:
    """One line: both rates and their ratio."""
    with bare() as address:
        done = estate.science(OWNER, _SCRIPT, address, str(ROUNDS), str(COUNT), within=900)
    told = json.loads(next(line for line in done.out.splitlines() if line.startswith("{")))
    rates = {name: [COUNT / seconds for seconds in told[name]] for name in ("embedded", "bare")}
    ratios = sorted(one / other for one, other in zip(rates["embedded"], rates["bare"], strict=True))
    return (
        f"log_metric {statistics.median(rates['embedded']):.0f}/s  /  bare MLflow "
        f"{statistics.median(rates['bare']):.0f}/s  =  {statistics.median(ratios):.2f} "
        f"(min {ratios[0]:.2f}, max {ratios[-1]:.2f}, n={ROUNDS}; wanted: at least {BOUND})"
    )


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()
