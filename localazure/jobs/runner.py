"""The runner: takes queued jobs to free nodes, and what was asked to end to its end.

It is the one thing of the embedded Azure that works by itself, since processes do: a task of `serve`, woken by the
bell that requests ring, by the end of a job, and when an idle node is due to go. A request never waits for it.

A job that was started when the embedded Azure ended, in order or not, is lost: its keeper has ended its processes
(`child`), and it is Failed with the reason. Jobs that were only queued stay queued.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path

from azmlflow.localazure.cloud import Cloud
from azmlflow.localazure.jobs import execution, files, records
from azmlflow.localazure.jobs.nodes import NODES, Node, Pool, Scale
from azmlflow.localazure.jobs.process import JobProcess
from azmlflow.localazure.mlflow import MlflowUnavailable
from azmlflow.localazure.store import Document

LOST = "The embedded Azure ended while the job ran."
_LOOK = 60.0  # seconds after which it looks anyway
_AFTER_FAULT = 5.0
_log = logging.getLogger("azmlflow.local")


class Runner:
    """Runs the jobs of an embedded Azure.

    Args:
        cloud: the embedded Azure.
    """

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._root = cloud.state / "jobs"
        self._pools: dict[str, Pool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._processes: dict[str, JobProcess] = {}
        self._stopping = False

    async def serve(self) -> None:
        """Run jobs until cancelled; `stop` then ends those that run."""
        await self._recover()
        while True:
            try:
                wait = self.step()
            except Exception:  # noqa: BLE001 - whatever it is, other jobs are not to suffer for it
                _log.exception("the runner of jobs")
                wait = _AFTER_FAULT
            await self._cloud.bell.wait(wait)

    async def stop(self) -> None:
        """End all running jobs; they are Failed, with the reason."""
        self._stopping = True
        for process in list(self._processes.values()):
            process.end()
        waiting = list(self._tasks.values())
        for key, task in self._tasks.items():
            if key not in self._processes:
                task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        for key, document, _ in list(records.jobs(self._cloud)):
            if document["properties"]["status"] in records.STARTED:
                records.set_status(self._cloud, key, "Failed", error=LOST)

    def step(self) -> float:
        """Look at all jobs and clusters once; in how many seconds to look again if no bell rings."""
        self._end_unwanted()
        queued: dict[str, list[str]] = {}
        for key, document, _ in records.jobs(self._cloud):
            if document["properties"]["status"] == "Queued" and key not in self._tasks:
                queued.setdefault(document["properties"]["computeId"].lower(), []).append(key)
        clusters = {
            key: document
            for key, document in self._cloud.store.scan("resources")
            if "/computes/" in key and document["properties"].get("computeType") == "AmlCompute"
        }
        for key in set(self._pools) - set(clusters):
            del self._pools[key]
            self._cloud.store.delete(NODES, key)
        for compute in set(queued) - set(clusters):
            for key in queued[compute]:
                records.set_status(self._cloud, key, "Failed", error="The compute of the job was deleted.")
        waits = [self._tend(key, document, queued.get(key, [])) for key, document in clusters.items()]
        return min([_LOOK, *waits])

    def _tend(self, key: str, compute: Document, queued: list[str]) -> float:
        """Let a cluster's nodes come and go, and start what waits for one; when its next node will go."""
        pool = self._pools.setdefault(key, Pool())
        scale, now = Scale.of(compute), self._cloud.clock.now()
        before = self._cloud.store.get(NODES, key)
        for job, node in zip(queued, pool.settle(scale, len(queued), now), strict=False):
            node.job = job
            records.set_status(self._cloud, job, "Preparing")
            task = asyncio.get_running_loop().create_task(self._run(job, node))
            self._tasks[job] = task
        if pool.summary() != before:
            self._cloud.store.put(NODES, key, pool.summary())
        change = pool.next_change(scale)
        return _LOOK if change is None else max(0.0, (change - now).total_seconds())

    def _end_unwanted(self) -> None:
        """End what was cancelled, deleted, or has lost its cluster."""
        for key, document, _ in list(records.jobs(self._cloud)):
            if document["properties"]["status"] == "CancelRequested" and key not in self._tasks:
                records.set_status(self._cloud, key, "Canceled")
        for key in list(self._processes):
            if self._unwanted(key) is not None:
                self._processes[key].end()

    def _unwanted(self, key: str) -> str | None:
        """Why a job is to end: the state that it will have; None while it may run."""
        document = self._cloud.store.get("resources", key)
        if document is None or document["properties"]["status"] == "CancelRequested":
            return "Canceled"
        compute = self._cloud.store.get("resources", document["properties"]["computeId"].lower())
        return "Failed" if compute is None or self._stopping else None

    async def _run(self, key: str, node: Node) -> None:
        job = execution.Execution(self._cloud, self._root, key)
        try:
            await job.run(self._started, lambda: self._unwanted(key))
        finally:
            self._processes.pop(key, None)
            self._tasks.pop(key, None)
            node.job, node.since = None, self._cloud.clock.now()
            self._cloud.bell.ring()

    def _started(self, key: str, process: JobProcess) -> None:
        self._processes[key] = process
        if self._unwanted(key) is not None:
            process.end()

    async def _recover(self) -> None:
        """After the embedded Azure ended with jobs running: tell so, and clear away."""
        for key, _ in list(self._cloud.store.scan(NODES)):
            self._cloud.store.delete(NODES, key)
        for key, document, record in list(records.jobs(self._cloud)):
            if document["properties"]["status"] in records.STARTED:
                _log.info("job %s was lost", document["name"])
                records.set_status(self._cloud, key, "Failed", error=LOST)
            state = records.status(self._cloud, key)
            if state in records.ENDED and record.get("experiment") and not record.get("closed"):
                with contextlib.suppress(MlflowUnavailable):
                    await execution.close_run(self._cloud, key, state)
        await asyncio.to_thread(_clear, self._root)


def _clear(root: Path) -> None:
    for folder in root.glob("*"):
        files.remove(folder)
