"""The one real MLflow server behind all workspaces: started, watched, asked.

MLflow's own multi-tenancy keeps the workspaces apart (`mlflow server --enable-workspaces`, request header
`X-MLFLOW-WORKSPACE`): one MLflow workspace per Azure ML workspace, named by its workspaceId.

The embedded Azure binds the listening socket and hands it to the child, so a request that comes while MLflow is
still importing waits in the socket's queue instead of failing. The socket's folder is open to this user only; who
may ask what is decided before a request gets here (RBAC).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.tracking import child

WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"
# As in `mlflow_store`, which only MLflow's own process can import quickly.
RUN_ID_HEADER, MODEL_VERSION_HEADER = "X-AZMLFLOW-RUN-ID", "X-AZMLFLOW-MODEL-VERSION"
DEFAULT_EXPERIMENT = "Default"
# Not a place: blobs carry the artifacts and the tracking service rewrites every artifact URI. A scheme that
# MLflow's server cannot open also keeps it from ever reading or making a file on a client's behalf.
ARTIFACT_ROOT = "azureml://artifacts/root"
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LOG_LIMIT = 5 * 1024 * 1024
_COOL = 30  # seconds before a server that failed to start is tried again


class MlflowUnavailable(Exception):
    """MLflow cannot answer now: it did not start, died, or took too long.

    Attributes:
        retry_after: seconds after which asking again makes sense.
    """

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class MlflowServer:
    """MLflow's server process.

    Args:
        state: the embedded Azure's state folder; MLflow keeps its database and log in `<state>/mlflow`.
        start_within: seconds that a start may take, including the first migration of the database.
        answer_within: seconds that one request may take.
        end_within: seconds that the server has to end by itself before it is killed.
        command: what to run, given the descriptor of the listening socket (tests run something smaller).
    """

    def __init__(
        self,
        state: Path,
        *,
        start_within: float = 120.0,
        answer_within: float = 120.0,
        end_within: float = 5.0,
        command: Callable[[int], list[str]] | None = None,
    ) -> None:
        self._folder = (state / "mlflow").absolute()
        self._start_within, self._answer_within, self._end_within = start_within, answer_within, end_within
        self._command = command or _child_command
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: socket.socket | None = None
        self._client: httpx.AsyncClient | None = None
        self._healthy = self._came_up = False
        self._failed_at: float | None = None
        self._workspaces: set[str] = set()
        self._default_experiments: dict[str, str] = {}

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self._folder / "server.log"

    async def start(self) -> None:
        """Begin to start the server, and return at once; `ready` waits. Does nothing if it is started."""
        if self._client is not None:
            return
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = Folder.at(self._folder.parent).socket().with_name("mlflow.sock")
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(512)
        self._client = httpx.AsyncClient(
            # MLflow accepts Host: localhost only (its guard against DNS rebinding).
            base_url="http://localhost",
            transport=httpx.AsyncHTTPTransport(uds=str(path), limits=httpx.Limits(max_keepalive_connections=32)),
            timeout=httpx.Timeout(self._answer_within, connect=10.0, pool=self._answer_within),
            trust_env=False,
        )
        self._spawn()

    async def ready(self, within: float | None = None) -> None:
        """Wait until the server answers, starting it again if it has died since it last did.

        Args:
            within: seconds to wait at most; by default what a start may take.

        Raises:
            MlflowUnavailable: it died while starting, or the time is over.
        """
        deadline = time.monotonic() + (self._start_within if within is None else within)
        http = self._http()
        self._healthy = self._healthy and self.pid is not None
        while not self._healthy:
            if self.pid is None:
                self._revive()
            left = deadline - time.monotonic()
            if left <= 0:
                raise MlflowUnavailable("MLflow's server is still starting", 5)
            try:
                answer = await http.get("/health", timeout=min(left, 1.0))
            except httpx.TransportError:
                continue
            self._healthy = self._came_up = answer.status_code == httpx.codes.OK
        await self._forget_all()

    async def stop(self) -> None:
        """End the server and everything it started."""
        client, self._client = self._client, None
        process, self._process = self._process, None
        listener, self._listener = self._listener, None
        self._healthy = False
        self._workspaces.clear()
        self._default_experiments.clear()
        if client is not None:
            await client.aclose()
        if process is not None:
            await asyncio.to_thread(_end, process, self._end_within)
        if listener is not None:
            path = Path(listener.getsockname())
            listener.close()
            path.unlink(missing_ok=True)

    async def request(
        self,
        method: str,
        path: str,
        workspace_id: str,
        *,
        params: str | Mapping[str, str] | None = None,
        json_body: Any = None,
        run_id: str | None = None,
        model_version: int | None = None,
    ) -> httpx.Response:
        """Ask MLflow on behalf of a workspace; the workspace is made at its first request.

        Args:
            method: HTTP method.
            path: MLflow's own path, e.g. `/api/2.0/mlflow/runs/get`.
            workspace_id: the Azure ML workspace's workspaceId.
            params: query, as a mapping or as it stood in a URL.
            json_body: what to send as JSON; None sends no body.
            run_id: the id that a run made by this request gets (`mlflow_store`).
            model_version: the number that a model version made by this request gets.

        Raises:
            MlflowUnavailable: MLflow did not answer.
        """
        await self.ready()
        name = workspace_id.lower()
        if name not in self._workspaces:
            made = await self._send("POST", "/api/3.0/mlflow/workspaces", None, json_body={"name": name})
            if made.status_code != httpx.codes.CREATED and _error_code(made) != "RESOURCE_ALREADY_EXISTS":
                raise MlflowUnavailable(f"MLflow did not make the workspace {name}: {made.text}", 5)
            self._workspaces.add(name)
        chosen = {RUN_ID_HEADER: run_id, MODEL_VERSION_HEADER: None if model_version is None else str(model_version)}
        headers = {header: value for header, value in chosen.items() if value is not None}
        return await self._send(method, path, name, params=params, json_body=json_body, chosen=headers)

    async def default_experiment(self, workspace_id: str, *, make: bool) -> str | None:
        """The id of the workspace's experiment "Default", which MLflow's clients call "0".

        MLflow numbers experiments through all workspaces, so "0" is nobody's; Azure ML takes it for "Default".

        Args:
            workspace_id: the Azure ML workspace's workspaceId.
            make: make the experiment if it is not there; else the answer is None.
        """
        name = workspace_id.lower()
        if name not in self._default_experiments:
            found = await self.request(
                "GET",
                "/api/2.0/mlflow/experiments/get-by-name",
                name,
                params={"experiment_name": DEFAULT_EXPERIMENT},
            )
            if found.status_code == httpx.codes.OK:
                self._default_experiments[name] = found.json()["experiment"]["experiment_id"]
            elif make:
                made = await self.request(
                    "POST", "/api/2.0/mlflow/experiments/create", name, json_body={"name": DEFAULT_EXPERIMENT}
                )
                if made.status_code != httpx.codes.OK:  # made by another request in between
                    return await self.default_experiment(name, make=False)
                self._default_experiments[name] = made.json()["experiment_id"]
        return self._default_experiments.get(name)

    async def experiment(self, workspace_id: str, name: str) -> str | None:
        """The id of the workspace's experiment of this name, made if it is not there; None where MLflow refuses.

        Args:
            workspace_id: the Azure ML workspace's workspaceId.
            name: the experiment's.
        """
        if name == DEFAULT_EXPERIMENT:
            return await self.default_experiment(workspace_id, make=True)
        params, path = {"experiment_name": name}, "/api/2.0/mlflow/experiments"
        found = await self.request("GET", f"{path}/get-by-name", workspace_id, params=params)
        if not found.is_success:
            await self.request("POST", f"{path}/create", workspace_id, json_body={"name": name})
            found = await self.request("GET", f"{path}/get-by-name", workspace_id, params=params)
        return str(found.json()["experiment"]["experiment_id"]) if found.is_success else None

    def forget(self, workspace_id: str) -> None:
        """Have all data of a workspace removed: soon if the server runs, else at its next start.

        A workspaceId is never used again, so nothing can reach the data in the meantime.
        """
        name = workspace_id.lower()
        self._workspaces.discard(name)
        self._default_experiments.pop(name, None)
        forgotten = self._folder / "forgotten"
        forgotten.mkdir(parents=True, exist_ok=True, mode=0o700)
        (forgotten / hashlib.sha256(name.encode()).hexdigest()).write_text(name, encoding="utf-8")

    async def _forget_all(self) -> None:
        for note in (self._folder / "forgotten").glob("*"):
            name = await asyncio.to_thread(note.read_text, encoding="utf-8")
            # Unlinked first: of two requests that come here together only one asks MLflow.
            note.unlink(missing_ok=True)
            gone = await self._send("DELETE", f"/api/3.0/mlflow/workspaces/{name}", None, params={"mode": "CASCADE"})
            if gone.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
                note.write_text(name, encoding="utf-8")
                return

    async def _send(
        self,
        method: str,
        path: str,
        workspace: str | None,
        *,
        params: str | Mapping[str, str] | None = None,
        json_body: Any = None,
        chosen: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        headers = {**({} if workspace is None else {WORKSPACE_HEADER: workspace}), **(chosen or {})}
        content = None
        if json_body is not None:
            content = json.dumps(json_body).encode()  # not httpx's own: it refuses the NaN that a metric may be
            headers["Content-Type"] = "application/json"
        query = httpx.QueryParams(params) if params else None
        try:
            return await self._http().request(method, path, headers=headers, params=query, content=content)
        except httpx.TimeoutException as error:
            raise MlflowUnavailable("MLflow's server took too long to answer", 5) from error
        except httpx.TransportError as error:
            self._healthy = False  # look before the next request: the process may not be seen to have ended yet
            raise MlflowUnavailable("MLflow's server ended while it was asked", 1) from error

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            raise MlflowUnavailable("MLflow's server is not started", 5)
        return self._client

    def _revive(self) -> None:
        """Start the server again if it died after it had been up, or failed to start a while ago."""
        cooled = self._failed_at is not None and time.monotonic() - self._failed_at > _COOL
        if self._came_up or cooled:
            self._spawn()
            return
        if self._failed_at is None:
            self._failed_at = time.monotonic()
        raise MlflowUnavailable(f"MLflow's server ended while it started; its log is {self.log}", _COOL)

    def _spawn(self) -> None:
        assert self._listener is not None
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self._healthy, self._came_up, self._failed_at = False, False, None
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.unlink()
        descriptor = self._listener.fileno()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(descriptor),
                cwd=self._folder,
                env=_environment(self._folder),
                stdin=subprocess.PIPE,  # held open and never written to: see mlflow_child
                stdout=log,
                stderr=log,
                pass_fds=(descriptor,),
                start_new_session=True,
            )


def _child_command(descriptor: int) -> list[str]:
    return [sys.executable, "-P", "-m", child.__name__, str(descriptor)]


def _environment(folder: Path) -> dict[str, str]:
    """What MLflow's server sees: nothing of the user's own MLflow, Azure or proxy settings."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "ignore",
        # What `mlflow server` tells its workers (mlflow/server/constants.py).
        "_MLFLOW_SERVER_FILE_STORE": child.DATABASE_URI,
        "_MLFLOW_SERVER_REGISTRY_STORE": child.DATABASE_URI,
        "_MLFLOW_SERVER_ARTIFACT_ROOT": ARTIFACT_ROOT,
        "_MLFLOW_SGI_NAME": "uvicorn",
        "_MLFLOW_IN_JOB_EXECUTOR": "false",
        "MLFLOW_ENABLE_WORKSPACES": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }


def _end(process: subprocess.Popen[bytes], within: float) -> None:
    """End the server's whole process group, politely first."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=within)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()


def _error_code(response: httpx.Response) -> str | None:
    try:
        body = response.json()
    except json.JSONDecodeError:
        return None
    return body.get("error_code") if isinstance(body, dict) else None
