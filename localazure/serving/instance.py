"""One process of a deployment: made ready, started under a keeper, waited for until it answers, and ended.

It is Azure's own inference server in gunicorn, with as many workers as the deployment has instances, on a unix socket
that nobody else can reach. Where it would listen by itself it would listen on all addresses, and ask nobody who they
are.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import shlex
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from azmlflow.localazure.builder.build import BUILD
from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.serving import Backend
from azmlflow.localazure.core.store import Document
from azmlflow.localazure.environments.errors import UnusableEnvironment
from azmlflow.localazure.keeper.place import Place
from azmlflow.localazure.keeper.process import Endable, Ended, JobProcess, Keeping
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.kinds.endpoints.body import seconds
from azmlflow.localazure.kinds.jobs.identity import principal_id
from azmlflow.localazure.resources import find
from azmlflow.localazure.runner import context, interpreter
from azmlflow.localazure.runner.files import FilesError
from azmlflow.localazure.serving import asking, model
from azmlflow.localazure.serving.errors import NotServing
from azmlflow.localazure.serving.model import CODE, MODEL
from azmlflow.localazure.serving.sockets import Held
from azmlflow.localazure.work.limits import amount, read_limits
from azmlflow.localazure.work.quota import named

_LOG_LIMIT = 256 * 1024 * 1024  # bytes: a deployment stands longer than a job
_RUN, _SOCKET, _LOG = "run", "serve.sock", "server.log"
_OWN = (CODE, MODEL, "home", "tmp", _RUN, BUILD)
_APP = "azureml_inference_server_http.server.entry:app"
_LOOK = 0.2  # seconds between two looks at whether it answers
_WORKER = 300  # seconds after which a worker that does nothing else is ended (Azure's server has the same)
# What decides the process: a change of anything else needs no other.
_DECIDES = ("model", "environmentId", "codeConfiguration", "environmentVariables", "instanceType")


def digest(deployment: Document) -> str:
    """What tells a deployment's process from one that it would have after a change."""
    told = [deployment["properties"].get(name) for name in _DECIDES]
    return hashlib.sha256(json.dumps([*told, deployment["sku"]["capacity"]], sort_keys=True).encode()).hexdigest()


class Log:
    """The log of a process that starts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch(mode=0o600)

    def say(self, line: str) -> None:
        """Write a line of the embedded Azure's own."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"[azmlflow] {line}\n")


class Instance:
    """A process that was started.

    Attributes:
        document: the deployment as it was then.
        backend: where requests for it go, once it answers.
        log: its log.
        secret: what must not be told of its log.
    """

    def __init__(self, document: Document, place: Place, log: Log) -> None:
        self.document, self.log = document, log
        self.backend: Backend | None = None
        self.secret: tuple[str, ...] = ()
        self._place = place
        self._process: JobProcess | None = None
        self._held: Held | None = None
        self._waiting: asyncio.Task[Ended] | None = None
        self._preparing: Endable | None = None
        self._memory = 0

    @property
    def digest(self) -> str:
        """See `digest`."""
        return digest(self.document)

    async def prepare(self, cloud: Cloud, users: Users) -> None:
        """Have its environment and its files, and start it.

        Raises:
            NotServing: it cannot be.
        """
        try:
            await self._prepare(cloud, users)
        except UnusableEnvironment as error:
            raise NotServing("ImageBuildFailure", str(error)) from error
        except FilesError as error:
            raise NotServing("BadArgument", f"The deployment's files cannot be had: {error}.") from error

    async def _prepare(self, cloud: Cloud, users: Users) -> None:
        served = await model.read(cloud, self.document)
        chosen = await interpreter.prepare(
            cloud, served.environment, self._place, self.log, started=self._began, users=users
        )
        async with await self._place.porter() as porter:
            await served.fetch(cloud, porter)
        endpoint = find.resource(cloud, self.document["id"].rpartition("/deployments/")[0])
        who = None if endpoint is None else principal_id(cloud, endpoint, None)
        folder, told = self._place.folder, self.document["properties"]
        variables = context.surroundings(
            cloud.state,
            told["environmentVariables"],
            context.signed_in(cloud, who),
            folder=folder,
            python=chosen.python,
            origin=context.origin_on({"id": self.document["id"].partition("/onlineEndpoints/")[0]}),
        )
        self.secret = _secret(variables)
        workers = self.document["sku"]["capacity"]
        words = ["exec", str(chosen.python), "-m", "gunicorn", "--bind", f"unix:../{_RUN}/{_SOCKET}"]
        words += ["--workers", str(workers), "--timeout", str(_WORKER), "--graceful-timeout", "1", _APP]
        size, limits = named(told["instanceType"]), read_limits(cloud.state)
        memory, disk = (size.memory * workers, size.disk * workers) if size else (0, 0)
        keeping = Keeping(
            _LOG,
            log_limit=_LOG_LIMIT,
            memory=min(filter(None, (memory, limits.memory)), default=0),
            disk=min(filter(None, (disk, limits.disk)), default=0),
            seen=chosen.seen,
        )
        self._memory = keeping.memory
        self._process = await self._place.start(
            shlex.join(words), folder / CODE, {**variables, **served.variables(folder)}, keeping
        )
        self._waiting = asyncio.create_task(self._process.wait())

    def _began(self, building: Endable) -> None:
        self._preparing = building

    async def answers(self, cloud: Cloud) -> None:
        """Wait until it answers.

        Raises:
            NotServing: it has ended, or never does.
        """
        probe = self.document["properties"]["readinessProbe"]
        most = seconds(probe["initialDelay"]) + seconds(probe["period"]) * probe["failureThreshold"]
        until = cloud.clock.now() + timedelta(seconds=most)
        assert self._waiting is not None
        while not await self._is_healthy(seconds(probe["timeout"])):
            done, _ = await asyncio.wait([self._waiting], timeout=_LOOK)
            if done:
                raise NotServing(
                    "ResourceNotReady",
                    "User container has crashed or terminated: Liveness probe failed: HTTP probe failed with "
                    f"statuscode: 502. {self.why_ended()}",
                )
            if cloud.clock.now() >= until:
                raise NotServing(
                    "ResourceNotReady",
                    "User container has crashed or terminated: Readiness probe failed: it did not answer for "
                    f"{most:g} seconds.",
                )

    async def _is_healthy(self, timeout: float) -> bool:
        if self._held is None:
            try:
                self._held = Held(self._place.folder / _RUN / _SOCKET, self._place.user)
            except OSError:
                return False
        try:
            async with asyncio.timeout(timeout), contextlib.AsyncExitStack() as stack:
                exchange = await asking.connect(self._held.path)
                stack.callback(exchange.close)
                await exchange.send("GET", b"/", (), b"")
        except (TimeoutError, asking.Broken):
            return False
        healthy = exchange.status == HTTPStatus.OK
        if healthy:
            self.backend = Backend(self._held.path)
        return healthy

    @property
    def has_ended(self) -> bool:
        """Whether its process has ended on its own."""
        return self._waiting is not None and self._waiting.done()

    async def ended(self) -> None:
        """Wait until its process has ended on its own."""
        assert self._waiting is not None
        await asyncio.wait([self._waiting])

    def why_ended(self) -> str:
        """How it ended, in a sentence."""
        assert self._waiting is not None
        if (fault := self._waiting.exception()) is not None:
            return str(fault)
        ended = self._waiting.result()
        if ended.passed == "memory":
            return f"It had more memory than its limit of {amount(self._memory)}."
        if ended.passed == "disk":
            return "It wrote more to disk than its instances have."
        return f"It exited with code {ended.code}."

    async def close(self) -> None:
        """End it, with all that is its own."""
        if self._preparing is not None:
            self._preparing.end()
        if self._process is not None:
            await self._process.close()
        if self._waiting is not None:
            await asyncio.wait([self._waiting])
        if self._held is not None:
            self._held.close()
        await self._place.close()


async def open_instance(users: Users, document: Document, name: str) -> Instance:
    """An instance whose place is made, and nothing else yet. To be closed.

    Args:
        users: whom processes run as.
        document: the deployment's.
        name: of its folder.

    Raises:
        LocalError: no place can be had.
    """
    place = await users.open(name, _OWN)
    return Instance(document, place, Log(place.folder / _LOG))


def _secret(variables: dict[str, str]) -> tuple[str, ...]:
    """The words among a process's variables that open something."""
    proxies = (urlsplit(variables.get(name, "")).password for name in ("HTTPS_PROXY", "HTTP_PROXY"))
    return tuple({word for word in (*proxies, variables.get("IDENTITY_HEADER")) if word})
