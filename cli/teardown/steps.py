"""The removal of a stack, of a group that no stack owns, and of many groups side by side, as one visible list of steps.

The order is Azure's doing. A workspace must be purged before its group goes, for deleting the group soft-deletes it
and reserves its name for 14 days. A vault can be purged only once it is deleted. Role definitions and assignments
outlive the group. And a lock of ours would stop everything. The group goes by our own request and not the engine's, so
that what is in it is looked at right before; the engine then finds it gone, and forgets it.

The plan that people see, what they see while it runs, and the report all follow from the list.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from azmlflow.cli.azure.errors import TimedOut
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import group, stack
from azmlflow.cli.teardown.ownership import Limits
from azmlflow.cli.teardown.plan import GroupPlan, plan_group, short
from azmlflow.cli.teardown.removal import Left, OnProgress, Removal, Report


def _nothing(_removal: Removal) -> tuple[()]:
    return ()


@dataclass(frozen=True)
class Step:
    """One step of a removal.

    Attributes:
        name: for the plan, the progress and the report.
        plan: what it would do now, a line each; nothing if there is nothing to do.
        do: do it, and wait for it; whether there was something to do. Safe to do again.
        left: what is there still of all that it should have removed; nothing when it is done.
        by_engine: Pulumi's engine does it, and tells of it.
        in_turn: it changes what many removals side by side change in turns.
    """

    name: str
    plan: Callable[[Removal], tuple[str, ...]]
    do: Callable[[Removal], bool]
    left: Callable[[Removal], tuple[Left, ...]] = _nothing
    by_engine: bool = False
    in_turn: bool = True


# What only a stack has is the business of the steps from `stack`: for a group by itself they have nothing to do.
STEPS: tuple[Step, ...] = (
    Step("cancel running jobs", group.plan_jobs, group.cancel_jobs),
    Step("drop our locks", group.plan_locks, group.drop_locks),
    Step("delete the endpoints", group.plan_endpoints, group.delete_endpoints),
    Step("purge the workspace", stack.plan_workspace, stack.purge_workspace, stack.workspace_left),
    Step("remove roles and grants", group.plan_access, group.remove_access),
    Step("delete the group", group.plan_group, group.delete_group, group.group_left),
    Step("destroy what the state holds", stack.plan_destroy, stack.destroy, by_engine=True),
    Step("delete what is ours in the group", stack.plan_ours, stack.delete_ours, stack.ours_left),
    Step("purge the key vault", group.plan_vaults, group.purge_vaults, group.vaults_left),
    # What was granted while the group went, and what outlived it.
    Step("sweep roles and grants", _nothing, group.remove_access, group.access_left, in_turn=False),
    Step("remove Pulumi's state", stack.plan_state, stack.remove_state, stack.state_left, in_turn=False),
    Step("remove config.json", stack.plan_files, stack.remove_files, stack.files_left, in_turn=False),
)

Planned = tuple[tuple[Step, tuple[str, ...]], ...]
# What is set up around a step, such as a drawing of its progress; gives the removal that the step is given.
Around = Callable[[Removal, Step], AbstractContextManager[Removal]]


def planned(removal: Removal) -> Planned:
    """The steps that have something to do, each with what it would do."""
    return tuple((step, lines) for step in STEPS if (lines := step.plan(removal)))


def take(
    removal: Removal, around: Around | None = None, turn: AbstractContextManager[object] | None = None
) -> Iterator[tuple[str, float]]:
    """Take every step in its order, also those that were to do nothing: an earlier one may have given them something.

    Args:
        removal: what goes.
        around: set up around each step.
        turn: held while the steps are taken that many removals take in turns.

    Yields:
        (name, seconds) of each step that had something to do, when it is done.

    Raises:
        CliError: the removal is refused, or something in the way appeared meanwhile.
    """
    removal.check()
    with contextlib.ExitStack() as held:
        held.enter_context(turn or contextlib.nullcontext())
        for step in STEPS:
            if not step.in_turn:
                held.close()
            began = removal.clock()
            with around(removal, step) if around else contextlib.nullcontext(removal) as watched:
                did = step.do(replace(watched, step=step.name, began=began))
            if did:
                yield step.name, removal.clock() - began


def left(removal: Removal) -> tuple[tuple[Left, ...], tuple[Left, ...]]:
    """Look at everything again, and tell what is left: what could be removed, and what Azure keeps for a time."""
    found = [each for step in STEPS for each in step.left(removal)]
    return tuple(each for each in found if not each.until), tuple(each for each in found if each.until)


def remove_group(
    arm: ResourceManager,
    group_id: str,
    limits: Limits | None = None,
    *,
    on_progress: OnProgress = lambda _: None,
    plan: GroupPlan | None = None,
    turn: AbstractContextManager[object] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Report:
    """Remove a group with all it holds, and what would outlive it.

    Args:
        arm: Azure Resource Manager.
        group_id: the group's ARM id.
        limits: what is allowed; by default what bears azmlflow's tags, and nothing else.
        on_progress: hears what is under way.
        plan: what was shown to the user; made anew if absent. What is not in it is never removed.
        turn: entered while resources are removed; looking before, and what is done after, needs no turn.
        clock: seconds, monotonic.

    Raises:
        CliError: the removal is refused, or something in the way appeared meanwhile; nothing foreign was touched.
        TimedOut: the time that `arm` was given is over; it says what still stands.
    """
    removal = Removal(arm, plan or plan_group(arm, group_id, limits), on_progress=on_progress, clock=clock)
    try:
        steps = tuple(take(removal, turn=turn))
        return Report(removal.plan.seen.id, steps, *left(removal))
    except TimedOut as fault:
        raise overdue(removal, fault) from fault


def overdue(removal: Removal, fault: TimedOut) -> TimedOut:
    """The same error with what still stands of the group and of what outlives it, as far as Azure answers at all."""
    from azure.core.exceptions import AzureError

    try:
        names = standing(replace(removal, arm=removal.arm.within(None), estate=None))
    except (CliError, AzureError):
        return fault
    there = ", ".join(names) or "nothing that Azure shows"
    return TimedOut(f"{fault.what}; still there: {there}", where=fault.where, next=fault.next)


def standing(removal: Removal) -> tuple[str, ...]:
    """What is there now of all that goes, each in a few words: the group's resources, and what outlives it."""
    return (
        *(short(one.id) for one in removal.inside()),
        *(f"{each.kind} {each.name}" for found in left(removal) for each in found),
    )
