"""Threads for requests that block: one for each, and nobody waits for them at the end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """An event loop's executor, which has to be of that class.

    A thread waits out each resource at work, so a bound would serialise a deployment; and a request under way cannot
    be interrupted, so a thread that was waited for would hold the process up.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run it in a thread of its own."""
        future = Future[T]()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except BaseException as fault:  # noqa: BLE001 - carried over to whoever asked
                future.set_exception(fault)

        threading.Thread(target=run, name="arm", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, **_: Any) -> None:
        """Nothing is waited for."""
