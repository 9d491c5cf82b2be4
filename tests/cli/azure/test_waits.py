"""What people are told of a long wait, and when."""

from __future__ import annotations

from datetime import datetime

import pytest

from azmlflow.cli.azure.errors import TimedOut
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.azure.waits import Waits
from azmlflow.rbac.live.waits import Wait
from tests.cli.wire import Credential, Wire, answer

ARM, GRAPH = "management.azure.com", "graph.microsoft.com"
NOON = datetime(2026, 11, 26, 12)


def test_who_how_long_until_when_and_what_to_do() -> None:
    said: list[str] = []
    Waits(said.append, lambda: 0.0, lambda: NOON)(Wait(ARM, 429, 3600))
    assert said == [
        "Azure Resource Manager asks us to wait 60 minutes, until 13:00:00, before it answers (status 429). "
        "Ctrl-C ends the command; typed again, it goes on from here"
    ]


def test_waits_that_end_about_together_are_told_once() -> None:
    said: list[str] = []
    time = [0.0]
    waits = Waits(said.append, lambda: time[0], lambda: NOON)
    waits(Wait(ARM, 429, 30))
    waits(Wait(GRAPH, 429, 33))
    waits(Wait(ARM, 503, 20))
    assert len(said) == 1
    waits(Wait(ARM, 503, 90))
    assert "asks us to wait 90 seconds, until 12:01:30" in said[1]
    time[0] = 91.0
    waits(Wait("westeurope.api.azureml.ms", 429, 7))
    assert said[2].startswith("westeurope.api.azureml.ms asks us to wait 7 seconds")


@pytest.mark.parametrize(("after", "told"), [("7200", 1), ("2", 0), ("soon", 0)])
def test_our_own_client_tells_it_at_once(after: str, told: int) -> None:
    heard: list[Wait] = []
    replies = [answer(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": after}), answer(404)]
    wire = Wire(lambda _: replies.pop(0))
    wire.sleep = lambda duration: wire.slept.append(duration) or heard.append(Wait("slept", 0, duration))  # type: ignore[method-assign,func-returns-value]
    asked = ResourceManager(wire, Credential(), on_wait=heard.append)
    assert asked.get("/subscriptions/s/resourceGroups/g") is None
    assert [each.host for each in heard] == [*([ARM] * told), "slept"][: len(heard)]
    assert len([each for each in heard if each.host == ARM]) == told


def test_a_bound_tells_of_its_waits_too() -> None:
    heard: list[Wait] = []
    wire = Wire(lambda _: answer(429, {"error": {"code": "TooManyRequests"}}, {"Retry-After": "3600"}))
    asked = ResourceManager(wire, Credential(), clock=lambda: 0.0, on_wait=heard.append)
    with pytest.raises(TimedOut):
        asked.within(60).get("/subscriptions/s/resourceGroups/g")
    assert [each.seconds for each in heard] == [3600]
