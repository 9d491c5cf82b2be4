"""The MLflow server's process: started, started again, ended.

The embedded Azure binds the listening socket and hands it to the child, so a request that comes while MLflow is
still importing waits in the socket's queue instead of failing. The socket's folder is open to this user only.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from azmlflow.localazure.machine.cache import databases_folder
from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.tracking import child
from azmlflow.localazure.tracking.answers import MlflowUnavailable

# Not a place: blobs carry the artifacts and the tracking service rewrites every artifact URI. A scheme that
# MLflow's server cannot open also keeps it from ever reading or making a file on a client's behalf.
ARTIFACT_ROOT = "azureml://artifacts/root"
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_LOG_LIMIT = 5 * 1024 * 1024
_COOL = 30  # seconds before a server that failed to start is tried again


class ServerProcess:
    """MLflow's server process.

    Args:
        folder: its working folder, where it keeps its database and log.
        end_within: seconds that it has to end by itself before it is killed.
        command: what to run, given the descriptor of the listening socket (tests run something smaller).

    Attributes:
        came_up: whether it has answered since it was last started; told by who asks it.
    """

    def __init__(self, folder: Path, end_within: float, command: Callable[[int], list[str]] | None = None) -> None:
        self._folder, self._end_within, self._command = folder, end_within, command or _child_command
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: socket.socket | None = None
        self._failed_at: float | None = None
        self._socket = 0  # its file's inode
        self.came_up = False

    @property
    def pid(self) -> int | None:
        """Its process id, or None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def log(self) -> Path:
        """Where it writes what it has to say."""
        return self._folder / "server.log"

    def listen(self) -> Path:
        """Listen on a socket, which is to be the process's; where it is.

        Raises:
            OSError: the socket cannot be made.
        """
        (self._folder / "tmp").mkdir(parents=True, exist_ok=True, mode=0o700)
        path = Folder.at(self._folder.parent).socket()
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._socket = path.stat().st_ino
        self._listener.listen(512)
        return path

    def start(self) -> None:
        """Start it.

        Raises:
            MlflowUnavailable: it cannot be started.
        """
        assert self._listener is not None
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
        self.came_up, self._failed_at = False, None
        descriptor = self._listener.fileno()
        try:
            if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
                self.log.unlink()
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command(descriptor),
                    cwd=self._folder,
                    env=environment(self._folder),
                    stdin=subprocess.PIPE,  # held open and never written to: see `child`
                    stdout=log,
                    stderr=log,
                    pass_fds=(descriptor,),
                    start_new_session=True,
                )
        except OSError as error:
            self._failed_at = time.monotonic()
            raise MlflowUnavailable(f"MLflow's server cannot be started: {error}", _COOL) from error

    def revive(self) -> None:
        """Start it again if it died after it had been up, or failed to start a while ago.

        Raises:
            MlflowUnavailable: it failed to start, just now or not long ago.
        """
        cooled = self._failed_at is not None and time.monotonic() - self._failed_at > _COOL
        if self.came_up or cooled:
            self.start()
            return
        if self._failed_at is None:
            self._failed_at = time.monotonic()
        raise MlflowUnavailable(f"MLflow's server ended while it started; its log is {self.log}", _COOL)

    async def end(self) -> None:
        """End it and everything it started."""
        process, self._process = self._process, None
        listener, self._listener = self._listener, None
        if process is not None:
            await asyncio.to_thread(_end, process, self._end_within)
        if listener is not None:
            path = Path(listener.getsockname())
            listener.close()
            # Where the state folder was replaced meanwhile, another embedded Azure's socket is there by now.
            if path.exists() and path.stat().st_ino == self._socket:
                path.unlink()


def _child_command(descriptor: int) -> list[str]:
    return [sys.executable, "-P", "-m", child.__name__, str(descriptor), str(databases_folder(os.environ))]


def environment(folder: Path) -> dict[str, str]:
    """What MLflow's server sees: nothing of the user's own MLflow, Azure or proxy settings."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        # Not the system's: MLflow locks a file there whose name is the same for all users and checkouts of a machine.
        "TMPDIR": str(folder / "tmp"),
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
    with contextlib.suppress(ProcessLookupError):  # it has ended
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):  # it is killed then
        process.wait(timeout=within)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        process.stdin.close()
