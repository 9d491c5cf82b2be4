"""What commands reach the outside through: engine, clouds, directory. Tests hand in their own."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azmlflow.cli.arm import Arm
    from azmlflow.cli.caller import Caller
    from azmlflow.cli.hold import Holder
    from azmlflow.cli.people import Person
    from azmlflow.cli.project import Project, StackFile
    from azmlflow.cli.session import Session
    from azmlflow.cli.stack import Stack
    from azmlflow.rbac.facts import Facts
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.people import Tenant

Say = Callable[[str], None]


@dataclass(frozen=True)
class Collaborators:
    """The ways out of the command line.

    Attributes:
        environment: this process's environment.
        enter: point it at a stack's cloud, starting the embedded Azure if need be.
        open_stack: the stack behind a settings file; the holder, if any, notes its engines.
        open_arm: Azure Resource Manager.
        permitted: the actions that a grant's principal may do at a scope, as Azure tells the principal itself; None
            where we cannot ask as the principal.
        find_person: a user, group or application by name, address or object id, of a type if one is given.
        warm: begin to import the Pulumi program's packages, which takes a second, beside what comes first.
        execute: run a user's command with an environment, giving its exit code.
        sleep: waits, in seconds.
        today: the day, by UTC.
        whoami: who this process is signed in as.
        visit: like `enter`, but gets no engine.
        read_tenant: who has access at a scope of a subscription, and who is who, of them and of further object ids.
        browse: open an address in the user's browser; False where there is none.
        read_access: what decides on access at a scope of a subscription; None where it may not be read.
    """

    environment: MutableMapping[str, str]
    enter: Callable[[Project, StackFile, Say], None]
    open_stack: Callable[[Project, StackFile, Holder | None, Say], Stack]
    open_arm: Callable[[], Arm]
    permitted: Callable[[Session, Grant, str], frozenset[str] | None]
    find_person: Callable[[str, str | None], Person]
    warm: Callable[[], None] = lambda: None
    execute: Callable[[list[str], dict[str, str]], int] = lambda _command, _environment: 0
    sleep: Callable[[float], None] = time.sleep
    today: Callable[[], datetime.date] = lambda: datetime.datetime.now(datetime.UTC).date()
    whoami: Callable[[], Caller] = lambda: _whoami()  # noqa: PLW0108 - it is defined below
    visit: Callable[[Project, StackFile, Say], None] = lambda *about: _visit(*about)  # noqa: PLW0108 - so is this
    read_tenant: Callable[[str, str, tuple[str, ...]], Tenant] = lambda *about: _read_tenant(*about)  # noqa: PLW0108
    browse: Callable[[str], bool] = lambda _address: False
    read_access: Callable[[str, str], Facts | None] = lambda _subscription, _scope: None


def real() -> Collaborators:
    """The real ones."""
    return Collaborators(
        os.environ,
        _enter,
        _open_stack,
        _open_arm,
        _permitted,
        _find_person,
        _warm,
        _execute,
        read_access=_read_access,
        browse=_browse,
    )


def _warm() -> None:
    import threading

    threading.Thread(target=_import_program, name="imports", daemon=True).start()


def _import_program() -> None:
    import azmlflow.infra.__main__  # noqa: F401 - for its side effect: the modules are loaded


def _execute(command: list[str], environment: dict[str, str]) -> int:
    from azmlflow.cli.launch import execute

    return execute(command, environment)


def _enter(project: Project, stack: StackFile, say: Say) -> None:
    from azmlflow.cli import cloud, engine

    # Before this process trusts the embedded Azure's authority alone: an engine comes from the internet.
    engine.ensure(os.environ, say)
    cloud.enter(project, stack, os.environ, say)


def _visit(project: Project, stack: StackFile, say: Say) -> None:
    from azmlflow.cli import cloud

    cloud.enter(project, stack, os.environ, say)


def _open_stack(project: Project, stack: StackFile, holder: Holder | None, say: Say) -> Stack:
    from azmlflow.cli import cloud, engine
    from azmlflow.cli.automation import Place
    from azmlflow.cli.stack import EngineStack

    environment = dict(os.environ)

    def ready() -> engine.Engine:
        if stack.local:
            cloud.prepare_pulumi(project)
        return engine.ensure(environment, say)

    return EngineStack(
        stack.name,
        Place(project.root, project.name, environment, project.backend if stack.local else None),
        ready,
        _program,
        on_engine=holder.engine if holder else None,
        say=say,
        # What others began (a grant, a preview) `up` ends as well.
        command="azmlflow down" if holder and holder.command == "azmlflow down" else "azmlflow up",
    )


def _program() -> None:
    from azmlflow.infra.__main__ import main

    main()


def _browse(address: str) -> bool:
    import webbrowser

    return webbrowser.open(address)


def _open_arm() -> Arm:
    from azmlflow.cli.arm import LiveArm

    return LiveArm()


def _whoami() -> Caller:
    from azmlflow.cli.caller import whoami

    return whoami()


def _read_tenant(subscription: str, scope: str, also: tuple[str, ...]) -> Tenant:
    from azure.identity import DefaultAzureCredential

    from azmlflow.rbac.people import read_tenant

    return read_tenant(DefaultAzureCredential(), subscription, scope, also=also)


def _read_access(subscription: str, scope: str) -> Facts | None:
    from azure.identity import DefaultAzureCredential

    from azmlflow.rbac.azure import read_facts
    from azmlflow.rbac.errors import AssignmentsForbidden

    try:
        return read_facts(DefaultAzureCredential(), subscription, scope)
    except AssignmentsForbidden:
        return None


def _permitted(session: Session, grant: Grant, scope: str) -> frozenset[str] | None:
    if not session.file.local or grant.principal_type != "User":
        return None
    from azmlflow.cli.people import permitted

    return permitted(session.project, grant.principal_id, scope)


def _find_person(name: str, kind: str | None) -> Person:
    from azmlflow.cli.people import find

    return find(name, kind)
