"""A deployment from its first start to its end: what its document wants, it serves.

A change starts another process beside the one that answers; only when it answers too do requests go there, and the old
one ends when it has answered what it had. Where the new one fails, the operation says so, and the old one goes on. A
process that ends by itself is started again, later and later if that goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import logging

from azmlflow.localazure.arm.due import apply_due
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import DEPLOYMENTS
from azmlflow.localazure.core.errors import OUR_FAULT, AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.resources import find
from azmlflow.localazure.serving import instance
from azmlflow.localazure.serving.errors import NotServing
from azmlflow.localazure.serving.instance import Instance, digest
from azmlflow.localazure.tracking.answers import MlflowUnavailable

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0  # seconds before a process is started again
_DRAIN = 180.0  # seconds that requests under way get when another process takes over: the longest that one may take
_LOOK = 0.1
_log = logging.getLogger("azmlflow.local")


class Deployment:
    """A deployment's process, or the lack of one.

    Args:
        cloud: the embedded Azure.
        users: whom processes run as.
        key: the deployment's id in lower case.
        starting: held while a process starts, so that not all start at once.
    """

    def __init__(self, cloud: Cloud, users: Users, key: str, starting: asyncio.Semaphore) -> None:
        self._cloud, self._users, self._key, self._starting = cloud, users, key, starting
        self._name = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._numbers = itertools.count(1)
        self._current: Instance | None = None
        self._failures = 0
        self._draining: set[asyncio.Task[None]] = set()
        self.changed = asyncio.Event()
        self.answers_on = False  # it was deleted: what it was asked before it answers

    async def run(self) -> None:
        """Serve it until cancelled; all of its processes are ended then."""
        try:
            while True:
                self.changed.clear()
                await self._step()
        finally:
            self._cloud.serving.backends.pop(self._key, None)
            self._cloud.serving.logs.pop(self._key, None)
            for task in self._draining:
                task.cancel()
            await asyncio.gather(*self._draining, return_exceptions=True)
            if self._current is not None:
                await self._answer_on(self._current)
                await self._current.close()

    async def _step(self) -> None:
        """Serve what is wanted now, and wait until that may have changed."""
        wanted, current = self._wanted(), self._current
        if wanted is None:
            await self.changed.wait()
        elif current is not None and current.digest == digest(wanted):
            self._settle(None)
            await self._watch(current)
        else:
            await self._begin(wanted)

    def _wanted(self) -> Document | None:
        """The deployment as it is to be served: as its document says, unless that has failed."""
        document = find.resource(self._cloud, self._key)
        if document is None:
            return None
        operation = self._cloud.operations.running(self._key) or {}
        if operation.get("held") or document["properties"]["provisioningState"] == "Succeeded":
            return document
        served: Document | None = (self._cloud.store.get(DEPLOYMENTS, self._key) or {}).get("served")
        return served

    async def _begin(self, wanted: Document) -> None:
        async with self._starting:
            begun: Instance | None = None
            try:
                begun = await instance.open_instance(self._users, wanted, f"{self._name}-{next(self._numbers)}")
                self._cloud.serving.logs[self._key] = begun.log.path
                await begun.prepare(self._cloud, self._users)
                self._cloud.serving.secret[self._key] = begun.secret
                await begun.answers(self._cloud)
            except (NotServing, LocalError, AzureError, MlflowUnavailable, OSError) as error:
                await self._failed(begun, error)
            except asyncio.CancelledError:
                if begun is not None:
                    await begun.close()
                raise
            except Exception:  # noqa: BLE001 - whatever it is, the operation must have an end
                _log.exception("deployment %s", self._key)
                await self._failed(begun, NotServing("InternalServerError", OUR_FAULT))
            else:
                await self._took_over(begun)
                return
        await self._pause()

    async def _took_over(self, begun: Instance) -> None:
        before, self._current = self._current, begun
        assert begun.backend is not None
        self._cloud.serving.backends[self._key] = begun.backend
        self._note(served=begun.document)
        _log.info("deployment %s answers", self._key)
        if before is not None:
            task = asyncio.create_task(self._drain(before))
            self._draining.add(task)
            task.add_done_callback(self._draining.discard)
        self._settle(None)

    async def _failed(self, begun: Instance | None, error: Exception) -> None:
        said = self._cloud.serving.log(self._cloud.store, self._key)
        if begun is not None:
            self._note(log=said)
            await begun.close()
        self._restore_log()
        fault = error if isinstance(error, NotServing) else NotServing("BadArgument", str(error))
        _log.info("deployment %s does not answer: %s", self._key, str(fault).partition("\n")[0])
        self._failures += 1
        self._settle(fault.refusal(said))

    def _restore_log(self) -> None:
        """Of what goes on answering the log is that of its process; else the one of the start that failed."""
        if self._current is not None:
            self._cloud.serving.logs[self._key] = self._current.log.path
        else:
            self._cloud.serving.logs.pop(self._key, None)

    async def _watch(self, current: Instance) -> None:
        """Wait for a change, or for the end of the process."""
        ended, changed = asyncio.create_task(current.ended()), asyncio.create_task(self.changed.wait())
        try:
            await asyncio.wait([ended, changed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, changed):
                task.cancel()
        if not (current.has_ended and self._current is current):
            return
        self._cloud.serving.backends.pop(self._key, None)
        current.log.say(f"the process has ended: {current.why_ended()} It is started again.")
        _log.info("deployment %s: its process has ended: %s", self._key, current.why_ended())
        self._note(log=self._cloud.serving.log(self._cloud.store, self._key))
        self._current = None
        self._cloud.serving.logs.pop(self._key, None)
        await current.close()
        self._failures += 1
        await self._pause()

    async def _pause(self) -> None:
        """Wait before the next start: a change of the deployment ends it."""
        if self._wanted() is None or self._current is not None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._failures, 10))):
                await self.changed.wait()

    async def _drain(self, before: Instance) -> None:
        """End a process when it has answered what it had."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_DRAIN):
                    while before.backend is not None and before.backend.pending:
                        await asyncio.sleep(_LOOK)
        finally:
            await before.close()

    async def _answer_on(self, last: Instance) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN):
                while self.answers_on and last.backend is not None and last.backend.pending:
                    await asyncio.sleep(_LOOK)

    def _settle(self, error: AzureError | None) -> None:
        self._cloud.operations.release(self._key, error)
        if error is None:
            self._failures = 0
        apply_due(self._cloud)

    def _note(self, **told: object) -> None:
        kept = self._cloud.store.get(DEPLOYMENTS, self._key)
        if kept is not None:  # else it has just been deleted
            self._cloud.store.put(DEPLOYMENTS, self._key, {**kept, **told})
