"""`azmlflow down`: plan, confirm by name, progress, residue report; for a stack, or for a group that no stack owns."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta

import click

from azmlflow.cli.azure.errors import TimedOut
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending.mending import clear_the_way
from azmlflow.cli.project.hold import hold
from azmlflow.cli.project.project import DEFAULT_STACK, choose_stack, find_project
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session.invocation import Command, Invocation, common
from azmlflow.cli.session.life import duration
from azmlflow.cli.session.session import Session, open_session
from azmlflow.cli.teardown import Left, Limits, Owner, Removal, lone, overdue, plan_group, steps
from azmlflow.cli.teardown.ask import confirm, leftover, text
from azmlflow.cli.teardown.data import describing
from azmlflow.cli.teardown.estate import Estate
from azmlflow.cli.teardown.ownership import VAULT
from azmlflow.cli.teardown.show import watching
from azmlflow.resourcetypes.table import token_of

Plan = tuple[tuple[steps.Step, tuple[str, ...]], ...]


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
@click.option("--timeout", metavar="TIME", callback=duration, help="Give up after 30s, 20m, 2h; else each wait has 1h.")
@common
def command(
    invocation: Invocation,
    *,
    yes: bool,
    dry_run: bool,
    resource_group: str | None,
    unmanaged: bool,
    cancel_jobs: bool,
    timeout: timedelta | None,
) -> None:
    """Purges the workspace and the key vault, so that their names are free again; removes role definitions, role
    assignments, Pulumi's state and config.json. The settings file stays. Refuses where something in the group is not
    the stack's, is locked, or is used by a workspace elsewhere. Safe to interrupt and to type again.
    """
    if unmanaged and resource_group is None:
        raise click.UsageError("--unmanaged goes with --resource-group")
    if resource_group is not None:
        limits = Limits(unmanaged=unmanaged, cancel_jobs=cancel_jobs)
        lone.down(invocation, resource_group, limits, yes=yes, dry_run=dry_run, timeout=timeout)
        return
    if _never_was(invocation):
        invocation.result(_report(DEFAULT_STACK, (), (), ()), f"nothing stands on stack {DEFAULT_STACK}")
        return
    session = open_session(invocation)
    with hold(session.project, session.name, "azmlflow down") as holder:
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        with progress.drawing(f"looking at stack {session.name}"):
            teardown = open_teardown(session, stack, cancel_jobs=cancel_jobs)
            plan = tuple((step, lines) for step in steps.STEPS if (lines := step.plan(teardown)))
        if not plan:
            holder.finish()
            invocation.result(_report(session.name, (), (), ()), f"nothing stands on stack {session.name}")
            return
        kept = _kept(session)
        _show(invocation, session.name, plan, kept)
        if dry_run:
            refusals = [asdict(refusal) for refusal in teardown.plan.refusals]
            document = {**_report(session.name, plan, (), (), kept), "refusals": refusals}
            invocation.result(document, "\n".join(f"refused: {entry['why']}" for entry in refusals))
            return
        teardown.plan.check()
        if not yes:
            confirm("stack", session.name, f"azmlflow down --stack {session.name}")
        done = _run(invocation, teardown, plan, timeout)
        with progress.drawing("looking for what is left"):
            left = steps.residue(teardown)
        holder.finish()
    invocation.result(_report(session.name, plan, done, left, kept), lambda: text(f"stack {session.name}", left))
    if left:
        raise leftover(f"stack `{session.name}`", left, f"azmlflow down --stack {session.name}")


def open_teardown(session: Session, stack: Stack, *, cancel_jobs: bool = False) -> steps.Teardown:
    """What the removal is about, as the state, the settings and Azure tell it."""
    from azmlflow.infra.plan import identifiers

    estate = make_estate(session, stack)
    settings = session.settings()
    clusters = [cluster.name for cluster in settings.clusters]
    planned = identifiers.planned(estate.names, estate.subscription, clusters, settings.grants)
    managed = [entry for entry in estate.state.resources if not entry.external]
    limits = Limits(
        holder=Owner(session.project.name, session.name),
        known=frozenset(entry.id.lower() for entry in managed if entry.id)
        | frozenset(entry.id.lower() for entry in planned),
        cancel_jobs=cancel_jobs,
        our_locks=frozenset(entry.id.lower() for entry in managed if ":ManagementLock" in entry.type),
    )
    plan = plan_group(estate.arm, estate.group, limits)
    return steps.Teardown(estate, plan, Removal(estate.arm, plan), describing(estate.arm))


def make_estate(session: Session, stack: Stack) -> Estate:
    """The names and places of a stack, by what stands; not by what the settings have come to say since."""
    state = stack.state()
    settings = session.settings()
    subscription = _same_subscription(session, state.outputs)
    names = session.names(state.outputs)
    standing: dict[str, str] = {}
    for field, output in (("resource_group", "resourceGroup"), ("workspace", "workspaceName")):
        if isinstance(state.outputs.get(output), str):
            standing[field] = str(state.outputs[output])
    names = dataclasses.replace(names, **standing)
    vault = next((entry.id for entry in state.resources if entry.type == token_of(VAULT)), "")
    if vault:
        names = dataclasses.replace(names, key_vault=vault.rsplit("/", 1)[-1])
    from azmlflow.infra.plan import tags
    from azmlflow.rbac.roles import PERSONAS

    def owned(found: Mapping[str, str] | None) -> bool:
        return tags.owned(found, session.project.name, session.name)

    return Estate(
        project=session.project,
        stack=stack,
        arm=session.invocation.ports.open_arm(),
        subscription=subscription,
        names=names,
        location=settings.location,
        owned=owned,
        state=state,
        personas=tuple(persona.name for persona in PERSONAS),
    )


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


def _show(invocation: Invocation, stack: str, plan: Plan, kept: tuple[str, ...]) -> None:
    invocation.say(click.style(f"stack {stack}: this goes, for good", bold=True))
    for step, lines in plan:
        invocation.say(f"  {step.name}")
        for line in lines:
            invocation.say(click.style(f"    - {line}", fg="red"))
    invocation.say(f"  kept: {', '.join(kept)}")


def _run(
    invocation: Invocation, teardown: steps.Teardown, plan: Plan, timeout: timedelta | None
) -> tuple[dict[str, object], ...]:
    """Every step in turn, also those that had nothing to do at first: an earlier one may have given them something.

    Raises:
        TimedOut: the time is over; it says what still stands.
    """
    estate = teardown.estate
    if timeout is not None:
        estate = dataclasses.replace(estate, arm=estate.arm.within(timeout.total_seconds()))
    try:
        return _take_steps(invocation, dataclasses.replace(teardown, estate=estate), plan)
    except TimedOut as fault:
        told = overdue(estate.arm, teardown.plan, fault)
        again = f"azmlflow down --stack {estate.stack.name}    (it goes on from here)"
        raise TimedOut(told.what, where=told.where, next=again) from fault


def _take_steps(invocation: Invocation, teardown: steps.Teardown, plan: Plan) -> tuple[dict[str, object], ...]:
    planned = {step.name for step, _ in plan}
    done: list[dict[str, object]] = []
    for step in steps.STEPS:
        began = time.monotonic()
        if step.name.startswith("destroy"):
            with progress.drawing(step.name) as on_change:
                step.act(
                    dataclasses.replace(teardown, estate=dataclasses.replace(teardown.estate, on_change=on_change))
                )
        else:
            with watching(step.name) as on_progress:
                removal = Removal(teardown.estate.arm, teardown.plan, on_progress)
                step.act(dataclasses.replace(teardown, removal=removal))
        seconds = time.monotonic() - began
        if step.name in planned:
            invocation.say(click.style("  ✓ ", fg="green") + f"{step.name:<44} {seconds:6.1f} s")
            done.append({"step": step.name, "seconds": round(seconds, 1)})
    return tuple(done)


def _report(
    stack: str, plan: Plan, done: tuple[dict[str, object], ...], left: tuple[Left, ...], kept: tuple[str, ...] = ()
) -> dict[str, object]:
    planned = [{"step": step.name, "what": list(lines)} for step, lines in plan]
    residue = [asdict(entry) for entry in left]
    return {"stack": stack, "plan": planned, "kept": list(kept), "steps": list(done), "left": residue}
