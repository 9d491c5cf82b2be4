"""The embedded Azure's process: `python -m azmlflow.localazure.process.serve --state FOLDER`.

One event loop serves the proxy, the identity endpoint and the pages of `azmlflow ui` (on loopback ports), and the TLS
application, to which the proxy is the only way in; MLflow's server and the runner of jobs start beside them, and
nothing waits for them. The process holds `daemon.lock` for its lifetime, ends in order on SIGTERM, and also when its
state folder is taken away from under it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn
import uvloop
from starlette.types import ASGIApp

from azmlflow.localazure.cloud.cloud import Cloud
from azmlflow.localazure.cloud.operations import Operations
from azmlflow.localazure.core.clock import RandomIds, SystemClock
from azmlflow.localazure.core.latency import profile
from azmlflow.localazure.core.store import Store
from azmlflow.localazure.front import authority
from azmlflow.localazure.front.arrivals import Arrivals, Requests
from azmlflow.localazure.front.proxy import Proxy
from azmlflow.localazure.front.upstream import Upstream, upstream_from
from azmlflow.localazure.keeper.users import Users
from azmlflow.localazure.machine.errors import LocalError
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.machine.ports import listening
from azmlflow.localazure.machine.private import kept_secret
from azmlflow.localazure.principals.directory import Directory
from azmlflow.localazure.principals.enforce import Enforcer
from azmlflow.localazure.principals.tokens import Tokens
from azmlflow.localazure.process import seed
from azmlflow.localazure.process.app import build_app
from azmlflow.localazure.process.bounds import Complaints, cut_log, raise_descriptors
from azmlflow.localazure.process.parts import keep_copies
from azmlflow.localazure.process.running import lifetime, write_record
from azmlflow.localazure.process.shedding import give_up
from azmlflow.localazure.process.starting import READY, say_why
from azmlflow.localazure.runner.runner import Runner
from azmlflow.localazure.services import identity as identity_service
from azmlflow.localazure.services import ui as ui_service
from azmlflow.localazure.serving.servers import Servers
from azmlflow.localazure.tracking.answers import MlflowUnavailable
from azmlflow.localazure.tracking.server import MlflowServer

_BACKLOG = 512
_GRACE = 5  # seconds that requests under way get at the end
_WATCH = 2.0  # seconds between two looks at whether the state folder is still there
RUN_TOKEN_SETTING = "AZMLFLOW_RUN_TOKEN_SECONDS"  # for trying what a client does whose token ends while its job runs
_log = logging.getLogger("azmlflow.local")


def assemble(state: Path, latency: str) -> Cloud:
    """Everything that the services share, over a state folder.

    Args:
        state: the folder, which exists.
        latency: name of the latency profile.
    """
    store, clock, ids = Store(state / "azure.db"), SystemClock(), RandomIds()
    directory = Directory(store, ids)
    return Cloud(
        state=state,
        store=store,
        clock=clock,
        ids=ids,
        directory=directory,
        tokens=Tokens(store, clock, state),
        enforcer=Enforcer(store, directory, clock),
        operations=Operations(store, clock, ids, profile(latency)),
        mlflow=MlflowServer(state),
        sas_key=kept_secret(state, "sas.key", lambda: secrets.token_bytes(32)),
        run_token_seconds=_run_token_seconds(),
    )


def _run_token_seconds() -> int:
    told = os.environ.get(RUN_TOKEN_SETTING, "3600")
    if not told.isdecimal() or int(told) < 1:
        raise LocalError(f"{RUN_TOKEN_SETTING} is '{told}', which is not a whole number of seconds")
    return int(told)


class Server(uvicorn.Server):
    """One of several in a process: signals are the process's business."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(folder: Folder, latency: str, users: Users, ready: int | None = None, lock: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT, or until the state folder is gone.

    Args:
        folder: the state folder, whose lock the caller holds.
        latency: name of the latency profile.
        users: whom jobs run as, started.
        ready: descriptor to write a line to once every port listens.
        lock: descriptor of the starter's lock, closed at the same instant.

    Raises:
        PortTaken: another program has taken one of the ports.
        OSError: a port or socket cannot be listened on.
    """
    stop, held = asyncio.Event(), _inode(folder.lock)
    asyncio.get_running_loop().set_exception_handler(Complaints())
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    # Listening comes first: whoever asks from now on waits in a queue instead of being turned away.
    kept = folder.ports()
    listeners = tuple(listening(kept, folder.ports_file, each, _BACKLOG) for each in ("identity", "ui", "proxy"))
    if authority.ensure(folder, SystemClock()):
        _log.info("made a certificate authority")
    cloud = assemble(folder.path, latency)
    seed.seed(cloud)
    write_record(folder, latency)
    if lock is not None:
        os.close(lock)
    if ready is not None:
        with contextlib.suppress(BrokenPipeError):  # whoever started it was killed; the next start finds it
            os.write(ready, READY)
        os.close(ready)
    copying = asyncio.create_task(asyncio.to_thread(keep_copies, folder))
    try:
        await _serve_all(folder, cloud, users, listeners, stop)
    finally:
        ours = _inode(folder.lock) == held  # else another embedded Azure lives at this place by now
        if ours:
            folder.record.unlink(missing_ok=True)
        await copying
        await cloud.mlflow.stop()
        if ours:
            folder.remove_sockets()
        cloud.store.close()
        _log.info("stopped")


async def _serve_all(
    folder: Folder, cloud: Cloud, users: Users, listeners: tuple[socket.socket, ...], stop: asyncio.Event
) -> None:
    *served, loopback = listeners
    azure = Server(_config(build_app(cloud)))
    proxy = Proxy(folder.secrets().proxy, Arrivals(azure, _tls(folder)), _upstream())
    servers = (azure, Server(_config(identity_service.service(cloud))), Server(_config(ui_service.service(cloud))))
    running = [
        asyncio.create_task(server.serve(sockets=sockets))
        for server, sockets in zip(servers, ([], *([each] for each in served)), strict=True)
    ]
    door = asyncio.create_task(proxy.serve(loopback))
    watch, stopping = asyncio.create_task(_watch(folder, stop)), asyncio.create_task(stop.wait())
    working = {asyncio.create_task(each.serve()): each for each in (Runner(cloud, users), Servers(cloud, users))}
    _log.info("serving, pid %d", os.getpid())
    try:
        await _start_mlflow(cloud)
        await asyncio.wait([stopping, watch, door, *working, *running], return_when=asyncio.FIRST_COMPLETED)
    finally:
        door.cancel()
        for work in working:
            work.cancel()
        await asyncio.wait(working)
        await asyncio.gather(*(each.stop() for each in working.values()))
        for server in servers:
            server.should_exit = True
        for task in (watch, stopping):
            task.cancel()
        ended = await asyncio.gather(*running, *working, door, watch, stopping, return_exceptions=True)
        await proxy.close()
        loopback.close()
    for outcome in ended:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome


async def _start_mlflow(cloud: Cloud) -> None:
    """Begin to start MLflow; without it the control plane still works, and tracking answers 503 with the reason."""
    try:
        await cloud.mlflow.start()
    except (OSError, MlflowUnavailable) as error:
        _log.error("MLflow's server cannot be started: %s", error)


async def _watch(folder: Folder, stop: asyncio.Event) -> None:
    """End this process when its folder goes: a new one at the same place is another embedded Azure's."""
    ours = folder.lock.stat().st_ino  # ours for as long as we hold it open
    while _inode(folder.lock) == ours:
        cut_log(folder.log)
        await asyncio.sleep(_WATCH)
    _log.info("the state folder is gone")
    stop.set()


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return None


def _tls(folder: Folder) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder.leaf, folder.leaf_key)
    return context


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=Requests,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        # Longer than clients keep an idle connection, so that none writes to one that we are just closing.
        timeout_keep_alive=300,
        timeout_graceful_shutdown=_GRACE,
    )


def _upstream() -> Upstream | None:
    try:
        return upstream_from(os.environ)
    except ValueError as error:
        _log.warning("going straight to names that are not Azure's: %s", error)
        return None


def _log_no_more_than_said() -> None:
    """Who says a line, and from where, is in none of ours, and finding it out takes a quarter of a line's time.

    Source: Python's documentation, "Logging HOWTO" (Optimization).
    """
    logging._srcfile = None
    logging.logThreads = logging.logMultiprocessing = logging.logProcesses = False


def main(arguments: list[str]) -> int:
    """Run the process; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m azmlflow.localazure.process.serve", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--latency", default="none", help="how long things take")
    parser.add_argument("--detach", action="store_true", help="go on in the background")
    parser.add_argument("--ready", type=int, metavar="FD", help="descriptor to report to when it listens")
    parser.add_argument("--lock", type=int, metavar="FD", help="descriptor of the starter's lock, held until then")
    options = parser.parse_args(arguments)
    if options.detach and os.fork():
        return 0  # the child's parent is now the system, which waits for it at its end
    os.umask(0o077)  # whatever is written here is this user's alone
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    _log_no_more_than_said()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    folder = Folder.at(options.state)
    try:
        folder.make()
        raise_descriptors()
        with lifetime(folder):
            users = Users(folder.path).start()  # what needs root for jobs' sake; the rest is given up next
            give_up(folder)
            uvloop.run(serve(folder, options.latency, users, options.ready, options.lock))
    except Exception as error:
        say_why(options.ready, error)
        if not isinstance(error, LocalError | OSError):
            raise
        _log.error("cannot serve: %s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
