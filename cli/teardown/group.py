"""The removal of one resource group: plan, check again, remove step by step, look what is left.

`down` takes these steps for a stack's group, for one that no stack owns, and `sweep` for many side by side. Everything
is safe to do again: what is gone counts as done, what Azure is deleting already is waited for. The plan is checked anew
before every step that cannot be undone, and nothing that was not in it is deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from azmlflow.cli.azure.errors import ArmError, TimedOut
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.teardown import inventory
from azmlflow.cli.teardown.inventory import is_protected, vault_id
from azmlflow.cli.teardown.outcome import Left, OnProgress, Progress, Report
from azmlflow.cli.teardown.ownership import LOGS, WORKSPACE, Resource
from azmlflow.cli.teardown.plan import GroupPlan, Limits, plan_group, plan_inside, short
from azmlflow.resourcetypes.table import resource_type

# Codes of an operation that Azure accepted and failed by itself; whatever refuses has others, and is final.
_PASSING = frozenset(("InternalServerError", "OperationFailed", "Conflict", "ServiceUnavailable", "Timeout"))
_ATTEMPTS = 3  # an operation that Azure itself fails half-way is begun again


def remove_group(
    arm: ResourceManager,
    group_id: str,
    limits: Limits | None = None,
    *,
    on_progress: OnProgress | None = None,
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
    made = plan or plan_group(arm, group_id, limits)
    try:
        return Removal(arm, made, on_progress, clock).run(turn or nullcontext())
    except TimedOut as fault:
        raise overdue(arm, made, fault) from fault


def overdue(arm: ResourceManager, plan: GroupPlan, fault: TimedOut) -> TimedOut:
    """The same error with what still stands, as far as Azure answers at all."""
    from azure.core.exceptions import AzureError

    removal = Removal(arm.within(None), plan)
    try:
        names = removal.standing()
    except (CliError, AzureError):
        return fault
    told = ", ".join(names) or "nothing that Azure shows"
    return TimedOut(f"{fault.what}; still there: {told}", where=fault.where, next=fault.next)


class Removal:
    """One removal under way. The steps are in `run`, in their order; each is safe to do again."""

    def __init__(
        self,
        arm: ResourceManager,
        plan: GroupPlan,
        on_progress: OnProgress | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arm, self._plan, self._clock = arm, plan, clock
        self._on_progress: OnProgress = on_progress or (lambda _: None)
        self._done: list[tuple[str, float]] = []
        self._step, self._began = "", clock()

    def run(self, turn: AbstractContextManager[object]) -> Report:
        """All steps, and a look at what is left."""
        self._plan.check()
        with turn:
            for name, act in (
                ("cancel running jobs", self.cancel_jobs),
                ("drop our locks", self.drop_locks),
                ("purge the workspace", self.purge_workspaces),
                ("remove roles and grants", self.remove_access),
                ("delete the group", self.delete_group),
                ("purge the key vault", self.purge_vaults),
            ):
                self.take(name, act)
        self.take("sweep roles and grants", self.remove_access)
        return Report(self._plan.seen.id, tuple(self._done), self.residue())

    def take(self, name: str, act: Callable[[], bool]) -> None:
        """One step, timed; it counts as done if it had something to do."""
        self._step, self._began = name, self._clock()
        if act():
            self._done.append((name, self._clock() - self._began))

    def cancel_jobs(self) -> bool:
        """Cancel the jobs that the plan lists, where the user allows it, and wait until their machines are free."""
        self._plan.check()
        jobs = self._plan.seen.jobs if self._plan.limits.cancel_jobs else ()
        for job in jobs:
            self._tell(job, "cancelling")
            self._cancel(job)
        for job in jobs:
            self._arm.until(
                job,
                inventory.has_ended,
                lambda _, job=job: self._tell(job, "cancelling"),  # type: ignore[misc]
            )
        return bool(jobs)

    def _cancel(self, job: str) -> None:
        try:
            self._arm.post(job, "cancel")
        except ArmError:  # Azure refuses for one that has come to its end meanwhile
            if not inventory.has_ended(self._arm.get(job)):
                raise

    def drop_locks(self) -> bool:
        """Delete the locks that are ours; others make the plan a refusal."""
        self._plan.check()
        if self._plan.locks:
            self._check_again()
        for lock in self._plan.locks:
            self._tell(lock, "deleting")
            self._arm.delete(lock)
        return bool(self._plan.locks)

    def purge_workspaces(self) -> bool:
        """Purge the workspaces of ours, and delete Log Analytics with force, and wait: their names are free then."""
        workspaces = [one for one in self._plan.verdict.ours if one.type == WORKSPACE]
        logs = [one for one in self._plan.verdict.ours if one.type == LOGS]
        if not workspaces and not logs:
            return False
        self._check_again()
        begun = [self._begin(one) for one in (*workspaces, *logs)]
        for finish in begun:
            self._again(finish)
        return True

    def _begin(self, one: Resource) -> Callable[[], bool]:
        """Begin a deletion for good; what it gives waits for it, and when called again begins it anew."""
        purge = resource_type(one.type).purge
        begun = [self._arm.begin_delete(one.id, purge)]

        def finish() -> bool:
            operation = begun.pop() if begun else self._arm.begin_delete(one.id, purge)
            if operation is not None:
                self._tell(one.id, "purging")
                operation.wait(lambda _: self._tell(one.id, "purging"))
            return True

        return finish

    def remove_access(self) -> bool:
        """Delete our assignments, then our definitions: one in use cannot be deleted."""
        if not self._plan.seen.document and not self._plan.access:
            return False
        found = inventory.access(self._arm, self._plan.seen.id, self._plan.holder)
        for id_ in (*found.assignments, *found.definitions):
            self._tell(id_, "deleting")
            self._arm.delete(id_)
        return bool(found)

    def delete_group(self) -> bool:
        """Delete the group, unless something in it is not in the plan."""
        if self._plan.seen.document is None:
            return False
        return self._again(self._delete_group)

    def _delete_group(self) -> bool:
        if not self._check_again():
            return False
        operation = self._arm.begin_delete(self._plan.seen.id)
        if operation is not None:
            operation.wait(self._watch)
        return True

    def purge_vaults(self) -> bool:
        """Purge the soft-deleted vaults of the plan, and wait."""
        count = 0
        for entry in self._ours_buried():
            if is_protected(entry):
                continue
            count += 1
            self._tell(str(entry["id"]), "purging")
            try:
                self._again(lambda entry=entry: self._arm.post(str(entry["id"]), "purge"))  # type: ignore[misc]
            except ArmError as fault:
                if fault.status != 405:
                    raise
        return bool(count)

    def standing(self) -> tuple[str, ...]:
        """What is there now of all that goes, each in a few words: the group's resources, and what outlives it."""
        inside = [short(one.id) for one in self._inside()]
        return (*inside, *(f"{left.kind} {left.name}" for left in self.residue()))

    def residue(self) -> tuple[Left, ...]:
        """Look at everything again, and tell what is left."""
        arm, group = self._arm, self._plan.seen
        found: list[Left] = []
        if arm.group(group.id) is not None:
            found.append(Left("resource group", group.name, group.id))
        for entry in self._ours_buried():
            name = str(entry["id"]).rsplit("/", 1)[-1]
            until = (entry.get("properties") or {}).get("scheduledPurgeDate", "its time is over")
            why = f"purge protection keeps it, and its name, until {until}" if is_protected(entry) else "soft-deleted"
            found.append(Left("key vault", name, str(entry["id"]), why))
        access = inventory.access(arm, group.id, self._plan.holder)
        found += [Left("role definition", id_.rsplit("/", 1)[-1], id_) for id_ in access.definitions]
        found += [Left("role assignment", id_.rsplit("/", 1)[-1], id_) for id_ in access.assignments]
        return tuple(found)

    def _ours_buried(self) -> list[dict[str, Any]]:
        if not self._plan.purge:
            return []
        now = inventory.read_buried(self._arm, self._plan.seen.id)
        return [dict(entry) for entry in now if vault_id(entry).lower() in self._plan.purge]

    def _check_again(self) -> bool:
        """Whether the group still stands; as the plan has it, or CliError."""
        now = plan_inside(self._arm, self._plan.seen.id, self._plan.limits)
        if now.seen.document is None:
            return False
        if self._plan.seen.document is None or now.holder != self._plan.holder:
            raise CliError(
                f"resource group `{self._plan.seen.name}` is another than the one in the plan",
                where=self._plan.seen.id,
                next="look at it, and type the command again",
            )
        now.check()
        planned = {one.id.lower() for one in self._plan.verdict.ours}
        fresh = [one.id for one in now.verdict.ours if one.id.lower() not in planned]
        if fresh:
            raise CliError(
                f"resource group `{self._plan.seen.name}` has changed since the plan was shown: "
                f"{', '.join(short(id_) for id_ in fresh)} came",
                where=fresh[0],
                next="look at it, and type the command again",
            )
        return True

    def _inside(self) -> tuple[Resource, ...]:
        return tuple(inventory.resources_of(self._arm, self._plan.seen.id))

    def _watch(self, _seconds: float) -> None:
        for one in self._inside():
            self._tell(one.id, "deleting")

    def _again(self, act: Callable[[], bool]) -> bool:
        """Do it, and again where Azure accepted and then failed; a refusal is final."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return act()
            except ArmError as fault:
                if fault.status < 500 and fault.code not in _PASSING:
                    raise
                self._tell(fault.where or self._plan.seen.id, "begun again", f" ({fault.code})")
        return act()

    def _tell(self, id_: str, state: str, why: str = "") -> None:
        self._on_progress(Progress(self._step, f"{short(id_)}{why}", state, self._clock() - self._began))
