"""Run by the data scientist's interpreter: metrics logged in the workspace and at a bare MLflow server, in turn.

    python logged.py ADDRESS ROUNDS COUNT

Prints one JSON line: seconds of each round of `COUNT` metrics, `embedded` and `bare`.
"""

from __future__ import annotations

import json
import sys
import time

from azureml.core import Workspace  # type: ignore[import-not-found]  # the examples' environment has it
from mlflow import MlflowClient

WARM = 20


class Run:
    """A run of a tracking server's, and the seconds that rounds of its metrics took."""

    def __init__(self, address: str) -> None:
        self._client = MlflowClient(address)
        self._id = self._client.create_run(self._client.create_experiment("logged")).info.run_id
        self._step = 0
        self.seconds: list[float] = []

    def log(self, count: int) -> float:
        """Log so many metrics, one after the other; seconds."""
        began = time.perf_counter()
        for _ in range(count):
            self._step += 1
            self._client.log_metric(self._id, "loss", 1 / self._step, step=self._step)
        return time.perf_counter() - began


def main(address: str, rounds: int, count: int) -> None:
    """Log to both in turn."""
    runs = {"embedded": Run(Workspace.from_config().get_mlflow_tracking_uri()), "bare": Run(address)}
    for run in runs.values():
        run.log(WARM)
    for _ in range(rounds):
        for run in runs.values():
            run.seconds.append(run.log(count))
    print(json.dumps({name: run.seconds for name, run in runs.items()}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
