"""What `up` does before it starts: see for signs of trouble, and mend (`recover.py`) only when there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import clusters, instances, losses, recover
from azmlflow.cli.project.hold import Holder, finish, hold
from azmlflow.cli.pulumi.sdk import azure_native_version
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import standing
from azmlflow.cli.session.session import Session, confirm
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.infra.settings.settings import Settings

_ROLE_ASSIGNMENT = token_of("Microsoft.Authorization/roleAssignments")
_SERVED = tuple(
    token_of(f"Microsoft.MachineLearningServices/workspaces/{name}")
    for name in ("onlineEndpoints", "onlineEndpoints/deployments")
)


def clear_the_way(session: Session, stack: Stack, holder: Holder) -> None:
    """End what a dead command left running, and drop its lock and what it had half written.

    Raises:
        CliError: a living process holds the stack.
    """
    say = session.invocation.say
    recover.end_leftovers(holder.previous, say)
    if session.file.local:
        project = session.project
        locks = recover.locks(project.backend, project.name, session.name)
        recover.check_dead(session.name, locks)
        if locks or holder.previous:
            recover.drop_torn_files(project.backend)
        recover.drop_dead_locks(stack, locks, say)


@contextlib.contextmanager
def held(session: Session, command: str) -> Iterator[tuple[Session, Stack]]:
    """A stack to change in part, held by `command`, and its session with the settings as they stand then; what a dead
    command left there is mended first.

    Raises:
        CliError: a living process holds the stack.
        SettingsError: infra's; the settings are not valid.
    """
    session.settings()
    with hold(session.project, session.name, command, session.invocation.patience()) as holder:
        session = session.again()
        session.enter()
        stack = session.stack(holder)
        clear_the_way(session, stack, holder)
        if not session.project.own_program and stack.state().pending:
            stack.clear_pending()
            take_over(session, stack)
        yield session, stack
        finish(holder)


def mend(session: Session, stack: Stack, holder: Holder, *, sure: bool = False) -> None:
    """Clear the way, make the state if there is none, and take over what an update that died made.

    Args:
        session: the stack's.
        stack: the stack.
        holder: holds it.
        sure: do not ask before a new state takes over what stands on Azure.

    Raises:
        CliError: somebody holds the stack, something that isn't ours bears a planned name, or what stands is of a
            state elsewhere, as it seems.
    """
    say = session.invocation.say
    clear_the_way(session, stack, holder)
    new = not stack.exists()
    if new:
        # A state that was lost looks the same as one that never was.
        stack.create()
    state = stack.state()
    if session.project.own_program or (holder.previous is None and not state.pending and not new):
        return  # what a program of the user's own declares is not known here
    if holder.previous:
        say(f"{holder.previous.words} did not come to its end: looking for what it left")
    if state.pending:
        stack.clear_pending()

    def agree(found: Sequence[str]) -> None:
        # Lost here, or kept in another backend: then two states would manage one and the same.
        if not new or holder.previous or session.file.local or sure:
            return
        try:
            confirm(
                session,
                f"stack `{session.name}` has no state in this Pulumi backend, but its resources stand: "
                f"{', '.join(found)}",
                "export PULUMI_BACKEND_URL=BACKEND, the one that holds it; or, if the state is lost, "
                f"azmlflow up --stack {session.name} --yes takes them over",
            )
        except CliError:
            stack.remove()  # the empty one, made above: the next `up` has to ask again
            holder.finish()
            raise

    take_over(session, stack, agree)


def take_over(
    session: Session,
    stack: Stack,
    agree: Callable[[Sequence[str]], None] = lambda _: None,
) -> int:
    """Import resources of a stack's plan that stand in the cloud, are provably its own, and are missing from its state.

    Args:
        session: the stack's.
        stack: the stack.
        agree: asked with what is found, before it is imported; raises if the answer is no.

    Returns:
        How many were imported.
    """
    from azmlflow.infra.plan import tags

    state = stack.state()
    declared = losses.rehearsed(session, state)

    def owned(found: Mapping[str, str] | None) -> bool:
        return tags.owned(found, session.project.name, session.name)

    arm = session.invocation.ports.open_arm()
    endpoints, deployments = ([each.id for each in declared if each.type == type_] for type_ in _SERVED)
    known = [each.id for each in state.resources]
    recover.settle(arm, endpoints, owned, session.invocation.say, wanted=deployments, known=known)
    return recover.take_over(
        stack,
        arm,
        [recover.Wanted(each.type, each.name, each.id, each.urn, each.parent, _description(each)) for each in declared],
        version=azure_native_version(),
        owned=owned,
        owner=tags.owner(session.project.name, session.name),
        say=session.invocation.say,
        agree=agree,
    )


def _description(declared: Declared) -> str:
    return str(declared.inputs.get("description") or "") if declared.type == _ROLE_ASSIGNMENT else ""


def look(session: Session, stack: Stack) -> None:
    """Drop from the state what no longer stands in the cloud."""
    invocation = session.invocation
    standing.mend(stack, standing.of(session, stack.state()), invocation.say, invocation.ports.open_arm)


def remove_outdated_computes(session: Session, stack: Stack, settings: Settings) -> tuple[str, ...]:
    """Computes that go, or that Azure would not change so, are removed before the engine's turn; their URNs."""
    from azmlflow.infra.settings.network.combinations import fitted

    state = stack.state()
    names, subscription = session.names(state.outputs), session.subscription(state.outputs)
    private = settings.network.private(settings.place(names, subscription).group_id, names.workspace)
    gone = list(clusters.outdated(state, fitted(settings.clusters, settings.network, private)))
    if any(map(instances.is_instance, state.resources)):
        gone += [each for each, _ in instances.outdated(state, losses.rehearsed(session, state))]
    if gone:
        clusters.remove(gone, session.invocation.ports.open_arm(), session.invocation.say)
    return tuple(each.urn for each in gone)


def change_instances(session: Session, workspace: str, settings: Settings) -> int:
    """What Azure changes of compute instances by actions, the engine has left; how many were called."""
    if not settings.instances:
        return 0
    return instances.apply(session.invocation.ports.open_arm(), workspace, settings.instances, session.invocation.say)
