"""What an `up` is allowed to delete, and what has to go, for good, before the engine can make another of its name."""

from __future__ import annotations

from collections.abc import Sequence

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending.losses import Loss
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import standing, twins
from azmlflow.cli.session.session import Session, confirm
from azmlflow.rbac import scopes
from azmlflow.resourcetypes.table import of_token, token_of

_GROUP = token_of("Microsoft.Resources/resourceGroups")
_VAULT = token_of("Microsoft.KeyVault/vaults")
_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")


def agree(session: Session, lost: Sequence[Loss], *, sure: bool, replace: bool) -> None:
    """Have what an `up` would delete agreed to.

    Args:
        session: the stack's.
        lost: what would be deleted.
        sure: do not ask for the name.
        replace: what holds data may be replaced.

    Raises:
        CliError: it is not agreed to.
    """
    if not lost:
        return
    told = f"`up` would delete {'; '.join(each.says for each in lost)}"
    replaced = any(each.replaced for each in lost)
    again = f"azmlflow up --stack {session.name}{' --allow-replace' if replaced else ''} --yes"
    otherwise = f"set {session.file.path.name} back, or {again}"
    if replaced and not replace:
        raise CliError(told, where=str(session.file.path), next=otherwise.removesuffix(" --yes"))
    if not sure:
        confirm(session, told, otherwise)


def clear(session: Session, stack: Stack, state: State, lost: Sequence[Loss]) -> None:
    """Lift Pulumi's protection from what goes, and remove what would be in the way of another of its name.

    A workspace and a vault that the engine deletes are soft-deleted, and keep their names; and of what Azure refuses to
    change the engine knows nothing.
    """
    about = [each for loss in lost for each in loss.resources]
    if any(each.protected for each in about):
        stack.unprotect([each.urn for each in about])
    going = [each for loss in lost for each in loss.same_name]
    if not going:
        return
    arm = session.invocation.ports.open_arm()
    for resource in sorted(going, key=_turn):
        session.invocation.say(f"removing {of_token(resource.type).called()} `{_name(resource)}` for good ...")
        for lock in (each for each in state.resources if ":ManagementLock" in each.type):
            if scopes.contains(resource.id, lock.id):
                arm.delete(lock.id)
        arm.delete(resource.id, of_token(resource.type).purge)
    for vault in (each for each in going if each.type == _VAULT):
        _purge(arm, vault)
    standing.mend(stack, standing.of(session, stack.state()), lambda _: None, session.invocation.ports.open_arm)


def _turn(resource: Resource) -> tuple[bool, bool]:
    """A workspace before what it stands on, and all before their group."""
    return resource.type == _GROUP, resource.type != _WORKSPACE


def _purge(arm: ResourceManager, vault: Resource) -> None:
    subscription, location = vault.id.split("/")[2], str(vault.inputs.get("location", ""))
    arm.post(twins.deleted_vault(subscription, location, _name(vault)), "purge")


def _name(resource: Resource) -> str:
    return resource.id.rpartition("/")[2]
