"""`azmlflow down --resource-group NAME`: a group that no stack owns, because its state or its checkout is lost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click

from azmlflow.cli.arm import TimedOut
from azmlflow.cli.errors import CliError
from azmlflow.cli.invocation import Invocation
from azmlflow.cli.project import read_stack
from azmlflow.cli.session import Session, open_session
from azmlflow.cli.teardown.ask import confirm, leftover, text
from azmlflow.cli.teardown.data import describing
from azmlflow.cli.teardown.group import remove_group
from azmlflow.cli.teardown.plan import GroupPlan, Limits, plan_group
from azmlflow.cli.teardown.show import watching
from azmlflow.cli.teardown.steps import group_lines


def down(
    invocation: Invocation, name: str, limits: Limits, *, yes: bool, dry_run: bool, timeout: timedelta | None = None
) -> None:
    """Plan, confirm by name, remove, look again.

    Args:
        invocation: this run; its stack says which cloud and subscription.
        name: the group's name.
        limits: what the user allows.
        yes: do not ask.
        dry_run: stop after the plan.
        timeout: give up after that long.

    Raises:
        CliError: the removal is refused, or something is left.
    """
    session = open_session(invocation)
    session.enter()
    arm = invocation.ports.open_arm()
    group_id = f"/subscriptions/{session.subscription({})}/resourceGroups/{name}"
    plan = plan_group(arm, group_id, limits)
    lines = _lines(plan, group_lines(plan, describing(arm)))
    document = {"group": plan.seen.id, "plan": list(lines), "refusals": [asdict(each) for each in plan.refusals]}
    if plan.nothing:
        invocation.result({**document, "steps": [], "left": []}, f"nothing stands in resource group {name}")
        return
    _tell(invocation, plan, lines)
    _check_stack(session, plan)
    if dry_run:
        invocation.result({**document, "steps": [], "left": []}, "\n".join(f"refused: {r.why}" for r in plan.refusals))
        return
    plan.check()
    if not yes:
        confirm("resource group", plan.seen.name, _again(plan))
    if timeout is not None:
        arm = arm.within(timeout.total_seconds())
    with watching(f"removing {plan.seen.name}") as on_progress:
        try:
            report = remove_group(arm, group_id, limits, on_progress=on_progress, plan=plan)
        except TimedOut as fault:
            raise TimedOut(fault.what, where=fault.where, next=f"{_again(plan)}    (it goes on from here)") from fault
    steps = [{"step": step, "seconds": round(seconds, 1)} for step, seconds in report.steps]
    found = {**document, "steps": steps, "left": [asdict(entry) for entry in report.left]}
    invocation.result(found, lambda: text(f"resource group {plan.seen.name}", report.left))
    if report.left:
        raise leftover(f"resource group `{plan.seen.name}`", report.left, _again(plan))


def _again(plan: GroupPlan) -> str:
    option = " --unmanaged" if plan.limits.unmanaged else ""
    return f"azmlflow down --resource-group {plan.seen.name}{option}"


def _lines(plan: GroupPlan, inside: tuple[str, ...]) -> tuple[str, ...]:
    found = [f"job {job.rsplit('/', 1)[-1]}, cancelled" for job in plan.seen.jobs if plan.limits.cancel_jobs]
    found += [f"lock {lock.rsplit('/', 1)[-1]}" for lock in plan.locks]
    found += inside
    found += [f"key vault {id_.rsplit('/', 1)[-1]}, purged once it is deleted" for id_ in sorted(plan.purge)]
    if plan.access:
        found.append(
            f"{len(plan.access.definitions)} role definitions and {len(plan.access.assignments)} role assignments"
        )
    return tuple(found)


def _tell(invocation: Invocation, plan: GroupPlan, lines: tuple[str, ...]) -> None:
    whose = f"of {plan.holder}" if plan.holder else "not made by azmlflow"
    invocation.say(click.style(f"resource group {plan.seen.name} ({whose}): this goes, for good", bold=True))
    for line in lines:
        invocation.say(click.style(f"    - {line}", fg="red"))


def _check_stack(session: Session, plan: GroupPlan) -> None:
    """Raises CliError if a stack of this project has the group in its state: `down` of the stack removes more."""
    project, holder = session.project, plan.holder
    if holder is None or holder.project != project.name or not project.settings_path(holder.stack).exists():
        return
    owner = Session(session.invocation, project, read_stack(project, holder.stack))
    if any(entry.id.lower() == plan.seen.id.lower() for entry in owner.stack().state().resources):
        raise CliError(
            f"resource group `{plan.seen.name}` is in the state of stack `{holder.stack}`",
            where=plan.seen.id,
            next=f"azmlflow down --stack {holder.stack}",
        )
