"""What commands reach the outside through: engine, clouds, directory. Tests hand in their own."""

from __future__ import annotations

import os
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azmlflow.cli.arm import Arm
    from azmlflow.cli.hold import Holder
    from azmlflow.cli.people import Person
    from azmlflow.cli.project import Project, StackFile
    from azmlflow.cli.stack import Stack

Say = Callable[[str], None]


@dataclass(frozen=True)
class Collaborators:
    """The ways out of the command line.

    Attributes:
        environment: this process's environment.
        enter: point it at a stack's cloud, starting the embedded Azure if need be.
        open_stack: the stack behind a settings file; the holder, if any, notes its engines.
        open_arm: Azure Resource Manager.
        find_person: a user, group or application by name, address or object id.
    """

    environment: MutableMapping[str, str]
    enter: Callable[[Project, StackFile, Say], None]
    open_stack: Callable[[Project, StackFile, Holder | None, Say], Stack]
    open_arm: Callable[[], Arm]
    find_person: Callable[[str], Person]


def real() -> Collaborators:
    """The real ones."""
    return Collaborators(os.environ, _enter, _open_stack, _open_arm, _find_person)


def _enter(project: Project, stack: StackFile, say: Say) -> None:
    from azmlflow.cli import cloud

    cloud.enter(project, stack, os.environ, say)


def _open_stack(project: Project, stack: StackFile, holder: Holder | None, say: Say) -> Stack:
    from azmlflow.cli import cloud, engine
    from azmlflow.cli.stack import EngineStack, Place

    if stack.local:
        cloud.prepare_pulumi(project)
    environment = dict(os.environ)
    return EngineStack(
        stack.name,
        Place(project.root, project.name, environment, project.backend if stack.local else None),
        lambda: engine.ensure(environment, say),
        _program,
        on_engine=holder.engine if holder else None,
        say=say,
    )


def _program() -> None:
    from azmlflow.infra.__main__ import main

    main()


def _open_arm() -> Arm:
    from azmlflow.cli.arm import LiveArm

    return LiveArm()


def _find_person(name: str) -> Person:
    from azmlflow.cli.people import find

    return find(name)
