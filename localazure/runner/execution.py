"""One job from its node to its end: folder, snapshot, process, log, outputs, state."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shlex
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from azmlflow.localazure.builder.build import BUILD
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.core.collections import JOB_RECORDS
from azmlflow.localazure.core.errors import OUR_FAULT, AzureError
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.find import find as find_environment
from azmlflow.localazure.keeper.place import Place, once
from azmlflow.localazure.keeper.process import Endable, Ended, JobProcess, Keeping
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.shortage import shortage
from azmlflow.localazure.resources import find
from azmlflow.localazure.runner import bindings, context, files, interpreter, registered, runs
from azmlflow.localazure.runner.logfile import LogFile
from azmlflow.localazure.runner.runs import CannotRun
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.work import records
from azmlflow.localazure.work.command import UnknownName, render
from azmlflow.localazure.work.layout import CODE, INPUTS, LOG, OUTPUTS, UPLOADED
from azmlflow.localazure.work.limits import JobLimits, limits_of

_BIN = "bin"
_OWN = (CODE, "home", "tmp", _BIN, BUILD, INPUTS, OUTPUTS)  # folders that are the job's own
_log = logging.getLogger("azmlflow.local")


class Execution:
    """A job that has a node.

    Args:
        cloud: the embedded Azure.
        users: whom jobs run as.
        key: the job's ARM id in lower case.
    """

    def __init__(self, cloud: Cloud, users: Users, key: str) -> None:
        self._cloud, self._users, self._key = cloud, users, key
        # A digest: jobs of two workspaces may have one name, and a path has a greatest length.
        self._name = hashlib.sha256(key.encode()).hexdigest()[:16]
        self._ended_by_itself = False

    async def run(
        self,
        started: Callable[[str, Endable], None],
        release: Callable[[], None],
        unwanted: Callable[[], str | None],
    ) -> None:
        """Run it to its end, whatever that is; raises nothing but cancellation.

        Args:
            started: told of the process.
            release: told when the node is free.
            unwanted: the state that the job is to end in, if it shall end now; Queued if it is to start again.
        """
        error: str | None = None
        try:
            error = await self._attempt(started, release, unwanted)
        except (CannotRun, files.FilesError, UnknownName, LocalError, AzureError, MlflowUnavailable) as cause:
            error = str(cause)
        except (OSError, sqlite3.Error, RuntimeError) as cause:
            error = _refused(cause)
            if error is None:
                _log.exception("job %s", self._key)
                error = OUR_FAULT
        except Exception:  # noqa: BLE001 - the job's fault or ours: either way the runner goes on, and the job says that it failed
            _log.exception("job %s", self._key)
            error = OUR_FAULT
        state = unwanted()
        if state == "Queued" and self._ended_by_itself:
            state = None  # its node was to be taken away in the instant in which it ended
        if state == "Queued":
            records.set_status(self._cloud, self._key, "Queued", preempted=self._preempted() + 1)
            return
        told = error
        if state == "Failed":
            told = "The compute of the job was deleted, or the embedded Azure was stopped, while the job ran."
        state = state or ("Completed" if error is None else "Failed")
        # The run first: who sees the job ended finds its run ended, unless MLflow is away: then the runner tells later.
        with contextlib.suppress(MlflowUnavailable):
            await runs.end_run(self._cloud, self._key, state)
        records.set_status(self._cloud, self._key, state, error=told if state == "Failed" else None)

    async def _attempt(
        self,
        started: Callable[[str, Endable], None],
        release: Callable[[], None],
        unwanted: Callable[[], str | None],
    ) -> str | None:
        """Run it; why it failed, or None."""
        await runs.open_run(self._cloud, self._key)
        place = await self._users.open(self._name, _OWN)
        try:
            return await self._run_in(place, started, release, unwanted)
        finally:
            await place.close()

    async def _run_in(
        self,
        place: Place,
        started: Callable[[str, Endable], None],
        release: Callable[[], None],
        unwanted: Callable[[], str | None],
    ) -> str | None:
        job, record, workspace = self._documents()
        limits = self._limits(job)
        log = LogFile(self._cloud, files.artifact(_account(workspace), job["name"], LOG), place.folder / "std_log.txt")
        try:
            if self._preempted():
                log.say(f"the node was taken away {self._preempted()} times (low priority): the job starts again")
            told = partial(started, self._key)
            wanted = find_environment(self._cloud, job["properties"]["environmentId"])
            chosen = await interpreter.prepare(self._cloud, wanted, place, log, started=told, users=self._users)
            if unwanted() is not None:
                return None
            command, environment = await self._prepare(workspace, job, record, place, chosen.python)
            for name in context.overlaid(job, environment):
                log.say(f"the variable {name} is the embedded Azure's own: what the job says of it is not used")
            if unwanted() is not None:
                return None
            records.set_status(self._cloud, self._key, "Running")
            keeping = Keeping(log.path.name, **asdict(limits), seen=chosen.seen)
            start = partial(place.start, command, place.folder / CODE, environment, keeping)
            over = asyncio.Event()
            begun = asyncio.create_task(runs.begin_run(self._cloud, workspace, job["name"], over))
            try:
                ended = await self._process(start, started, release)
            finally:
                over.set()
                await begun
        finally:
            await log.close()
        if unwanted() is None:
            records.set_status(self._cloud, self._key, "Finalizing")
        passed = ended.passed
        async with await place.porter() as porter:
            try:
                await bindings.keep(self._cloud, workspace, job, porter, limits.disk)
            except files.TooLarge:
                passed = passed or "disk"
        if passed:
            return limits.reason(passed)
        if ended.code != 0:
            return f"The job's command exited with code {ended.code}; {LOG} has its output."
        return " ".join(await registered.register(self._cloud, workspace, job, record)) or None

    async def _process(
        self,
        start: Callable[[], Awaitable[JobProcess]],
        started: Callable[[str, Endable], None],
        release: Callable[[], None],
    ) -> Ended:
        """Run the job's process to its end."""
        process = await start()
        try:
            started(self._key, process)
            ended = await process.wait()
            self._ended_by_itself = not ended.asked
        finally:
            await process.close()
            release()
        return ended

    def _limits(self, job: Document) -> JobLimits:
        compute = find.resource(self._cloud, job["properties"]["computeId"])
        return limits_of(self._cloud.state, compute, job)

    def _preempted(self) -> int:
        record = self._cloud.store.get(JOB_RECORDS, self._key)
        return 0 if record is None else int(record.get("preempted", 0))

    def _documents(self) -> tuple[Document, Document, Document]:
        return runs.documents(self._cloud, self._key)

    async def _prepare(
        self, workspace: Document, job: Document, record: Document, place: Place, python: Path
    ) -> tuple[str, dict[str, str]]:
        """Fill the job's folder; its command for the shell, and its environment."""
        properties = job["properties"]
        async with await place.porter() as porter:
            for name in UPLOADED:
                await porter.make((CODE, name))
            if properties.get("codeId"):
                version = find.resource(self._cloud, properties["codeId"])
                if version is None:
                    raise CannotRun(f"The code {properties['codeId']} was deleted.")
                await files.snapshot(self._cloud, workspace, version["properties"]["codeUri"], porter, CODE)
            inputs = await bindings.inputs(self._cloud, workspace, job, place.folder, porter)
            outputs = await bindings.outputs(workspace, job, place.folder, porter)
            # `python` is the interpreter even where its folder has it only under another name, `python3.12`.
            for name in ("python", "python3"):
                shim = f'#!/bin/sh\nexec {shlex.quote(str(python))} "$@"\n'.encode()
                await porter.put((_BIN, name), once(shim), runs=True)
        environment = context.environment(self._cloud, workspace, job, record, folder=place.folder, python=python)
        command = render(properties["command"], inputs, outputs)
        return command, {**environment, "PATH": f"{place.folder / _BIN}:{environment['PATH']}"}


def _refused(cause: Exception) -> str | None:
    """What the machine refused a job, in a sentence; None for a fault of ours."""
    lacks = shortage(cause)
    if lacks is not None:
        return f"The job could not go on: {lacks.what}. Next: {lacks.next}"
    if not isinstance(cause, OSError):
        return None
    named = ": ".join(str(each) for each in (cause.strerror or cause, cause.filename) if each)
    return f"The job's files could not be written or its process not started: {named}."


def _account(workspace: Document) -> str:
    return str(workspace["properties"]["storageAccount"]).rpartition("/")[2].lower()
