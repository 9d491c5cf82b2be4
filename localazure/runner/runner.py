"""The runner: takes queued jobs to free nodes, and what was asked to end to its end.

It is the one thing of the embedded Azure that works by itself, since processes do: a task of `serve`, woken by the
bell that requests ring, by the end of a job, and when an idle node is due to go. A request never waits for it.

A job that was started when the embedded Azure ended, in order or not, is lost, and Failed with the reason: its keeper
has ended its processes. Jobs that were only queued stay queued.
"""

from __future__ import annotations

import asyncio
import logging
import math

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import NODES
from azmlflow.localazure.core.errors import OUR_FAULT
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.process import Endable
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.resources import find
from azmlflow.localazure.runner import execution, runs
from azmlflow.localazure.runner.dues import Dues
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.work import quota, records
from azmlflow.localazure.work.nodes import Node, Pool, Scale

LOST = "The embedded Azure ended while the job ran."
_LOOK = 60.0  # seconds after which it looks anyway
_AFTER_FAULT = 5.0
_OPENING = 2  # MLflow runs of queued jobs that are made at a time
_log = logging.getLogger("azmlflow.local")


class Runner:
    """Runs the jobs of an embedded Azure.

    Args:
        cloud: the embedded Azure.
        users: whom jobs run as.
    """

    def __init__(self, cloud: Cloud, users: Users) -> None:
        self._cloud, self._users = cloud, users
        self._pools: dict[str, Pool] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._openings: dict[str, asyncio.Task[None]] = {}
        self._opening = asyncio.Semaphore(_OPENING)
        self._dues = Dues(cloud)
        self._processes: dict[str, Endable] = {}
        self._evicted: set[str] = set()  # jobs whose node is being taken away
        self._finishing: set[str] = set()  # jobs whose process has ended
        self._stopping = False

    async def serve(self) -> None:
        """Run jobs until cancelled; `stop` then ends those that run."""
        recovered = False
        while True:
            try:
                if not recovered:
                    await self._recover()
                    recovered = True
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
        waiting = [*self._tasks.values(), *self._openings.values()]
        for task in self._openings.values():
            task.cancel()
        for key, task in self._tasks.items():
            if key not in self._processes and key not in self._finishing:
                task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)  # they tell their faults themselves
        for key, job in records.open_jobs(self._cloud):
            if job.status in records.STARTED:
                records.set_status(self._cloud, key, "Failed", error=LOST)

    def step(self) -> float:
        """Look at the jobs that have not ended and at their clusters; in how many seconds to look again if no bell
        rings."""
        skipped = self._cloud.skipped
        skipped.each(list(self._processes), str, self._end_unwanted)
        queued = self._waiting()
        found = {key: find.resource(self._cloud, key) for key in {*queued, *self._pools}}
        there = ((key, compute) for key, compute in found.items() if compute is not None)
        clusters = dict(skipped.each(there, lambda cluster: cluster[0], quota.sound))
        for key in set(self._pools) - set(clusters):
            self._rest(key)
        for compute in set(queued) - set(clusters):
            for key in queued[compute]:
                self._end_queued(key, "Failed", "The compute of the job was deleted, or cannot be read.")
        for key in clusters:
            self._pools.setdefault(key, Pool())
        # Dedicated clusters come first: what low priority gets is what they leave.
        order = sorted(clusters, key=lambda key: (quota.is_low_priority(clusters[key]), key))
        waits = skipped.each(order, str, lambda key: self._tend(key, clusters, queued.get(key, [])))
        return min([_LOOK, *waits, self._tell_dues()])

    def _end_unwanted(self, key: str) -> None:
        if self._unwanted(key) is not None:
            self._processes[key].end()

    def _waiting(self) -> dict[str, list[str]]:
        """The jobs that wait for a node, by cluster; those that wait no more are ended."""
        queued: dict[str, list[str]] = {}
        there = records.open_jobs(self._cloud)
        gone = set(self._openings) - {key for key, _ in there} - set(self._tasks) - set(records.untold(self._cloud))
        for key in gone:
            del self._openings[key]
        for key, job in there:
            if key in self._tasks:
                continue
            if job.status == "CancelRequested":
                self._end_queued(key, "Canceled", None)
            elif job.status in records.STARTED:  # nobody is at it any more: its task has failed, and said so in the log
                self._end_queued(key, "Failed", OUR_FAULT)
            elif job.status == "Queued":
                queued.setdefault(job.compute, []).append(key)
                if key not in self._openings:
                    self._openings[key] = asyncio.get_running_loop().create_task(self._open(key))
        return queued

    def _tell_dues(self) -> float:
        """Tell MLflow of the ends and changes that it has not heard, when they are due; when the next one is."""
        for due, tell in ((self._dues.ends, self._close), (self._dues.changes, self._tell)):
            for key in due(self._tasks):
                self._tasks[key] = asyncio.get_running_loop().create_task(tell(key))
        return self._dues.next(self._tasks)

    def _tend(self, key: str, clusters: dict[str, Document], queued: list[str]) -> float:
        """Let a cluster's nodes come and go, and start what waits for one; when its next node will go."""
        pool, compute = self._pools[key], clusters[key]
        scale, now = Scale.of(compute), self._cloud.clock.now()
        standing = [(clusters[other], len(found.nodes)) for other, found in self._pools.items() if other in clusters]
        free = pool.adjust(scale, len(queued), now, quota.room(compute, standing))
        for job, node in zip(queued, free, strict=False):
            records.set_status(self._cloud, job, "Preparing")
            node.job, node.since = job, now
            self._tasks[job] = asyncio.get_running_loop().create_task(self._run(job, key, node))
        short = min(len(queued) - len(free), scale.max_nodes - len(pool.nodes))
        if short > 0 and not quota.is_low_priority(compute):
            self._preempt(compute, short, clusters)
        if pool.at_rest(scale):
            self._rest(key)
            return _LOOK
        if pool.summary() != self._cloud.store.get(NODES, key):
            self._cloud.store.put(NODES, key, pool.summary())
        change = pool.next_change(scale)
        return _LOOK if change is None else max(0.0, (change - now).total_seconds())

    def _preempt(self, compute: Document, short: int, clusters: dict[str, Document]) -> None:
        """Take cores for a dedicated cluster that is `short` of nodes from low-priority ones, as many as it needs."""
        wanted = quota.size_of(compute)
        cores = short * wanted.cores if wanted else 0
        for key, other in clusters.items():
            size = quota.size_of(other)
            if cores <= 0 or size is None or not (quota.is_low_priority(other) and quota.shares(compute, other)):
                continue
            pool = self._pools[key]
            before = len(pool.nodes)
            going = sum(node.job in self._evicted for node in pool.nodes)
            jobs = pool.evict(math.ceil(cores / size.cores) - going, self._evicted)
            for job in jobs:
                _log.info("job %s is preempted", job)
                self._evicted.add(job)
                if job in self._processes:
                    self._processes[job].end()
            taken = before - len(pool.nodes)
            if taken:
                self._cloud.bell.ring()  # free nodes: their cores are there at once
            cores -= (going + len(jobs) + taken) * size.cores

    def _rest(self, key: str) -> None:
        """A cluster at which nothing happens is as its document says, and is not looked at until a job waits for it."""
        del self._pools[key]
        self._cloud.store.delete(NODES, key)

    def _end_queued(self, key: str, state: str, error: str | None) -> None:
        """End a job that has no node; its MLflow run is ended when MLflow can."""
        records.set_status(self._cloud, key, state, error=error)
        self._tasks[key] = asyncio.get_running_loop().create_task(self._close(key))

    def _unwanted(self, key: str) -> str | None:
        """Why a job is to end: the state that it will have; None while it may run."""
        document = find.resource(self._cloud, key)
        if document is None or document["properties"]["status"] == "CancelRequested":
            return "Canceled"
        compute = find.resource(self._cloud, document["properties"]["computeId"])
        if compute is None or self._stopping:
            return "Failed"
        return "Queued" if key in self._evicted else None

    async def _open(self, key: str) -> None:
        """Make a queued job's MLflow run; where MLflow cannot, the job's start asks again, and says why it fails."""
        try:
            async with self._opening:
                await runs.open_run(self._cloud, key)
        except (runs.CannotRun, MlflowUnavailable) as error:
            _log.info("job %s: %s", key, error)
        except Exception:  # noqa: BLE001 - nobody else hears of it before the job's start, which asks again
            _log.exception("job %s", key)

    async def _opened(self, key: str) -> None:
        opening = self._openings.get(key)
        if opening is not None:
            await asyncio.wait([opening])

    async def _close(self, key: str) -> None:
        """Tell MLflow that a job has ended; later again if it cannot hear it now."""
        after = _AFTER_FAULT
        try:
            await self._opened(key)
            state = records.status(self._cloud, key)
            if state in records.ENDED:
                async with self._opening:
                    await runs.end_run(self._cloud, key, state)
        except MlflowUnavailable as error:
            _log.info("job %s: %s", key, error)
            after = error.retry_after
        except Exception:  # noqa: BLE001 - nobody else hears of it, and it is tried again
            _log.exception("job %s", key)
        finally:
            self._forget(key)
            self._cloud.bell.ring()  # a job of the same name may have come meanwhile
        self._dues.note_end(key, after)

    async def _tell(self, key: str) -> None:
        """Tell MLflow what it is still to hear of a job's run; later again if it cannot hear it now."""
        after = _AFTER_FAULT
        try:
            await self._opened(key)
            async with self._opening:
                await runs.tell(self._cloud, key)
        except MlflowUnavailable as error:
            _log.info("job %s: %s", key, error)
            after = error.retry_after
        except Exception:  # noqa: BLE001 - nobody else hears of it, and it is tried again
            _log.exception("job %s", key)
        finally:
            self._forget(key)
            self._dues.note_deaf(key, after)
            self._cloud.bell.ring()

    async def _run(self, key: str, cluster: str, node: Node) -> None:
        job = execution.Execution(self._cloud, self._users, key)

        def release() -> None:
            """The node is free once the job's process has ended: its files are kept by the embedded Azure."""
            self._processes.pop(key, None)
            self._finishing.add(key)
            if node.job == key:
                pool = self._pools.get(cluster)
                if pool is not None:
                    pool.release(node, self._cloud.clock.now(), gone=key in self._evicted)
                self._cloud.bell.ring()

        try:
            await self._opened(key)
            await job.run(self._started, release, lambda: self._unwanted(key))
        except Exception:  # noqa: BLE001 - nobody else hears of it; `step` finds the job without a task
            _log.exception("job %s", key)
        finally:
            release()
            if key in self._evicted:  # queued again
                self._evicted.discard(key)
                self._cloud.bell.ring()
            self._forget(key)
        self._dues.note_end(key, _AFTER_FAULT)
        self._cloud.bell.ring()

    def _forget(self, key: str) -> None:
        self._tasks.pop(key, None)
        self._openings.pop(key, None)
        self._finishing.discard(key)

    def _started(self, key: str, process: Endable) -> None:
        self._processes[key] = process
        if self._unwanted(key) is not None:
            process.end()

    async def _recover(self) -> None:
        """After the embedded Azure ended with jobs running: tell so, and clear away."""
        for key, _ in list(self._cloud.store.scan(NODES)):
            self._cloud.store.delete(NODES, key)
        for key, document, _ in list(records.jobs(self._cloud)):
            if document["properties"]["status"] in records.STARTED:
                _log.info("job %s was lost", document["name"])
                records.set_status(self._cloud, key, "Failed", error=LOST)
            elif document["properties"]["status"] not in records.ENDED:
                records.set_status(self._cloud, key, "Queued")
            self._dues.note_end(key)
        await self._users.clear()
