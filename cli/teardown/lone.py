"""`azmlflow down --resource-group NAME`: a group that no stack owns, because its state or its checkout is lost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

from azmlflow.cli.azure.errors import TimedOut
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import read_stack
from azmlflow.cli.pulumi import progress
from azmlflow.cli.session.invocation import Invocation
from azmlflow.cli.session.session import Session, open_cloud
from azmlflow.cli.teardown import inventory, show
from azmlflow.cli.teardown.data import describing
from azmlflow.cli.teardown.ownership import Limits
from azmlflow.cli.teardown.plan import GroupPlan, plan_group, short
from azmlflow.cli.teardown.removal import Removal
from azmlflow.cli.teardown.steps import planned, remove_group
from azmlflow.cli.teardown.uses import Sight


def down(
    invocation: Invocation, name: str, limits: Limits, *, yes: bool, dry_run: bool, timeout: timedelta | None = None
) -> None:
    """Plan, confirm by name, remove, look again.

    Args:
        invocation: this run; its stack, if it has settings, says which cloud and subscription.
        name: the group's name, in the stack's subscription, or its ARM id.
        limits: what the user allows.
        yes: do not ask.
        dry_run: stop after the plan.
        timeout: give up after that long.

    Raises:
        CliError: the removal is refused, or something is left.
    """
    session = open_cloud(invocation, name.split("/")[2] if name.count("/") > 1 else "")
    session.enter()
    group_id = _group_id(session, name)
    arm = invocation.ports.open_arm()
    with progress.drawing(f"looking at resource group {name}"):
        plan = plan_group(arm, group_id, limits)
        steps = planned(Removal(arm, plan, describe=describing(arm)))
    document = {
        "group": plan.seen.id,
        "plan": [line for _, lines in steps for line in lines],
        "refusals": [asdict(each) for each in plan.refusals],
        "notes": list(plan.notes),
    }
    if not steps:
        notes = [*plan.notes, *_buried(arm, plan)]
        said = "\n".join((f"nothing stands in resource group {name}", *(f"! {note}" for note in notes)))
        invocation.result({**document, "notes": notes, "steps": [], "left": []}, said)
        return
    whose = f"of {plan.holder}" if plan.holder else "not made by azmlflow"
    show.plan(invocation.say, f"resource group {plan.seen.name} ({whose})", steps, plan.notes)
    _check_stack(session, plan)
    if dry_run:
        invocation.result({**document, "steps": [], "left": []}, "\n".join(f"refused: {r.why}" for r in plan.refusals))
        return
    plan.check()
    if not yes:
        show.confirm("resource group", plan.seen.name, _again(plan, name))
    if timeout is not None:
        arm = arm.within(timeout.total_seconds())
    with show.watching(f"removing {plan.seen.name}") as on_progress:
        try:
            report = remove_group(arm, group_id, limits, on_progress=on_progress, plan=plan)
        except TimedOut as fault:
            raise TimedOut(
                fault.what, where=fault.where, next=f"{_again(plan, name)}    (it goes on from here)"
            ) from fault
    taken = [{"step": step, "seconds": round(seconds, 1)} for step, seconds in report.steps]
    document |= {
        "steps": taken,
        "left": [asdict(entry) for entry in report.left],
        "protected": [asdict(entry) for entry in report.kept],
    }
    invocation.result(document, lambda: show.residue(f"resource group {plan.seen.name}", report.left, report.kept))
    if report.left:
        raise show.leftover(f"resource group `{plan.seen.name}`", report.left, _again(plan, name))


def _buried(arm: ResourceManager, plan: GroupPlan) -> list[str]:
    """What is to be said of soft-deleted workspaces of a group that is gone: without their group nobody purges them."""
    if plan.seen.document is not None:
        return []
    sight = Sight()
    found = inventory.read_buried_of_gone(arm, plan.seen.id, sight)
    return [
        *(f"soft-deleted {short(id_)} keeps its name until Azure purges it, 14 days after it went" for id_ in found),
        *(f"you may not see {what}: whether some keep their names is not known" for what in sight.unseen),
    ]


def _group_id(session: Session, text: str) -> str:
    """The group that is meant, and nothing within it.

    Raises:
        CliError: the text is neither a group's name nor its id.
    """
    from azmlflow.infra.plan import naming
    from azmlflow.rbac import scopes

    id_ = text
    if not text.startswith("/"):
        id_ = f"/subscriptions/{session.subscription({})}/resourceGroups/{text}"
    try:
        parsed = scopes.parse(id_)
    except scopes.InvalidScope:
        parsed = None
    whole = parsed is not None and bool(parsed.resource_group) and parsed.namespace is None
    if parsed is None or not whole or naming.check("resourceGroup", parsed.name):
        raise CliError(f"`{text}` is neither a resource group's name nor its id", next="az group list --output table")
    return id_


def _again(plan: GroupPlan, name: str) -> str:
    option = " --unmanaged" if plan.limits.unmanaged else ""
    return f"azmlflow down --resource-group {name}{option}"


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
