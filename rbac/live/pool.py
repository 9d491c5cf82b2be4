"""Questions side by side, in threads that nobody waits for after Ctrl-C or a failure.

Python's own `ThreadPoolExecutor` joins its threads when its block is left, and again at the process's end: one that
sleeps for a Retry-After of an hour would keep the command for the hour, whatever is typed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
_Work = tuple["Future[Any]", Callable[[], Any]]


class Pool:
    """Threads that work off what they are given. To be used in a `with`, at whose end all of it is done.

    Args:
        width: how many threads at most.
        name: of the threads, for whoever looks at them.
    """

    def __init__(self, width: int, name: str = "ask") -> None:
        self._width, self._name = width, name
        self._work: SimpleQueue[_Work | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, type_: type[BaseException] | None, _fault: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
        if type_ is not None:  # what was not begun is not begun any more, and what is under way ends by itself
            with contextlib.suppress(Empty):
                while True:
                    if (left := self._work.get_nowait()) is not None:
                        left[0].cancel()
        for _ in self._threads:
            self._work.put(None)
        for thread in self._threads if type_ is None else ():
            thread.join()

    def submit(self, ask: Callable[[], Answer]) -> Future[Answer]:
        """Have a question asked, soon; from any thread.

        Raises:
            RuntimeError: the block is left.
        """
        future: Future[Answer] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._work.put((future, ask))
            if len(self._threads) < self._width:
                name = f"{self._name} {len(self._threads)}"
                self._threads.append(threading.Thread(target=self._run, name=name, daemon=True))
                self._threads[-1].start()
        return future

    def map(self, ask: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[Answer]:
        """The answers of `ask` about each item, in the items' order; the first failure is raised."""
        futures = [self.submit(lambda each=each: ask(each)) for each in items]  # type: ignore[misc]
        return (future.result() for future in futures)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, ask = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                answer = ask()
            except BaseException as fault:  # noqa: BLE001 - carried over to whoever asks for the result
                future.set_exception(fault)
            else:
                future.set_result(answer)
