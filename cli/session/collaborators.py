"""What commands reach the outside through: engine, clouds, directory. Tests hand in their own."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azmlflow.cli.azure.caller import SignedIn
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.cli.frame.words import Say
    from azmlflow.cli.project.hold import Holder
    from azmlflow.cli.project.project import Project, StackFile
    from azmlflow.cli.pulumi.stack import Stack
    from azmlflow.rbac.facts import Facts
    from azmlflow.rbac.grants import Grant
    from azmlflow.rbac.live.people import Tenant


@dataclass(frozen=True)
class Person:
    """A principal of the directory.

    Attributes:
        id: object id.
        type: `User`, `Group` or `ServicePrincipal`.
        name: for people: user principal name, or display name.
    """

    id: str
    type: str
    name: str


@dataclass(frozen=True)
class Collaborators:
    """The ways out of the command line.

    Attributes:
        environment: this process's environment.
        enter: point it at a stack's cloud, starting the embedded Azure if need be.
        visit: like `enter`, but gets no engine.
        open_stack: the stack behind a settings file; the holder, if any, notes its engines.
        open_arm: Azure Resource Manager.
        permitted: the actions that a grant's principal may do at a scope, as Azure tells the principal itself; None
            where we cannot ask as the principal.
        find_person: a user, group or application by name, address or object id, of a type if one is given.
        whoami: who this process is signed in as.
        read_tenant: who has access at a scope of a subscription, and who is who, of them and of further object ids.
        read_access: what decides on access at a scope of a subscription; None where it may not be read.
        warm: begin to import the Pulumi program's packages, which takes a second, beside what comes first.
        execute: run a user's command with an environment, giving its exit code.
        browse: open an address in the user's browser; False where there is none.
        sleep: waits, in seconds.
        today: the day, by UTC.
    """

    environment: MutableMapping[str, str]
    enter: Callable[[Project, StackFile, Say], None]
    visit: Callable[[Project, StackFile, Say], None]
    open_stack: Callable[[Project, StackFile, Holder | None, Say], Stack]
    open_arm: Callable[[], ResourceManager]
    permitted: Callable[[Project, StackFile, Grant, str], frozenset[str] | None]
    find_person: Callable[[str, str | None], Person]
    whoami: Callable[[], SignedIn]
    read_tenant: Callable[[str, str, tuple[str, ...]], Tenant]
    read_access: Callable[[str, str], Facts | None]
    warm: Callable[[], None]
    execute: Callable[[list[str], dict[str, str]], int]
    browse: Callable[[str], bool]
    sleep: Callable[[float], None]
    today: Callable[[], date]
