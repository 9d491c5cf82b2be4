"""Starts embedded Azures by forking a process that has imported them and MLflow's server: the same, seconds sooner.

`python -m tests.e2e.clouds FD` forks for each that asks at a listening socket (`forked.py`), until standard input is
closed. An embedded Azure that comes of it makes a copy of itself once it has given up its rights, before it has a
second thread; that copy becomes its first MLflow server. A later one is a process from nothing.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import socket
import sys
import tempfile
import warnings
from pathlib import Path
from unittest import mock

from azmlflow.localazure.machine.folder import Folder
from azmlflow.localazure.process import serve
from azmlflow.localazure.process.shedding import give_up
from azmlflow.localazure.tracking import child
from azmlflow.localazure.tracking import process as tracking
from tests.e2e.forked import BYTES, forking, read


def _become(asked: socket.socket) -> None:
    """Become what is asked for, in a process that is nothing else."""
    head, descriptors, _, _ = socket.recv_fds(asked, BYTES, 8)
    if not head:
        return  # nobody wanted it
    wanted = json.loads(read(asked, int.from_bytes(head, "big")))
    os.setsid()
    asked.sendall(os.getpid().to_bytes(BYTES, "big"))
    asked.close()
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    tempfile.tempdir = None
    for target in range(3):
        os.dup2(descriptors[target], target)
        os.close(descriptors[target])
    numbers = {str(there): str(here) for there, here in zip(wanted["passed"], descriptors[3:], strict=True)}
    module, *words = wanted["words"][wanted["words"].index("-m") + 1 :]
    given = [numbers.get(word, word) for word in words]
    if module == child.__name__:
        warnings.simplefilter("ignore")  # as its PYTHONWARNINGS says
        child.main(given)
    else:
        with mock.patch.object(serve, "give_up", _give_up_and_plant):
            sys.exit(serve.main(given))


def _give_up_and_plant(folder: Folder) -> None:
    """Give up rights as it does, and leave a copy behind, which becomes MLflow's server once that is started."""
    give_up(folder)
    ours, theirs = socket.socketpair()
    if os.fork():
        theirs.close()
        mock.patch.object(tracking, "subprocess", forking(child.__name__, planted=ours)).start()
        return
    # Among them the lock that tells that the embedded Azure runs.
    os.closerange(3, theirs.fileno())
    os.closerange(theirs.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
    _alone(theirs)


def _alone(asked: socket.socket) -> None:
    """Become what is asked for, and never return."""
    code = 1
    try:
        _become(asked)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - there is nobody above
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(listener: socket.socket) -> None:
    """Import all, and fork for each that asks, until standard input is closed."""
    with (
        tempfile.TemporaryDirectory() as folder,
        # MLflow's server reads it while it is imported.
        mock.patch.dict(os.environ, tracking.environment(Path(folder)), clear=True),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        wsgi = "azmlflow.localazure.machine.wsgi"
        for name in ("uvicorn", wsgi, "mlflow.server", f"{tracking.__package__}.store"):
            importlib.import_module(name)
    gc.freeze()
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        asked, _ = listener.accept()
        pid = os.fork()
        if pid == 0:
            listener.close()
            _alone(asked)
        asked.close()
        os.waitpid(pid, 0)  # it detaches a child, and ends


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
