"""How many nodes a cluster has, by its settings, its jobs and a clock that waits to be told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from azmlflow.localazure.core.clock import duration
from azmlflow.localazure.work.nodes import Pool, Scale

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCALE = Scale(0, 2, timedelta(seconds=120))


def test_as_many_nodes_as_jobs_up_to_the_maximum() -> None:
    pool = Pool()
    free = pool.adjust(SCALE, 5, NOW)
    assert [node.number for node in free] == [0, 1]
    for node in free:
        node.job = f"job-{node.number}"
    assert pool.adjust(SCALE, 3, NOW) == []
    assert pool.summary() == {"nodes": [{"number": 0, "job": "job-0"}, {"number": 1, "job": "job-1"}]}


def test_an_idle_node_goes_after_its_time_and_not_before() -> None:
    pool = Pool()
    pool.adjust(SCALE, 1, NOW)
    assert pool.next_change(SCALE) == NOW + SCALE.idle
    assert pool.adjust(SCALE, 0, NOW + timedelta(seconds=119)) == pool.nodes != []
    assert pool.adjust(SCALE, 0, NOW + timedelta(seconds=120)) == []


def test_the_minimum_stays() -> None:
    pool = Pool()
    scale = Scale(1, 2, timedelta())
    pool.adjust(scale, 2, NOW)
    assert len(pool.adjust(scale, 0, NOW + timedelta(seconds=1))) == 1
    assert pool.next_change(scale) is None


def test_a_busy_node_stays_however_small_the_cluster_has_become() -> None:
    pool = Pool()
    pool.adjust(SCALE, 1, NOW)[0].job = "job"
    pool.adjust(Scale(0, 0, timedelta()), 0, NOW + timedelta(days=1))
    assert [node.job for node in pool.nodes] == ["job"]


@pytest.mark.parametrize(("text", "seconds"), [("PT120S", 120), ("PT2H30M", 9000), ("P1DT0.5S", 86400.5), ("PT0S", 0)])
def test_durations(text: str, seconds: float) -> None:
    assert duration(text).total_seconds() == seconds


def test_what_is_no_duration() -> None:
    with pytest.raises(ValueError, match="not an ISO 8601 duration"):
        duration("2 hours")
