"""The real collaborators of a run: the engine, the clouds, the directory, the user's browser."""

from __future__ import annotations

import gc
import os
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from azmlflow.cli.azure.waits import Waits
from azmlflow.cli.frame import imports
from azmlflow.cli.frame.words import Say
from azmlflow.cli.session.collaborators import Collaborators

if TYPE_CHECKING:
    from azmlflow.cli.azure.caller import SignedIn
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.project.hold import Holder
    from azmlflow.cli.project.project import Project, StackFile
    from azmlflow.cli.pulumi.stack import Stack
    from azmlflow.cli.session.collaborators import Person
    from azmlflow.rbac.facts import Facts
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.live.people import Tenant


def real() -> Collaborators:
    """The real ones."""
    waits = Waits(_tell)
    return Collaborators(
        environment=os.environ,
        enter=_enter,
        visit=_visit,
        open_stack=_open_stack,
        open_arm=lambda: _open_arm(waits),
        permitted=_permitted,
        find_person=lambda name, kind: _find_person(name, kind, waits),
        whoami=_whoami,
        read_tenant=lambda subscription, scope, also: _read_tenant(subscription, scope, also, waits),
        read_access=lambda subscription, scope: _read_access(subscription, scope, waits),
        warm=_warm,
        execute=_execute,
        browse=_browse,
        sleep=time.sleep,
        today=_today,
    )


def _today() -> date:
    return datetime.now(UTC).date()


def _warm() -> None:
    imports.begin(_import_program)


def _import_program() -> None:
    """Load the program's modules. They are no garbage, and looking for some among them takes an eighth of the time."""
    gc.disable()
    try:
        import azmlflow.infra.__main__  # noqa: F401 - for its side effect
    finally:
        gc.freeze()
        gc.enable()


def _execute(command: list[str], environment: dict[str, str]) -> int:
    from azmlflow.cli.frame.launch import execute

    return execute(command, environment)


def _enter(project: Project, stack: StackFile, say: Say) -> None:
    from azmlflow.cli.local import entering
    from azmlflow.cli.pulumi import engine

    if stack.local:
        entering.refuse_here()
    # Before this process trusts the embedded Azure's authority alone: an engine comes from the internet.
    engine.ensure(os.environ, say)
    entering.enter(project, stack, os.environ, say)


def _visit(project: Project, stack: StackFile, say: Say) -> None:
    from azmlflow.cli.local import entering

    entering.enter(project, stack, os.environ, say)


def _open_stack(project: Project, stack: StackFile, holder: Holder | None, say: Say) -> Stack:
    from azmlflow.cli.local import entering
    from azmlflow.cli.pulumi import engine
    from azmlflow.cli.pulumi.automation import Place
    from azmlflow.cli.pulumi.engine_stack import EngineStack

    if stack.local:
        entering.set_lost_state_aside(project)
    environment = dict(os.environ)
    if project.own_program:  # runs under the language host, which takes the first `python3` on PATH
        environment["PATH"] = os.pathsep.join((str(entering.interpreter_folder()), environment.get("PATH", "")))

    def ready() -> engine.Engine:
        if stack.local:
            entering.prepare_pulumi(project, environment)
        return engine.ensure(environment, say)

    place = Place(project.root, project.name, environment)
    if stack.local:
        place = replace(place, backend=project.backend, plugins=entering.plugins(project, environment))
    return EngineStack(
        stack.name,
        place,
        ready,
        None if project.own_program else _program,
        on_engine=holder.engine if holder else None,
        say=say,
        # What others began (a grant, a preview) `up` ends as well.
        command="azmlflow down" if holder and holder.command == "azmlflow down" else "azmlflow up",
    )


def _program() -> None:
    imports.wait()
    from azmlflow.infra.__main__ import main

    main()


def _browse(address: str) -> bool:
    import webbrowser

    return webbrowser.open(address)


def _tell(message: str) -> None:
    from azmlflow.cli.frame.folding import folded

    text = folded(f"waiting: {message}", sys.stderr).removeprefix("waiting:")
    click.echo(click.style("waiting:", fg="yellow") + text, err=True)


def _open_arm(waits: Waits) -> ResourceManager:
    from azmlflow.cli.azure.resource_manager import ResourceManager

    return ResourceManager(on_wait=waits)


def _whoami() -> SignedIn:
    from azmlflow.cli.azure.caller import whoami

    return whoami()


def _read_tenant(subscription: str, scope: str, also: tuple[str, ...], waits: Waits) -> Tenant:
    from azmlflow.cli.azure.caller import credential
    from azmlflow.rbac.live.people import read_tenant

    return read_tenant(credential(), subscription, scope, also=also, on_wait=waits)


def _read_access(subscription: str, scope: str, waits: Waits) -> Facts | None:
    from azmlflow.cli.azure.caller import credential
    from azmlflow.rbac.live.azure import read_facts
    from azmlflow.rbac.live.errors import AssignmentsForbidden

    try:
        return read_facts(credential(), subscription, scope, on_wait=waits)
    except AssignmentsForbidden:
        return None


def _permitted(project: Project, stack: StackFile, grant: Grant, scope: str) -> frozenset[str] | None:
    if not stack.local or grant.principal_type != "User":
        return None
    from azmlflow.cli.local.directory import permitted

    return permitted(project, grant.principal_id, scope)


def _find_person(name: str, kind: str | None, waits: Waits) -> Person:
    from azmlflow.cli.access.people import find

    return find(name, kind, waits)
