"""The MLflow server's own process: `python -m azmlflow.localazure.tracking.child FD [CACHE]`, started by `process.py`.

It lives as long as its standard input is open. The embedded Azure holds the other end of that pipe and never writes
to it, so the operating system closes it however the embedded Azure ends, `kill -9` included; that works alike on
Linux and macOS, where the kernel's own "die with your parent" does not exist.

What `mlflow server --enable-workspaces --workers 1` does beyond this is to supervise: a second process of the same
size. Here the embedded Azure supervises. And what it puts before the application (`mlflow.server.fastapi_app`) serves
what Azure Machine Learning has not (traces, gateways, assistants) and checks once more what the application checks
(`mlflow.server.security`): half of a request's time. MLflow serves the application as it is, too, behind gunicorn.
"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import socket
import sqlite3
import sys
import tempfile
import threading
from contextlib import closing
from pathlib import Path

from azmlflow.localazure.machine.database import fault_of

# SQLAlchemy's pool has 15 connections, and a request of MLflow's holds up to three at a time, one inside of another:
# so many threads never wait for each other's.
_THREADS = 7
DATABASE = "mlflow.db"
DATABASE_URI = f"sqlite:///{DATABASE}"  # relative to the working folder: no machine path, nothing to quote
_COPY = "migrating.db"


def main(arguments: list[str]) -> None:
    """Serve MLflow on the listening socket whose file descriptor is the first argument, until standard input closes.

    A second argument is the folder where a new database is kept for the next state that has none.
    """
    threading.Thread(target=_end_with_parent, name="end-with-parent", daemon=True).start()
    _migrate(*map(Path, arguments[1:]))
    _serve(int(arguments[0]))


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(0)  # not sys.exit: this is not the main thread, and there is nobody left to wait for a tidy end


def _migrate(cache: Path | None = None) -> None:
    """Bring the database to this MLflow's schema, once per MLflow version: even with nothing to do it takes seconds.

    In a copy, which takes the database's place once it is whole: a migration that was cut off, by `kill -9` say, has
    run half of its statements and cannot be taken up again.

    A new database is the same for every state: it is made once, and copied from the cache after that.
    """
    from importlib.metadata import version

    marker = Path(f"migrated-{version('mlflow')}")
    if marker.exists():
        return
    new = cache / f"{version('mlflow')}.db" if cache and not Path(DATABASE).exists() else None
    for leftover in Path().glob(f"{_COPY}*"):
        leftover.unlink()
    if Path(DATABASE).exists():
        with closing(sqlite3.connect(DATABASE)) as before, closing(sqlite3.connect(_COPY)) as copy:
            before.backup(copy)
    if not (new and _taken(new)):
        from mlflow.db import upgrade

        upgrade.main([f"sqlite:///{_COPY}"], standalone_mode=False)
        if new:
            _keep(new)
    Path(_COPY).replace(DATABASE)
    with closing(sqlite3.connect(DATABASE)) as database:
        database.execute("PRAGMA journal_mode=WAL")  # kept in the file: readers do not wait for a writer
    for other in Path().glob("migrated-*"):
        other.unlink()
    marker.touch()


def _taken(new: Path) -> bool:
    """Whether the new database in the cache is whole, and is ours now."""
    copy = Path(_COPY)
    try:
        shutil.copyfile(new, copy)
    except OSError:
        return False
    if copy.stat().st_size and fault_of(copy) is None:
        return True
    copy.unlink()
    return False


def _keep(new: Path) -> None:
    """Keep the new database in the cache; where that cannot be written, the next state makes its own."""
    with contextlib.suppress(OSError):
        new.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=new.parent, prefix=".mlflow-") as folder:
            Path(shutil.copyfile(_COPY, Path(folder) / new.name)).replace(new)


def _serve(descriptor: int) -> None:
    gc.disable()  # of the hundred thousands of objects that the imports make, none is garbage, nor ever will be
    import uvicorn
    from mlflow.server import app

    from azmlflow.localazure.machine.wsgi import Application
    from azmlflow.localazure.tracking import store

    store.register()
    gc.freeze()
    gc.enable()
    config = uvicorn.Config(
        Application(app, _THREADS),
        interface="asgi3",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        # Longer than the client keeps an idle connection, so that it never writes to one that is just being closed.
        timeout_keep_alive=60,
        timeout_graceful_shutdown=3,
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=descriptor)])


if __name__ == "__main__":
    main(sys.argv[1:])
