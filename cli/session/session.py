"""The stack that a command is about: project, settings, cloud, engine, opened as far as the command needs."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from azmlflow.cli.frame import imports
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.project import DEFAULT_STACK, Project, StackFile, read_stack
from azmlflow.cli.project.selection import choose_stack, find_project
from azmlflow.cli.session.invocation import Invocation
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.rbac import scopes

if TYPE_CHECKING:
    from azmlflow.cli.project.hold import Holder
    from azmlflow.cli.pulumi.stack import Stack
    from azmlflow.infra.plan.naming import Names
    from azmlflow.infra.plan.outputs import StackOutputs
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.infra.settings.settings import Settings

_MODEL = "Microsoft.MachineLearningServices/workspaces/models"


@dataclass(frozen=True)
class Session:
    """A command's stack.

    Attributes:
        invocation: how to answer.
        project: the checkout.
        file: the stack's settings file.
    """

    invocation: Invocation
    project: Project
    file: StackFile

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.file.name

    def settings(self) -> Settings:
        """The settings, validated; infra's SettingsError names every fault at once."""
        return self._settings

    @functools.cached_property
    def _settings(self) -> Settings:
        from azmlflow.infra.settings.faults import SettingsError
        from azmlflow.infra.settings.settings import Settings

        try:
            return Settings.from_mapping(self.file.config)
        except SettingsError as fault:
            raise fault.of_stack(self.name) from None

    @functools.cached_property
    def rehearsed(self) -> Callable[[str, str], tuple[Declared, ...]]:
        """What azmlflow's own program would declare in a subscription and a directory; found out once for each."""
        imports.wait()
        from azmlflow.infra.rehearsal import rehearse

        @functools.cache
        def once(subscription: str, tenant: str) -> tuple[Declared, ...]:
            def latest(group: str, workspace: str, model: str) -> str:
                id_ = scopes.resource_id(subscription, group, _MODEL, workspace, model)
                found = self.invocation.ports.open_arm().get(id_) or {}
                return str((found.get("properties") or {}).get("latestVersion") or "")

            return rehearse(
                self.file.config,
                project=self.project.name,
                stack=self.name,
                subscription=subscription,
                tenant=tenant,
                latest=latest,
            )

        return once

    def again(self) -> Session:
        """The same with its settings as they are now: whoever held the stack a moment ago may have written them.

        Raises:
            CliError: they cannot be read.
        """
        return replace(self, file=read_stack(self.project, self.name))

    def enter(self) -> None:
        """Point this process at the stack's cloud."""
        self.invocation.ports.enter(self.project, self.file, self.invocation.say)

    def stack(self, holder: Holder | None = None) -> Stack:
        """The stack itself."""
        return self.invocation.ports.open_stack(self.project, self.file, holder, self.invocation.say)

    def outputs(self) -> StackOutputs:
        """The outputs of a stack that stands.

        Raises:
            CliError: it does not stand.
        """
        return standing(self.name, self.stack().state().outputs)

    def subscription(self, outputs: Mapping[str, object]) -> str:
        """The subscription that the stack is, or would be, in: its own output, then its settings, then the variables.

        Raises:
            CliError: none of them says.
        """
        environment = self.invocation.ports.environment
        candidates = (
            outputs.get("subscriptionId"),
            self.file.config.get("azure-native:subscriptionId"),
            environment.get("ARM_SUBSCRIPTION_ID"),
            environment.get("AZURE_SUBSCRIPTION_ID"),
        )
        for candidate in candidates:
            if isinstance(candidate, str) and candidate:
                return candidate
        raise CliError(
            f"no subscription is known for stack `{self.name}`",
            where=str(self.file.path),
            next='export ARM_SUBSCRIPTION_ID="$(az account show --query id --output tsv)"',
        )

    def names(self, outputs: Mapping[str, object]) -> Names:
        """The names of the stack's resources in Azure, whether they stand or not."""
        return self.settings().names(self.name, self.subscription(outputs))


def open_session(invocation: Invocation, *, make_local: bool = False) -> Session:
    """Find the project and the stack.

    Args:
        invocation: this run.
        make_local: write the default settings of the stack `local` if they are not there yet.

    Raises:
        CliError: no project here, or no such stack.
    """
    project = find_project()
    name = choose_stack(project, invocation.stack, invocation.ports.environment)
    if make_local and name == DEFAULT_STACK and not project.settings_path(name).exists():
        from azmlflow.cli.project.settings_file import local_defaults, write_settings

        write_settings(project, name, local_defaults())
        invocation.say(f"wrote {project.settings_path(name).name} with the defaults of a local stack")
    file = read_stack(project, name)
    invocation.opened, invocation.local = name, file.local
    return Session(invocation, project, file)


def open_cloud(invocation: Invocation, subscription: str = "") -> Session:
    """Like `open_session`, for what is asked of a cloud and not of a stack: settings need not be there.

    Where the stack that would be meant has none, it is the embedded Azure's if that is here, else Azure's.

    Args:
        invocation: this run.
        subscription: the subscription that is meant, as far as it is known: it tells the embedded Azure from Azure.

    Raises:
        CliError: no project here, or no such stack as `--stack` names.
    """
    from azmlflow.localazure.core.constants import SUBSCRIPTION_ID

    project = find_project()
    name = choose_stack(project, invocation.stack, invocation.ports.environment)
    path = project.settings_path(name)
    if invocation.stack is not None or path.exists():
        return open_session(invocation)
    local = subscription.lower() == SUBSCRIPTION_ID if subscription else project.local.exists()
    return Session(invocation, project, StackFile(name, path, {f"{NAMESPACE}:cloud": "local" if local else "azure"}))


def standing(stack: str, outputs: Mapping[str, object]) -> StackOutputs:
    """The outputs as a record.

    Raises:
        CliError: some are missing: the stack does not stand.
    """
    from azmlflow.infra.plan.outputs import MissingOutputs, StackOutputs

    try:
        return StackOutputs.parse(outputs)
    except MissingOutputs as fault:
        raise CliError(f"stack `{stack}` does not stand", next=f"azmlflow up --stack {stack}") from fault


def confirm(session: Session, what: str, otherwise: str) -> None:
    """Ask before something that people may not want, by the stack's name typed back.

    Args:
        session: the stack's.
        what: what would be done, for people.
        otherwise: what to type instead.

    Raises:
        CliError: nobody is there to answer, or the answer is another name.
    """
    where = str(session.file.path)
    if not sys.stdin.isatty():
        raise CliError(what, where=where, next=otherwise)
    session.invocation.warn(what)
    typed = click.prompt(f"type the stack's name ({session.name}) to go on", err=True, default="", show_default=False)
    if typed.strip() != session.name:
        raise CliError("nothing is changed: the name typed is another", where=where, next=otherwise)
