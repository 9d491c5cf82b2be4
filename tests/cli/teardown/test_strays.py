"""What a stack's state has outside of its groups goes too, unless it is another's, or others manage or lock it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import Limits
from azmlflow.cli.teardown.removal import Left
from azmlflow.cli.teardown.show import leftover
from tests.cli.desk import SUBSCRIPTION, FakeArm
from tests.cli.teardown.test_looks import LIMITS, TAGS, ours, removal

ELSEWHERE = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/elsewhere"
STRAY = f"{ELSEWHERE}/providers/Microsoft.Storage/storageAccounts/stray"
ACCOUNT = "Microsoft.Storage/storageAccounts"
PROD = {"azmlflow-project": "azmlflow", "azmlflow-stack": "prod"}
WAY = 'for what is not this stack\'s: (eval "$(azmlflow env --engine --stack dev)" && pulumi state delete URN)'


def refused(limits: Limits = LIMITS, *locks: str, **document: Any) -> list[tuple[str, str, str]]:
    """What forbids the removal of a stack whose state has an account in another group, where locks are at these ids."""
    arm = ours(FakeArm())
    if document:
        arm.put(STRAY, **document)
    for lock in locks:
        arm.put(f"{lock}/providers/Microsoft.Authorization/locks/keep", properties={"level": "CanNotDelete"})
    planned = removal(arm)
    strayed = replace(planned, strays=(STRAY,), plan=replace(planned.plan, limits=limits))
    found = [(each.id, each.why, each.next) for each in strayed.refusals()]
    if not found:
        strayed.check()
        return found
    with pytest.raises(CliError) as caught:
        strayed.check()
    with pytest.raises(CliError):
        strayed.check_engine()
    first, why, way = found[0]
    assert (caught.value.what, caught.value.where, caught.value.next) == (
        f"the stack is not removed: {why}",
        *(first, way),
    )
    assert arm.calls == []
    return found


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"tags": PROD}, "belongs to stack prod of project azmlflow"),
        ({"tags": {"azmlflow-stack": "prod"}}, "belongs to stack prod of project ?"),
        ({"tags": {"azmlflow-project": "azmlflow"}}, "belongs to stack ? of project azmlflow"),
        ({"tags": TAGS, "managedBy": "/subscriptions/x/app"}, "is managed by /subscriptions/x/app"),
        ({"tags": PROD, "managedBy": "/subscriptions/x/app"}, "is managed by /subscriptions/x/app"),
    ],
)
def test_what_is_anothers_stops_the_removal(document: dict[str, Any], why: str) -> None:
    assert refused(LIMITS, type=ACCOUNT, **document) == [(STRAY, f"storageAccounts/stray {why}", WAY)]


@pytest.mark.parametrize(
    "document",
    [
        {},  # it is gone
        {"type": ACCOUNT},  # the state is the proof; tags are wanted of nothing there
        {"type": ACCOUNT, "tags": {"team": "blue"}},
        {"type": ACCOUNT, "tags": TAGS},
        {"type": ACCOUNT, "tags": TAGS, "managedBy": f"{ELSEWHERE.upper()}/providers/x/app"},  # by its own group's
        {"tags": TAGS},  # Azure's answers to a GET of some types name no type
    ],
)
def test_what_is_the_states_goes(document: dict[str, Any]) -> None:
    assert refused(LIMITS, **document) == []


@pytest.mark.parametrize(
    ("at", "binds"),
    [
        (STRAY, True),
        (f"{STRAY}/blobServices/default", True),
        (ELSEWHERE, True),
        (f"{STRAY}2", False),
        (f"{ELSEWHERE}/providers/{ACCOUNT}/other", False),
    ],
)
def test_a_lock_at_it_in_it_or_at_its_group_stops_the_removal(at: str, binds: bool) -> None:
    """Microsoft, "Lock your resources to protect your infrastructure": what is below a scope inherits its locks, and
    what holds a locked resource cannot be deleted.
    """
    lock = f"{at}/providers/Microsoft.Authorization/locks/keep"
    said = [(lock, "lock `locks/keep` is not azmlflow's", f"az lock delete --ids {lock}")]
    assert refused(LIMITS, at, type=ACCOUNT, tags=TAGS) == (said if binds else [])
    assert refused(replace(LIMITS, our_locks=frozenset((lock.lower(),))), at, type=ACCOUNT, tags=TAGS) == []


def test_where_no_stack_is_asked_for_tags_are_anothers() -> None:
    way = WAY.replace("--stack dev", "--stack STACK")
    why = "storageAccounts/stray belongs to stack dev of project azmlflow"
    assert refused(replace(LIMITS, holder=None), type=ACCOUNT, tags=TAGS) == [(STRAY, why, way)]


@pytest.mark.parametrize(
    ("ways", "what", "way"),
    [
        ([""], "1 thing is left of stack dev", "azmlflow down"),
        (["", "az x"], "2 things are left of stack dev", "azmlflow down"),
        (["az x", ""], "2 things are left of stack dev", "az x"),
    ],
)
def test_what_is_left_is_counted_and_the_first_ones_way_told(ways: list[str], what: str, way: str) -> None:
    fault = leftover("stack dev", tuple(Left("key vault", "kv", f"/{at}", way=at) for at in ways), "azmlflow down")
    assert (fault.what, fault.where, fault.next) == (what, f"/{ways[0]}", way)
