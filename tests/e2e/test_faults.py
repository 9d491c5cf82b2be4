"""Every request of the commands that change things failed, in every way, and the command killed around every answer.

What is asked: the same command, typed again where it failed, ends as if nothing had happened. In CI a sample by a fixed
seed; all of it by `make faults` (AZMLFLOW_FAULTS=all). The fault strikes the k-th request to Resource Manager.
"""

from __future__ import annotations

import json
import os
import random
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from azmlflow.infra.settings.profiles import PROFILES
from azmlflow.localazure.front.faults import FaultRule, What, When
from tests.e2e.estate import make_estate
from tests.e2e.faulted import World

pytestmark = pytest.mark.e2e

ALL = os.environ.get("AZMLFLOW_FAULTS") == "all"
ARM = "^/subscriptions"
# How many requests either command makes at most, and how many fewer it may make, since it asks until something is done:
# a test holds them to both. What strikes one of the last few may strike none, and is then a plain run.
REQUESTS, FEWER = {"up": 50, "down": 71, "grant": 21, "revoke": 9, "sweep": 58, "up-locked": 78}, 4
if ALL:
    REQUESTS["down-locked"] = 92
WAYS: tuple[tuple[What, When], ...] = (
    ("429", "before"),
    ("500", "before"),
    ("503", "before"),
    ("503", "after"),
    ("reset", "before"),
    ("reset", "after"),
    ("failed", "before"),
    ("slow", "before"),
    ("word", "before"),
    ("html", "before"),
    ("html", "after"),
    ("half", "after"),
    ("types", "before"),
    ("types", "after"),
    ("entries", "before"),
    ("empty", "after"),
    ("redirect", "before"),
    ("foreign", "before"),
)
Case = tuple[str, int, What, When]
ALWAYS = {command: most - FEWER for command, most in REQUESTS.items()}
FAULTS: list[Case] = [(c, k, what, when) for c, n in REQUESTS.items() for k in range(1, n + 1) for what, when in WAYS]
# Right before the k-th answer: it is held back. Right after it: the request that follows is held back.
KILLS: list[Case] = [
    (c, k, "pause", when) for c, n in REQUESTS.items() for k in range(1, n + 1) for when in ("after", "before")
]
ALONE: Case = ("up", 30, "pause", "after")  # in the middle of what the engine makes
# Answers that say of a change that it is done: where it is not, no client can tell. They strike questions alone.
SAID_DONE = {"types", "entries", "empty", "foreign"}
SELDOM = {"revoke", "sweep", "up-locked"}  # killed in the whole sweep alone
WORDS = {
    "up": ("up",),
    "down": ("down", "--yes"),
    "grant": ("grant", "bob@local.test", "tracker"),
    "revoke": ("revoke", "bob@local.test"),
    "sweep": ("sweep", "--name", "rg-mlflow-*", "--apply", "--yes"),
    "up-locked": ("up",),
    **({"down-locked": ("down", "--yes")} if ALL else {}),
}
# Requests that start an operation of Azure's, which is accepted and then fails.
OPERATIONS: dict[str, tuple[str, str, str]] = {
    "workspace": ("up", "PUT", r"Microsoft\.MachineLearningServices/workspaces/[^/]+$"),
    "group": ("down", "DELETE", r"/resourceGroups/[^/]+$"),
}
if ALL:
    OPERATIONS["account"] = ("up", "PUT", r"Microsoft\.Storage/storageAccounts/[^/]+$")
# What those commands leave by which the world is built up; and what is there before each.
ENDS = {"up": "whole", "grant": "granted", "up-locked": "locked"}
BEFORE = {
    "up": "nothing", "down": "whole", "grant": "whole", "revoke": "granted", "sweep": "whole",
    "up-locked": "nothing locked", "down-locked": "locked",
}  # fmt: skip
# The stack of the profile locked-down, whose vault may go for good.
LOCKED = {f"azmlflow:{key}": value for key, value in PROFILES["locked-down"].items() if key != "purgeProtection"}


def sample(cases: list[Case], size: int) -> list[Case]:
    """All, or of each command so many of those that are sure to strike, the same ones each time."""
    if ALL:
        return cases
    chance, few = random.Random(20261123), []
    for command, sure in ALWAYS.items():
        few += sorted(chance.sample([case for case in cases if case[0] == command and case[1] <= sure], size))
    return few


def name(case: Case) -> str:
    return "-".join(map(str, case))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world with snapshots of nothing and of a whole stack."""
    folder = tmp_path_factory.mktemp("faults")
    estate = make_estate(folder / "project")
    estate.azmlflow("local", "start")
    made = World(estate, folder / "snapshots")
    made.keep("nothing")
    for command, end in ENDS.items():
        if command == "up-locked":
            made.put_back("nothing")
            made.set(LOCKED)
            made.keep(BEFORE[command])
        before = made.requests()
        assert made.type(*WORDS[command])[0] == 0
        made.asked[command] = made.requests() - before
        made.keep(end)
    yield made
    made.close()


@pytest.fixture(scope="module")
def plain(world: World) -> dict[str, tuple[int, dict[str, Any]]]:
    """Each command where nothing fails: how many requests to Resource Manager it makes, what is to be seen after it."""
    found = {}
    for each in ("nothing", *ENDS.values()):
        world.put_back(each)
        found[each] = world.seen()
    assert found["whole"]["state"]
    assert found["whole"]["cloud"]["resources"]
    assert not found["nothing"]["cloud"].get("resources")
    plain = {command: (world.asked[command], found[end]) for command, end in ENDS.items()}
    for command, words in WORDS.items():
        if command in ENDS:
            continue
        world.put_back(BEFORE[command])
        before = world.requests()
        assert world.type(*words)[0] == 0
        plain[command] = world.requests() - before, world.seen()
    assert plain["down"][1] == found["nothing"]
    return plain


@pytest.fixture(scope="module")
def ends(plain: dict[str, tuple[int, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """What there is to be seen after each command where nothing fails."""
    return {command: seen for command, (_, seen) in plain.items()}


@pytest.mark.parametrize("command", REQUESTS)
def test_the_sweep_reaches_every_request(plain: dict[str, tuple[int, dict[str, Any]]], command: str) -> None:
    assert ALWAYS[command] <= plain[command][0] <= REQUESTS[command]


@pytest.mark.parametrize("case", sample(FAULTS, 1), ids=name)
def test_a_failed_request_changes_nothing_of_the_end(world: World, ends: dict[str, dict[str, Any]], case: Case) -> None:
    command, number, what, when = case
    world.put_back(BEFORE[command])
    questions = what in SAID_DONE and when == "before"
    world.strike(FaultRule("GET" if questions else "*", ARM, when, number, what, seconds=1))
    world.type_until_done(*WORDS[command])
    struck = [line for line in world.struck() if line.startswith(f"{what} {when} ")]
    assert len(struck) == 1 or (not struck and (questions or number > ALWAYS[command]))
    check_end(world, ends, command, number)


# The directory is another host than Resource Manager: `grant` asks it once, for who is named; `up` and `revoke` do not.
OTHERS: list[What] = [what for what, when in WAYS if when == "before" and what not in {"failed", "slow"}]


@pytest.mark.parametrize("what", OTHERS if ALL else random.Random(20261126).sample(OTHERS, 2))
def test_a_failed_request_to_another_host_changes_nothing_of_the_end(
    world: World, ends: dict[str, dict[str, Any]], what: What
) -> None:
    world.put_back(BEFORE["grant"])
    world.strike(FaultRule("*", "^/v1.0/", what=what, seconds=1))
    world.type_until_done(*WORDS["grant"])
    assert [line.partition(" before ")[0] for line in world.struck()] == [what]
    check_end(world, ends, "grant", 1)


@pytest.mark.parametrize(("command", "method", "path"), OPERATIONS.values(), ids=OPERATIONS)
def test_an_operation_that_azure_accepted_and_that_fails_is_made_good(
    world: World, ends: dict[str, dict[str, Any]], command: str, method: str, path: str
) -> None:
    world.put_back(BEFORE[command])
    world.strike(FaultRule(method, path, what="failed"))
    world.type_until_done(*WORDS[command])
    strike, *failed = world.struck()
    assert strike.startswith(f"failed before {method} ")
    assert len(failed) == 1
    check_end(world, ends, command, 1)


@pytest.mark.parametrize("case", [case for case in sample(KILLS, 1) if ALL or case[0] not in SELDOM], ids=name)
def test_killed_around_an_answer_and_typed_again(world: World, ends: dict[str, dict[str, Any]], case: Case) -> None:
    command, number, what, when = case
    held = number + (when == "before")
    world.put_back(BEFORE[command])
    world.strike(FaultRule("*", ARM, when, held, what))
    code = world.kill_in_mid_request(*WORDS[command])
    if held <= ALWAYS[command] or world.struck():
        assert code == -signal.SIGKILL
        assert len(world.struck()) == 1
    else:
        assert code == 0
    world.type_until_done(*WORDS[command])
    check_end(world, ends, command, number)


@pytest.mark.parametrize("case", [each for each in KILLS if each[0] == "up"] if ALL else [ALONE], ids=name)
def test_killed_alone_it_leaves_an_engine_without_a_plugin_and_the_next_one_ends_it(
    world: World, ends: dict[str, dict[str, Any]], case: Case
) -> None:
    command, number, what, when = case
    world.put_back(BEFORE[command])
    world.strike(FaultRule("*", ARM, when, number, what))
    code = world.kill_in_mid_request(*WORDS[command], engine=False)
    assert code == (-signal.SIGKILL if number <= ALWAYS[command] or world.struck() else 0)
    assert number > ALWAYS[command] or len(world.struck()) == 1
    world.type_until_done(*WORDS[command])
    check_end(world, ends, command, 1)


def check_end(world: World, ends: dict[str, dict[str, Any]], command: str, number: int) -> None:
    """The end is the one without faults; and, for every other number of an `up`, one more `up` changes nothing.

    A `revoke` ends the access; a role that nobody has any more it may leave to the next `up`.
    """
    if command == "revoke":
        assert world.seen()["assignments"] == ends[command]["assignments"]
        assert world.type("up")[0] == 0
    assert world.seen() == ends[command]
    if WORDS[command] == ("up",) and number % 2:
        code, said = world.type("up", "--output", "json")
        assert code == 0
        assert set(json.loads(said[said.index("{") :])["changes"]) == {"same"}
