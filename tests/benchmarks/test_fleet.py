"""What a fleet's measurement is made of: processes, their memory and time, and how it is told."""

from __future__ import annotations

import os
import sys

import pytest
from benchmarks.fleet import Fleet, share, show, spent, tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a process's share of its memory")
_NOBODY = 2**22 + 1  # above the highest process id of Linux


def test_a_process_and_all_below_it() -> None:
    assert os.getpid() in tree(os.getppid())
    assert os.getppid() not in tree(os.getpid())


def test_memory_and_time_of_a_process_and_of_one_that_has_ended() -> None:
    assert 1 < share(os.getpid()) < 10_000
    assert share(_NOBODY) == 0
    assert spent([_NOBODY]) == 0
    times = os.times()
    ours = times.user + times.system + times.children_user + times.children_system
    assert spent([os.getpid(), _NOBODY]) == pytest.approx(ours, abs=1)


def test_what_is_told() -> None:
    small, large = Fleet(10, 30.0, 40.0, 700.0, 26.0, 270.0), Fleet(100, 330.0, 420.0, 720.0, 27.0, 300.0)
    assert show(small, large) == (
        "fleet of 100 330.0 s = 3.30 s a workspace / fleet of 10 30.0 s = 3.00 s a workspace = 1.10 "
        "(wanted: at most 1.2; width 4)\n"
        "processor 4.20 / 4.00 s a workspace = 1.05; memory at most 720 MiB (its own process 27), the embedded Azure "
        "300 MiB / 700 MiB (its own process 26), the embedded Azure 270 MiB"
    )
