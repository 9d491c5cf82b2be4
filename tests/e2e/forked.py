"""Processes that are forked by one that has imported what they need, where the product starts them from nothing."""

from __future__ import annotations

import json
import socket
import subprocess
import types
from pathlib import Path
from typing import Any

BYTES = 8  # of a number on a connection


class Forked(subprocess.Popen[bytes]):
    """A process as `subprocess` has it, but forked by another one, which is asked for it over a connection."""

    def __init__(self, asked: socket.socket, words: list[str], **options: Any) -> None:
        self._asked = asked
        super().__init__(words, **options)

    def _execute_child(self, *given: Any) -> None:
        """In the place of fork and exec: what is given is in the library's own order (CPython's Lib/subprocess.py)."""
        words, _, _, _, passed, folder, environment, _, _, _, *pipes = given[:16]
        ours: Any = self
        into, _, _, out, _, err = pipes
        asked = {"words": words, "folder": str(folder), "environment": dict(environment), "passed": list(passed)}
        text = json.dumps(asked).encode()
        socket.send_fds(self._asked, [len(text).to_bytes(BYTES, "big")], [into, out, err, *passed])
        self._asked.sendall(text)
        self.pid = int.from_bytes(read(self._asked, BYTES), "big")
        ours._child_created = True
        ours._close_pipe_fds(*pipes)


def forking(module: str, place: Path | None = None, planted: socket.socket | None = None) -> types.SimpleNamespace:
    """What takes the place of `subprocess` in a module of the product: `python -m MODULE` is forked, all else is not.

    Args:
        module: which.
        place: the socket of who forks.
        planted: a connection to what becomes the first of them.
    """
    left = [planted] if planted else []

    def popen(words: list[str], **options: Any) -> subprocess.Popen[bytes]:
        if module not in words or not (place or left):
            return subprocess.Popen(words, **options)
        with left.pop() if left else socket.socket(socket.AF_UNIX) as asked:
            if place:
                asked.connect(str(place))
            return Forked(asked, words, **options)

    return types.SimpleNamespace(**{**vars(subprocess), "Popen": popen})


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
        EOFError: the other end is closed.
    """
    found = b""
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise EOFError
        found += more
    return found
