"""The one real MLflow server behind all workspaces: waited for, asked.

MLflow's own multi-tenancy (`mlflow server --enable-workspaces`, header `X-MLFLOW-WORKSPACE`) keeps them apart: one for
each of Azure ML's, named by its workspaceId. Who may ask what is decided before a request gets here (RBAC).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp

from azmlflow.localazure.machine.database import check_room
from azmlflow.localazure.tracking.answers import (
    ABSENT,
    EXISTS,
    MlflowAnswer,
    MlflowUnavailable,
    body,
    body_if_any,
    error_code,
)
from azmlflow.localazure.tracking.process import ServerProcess
from azmlflow.localazure.tracking.wire import Wire

WORKSPACE_HEADER = "X-MLFLOW-WORKSPACE"
# As in `store`, which only MLflow's own process can import quickly.
RUN_ID_HEADER, MODEL_VERSION_HEADER = "X-AZMLFLOW-RUN-ID", "X-AZMLFLOW-MODEL-VERSION"
FOR_GOOD_HEADER = "X-AZMLFLOW-FOR-GOOD"
DEFAULT_EXPERIMENT = "Default"
_EXPERIMENTS = "/api/2.0/mlflow/experiments"
_WORKSPACES = "/api/3.0/mlflow/workspaces"
_LOOK = 0.02  # seconds between two looks at a server that does not answer yet
_log = logging.getLogger("azmlflow.local")


class MlflowServer:
    """MLflow's server.

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
        self._start_within, self._answer_within = start_within, answer_within
        self._process = ServerProcess(self._folder, end_within, command)
        self._open: Wire | None = None
        self._why_not = "MLflow's server is not started"
        self._healthy = False
        self._workspaces: set[str] = set()
        self._default_experiments: dict[str, str] = {}
        self._forgetting: set[Path] = set()

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        return self._process.pid

    @property
    def log(self) -> Path:
        """Where the server writes what it has to say."""
        return self._process.log

    async def start(self) -> None:
        """Begin to start the server, and return at once; `ready` waits. Does nothing if it is started.

        Raises:
            OSError: its socket cannot be made; whoever asks the server is told so.
            MlflowUnavailable: its process cannot be started; whoever asks later starts it.
        """
        if self._open is not None:
            return
        try:
            path = self._process.listen()
        except OSError as error:
            self._why_not = f"MLflow's server cannot be started: {error}"
            raise
        self._open = Wire(path, self._answer_within)
        self._process.start()

    async def ready(self, within: float | None = None) -> None:
        """Wait until the server answers, starting it again if it has died since it last did.

        Args:
            within: seconds to wait at most; by default what a start may take.

        Raises:
            MlflowUnavailable: it died while starting, or the time is over.
        """
        deadline = time.monotonic() + (self._start_within if within is None else within)
        wire, told = self._wire(), "is still starting"
        self._healthy = self._healthy and self.pid is not None
        while not self._healthy:
            if self.pid is None:
                self._process.revive()
            left = deadline - time.monotonic()
            if left <= 0:
                raise MlflowUnavailable(f"MLflow's server {told}")
            try:
                answer = await wire.ask("GET", "/health", within=min(left, 1.0))
            except (TimeoutError, aiohttp.ClientError):  # not yet: asked again until the time is over, and then told
                await asyncio.sleep(_LOOK)
                continue
            self._healthy = self._process.came_up = answer.status_code == HTTPStatus.OK
            if not self._healthy:
                told = f"answers {answer.status_code} when it is asked for its health; its log is {self.log}"
                await asyncio.sleep(_LOOK)
        await self._forget_all()

    async def stop(self) -> None:
        """End the server and everything it started."""
        wire, self._open = self._open, None
        self._healthy = False
        self._workspaces.clear()
        self._default_experiments.clear()
        if wire is not None:
            await wire.close()
        await self._process.end()

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
        for_good: bool = False,
    ) -> MlflowAnswer:
        """Ask MLflow on behalf of a workspace; the workspace is made at its first request.

        Args:
            method: HTTP method.
            path: MLflow's own path, e.g. `/api/2.0/mlflow/runs/get`.
            workspace_id: the Azure ML workspace's workspaceId.
            params: query, as a mapping or as it stood in a URL.
            json_body: what to send as JSON; None sends no body.
            run_id: the id that a run made by this request gets (`store`).
            model_version: the number that a model version made by this request gets.
            for_good: an experiment that this request deletes cannot be restored.

        Returns:
            MLflow's answer, whatever it is: `answers` reads it.

        Raises:
            MlflowUnavailable: MLflow did not answer.
            OSError: the disk has no room for its database.
        """
        name = workspace_id.lower()
        if not self._healthy or name not in self._workspaces:
            check_room(self._folder)  # MLflow tries to open its database for two minutes
        await self.ready()
        if name not in self._workspaces:
            made = await self._send("POST", _WORKSPACES, None, json_body={"name": name})
            if made.status_code != HTTPStatus.CREATED and error_code(made) != EXISTS:
                raise MlflowUnavailable(f"MLflow did not make the workspace {name}: {made.text}")
            self._workspaces.add(name)
        version = None if model_version is None else str(model_version)
        chosen = {RUN_ID_HEADER: run_id, MODEL_VERSION_HEADER: version, FOR_GOOD_HEADER: "true" if for_good else None}
        told = {header: value for header, value in chosen.items() if value is not None}
        return await self._send(method, path, name, params=params, json_body=json_body, chosen=told)

    async def default_experiment(self, workspace_id: str, *, make: bool) -> str | None:
        """The id of the workspace's experiment "Default", which MLflow's clients call "0".

        MLflow numbers experiments through all workspaces, so "0" is nobody's; Azure ML takes it for "Default".

        Args:
            workspace_id: the Azure ML workspace's workspaceId.
            make: make the experiment if it is not there; else the answer is None.

        Raises:
            AzureError: MLflow refuses.
            MlflowUnavailable: MLflow cannot answer now.
        """
        name = workspace_id.lower()
        if make or name not in self._default_experiments:  # it may have been archived, and then there is to be another
            found = await self._experiment(name, DEFAULT_EXPERIMENT, make=make)
            if found is None:
                return None
            self._default_experiments[name] = found
        return self._default_experiments[name]

    async def experiment(self, workspace_id: str, name: str) -> str:
        """The id of the workspace's active experiment of this name, made if there is none.

        Args:
            workspace_id: the Azure ML workspace's workspaceId.
            name: the experiment's.

        Raises:
            AzureError: MLflow does not take the name, in its words.
            MlflowUnavailable: MLflow cannot answer now.
        """
        if name == DEFAULT_EXPERIMENT:
            found = await self.default_experiment(workspace_id, make=True)
        else:
            found = await self._experiment(workspace_id, name, make=True)
        assert found is not None
        return found

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

    async def _experiment(self, workspace_id: str, name: str, *, make: bool) -> str | None:
        async def named() -> MlflowAnswer:
            return await self.request(
                "GET", f"{_EXPERIMENTS}/get-by-name", workspace_id, params={"experiment_name": name}
            )

        found = body_if_any(await named())
        archived = found is not None and found["experiment"].get("lifecycle_stage") == "deleted"
        if make and (found is None or archived):
            made = await self.request("POST", f"{_EXPERIMENTS}/create", workspace_id, json_body={"name": name})
            if error_code(made) != EXISTS:
                return str(body(made)["experiment_id"])
            found = body(await named())  # made by another request in between
        return None if found is None else str(found["experiment"]["experiment_id"])

    async def _forget_all(self) -> None:
        """Remove what is to be forgotten. A note of it goes when it is done: until then, the next request tries."""
        for note in (self._folder / "forgotten").glob("*"):
            if note in self._forgetting:  # of two requests that come here together only one asks MLflow
                continue
            self._forgetting.add(note)
            try:
                await self._forget(note)
            finally:
                self._forgetting.discard(note)

    async def _forget(self, note: Path) -> None:
        try:
            name = await asyncio.to_thread(note.read_text, encoding="utf-8")
        except FileNotFoundError:  # another request has done it just now
            return
        gone = await self._send("DELETE", f"{_WORKSPACES}/{name}", None, params={"mode": "CASCADE"})
        try:
            why = error_code(gone)
        except MlflowUnavailable as error:
            why = str(error)
        if why in (None, ABSENT):
            note.unlink(missing_ok=True)
        else:
            _log.warning("MLflow did not remove the workspace %s, which is tried again: %s", name, why)

    async def _send(
        self,
        method: str,
        path: str,
        workspace: str | None,
        *,
        params: str | Mapping[str, str] | None = None,
        json_body: Any = None,
        chosen: Mapping[str, str] | None = None,
    ) -> MlflowAnswer:
        headers = {**({} if workspace is None else {WORKSPACE_HEADER: workspace}), **(chosen or {})}
        try:
            return await self._wire().ask(method, path, params=params, headers=headers, json_body=json_body)
        except TimeoutError as error:
            raise MlflowUnavailable("MLflow's server took too long to answer") from error
        except aiohttp.ClientError as error:
            self._healthy = False  # look before the next request: the process may not be seen to have ended yet
            raise MlflowUnavailable("MLflow's server ended while it was asked", 1) from error

    def _wire(self) -> Wire:
        if self._open is None:
            raise MlflowUnavailable(self._why_not)
        return self._open
