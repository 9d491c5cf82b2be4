"""One removal under way: what it is about, what it tells, and the looks that come before what cannot be undone."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import with_engine
from azmlflow.cli.pulumi.changes import OnChange
from azmlflow.cli.teardown import inventory
from azmlflow.cli.teardown.data import Describe
from azmlflow.cli.teardown.estate import Estate
from azmlflow.cli.teardown.ownership import Limits, Resource, marks
from azmlflow.cli.teardown.plan import GroupPlan, Refusal, plan_inside, short

# Codes of an operation that Azure accepted and failed by itself; whatever refuses has others, and is final.
_PASSING = frozenset(("InternalServerError", "OperationFailed", "Conflict", "ServiceUnavailable", "Timeout"))
_ATTEMPTS = 3  # an operation that Azure itself fails half-way is begun again


@dataclass(frozen=True)
class Progress:
    """What is under way: `deleting` resource `x`, and for how many seconds."""

    step: str
    what: str
    state: str
    seconds: float


Fate = Literal["stands", "gone", "hidden"]
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Left:
    """Something that is still there after a removal.

    Attributes:
        kind: what it is.
        name: which one.
        where: ARM id or path.
        why: the reason, if it is known.
        until: the day until which Azure keeps it, whoever asks; empty for what could be removed.
        way: what removes it, where the same command again would not.
    """

    kind: str
    name: str
    where: str
    why: str = ""
    until: str = ""
    way: str = ""

    def told(self) -> str:
        """For people: `key vault kv-one: soft-deleted`."""
        return f"{self.kind} {self.name}{f': {self.why}' if self.why else ''}"


@dataclass(frozen=True)
class Report:
    """What a removal did.

    Attributes:
        group: the group's id.
        steps: (step, seconds), those that had something to do.
        left: what is still there, and could be removed.
        kept: what Azure keeps for a time, whoever asks.
    """

    group: str
    steps: tuple[tuple[str, float], ...] = ()
    left: tuple[Left, ...] = ()
    kept: tuple[Left, ...] = ()


@dataclass(frozen=True)
class Removal:
    """One removal: of a resource group, or of a stack, which is a group and more.

    Attributes:
        arm: Azure Resource Manager.
        plan: what goes with the group; nothing that is not in it is ever deleted.
        estate: the stack whose removal it is; None where a group goes by itself.
        beside: plans of further groups that the stack's state has, which the engine would delete.
        strays: ids of what else it has outside of all these groups.
        spared: role assignments of the stack's that stay, since others rely on them: lower-case ids.
        describe: tells what data a resource holds.
        on_progress: hears what is under way in Azure.
        on_change: hears what the engine does.
        clock: seconds, monotonic.
        step: the step under way.
        began: when that step began, by the clock.
    """

    arm: ResourceManager
    plan: GroupPlan
    estate: Estate | None = None
    beside: tuple[GroupPlan, ...] = ()
    strays: tuple[str, ...] = ()
    spared: frozenset[str] = frozenset()
    describe: Describe = lambda _: ""
    on_progress: OnProgress = lambda _: None
    on_change: OnChange | None = None
    clock: Callable[[], float] = time.monotonic
    step: str = ""
    began: float = 0.0

    def tell(self, id_: str, state: str, why: str = "") -> None:
        """Say what Azure is at work on."""
        self.on_progress(Progress(self.step, f"{short(id_)}{why}", state, self.clock() - self.began))

    def refusals(self) -> tuple[Refusal, ...]:
        """All that forbids the removal; empty if nothing does."""
        return (*(each for plan in (self.plan, *self.beside) for each in plan.refusals), *self._against_strays())

    def check(self) -> None:
        """Raises CliError if the removal is refused."""
        for plan in (self.plan, *self.beside):
            plan.check()
        self._check_strays()

    def check_engine(self) -> Fate:
        """Look again at everything that the engine would delete, as it is now.

        Returns:
            What became of the group.

        Raises:
            CliError: something is not as the plan has it.
        """
        if (fate := self.fate()) == "stands":
            self.look_again()
        for plan in self.beside:
            replace(self, plan=plan).look_again()
        self._check_strays()
        return fate

    def _against_strays(self) -> tuple[Refusal, ...]:
        limits = self.plan.limits
        return tuple(each for id_ in self.strays for each in _refusals_beside(self.arm, id_, limits))

    def _check_strays(self) -> None:
        for refusal in self._against_strays():
            raise CliError(f"the stack is not removed: {refusal.why}", where=refusal.id, next=refusal.next)

    def inside(self) -> tuple[Resource, ...]:
        """What is in the group now; in another's, of the stack's alone."""
        try:
            now = tuple(inventory.resources_of(self.arm, self.plan.seen.id))
            meant = {one.id.lower() for one in self.plan.verdict.ours}
            return tuple(one for one in now if not self.plan.limits.given or one.id.lower() in meant)
        except ArmError as fault:
            if fault.status != 403:
                raise
            return ()  # as `fate`

    def fate(self) -> Fate:
        """What became of the group, which the plan saw. `hidden`: a right that was given at it went with it."""
        try:
            return "gone" if self.arm.group(self.plan.seen.id) is None else "stands"
        except ArmError as fault:
            if fault.status != 403:
                raise
            return "hidden"

    def look_again(self) -> bool:
        """Whether the group still stands.

        Raises:
            CliError: it is not as the plan has it: another one, refused by now, or with something new in it.
        """
        group = self.plan.seen
        now = plan_inside(self.arm, group.id, self.plan.limits)
        if now.seen.document is None:
            return False
        if group.document is None or now.holder != self.plan.holder:
            raise CliError(
                f"resource group `{group.name}` is another than the one in the plan",
                where=group.id,
                next="look at it, and type the command again",
            )
        now.check()
        planned = {one.id.lower() for one in self.plan.verdict.ours}
        fresh = [one.id for one in now.verdict.ours if one.id.lower() not in planned]
        if fresh:
            raise CliError(
                f"resource group `{group.name}` has changed since the plan was shown: "
                f"{', '.join(short(id_) for id_ in fresh)} came",
                where=fresh[0],
                next="look at it, and type the command again",
            )
        return True

    def persist(self, act: Callable[[], bool]) -> bool:
        """Do it, and again where Azure accepted and then failed; a refusal is final."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return act()
            except ArmError as fault:
                if fault.status < 500 and fault.code not in _PASSING:
                    raise
                self.tell(fault.where or self.plan.seen.id, "begun again", f" ({fault.code})")
        return act()


def _refusals_beside(arm: ResourceManager, id_: str, limits: Limits) -> tuple[Refusal, ...]:
    """What forbids that the engine deletes something of the stack's state by itself, outside of every planned group.

    The state is the proof; but what bears another's tags, is managed or locked by others, is not removed.
    """
    document = arm.get(id_)
    if document is None:
        return ()
    one = replace(Resource.of(document), id=id_)
    project, stack = marks(one.tags)
    why = ""
    if one.manager and not one.manager.lower().startswith(one.group):
        why = f"is managed by {one.manager}"
    elif (project or stack) and (limits.holder is None or not limits.holder.owns(one.tags)):
        why = f"belongs to stack {stack or '?'} of project {project or '?'}"
    group_id = one.group.rstrip("/")
    locks = [str(lock.id) for lock in arm.locks(group_id)] if "/resourcegroups/" in group_id else []
    bound = [lock for lock in locks if lock.lower() not in limits.our_locks and _binds(lock, id_, group_id)]
    of = limits.holder.stack if limits.holder is not None else "STACK"
    way = f"for what is not this stack's: {with_engine('pulumi state delete URN', of)}"
    return (
        *([Refusal(id_, f"{short(id_)} {why}", way)] if why else ()),
        *(Refusal(lock, f"lock `{short(lock)}` is not azmlflow's", f"az lock delete --ids {lock}") for lock in bound),
    )


def _binds(lock: str, id_: str, group_id: str) -> bool:
    """Whether a lock is at a resource, in it, or at its group."""
    scope = lock.lower().partition("/providers/microsoft.authorization/locks/")[0]
    return scope == group_id or f"{scope}/".startswith(f"{id_.lower()}/")
