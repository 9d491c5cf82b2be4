"""What a check is: one frozen record with one question, asked of one situation, answered by one finding."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from azmlflow.cli.checks import cores
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.session.look import looking
from azmlflow.cli.session.look.differences import Standing
from azmlflow.cli.session.session import Session

if TYPE_CHECKING:
    from azure.mgmt.resource.resources.models import ResourceGroup

    from azmlflow.cli.azure.caller import SignedIn
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.infra.plan.naming import Names
    from azmlflow.infra.settings.settings import Settings

# `skipped`: the question does not arise here, or Azure doesn't let us see the answer.
Status = Literal["ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        status: how bad it is; `failed` stops an `up`.
        says: one sentence.
        fix: the command to type, where the check's own general one can be said better.
    """

    status: Status
    says: str
    fix: str = ""


@dataclass
class Situation:
    """What checks look at; asked for once each, also by checks that run side by side.

    Attributes:
        session: the stack.
        outputs: of the stack, as its state has them.
        state: the stack's state.
        environment: the user's own, as it was before this process entered a cloud.
        python: the interpreter whose MLflow is looked at; None for the first on PATH.
        unreachable: why the cloud cannot be asked; None if it can.
        unread: why the state could not be read; None if it could.
    """

    session: Session
    outputs: Mapping[str, Any]
    environment: Mapping[str, str]
    python: str | None = None
    unreachable: CliError | None = None
    unread: CliError | None = None
    state: State = field(default_factory=State)
    _memory: dict[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def arm(self) -> ResourceManager:
        """Azure Resource Manager."""
        return self.session.invocation.ports.open_arm()

    @functools.cached_property
    def caller(self) -> SignedIn:
        """Who is signed in."""
        return self.session.invocation.ports.whoami()

    @functools.cached_property
    def settings(self) -> Settings:
        """The stack's settings; infra's SettingsError if they are at fault."""
        return self.session.settings()

    @functools.cached_property
    def subscription(self) -> str:
        """Id of the subscription that the stack is, or would be, in."""
        return self.session.subscription(self.outputs)

    @functools.cached_property
    def names(self) -> Names:
        """Names of the stack's resources."""
        return self.settings.names(self.session.name, self.subscription)

    @functools.cached_property
    def vm_sizes(self) -> Mapping[str, Mapping[str, Any]]:
        """What the region's clusters can be made of, by name in lower case; empty if Azure does not tell."""
        return cores.sizes(self.arm, self.subscription, self.settings.location)

    @property
    def place(self) -> str:
        """ARM id of the subscription."""
        return f"/subscriptions/{self.subscription}"

    @property
    def group(self) -> str:
        """ARM id of the resource group, whether it stands or not."""
        return f"{self.place}/resourceGroups/{self.names.resource_group}"

    @functools.cached_property
    def group_document(self) -> ResourceGroup | None:
        """The resource group as it is now."""
        return self.arm.group(self.group)

    @functools.cached_property
    def standing(self) -> Standing:
        """The stack's state beside its cloud."""
        return looking.look(self.arm, self.state)

    @property
    def stands(self) -> bool:
        """Does the stack's workspace stand?"""
        return "workspaceName" in self.outputs and not self.standing.without_workspace


@dataclass(frozen=True)
class Check:
    """One question about what `up` needs.

    Attributes:
        name: in one or two words.
        question: what is asked, for people.
        ask: answers it.
        fix: the command to type if the answer is bad; `{stack}` stands for the stack.
        safe: does the fix, where it can be done unasked and harms nothing; None where a person must decide.
        cloud: does it ask the cloud?
        preflight: is it asked before each first `up` too?
        first: what comes after it is not asked where it fails: its answer would be the same fault again.
    """

    name: str
    question: str
    ask: Callable[[Situation], Finding]
    fix: str = ""
    safe: Callable[[Situation], None] | None = None
    cloud: bool = True
    preflight: bool = False
    first: bool = False
