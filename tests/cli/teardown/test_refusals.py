"""Each thing that forbids a removal, by itself: which, why in people's words, and what to type."""

from __future__ import annotations

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import Limits, plan_group
from tests.cli.desk import FakeArm
from tests.cli.teardown.test_looks import ENDPOINT, GROUP, KNOWN, OURS, STORAGE, TAGS, WORKSPACE, ours

SHOW = "az group show --name rg"
OTHERS = {"azmlflow-project": "azmlflow", "azmlflow-stack": "prod"}
HALF = {"azmlflow-project": "azmlflow"}


def refused(arm: FakeArm, limits: Limits) -> list[tuple[str, str, str]]:
    return [(each.id, each.why, each.next) for each in plan_group(arm.open(), GROUP, limits).refusals]


@pytest.mark.parametrize(
    ("tags", "whose"),
    [
        (OTHERS, "stack prod of project azmlflow"),
        (HALF, "stack ? of project azmlflow"),
        ({"azmlflow-stack": "dev"}, "stack dev of project ?"),
        ({}, "nobody that azmlflow knows"),
    ],
)
def test_a_stacks_group_that_bears_other_tags(tags: dict[str, str], whose: str) -> None:
    limits = Limits(holder=OURS, known=KNOWN, stop_endpoints=True)
    why = f"its tags say that it belongs to {whose}, not to stack dev of project azmlflow"
    assert refused(ours(FakeArm(), tags=tags, locked=False), limits) == [(GROUP, why, SHOW)]


@pytest.mark.parametrize("unmanaged", [False, True])
def test_a_group_with_half_of_our_tags_is_nobodys_to_take_by_name(unmanaged: bool) -> None:
    why = "its tags name stack ? of project azmlflow, which is not whole"
    arm = ours(FakeArm(), tags=HALF, locked=False)
    assert refused(arm, Limits(unmanaged=unmanaged, stop_endpoints=True)) == [(GROUP, why, SHOW)]


def test_a_group_without_our_tags_needs_the_word() -> None:
    arm = FakeArm()
    arm.put(GROUP, location="westeurope", tags={"team": "blue"})
    way = "azmlflow down --resource-group rg --unmanaged"
    assert refused(arm, Limits()) == [(GROUP, "it is not azmlflow's: no tags of ours", way)]
    assert refused(arm, Limits(unmanaged=True)) == []


def test_a_group_that_something_manages_and_one_that_is_no_longer_chosen() -> None:
    arm = ours(FakeArm(), locked=False)
    chosen = Limits(holder=OURS, known=KNOWN, stop_endpoints=True, chosen=lambda document: document["tags"] == TAGS)
    assert refused(arm, chosen) == []
    arm.put(GROUP, location="westeurope", tags={**TAGS, "keep": "yes"})
    why = "its tags have changed, and it is none of those that were chosen"
    assert refused(arm, chosen) == [(GROUP, why, "azmlflow sweep")]
    arm.put(GROUP, location="westeurope", tags=TAGS, managedBy="/x/databricks")
    way = "remove what manages it: az resource show --ids /x/databricks"
    assert refused(arm, chosen) == [(GROUP, "it is managed by /x/databricks", way)]


def test_jobs_that_run_endpoints_that_answer_and_locks_of_others() -> None:
    arm = ours(FakeArm())
    arm.put(f"{WORKSPACE}/jobs/b", properties={"status": "Running"})
    arm.put(f"{WORKSPACE}/jobs/a", properties={"status": "Queued"})
    arm.put(f"{WORKSPACE}/jobs/done", properties={"status": "Completed"})
    arm.put(f"{WORKSPACE}/onlineEndpoints/idle", properties={"traffic": {"blue": 0}})
    lock = f"{STORAGE}/providers/Microsoft.Authorization/locks/keep"
    arm.put(lock, properties={"level": "CanNotDelete", "notes": "azmlflow stack dev of project azmlflow"})
    limits = Limits(holder=OURS, known=KNOWN)
    assert refused(arm, limits) == [
        (lock, "lock `locks/keep` is not azmlflow's", f"az lock delete --ids {lock}"),
        (f"{WORKSPACE}/jobs/b", "running jobs: a, b", "wait for them, or type it again with --cancel-jobs"),
        (
            ENDPOINT,
            "endpoints answer requests: wine (blue 100 %; requests of the last day unknown)",
            "take the traffic off them, or type it again with --stop-endpoints",
        ),
    ]
    allowed = Limits(
        holder=OURS, known=KNOWN, cancel_jobs=True, stop_endpoints=True, our_locks=frozenset((lock.lower(),))
    )
    assert refused(arm, allowed) == []


def test_several_are_told_together_with_where_the_first_is() -> None:
    arm = ours(FakeArm(), locked=False)
    for number in range(24):
        id_ = f"{GROUP}/providers/Microsoft.Authorization/locks/keep{number}"
        arm.put(id_, properties={"level": "CanNotDelete"})
    plan = plan_group(arm.open(), GROUP, Limits(holder=OURS, known=KNOWN, stop_endpoints=True))
    with pytest.raises(CliError) as caught:
        plan.check()
    first, *others = caught.value.what.splitlines()
    assert first == "resource group `rg` is not removed: lock `locks/keep0` is not azmlflow's"
    assert others == [*(f"  - lock `locks/keep{n}` is not azmlflow's" for n in range(1, 21)), "  - and 3 more"]
    assert (caught.value.where, caught.value.next) == (plan.refusals[0].id, plan.refusals[0].next)


def test_where_nothing_is_refused_nothing_is_raised() -> None:
    arm = ours(FakeArm())
    plan_group(arm.open(), GROUP, Limits(holder=OURS, known=KNOWN, stop_endpoints=True)).check()
