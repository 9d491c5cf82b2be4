"""Every request of `up` and of `down` failed, in every way, and the command killed around every answer of the cloud.

What is asked: the same command, typed again where it failed, ends as if nothing had happened. In CI a sample by a fixed
seed; all of it by `make faults` (AZMLFLOW_FAULTS=all). The fault strikes the k-th request to Resource Manager.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from azmlflow.cli.hold import read_note
from azmlflow.localazure.faults import PAUSED, Fault, What, When, write_faults
from tests.e2e.estate import LONG, Estate, make_estate
from tests.e2e.test_lifecycle import soft_deleted, what_remains

pytestmark = pytest.mark.e2e

ALL = os.environ.get("AZMLFLOW_FAULTS") == "all"
ARM = "^/subscriptions"
# How far the sweep goes: more requests than either command makes; a fault that strikes none is a plain run.
REQUESTS = {"up": 50, "down": 68}
WAYS: tuple[tuple[What, When], ...] = (
    ("429", "before"),
    ("500", "before"),
    ("503", "before"),
    ("503", "after"),
    ("reset", "before"),
    ("reset", "after"),
    ("failed", "before"),
    ("slow", "before"),
)
Case = tuple[str, int, What, When]
FAULTS: list[Case] = [(c, k, what, when) for c, n in REQUESTS.items() for k in range(1, n + 1) for what, when in WAYS]
# Right before the k-th answer: it is held back. Right after it: the request that follows is held back.
KILLS: list[Case] = [
    (c, k, "pause", when) for c, n in REQUESTS.items() for k in range(1, n + 1) for when in ("after", "before")
]


def sample(cases: list[Case], size: int) -> list[Case]:
    """All, or as many of them, the same ones each time; both commands in turn."""
    if ALL:
        return cases
    few = random.Random(20261123).sample(cases, size)
    return sorted(few)


def name(case: Case) -> str:
    return "-".join(map(str, case))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Estate]:
    estate = make_estate(tmp_path_factory.mktemp("faults") / "project")
    estate.azmlflow("local", "start")
    yield estate
    write_faults(state(estate), ())
    estate.azmlflow("local", "stop")


@pytest.fixture(scope="module")
def nothing(place: Estate) -> dict[str, list[str]]:
    return what_remains(place)


@pytest.fixture(scope="module")
def whole(place: Estate, nothing: dict[str, list[str]]) -> dict[str, list[str]]:
    """What a stack without faults leaves standing."""
    place.azmlflow("up")
    found = sizes(what_remains(place))
    place.azmlflow("down", "--yes")
    return found


def state(estate: Estate) -> Path:
    return estate.folder / ".azmlflow" / "local"


def sizes(remaining: dict[str, list[str]]) -> dict[str, list[str]]:
    """Comparable over two runs: assignments of the workspace's own identity have names of their own."""
    return {key: sorted(values) for key, values in remaining.items()}


def type_until_done(estate: Estate, command: list[str]) -> int:
    """Type the command, and again where it fails, as its own error says; how often it took."""
    for times in range(1, 4):
        done = subprocess.run(
            ["azmlflow", *command], cwd=estate.folder, env=estate.environment, capture_output=True, text=True,
            timeout=LONG, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        write_faults(state(estate), ())
        if done.returncode == 0:
            return times
        assert "next:" in done.stderr
    raise AssertionError(f"{command} still fails: {done.stderr}")


def check_end(estate: Estate, command: str, nothing: dict[str, list[str]], whole: dict[str, list[str]]) -> None:
    """The end state is the one without faults."""
    if command == "up":
        assert sizes(what_remains(estate)) == whole
        again = estate.azmlflow("up", "--output", "json")
        assert set(json.loads(again.out)["changes"]) == {"same"}
        estate.azmlflow("down", "--yes")
    assert what_remains(estate) == nothing
    assert soft_deleted(estate) == []
    assert not (estate.folder / ".azureml" / "config.json").exists()


def words(command: str) -> list[str]:
    return ["up"] if command == "up" else ["down", "--yes"]


@pytest.mark.parametrize("case", sample(FAULTS, 6), ids=name)
def test_a_failed_request_changes_nothing_of_the_end(
    place: Estate, nothing: dict[str, list[str]], whole: dict[str, list[str]], case: Case
) -> None:
    command, number, what, when = case
    if command == "down":
        place.azmlflow("up")
    write_faults(state(place), (Fault("*", ARM, when, number, what, seconds=1),))
    type_until_done(place, words(command))
    check_end(place, command, nothing, whole)


@pytest.mark.parametrize("case", sample(KILLS, 4), ids=name)
def test_killed_around_an_answer_and_typed_again(
    place: Estate, nothing: dict[str, list[str]], whole: dict[str, list[str]], case: Case
) -> None:
    command, number, what, when = case
    if command == "down":
        place.azmlflow("up")
    write_faults(state(place), (Fault("*", ARM, when, number + (when == "before"), what),))
    killed_in_mid_request(place, words(command))
    write_faults(state(place), ())
    type_until_done(place, words(command))
    check_end(place, command, nothing, whole)


def killed_in_mid_request(estate: Estate, command: list[str]) -> None:
    """Run a command until the cloud holds a request of its back, and kill it with its engine (-9)."""
    mark = state(estate) / PAUSED
    running = subprocess.Popen(
        ["azmlflow", *command], cwd=estate.folder, env=estate.environment, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not mark.exists():
        try:
            running.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            continue
        return  # it made fewer requests
    note = read_note(estate.folder / ".azmlflow" / "holders" / "local.json")
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    if note is not None and note.engine:
        with contextlib.suppress(ProcessLookupError):  # it had ended before
            os.killpg(note.engine, signal.SIGKILL)
    mark.unlink()
