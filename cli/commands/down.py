"""`azmlflow down`: plan, confirm by name, progress, residue report."""

from __future__ import annotations

import dataclasses
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict

import click

from azmlflow.cli import progress, teardown
from azmlflow.cli.errors import CliError
from azmlflow.cli.estate import Estate
from azmlflow.cli.hold import hold
from azmlflow.cli.invocation import Command, Invocation, common
from azmlflow.cli.mending import clear_the_way
from azmlflow.cli.project import DEFAULT_STACK, choose_stack, find_project
from azmlflow.cli.session import Session, open_session
from azmlflow.cli.stack import Stack


@click.command(cls=Command, examples=("azmlflow down", "azmlflow down --stack prod", "azmlflow down --yes -o json"))
@click.option("--yes", "-y", is_flag=True, help="Do not ask for the stack's name.")
@common
def command(invocation: Invocation, yes: bool) -> None:
    """Remove everything that a stack made, and look whether anything is left.

    Purges the workspace and the key vault, so that their names are free again; removes role definitions, role
    assignments, Pulumi's state and config.json. The settings file stays. Safe to interrupt and to type again.
    """
    if _never_was(invocation):
        invocation.result(_report(DEFAULT_STACK, (), ()), f"nothing stands on stack {DEFAULT_STACK}")
        return
    session = open_session(invocation)
    with hold(session.project, session.name, "azmlflow down") as holder:
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        estate = make_estate(session, stack)
        plan = tuple((step, lines) for step in teardown.STEPS if (lines := step.plan(estate)))
        if not plan:
            holder.finish()
            invocation.result(_report(session.name, (), ()), f"nothing stands on stack {session.name}")
            return
        _show(invocation, session, plan)
        if not yes:
            _confirm(session.name)
        done = _run(invocation, estate, plan)
        left = teardown.residue(estate)
        holder.finish()
    invocation.result(_report(session.name, done, left), lambda: _text(session.name, left, estate))
    if left:
        raise CliError(
            f"{len(left)} thing{'s are' if len(left) > 1 else ' is'} left of stack `{session.name}`",
            where=left[0].where,
            next=f"azmlflow down --stack {session.name}",
        )


def make_estate(session: Session, stack: Stack) -> Estate:
    """What the removal is about, as the state, the settings and Azure tell it."""
    from azmlflow.infra import tags
    from azmlflow.rbac.roles import PERSONAS

    state = stack.state()
    settings = session.settings()
    names = session.names(state.outputs)
    # What stands counts, not what the settings have come to say since.
    standing: dict[str, str] = {}
    for field, output in (("resource_group", "resourceGroup"), ("workspace", "workspaceName")):
        if isinstance(state.outputs.get(output), str):
            standing[field] = str(state.outputs[output])
    names = dataclasses.replace(names, **standing)
    vault = next((entry.id for entry in state.resources if entry.type == "azure-native:keyvault:Vault"), "")
    if vault:
        names = dataclasses.replace(names, key_vault=vault.rsplit("/", 1)[-1])

    def owned(found: Mapping[str, str] | None) -> bool:
        return tags.owned(found, session.project.name, session.name)

    return Estate(
        project=session.project,
        stack=stack,
        arm=session.invocation.ports.open_arm(),
        subscription=session.subscription(state.outputs),
        names=names,
        location=settings.location,
        owned=owned,
        state=state,
        personas=tuple(persona.name for persona in PERSONAS),
    )


Plan = tuple[tuple[teardown.Step, tuple[str, ...]], ...]


def _never_was(invocation: Invocation) -> bool:
    """The stack `local`, not asked for by name, without settings: nothing was ever made."""
    project = find_project()
    name = choose_stack(project, invocation.stack, invocation.ports.environment)
    return invocation.stack is None and name == DEFAULT_STACK and not project.settings_path(name).exists()


def _show(invocation: Invocation, session: Session, plan: Plan) -> None:
    invocation.say(click.style(f"stack {session.name}: this goes, for good", bold=True))
    for step, lines in plan:
        invocation.say(f"  {step.name}")
        for line in lines:
            invocation.say(click.style(f"    - {line}", fg="red"))
    invocation.say(f"  kept: {session.file.path.name}" + (", the embedded Azure" if session.file.local else ""))


def _confirm(stack: str) -> None:
    if not sys.stdin.isatty():
        raise CliError("`down` asks before it removes, and nobody is there to answer", next="azmlflow down --yes")
    typed = click.prompt(f"type the stack's name ({stack}) to remove it", err=True, default="", show_default=False)
    if typed.strip() != stack:
        raise CliError("not removed: the name typed is another", next=f"azmlflow down --stack {stack}")


def _run(invocation: Invocation, estate: Estate, plan: Plan) -> tuple[dict[str, object], ...]:
    """Every step in turn, also those that had nothing to do at first: an earlier one may have given them something."""
    planned = {step.name for step, _ in plan}
    done: list[dict[str, object]] = []
    for step in teardown.STEPS:
        began = time.monotonic()
        with progress.drawing(step.name) as on_change:
            step.act(dataclasses.replace(estate, on_change=on_change))
        seconds = time.monotonic() - began
        if step.name in planned:
            invocation.say(click.style("  ✓ ", fg="green") + f"{step.name:<44} {seconds:6.1f} s")
            done.append({"step": step.name, "seconds": round(seconds, 1)})
    return tuple(done)


def _report(stack: str, done: tuple[dict[str, object], ...], left: tuple[teardown.Left, ...]) -> dict[str, object]:
    return {"stack": stack, "steps": list(done), "left": [asdict(entry) for entry in left]}


def _text(stack: str, left: tuple[teardown.Left, ...], estate: Estate) -> str:
    if not left:
        looked = "groups, soft-deleted things, role definitions and assignments, Pulumi state, files"
        return click.style(f"stack {stack} is gone: nothing left", fg="green", bold=True) + f"  (looked at: {looked})"
    lines = [f"  {entry.kind} {entry.name}{f': {entry.why}' if entry.why else ''}" for entry in left]
    return "\n".join([f"stack {stack}: left behind", *lines, *(f"  note: {note}" for note in estate.notes)])
