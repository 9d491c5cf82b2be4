"""The program's packages are imported beside what comes first; whoever needs them waits for that.

Else two threads import the same packages, and may wait for each other for ever: seen with CPython 3.11.7 under load,
`pulumi.runtime` in one and protobuf beneath it in the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

_NAME = "imports"


def begin(load: Callable[[], None]) -> None:
    """Have a thread import what `load` imports; it ends with the process."""
    threading.Thread(target=load, name=_NAME, daemon=True).start()


def under_way() -> bool:
    """Whether such a thread is not done."""
    return any(thread.name == _NAME for thread in threading.enumerate())


def wait() -> None:
    """Return once such a thread is done; at once if there is none."""
    for thread in threading.enumerate():
        if thread.name == _NAME and thread is not threading.current_thread():
            thread.join()
