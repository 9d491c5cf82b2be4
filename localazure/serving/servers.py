"""All deployments: one task for each that is there, told of changes, ended with it.

Like the runner of jobs it is a task of the process, woken by a bell that requests ring. Unlike jobs, deployments come
back: whatever ended the embedded Azure, what stood is started again, and what was starting starts anew.
"""

from __future__ import annotations

import asyncio
import logging

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.kinds.endpoints import requests
from azmlflow.localazure.serving.deployment import Deployment

_STARTING = 2  # processes that start at a time
_LOOK = 60.0  # seconds after which it looks anyway
_AFTER_FAULT = 5.0
_log = logging.getLogger("azmlflow.local")


class Servers:
    """Serves the deployments of an embedded Azure.

    Args:
        cloud: the embedded Azure.
        users: whom processes run as.
    """

    def __init__(self, cloud: Cloud, users: Users) -> None:
        self._cloud, self._users = cloud, users
        self._starting = asyncio.Semaphore(_STARTING)
        self._tasks: dict[str, tuple[Deployment, asyncio.Task[None]]] = {}
        self._ending: dict[asyncio.Task[None], Deployment] = {}

    async def serve(self) -> None:
        """Serve until cancelled; `stop` then ends what serves."""
        while True:
            wait = _LOOK
            try:
                await self._users.clear()
                self.step()
                requests.note(self._cloud)
            except Exception:  # noqa: BLE001 - whatever it is, what serves is not to suffer for it
                _log.exception("the deployments")
                wait = _AFTER_FAULT
            await self._cloud.serving.bell.wait(wait)

    def step(self) -> None:
        """Look at which deployments there are."""
        wanted = {key for key, _ in self._cloud.store.scan(DEPLOYMENTS)}
        for key in set(self._tasks) - wanted:
            self._tasks[key][0].answers_on = True
            self._end(key)
        for key in wanted:
            if key in self._tasks and self._tasks[key][1].done():  # it has failed by a fault of ours, and said so
                del self._tasks[key]
            if key not in self._tasks:
                deployment = Deployment(self._cloud, self._users, key, self._starting)
                self._tasks[key] = deployment, asyncio.create_task(self._run(deployment, key))
            self._tasks[key][0].changed.set()

    async def stop(self) -> None:
        """End all that serves."""
        requests.note(self._cloud)
        for deployment in self._ending.values():
            deployment.answers_on = False
        for key in list(self._tasks):
            self._end(key)
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _end(self, key: str) -> None:
        deployment, task = self._tasks.pop(key)
        task.cancel()
        self._ending[task] = deployment
        task.add_done_callback(self._ending.pop)

    async def _run(self, deployment: Deployment, key: str) -> None:
        try:
            await deployment.run()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - nobody else hears of it; the next look begins anew
            _log.exception("deployment %s", key)
