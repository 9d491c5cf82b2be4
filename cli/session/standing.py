"""What a stack's commands make of a look at its cloud: it is told, and the state put right before an `up`."""

from __future__ import annotations

from collections.abc import Callable

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.words import called_token
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session.look.differences import Standing
from azmlflow.cli.session.look.looking import look
from azmlflow.cli.session.session import Session
from azmlflow.infra.plan.tags import PROJECT_TAG, STACK_TAG
from azmlflow.resourcetypes.table import token_of

_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
_VAULT = token_of("Microsoft.KeyVault/vaults")


def of(session: Session, state: State) -> Standing:
    """What of the state of a session's stack stands; what could not be asked is a warning."""
    if not state.resources:
        return Standing()
    found = look(session.invocation.ports.open_arm(), state)
    for each in found.unseen:
        session.invocation.warn(each)
    return found


def has_workspace(state: State) -> bool:
    """Whether a state holds a workspace: its outputs go on naming one that was found to be gone."""
    return any(each.type == _WORKSPACE for each in state.resources)


def has_vault(state: State) -> bool:
    """Whether a state holds a key vault."""
    return any(each.type == _VAULT for each in state.resources)


def mend(stack: Stack, standing: Standing, say: Callable[[str], None], open_arm: Callable[[], ResourceManager]) -> None:
    """Have the state say what the cloud does, so that the next `up` makes again what is missing."""
    for line in standing.says():
        say(line)
    if standing.foreign:
        first = standing.foreign[0]
        kind = called_token(first.type)
        raise CliError(
            f"{kind} `{first.id.rpartition('/')[2]}` is another's: what this stack made was deleted elsewhere, "
            "and this one, made since, has none of the stack's tags",
            where=first.id,
            next=_ours(first),
        )
    for line in standing.apart:
        say(line)
    for each in standing.moved:
        open_arm().delete(each.id)  # Azure's note of it, since the engine makes nothing that is there
    if gone := (*standing.gone, *standing.moved):
        stack.forget([each.urn for each in gone])
    if changed := (*standing.retagged, *standing.rewritten, *(each for each, _ in standing.edited), *standing.anew):
        stack.refresh([each.urn for each in changed])


def _ours(resource: Resource) -> str:
    """What to type where what bears a resource's name is to be the stack's."""
    tags = " ".join(f"{name}={resource.inputs['tags'][name]}" for name in (PROJECT_TAG, STACK_TAG))
    return f"if it is to be the stack's: az tag update --operation Merge --resource-id {resource.id} --tags {tags}"
