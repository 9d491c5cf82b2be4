"""`azmlflow down`: plan, confirm by name, progress, residue report; for a stack, or for a group that no stack owns."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from azmlflow.cli.azure.errors import NO_SUBSCRIPTION, ArmError, TimedOut
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import with_engine
from azmlflow.cli.mending.mending import clear_the_way
from azmlflow.cli.project.hold import hold
from azmlflow.cli.project.project import DEFAULT_STACK
from azmlflow.cli.project.selection import choose_stack, find_project
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import relying
from azmlflow.cli.session.invocation import Command, Invocation, common, patient
from azmlflow.cli.session.life import duration
from azmlflow.cli.session.session import Session, open_session
from azmlflow.cli.teardown import Left, Limits, Owner, Removal, lone, overdue, plan_group, show, steps
from azmlflow.cli.teardown.data import describing
from azmlflow.cli.teardown.estate import Estate
from azmlflow.cli.teardown.inventory import inside
from azmlflow.cli.teardown.ownership import VAULT, WORKSPACE
from azmlflow.cli.teardown.stack import stands_elsewhere
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.settings.settings import Settings

GROUP = "Microsoft.Resources/resourceGroups"


@click.command(
    cls=Command,
    examples=(
        "azmlflow down",
        "azmlflow down --dry-run --output json",
        "azmlflow down --stack prod --yes",
        "azmlflow down --resource-group rg-old --timeout 30m",
    ),
)
@click.option("--yes", "-y", is_flag=True, help="Do not ask for the name.")
@click.option("--dry-run", is_flag=True, help="Show the plan and stop.")
@click.option("--resource-group", "-g", metavar="NAME", help="Remove this group (name or id), which no stack owns.")
@click.option("--unmanaged", is_flag=True, help="With --resource-group: azmlflow did not make it; all in it goes.")
@click.option("--cancel-jobs", is_flag=True, help="Cancel jobs that run in the workspace.")
@click.option("--stop-endpoints", is_flag=True, help="Delete online endpoints that answer requests.")
@click.option(
    "--timeout", metavar="TIME", callback=duration, help="Give up after 30s, 20m, 2h; without it each wait gets 1h."
)
@patient
@common
def command(
    invocation: Invocation,
    *,
    yes: bool,
    dry_run: bool,
    resource_group: str | None,
    unmanaged: bool,
    cancel_jobs: bool,
    stop_endpoints: bool,
    timeout: timedelta | None,
) -> None:
    """Purges the workspace and the key vault, so that their names are free again; removes role definitions, role
    assignments, Pulumi's state and config.json. The settings file stays. Refuses where something in the group is not
    the stack's, is locked, or is used by a workspace elsewhere, and where an endpoint answers requests. Safe to
    interrupt and to type again.
    """
    if unmanaged and resource_group is None:
        raise click.UsageError("--unmanaged goes with --resource-group")
    if resource_group is not None:
        limits = Limits(unmanaged=unmanaged, cancel_jobs=cancel_jobs, stop_endpoints=stop_endpoints)
        lone.down(invocation, resource_group, limits, yes=yes, dry_run=dry_run, timeout=timeout)
        return
    if _never_was(invocation):
        invocation.result(_report(DEFAULT_STACK, (), (), ()), f"nothing stands on stack {DEFAULT_STACK}")
        return
    session = open_session(invocation)
    with hold(session.project, session.name, "azmlflow down", invocation.patience()) as holder:
        session = session.again()
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        with progress.drawing(f"looking at stack {session.name}"), _subscription_there(session):
            removal = open_removal(session, stack, cancel_jobs=cancel_jobs, stop_endpoints=stop_endpoints)
            plan = steps.planned(removal)
        if not plan:
            holder.finish()
            notes = removal.plan.notes
            said = "\n".join((f"nothing stands on stack {session.name}", *(f"! {note}" for note in notes)))
            invocation.result({**_report(session.name, (), (), ()), "notes": list(notes)}, said)
            return
        kept = _kept(session)
        show.plan(invocation.say, f"stack {session.name}", plan, removal.plan.notes)
        invocation.say(f"  kept: {', '.join(kept)}")
        if dry_run:
            refusals = [asdict(refusal) for refusal in removal.refusals()]
            document = {
                **_report(session.name, plan, (), (), kept),
                "refusals": refusals,
                "notes": list(removal.plan.notes),
            }
            invocation.result(document, "\n".join(f"refused: {entry['why']}" for entry in refusals))
            return
        removal.check()
        if not yes:
            show.confirm("stack", session.name, f"azmlflow down --stack {session.name}")
        done = _take_steps(session, removal, timeout)
        with progress.drawing("looking for what is left"):
            left, keeps = steps.left(removal)
        holder.finish()
    then = show.names_taken(session.name, session.settings().on_soft_deleted)
    invocation.result(
        {**_report(session.name, plan, done, left, kept), "protected": [asdict(each) for each in keeps]},
        lambda: show.residue(f"stack {session.name}", left, keeps, then),
    )
    if left:
        raise show.leftover(f"stack `{session.name}`", left, f"azmlflow down --stack {session.name}")


@contextlib.contextmanager
def _subscription_there(session: Session) -> Iterator[None]:
    """One that is gone looks like one of another sign-in: the state is kept, and it is told how to forget it."""
    try:
        yield
    except ArmError as fault:
        if fault.code != NO_SUBSCRIPTION:
            raise
        name, rm = session.name, "stack rm --force --preserve-config --yes --stack"
        raise CliError(
            f"the subscription of stack `{name}` is gone, or not one of who is signed in: the stack is kept",
            where=fault.where,
            next="az account list --all    (is it there? else `az login` as who has it); if it is gone for good, "
            f"forget the stack: {with_engine(f'pulumi {rm} {name}', name)}",
        ) from fault


def open_removal(session: Session, stack: Stack, *, cancel_jobs: bool = False, stop_endpoints: bool = False) -> Removal:
    """What the removal is about, as the state, the settings and Azure tell it."""
    from azmlflow.infra.plan import identifiers

    estate, arm = make_estate(session, stack), session.invocation.ports.open_arm()
    settings = session.settings()
    clusters = [cluster.name for cluster in settings.clusters]
    instances = [each.name for each in settings.instances]
    private = settings.network.private(estate.group, estate.names.workspace)
    managed = [entry for entry in estate.state.resources if not entry.external]
    # By what stands; by the settings only where no state tells.
    made = any(entry.type == token_of(GROUP) and _same(entry.id, estate.group) for entry in managed)
    given = not made and (bool(managed) or "group" in settings.given())
    declared = identifiers.planned(
        estate.names,
        estate.subscription,
        clusters,
        settings.grants,
        place=replace(settings.place(estate.names, estate.subscription), own_group=not given),
        instances=instances,
        private=private,
    )
    limits = Limits(
        holder=Owner(session.project.name, session.name),
        known=frozenset(entry.id.lower() for entry in managed if entry.id)
        | frozenset(entry.id.lower() for entry in declared),
        cancel_jobs=cancel_jobs,
        stop_endpoints=stop_endpoints,
        given=given,
        home=estate.workspace if given else "",
        our_locks=frozenset(entry.id.lower() for entry in managed if ":ManagementLock" in entry.type),
        given_roles=_given_roles(session, estate, settings),
    )
    groups = [entry.id for entry in managed if entry.type == token_of(GROUP) and not _same(entry.id, estate.group)]
    strays = [entry.id for entry in managed if all(stands_elsewhere(entry.id, id_) for id_ in (estate.group, *groups))]
    plan = plan_group(arm, estate.group, limits)
    spared = relying.kept(arm, estate.workspace, relying.outside(estate.state, estate.group, plan.access.beside))
    plan = replace(plan, access=plan.access.without(spared), notes=(*plan.notes, *relying.told(spared)))
    return Removal(
        arm,
        plan,
        estate,
        tuple(plan_group(arm, id_, limits) for id_ in groups),
        tuple(strays),
        frozenset(spared),
        describing(arm),
    )


def _given_roles(session: Session, estate: Estate, settings: Settings) -> Mapping[str, str]:
    """What the stack's program declares of roles on what is given, which a state that is lost does not tell."""
    if not settings.given() or session.project.own_program:
        return {}
    return {
        each.id.lower(): str(each.inputs.get("description"))
        for each in session.rehearsed(estate.subscription, "")
        if each.type == token_of("Microsoft.Authorization/roleAssignments")
        and not inside(estate.group, each.id)
        and each.inputs.get("description")
    }


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def make_estate(session: Session, stack: Stack) -> Estate:
    """The names and places of a stack, by what stands; not by what the settings have come to say since."""
    state = stack.state()
    subscription = _same_subscription(session, state.outputs)
    names = session.names(state.outputs)
    standing: dict[str, str] = {}
    for field, output, type_ in (("resource_group", "resourceGroup", GROUP), ("workspace", "workspaceName", WORKSPACE)):
        if isinstance(state.outputs.get(output), str):
            standing[field] = str(state.outputs[output])
        elif made := [each.id for each in state.resources if each.type == token_of(type_) and not each.external]:
            # The first `up` failed before it had outputs, and the names in the settings may have been edited since.
            standing[field] = made[0].rsplit("/", 1)[-1]
    names = replace(names, **standing)
    vault = next((entry.id for entry in state.resources if entry.type == token_of(VAULT)), "")
    if vault:
        names = replace(names, key_vault=vault.rsplit("/", 1)[-1])
    return Estate(session.project, stack, subscription, names, session.settings().location, state)


def _same_subscription(session: Session, outputs: Mapping[str, object]) -> str:
    """The stack's subscription, which is the one that this process is pointed at.

    Raises:
        CliError: the settings or the environment name another.
    """
    standing, pointed = session.subscription(outputs), session.subscription({**outputs, "subscriptionId": None})
    if standing.lower() != pointed.lower():
        raise CliError(
            f"stack `{session.name}` stands in subscription {standing}, and this shell points at {pointed}",
            where=str(session.file.path),
            next=f"export ARM_SUBSCRIPTION_ID={standing}",
        )
    return standing


def _never_was(invocation: Invocation) -> bool:
    """The stack `local`, not asked for by name, without settings: nothing was ever made."""
    project = find_project()
    name = choose_stack(project, invocation.stack, invocation.ports.environment)
    return invocation.stack is None and name == DEFAULT_STACK and not project.settings_path(name).exists()


def _kept(session: Session) -> tuple[str, ...]:
    """What is not the cloud's, and stays."""
    grants = len(session.settings().grants)
    again = f", with {grants} grant{'s' if grants > 1 else ''} that the next `up` gives again" if grants else ""
    return (f"{session.file.path.name}{again}", *(["the embedded Azure"] if session.file.local else []))


def _take_steps(session: Session, removal: Removal, timeout: timedelta | None) -> tuple[dict[str, object], ...]:
    """Take the steps, and say when each is done.

    Raises:
        TimedOut: the time is over; it says what still stands.
    """
    if timeout is not None:
        removal = replace(removal, arm=removal.arm.within(timeout.total_seconds()))
    done: list[dict[str, object]] = []
    try:
        for name, seconds in steps.take(removal, _drawn):
            session.invocation.say(click.style("  ✓ ", fg="green") + f"{name:<44} {seconds:6.1f} s")
            done.append({"step": name, "seconds": round(seconds, 1)})
    except TimedOut as fault:
        late = overdue(removal, fault)
        again = f"azmlflow down --stack {session.name}    (it goes on from here)"
        raise TimedOut(late.what, where=late.where, next=again) from fault
    return tuple(done)


@contextlib.contextmanager
def _drawn(removal: Removal, step: steps.Step) -> Iterator[Removal]:
    """A drawing of what the engine does, or of what Azure is at work on."""
    if step.by_engine:
        with progress.drawing(step.name) as on_change:
            yield replace(removal, on_change=on_change)
    else:
        with show.watching(step.name) as on_progress:
            yield replace(removal, on_progress=on_progress)


def _report(
    stack: str,
    plan: steps.Planned,
    done: tuple[dict[str, object], ...],
    left: tuple[Left, ...],
    kept: tuple[str, ...] = (),
) -> dict[str, object]:
    planned = [{"step": step.name, "what": list(lines)} for step, lines in plan]
    residue = [asdict(entry) for entry in left]
    return {"stack": stack, "plan": planned, "kept": list(kept), "steps": list(done), "left": residue}
