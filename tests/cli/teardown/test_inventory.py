"""What a look at a group says, without a cloud: jobs that hold machines, what endpoints answer, what is a stack's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from azmlflow.cli.azure.errors import MalformedAnswer
from azmlflow.cli.teardown.inventory import Endpoint, Inventory, has_ended, narrowed
from azmlflow.cli.teardown.ownership import Resource, Verdict
from azmlflow.cli.teardown.uses import Use

SUB = "/subscriptions/10ca1000-0000-4000-8000-000000000002"
GROUP = f"{SUB}/resourceGroups/rg"
WORKSPACE = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws"
THEIRS = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws2"
LOCKS = "providers/Microsoft.Authorization/locks"


# Microsoft, "Jobs - Get": JobStatus.
@pytest.mark.parametrize(
    ("status", "ended"),
    [
        ("NotStarted", False),
        ("Starting", False),
        ("Provisioning", False),
        ("Preparing", False),
        ("Queued", False),
        ("Running", False),
        ("Finalizing", False),
        ("CancelRequested", False),
        ("NotResponding", False),
        ("Completed", True),
        ("Failed", True),
        ("Canceled", True),
        ("Paused", True),
        ("Unknown", True),
    ],
)
def test_a_job_has_ended_when_it_holds_no_machine(status: str, ended: bool) -> None:
    assert has_ended({"id": "/j", "properties": {"status": status}}) is ended


def test_a_job_that_is_not_there_has_ended_and_one_without_a_status_is_no_answer() -> None:
    assert has_ended(None)
    for document in ({"id": "/j", "properties": {}}, {"id": "/j", "properties": None}, {"id": "/j"}):
        with pytest.raises(MalformedAnswer, match="a job without a status") as caught:
            has_ended(document)
        assert caught.value.where == "/j"


@pytest.mark.parametrize(
    ("traffic", "asked", "told"),
    [
        ({}, None, "wine (no traffic)"),
        ({"blue": 0}, 7, "wine (no traffic)"),
        ({"green": 10, "blue": 90}, 2880, "wine (blue 90 %, green 10 %; 2880 requests in the last day)"),
        ({"blue": 100, "old": 0}, 1, "wine (blue 100 %; 1 request in the last day)"),
        ({"blue": 100}, 0, "wine (blue 100 %; 0 requests in the last day)"),
        ({"blue": 100}, None, "wine (blue 100 %; requests of the last day unknown)"),
    ],
)
def test_what_people_are_told_of_an_endpoint(traffic: dict[str, int], asked: int | None, told: str) -> None:
    assert Endpoint(f"{WORKSPACE}/onlineEndpoints/wine", traffic, asked).told() == told


def _lock(scope: str) -> Any:
    return SimpleNamespace(id=f"{scope}/{LOCKS}/keep")


def test_in_a_group_of_others_only_what_is_the_stacks_counts() -> None:
    """Locks count on what is ours, in it, and above it; a name that begins alike is another's."""
    ours = Resource.of({"id": WORKSPACE, "type": "Microsoft.MachineLearningServices/workspaces"})
    inside, above = f"{WORKSPACE.upper()}/computes/cpu", GROUP
    seen = Inventory(
        GROUP,
        {"id": GROUP},
        (ours,),
        locks=tuple(map(_lock, (WORKSPACE, inside, above, SUB, THEIRS, f"{SUB}/resourceGroups/r"))),
        jobs=(f"{WORKSPACE}/jobs/a", f"{THEIRS}/jobs/b"),
        endpoints=(Endpoint(f"{WORKSPACE}/onlineEndpoints/a", {}), Endpoint(f"{THEIRS}/onlineEndpoints/b", {})),
        uses=(Use("/other", WORKSPACE, "x"), Use("/other", THEIRS, "x")),
    )
    found, verdict = narrowed(seen, Verdict((ours,), ()))
    assert [each.id for each in found.locks] == [f"{scope}/{LOCKS}/keep" for scope in (WORKSPACE, inside, above, SUB)]
    assert found.jobs == (f"{WORKSPACE}/jobs/a",)
    assert [each.id for each in found.endpoints] == [f"{WORKSPACE}/onlineEndpoints/a"]
    assert [each.resource for each in found.uses] == [WORKSPACE]
    assert (verdict.ours, verdict.foreign) == ((ours,), ())
