"""A data scientist's Python that has imported the clients already: scripts are forked off it, three seconds sooner.

`PYTHON -m tests.e2e.scientist FD`, by the data scientist's interpreter, runs a script for each that asks at a listening
socket (`run`), one at a time, until standard input is closed. The script is the main module of a process of its own,
with the folder, variables and streams of who asks, and ends as any does. What it imports was imported before, without
its variables; that this is the same to the clients, scripts show that `typed.py` and jobs start from nothing. What
MLflow finds out of each model of scikit-learn that it logs, by a process that imports all anew, it finds once.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

from tests.e2e.forked import BYTES, read

_CLIENTS = ("mlflow.sklearn", "azure.ai.ml", "azure.identity", "azureml.core", "sklearn.linear_model")


def run(place: Path, words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run `python WORDS` in this process's folder and with its streams; its exit code, or its signal as a negative one.

    Args:
        place: the socket of who forks.
        words: a script, or `-c` and its text, and what it is given.
        environment: its variables.
    """
    text = json.dumps({"words": list(words), "folder": str(Path.cwd()), "environment": dict(environment)}).encode()
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(place))
        socket.send_fds(asked, [len(text).to_bytes(BYTES, "big")], [0, 1, 2])
        asked.sendall(text)
        return int.from_bytes(read(asked, BYTES), "big", signed=True)


def _serve(listener: socket.socket) -> list[str] | None:
    """Fork for each that asks: the words of the script in a forked process, None in this one when no more come."""
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        asked, _ = listener.accept()
        with asked:
            head, streams, _, _ = socket.recv_fds(asked, BYTES, 3)
            wanted = json.loads(read(asked, int.from_bytes(head, "big")))
            assert threading.active_count() == 1, "a lock that another thread holds is held for ever in a fork"
            pid = os.fork()
            if pid == 0:
                listener.close()
                return _become(wanted, streams)
            for each in streams:
                os.close(each)
            ended = os.pidfd_open(pid)
            if ended not in select.select([asked.fileno(), ended], [], [])[0]:  # who asked was killed
                os.kill(pid, signal.SIGKILL)
            os.close(ended)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            with contextlib.suppress(OSError):
                asked.sendall(code.to_bytes(BYTES, "big", signed=True))
    return None


def _become(wanted: dict[str, Any], streams: list[int]) -> list[str]:
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
        os.close(stream)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    tempfile.tempdir = None
    if "PYTHONUNBUFFERED" in os.environ and isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(write_through=True)
    words: list[str] = wanted["words"]
    return words


def _forked(listener: socket.socket) -> list[str] | None:
    """Import the clients, and fork; as `_serve` has it."""
    with mock.patch.dict(os.environ, {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()}, clear=True):
        for name in _CLIENTS:
            importlib.import_module(name)
    handle, name = tempfile.mkstemp()
    os.close(handle)
    _find_once(kept := Path(name))
    gc.freeze()
    if (words := _serve(listener)) is None:
        kept.unlink()
    return words


def _find_once(kept: Path) -> None:
    """Have scripts share what loading a model of scikit-learn imports: three seconds for each that is logged."""
    inference: Any = importlib.import_module("mlflow.utils.requirements_utils")
    find = inference._capture_imported_modules

    def found(model: str, flavor: str, **more: Any) -> list[str]:
        if flavor != "sklearn" or not (known := kept.read_text().splitlines()):
            known = find(model, flavor, **more)
            if flavor == "sklearn":
                kept.write_text("\n".join(known))
        return known

    inference._capture_imported_modules = found


if __name__ == "__main__" and (given := _forked(socket.socket(fileno=int(sys.argv[1])))):
    if given[0] == "-c":
        sys.argv, sys.path[0] = ["-c", *given[2:]], ""
        exec(compile(given[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv, sys.path[0] = given, str(Path(given[0]).parent)
        runpy.run_path(given[0], run_name="__main__")
