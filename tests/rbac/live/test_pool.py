"""Questions side by side: their order, their failures, and that nobody waits for them after Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from azmlflow.rbac.live.pool import Pool


def test_the_answers_come_in_the_order_of_the_questions() -> None:
    gate = threading.Event()

    def ask(number: int) -> int:
        if number == 0:
            assert gate.wait(10)
        else:
            gate.set()
        return number * number

    with Pool(2) as pool:
        assert list(pool.map(ask, range(5))) == [0, 1, 4, 9, 16]


def test_no_more_threads_than_its_width_are_at_work() -> None:
    at_once, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(3)

    def ask(_: int) -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        meet.wait(10)
        with lock:
            at_once -= 1

    with Pool(3) as pool:
        list(pool.map(ask, range(9)))
    assert most == 3


def test_all_is_done_at_the_end_of_the_block() -> None:
    done: list[int] = []
    with Pool(2) as pool:
        for number in range(20):
            pool.submit(lambda number=number: done.append(number))  # type: ignore[misc]
    assert sorted(done) == list(range(20))
    with pytest.raises(RuntimeError):
        pool.submit(lambda: None)


def test_a_failure_is_raised_where_the_answer_is_asked_for() -> None:
    def ask(number: int) -> int:
        if number == 1:
            raise LookupError("none")
        return number

    with pytest.raises(LookupError, match="none"), Pool(2) as pool:
        list(pool.map(ask, range(3)))


@pytest.mark.parametrize("fault", [KeyboardInterrupt, LookupError])
def test_nobody_waits_for_what_is_under_way_when_the_block_is_left_by_a_fault(fault: type[BaseException]) -> None:
    asleep, never = threading.Event(), threading.Event()
    begun: list[int] = []

    def sleep() -> None:
        asleep.set()
        never.wait(60)

    began = time.monotonic()
    with pytest.raises(fault), Pool(1) as pool:
        pool.submit(sleep)
        waiting = pool.submit(lambda: begun.append(1))
        assert asleep.wait(10)
        raise fault
    assert time.monotonic() - began < 30
    assert waiting.cancelled()
    never.set()
    assert begun == []


def test_the_process_ends_although_a_thread_of_it_sleeps() -> None:
    """As after Ctrl-C in a command: the interpreter itself waits for none of them."""
    program = (
        "import time\n"
        "from azmlflow.rbac.live.pool import Pool\n"
        "with Pool(2) as pool:\n"
        "    pool.submit(lambda: time.sleep(3600))\n"
        "    raise KeyboardInterrupt\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert "KeyboardInterrupt" in done.stderr
