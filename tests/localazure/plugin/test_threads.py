"""Threads for requests that block: results and faults come back, and nobody waits for one that is under way."""

from __future__ import annotations

import threading

import pytest

from azmlflow.localazure.plugin.threads import Threads


def test_a_result_and_a_fault_come_back() -> None:
    threads = Threads()
    assert threads.submit(divmod, 7, 2).result(60) == (3, 1)
    assert threads.submit(int, "ff", base=16).result(60) == 255
    with pytest.raises(ZeroDivisionError):
        threads.submit(divmod, 1, 0).result(60)


def test_each_has_a_thread_of_its_own_which_no_end_waits_for() -> None:
    """As many as are asked for at a time: each waits here until all of them run."""
    many = 3 * (threading.active_count() + 20)
    together, go = threading.Barrier(many + 1), threading.Event()

    def work() -> bool:
        together.wait(60)
        go.wait(60)
        return threading.current_thread().daemon

    threads = Threads(max_workers=1)
    running = [threads.submit(work) for _ in range(many)]
    together.wait(60)
    threads.shutdown()
    assert not any(each.done() for each in running)
    go.set()
    assert all(each.result(60) for each in running)
