"""What `up` does where something soft-deleted holds a name that the stack wants: the setting `onSoftDeleted`.

`fail` is not here: the check `soft-deleted` stops such an `up`, and names the commands. A vault is purged or brought
back only if its tags say that it was this stack's; of a deleted workspace Azure tells a name and a group, no tags.

A workspace comes back by a PUT of its own, which azure-native cannot send: the property is in preview versions alone
(azure-ai-ml, arm_templates/workspace_base.json). What it stood on has to stand before (Microsoft, "Recover workspace
data while soft deleted"), so that much the engine makes first. Computes and grants are gone, and are made again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import losses
from azmlflow.cli.mending.mending import take_over
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session import standing, twins
from azmlflow.cli.session.session import Session
from azmlflow.cli.session.twins import Twins
from azmlflow.resourcetypes.table import resource_type, token_of

if TYPE_CHECKING:
    from azmlflow.cli.azure.by_id import Document
    from azmlflow.cli.azure.resource_manager import ResourceManager
    from azmlflow.infra.plan.naming import Names
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.infra.settings.settings import Settings

_WORKSPACE = "Microsoft.MachineLearningServices/workspaces"
_RECOVERING = "2023-08-01-preview"  # the newest version of workspaces that azure-ai-ml recovers with
_MOST_SALTS = 20
# What a workspace cannot be made without, or stays as it was made with.
_NEEDED = (
    "friendlyName", "storageAccount", "keyVault", "applicationInsights", "containerRegistry",
    "primaryUserAssignedIdentity", "encryption", "enableServiceSideCMKEncryption",
)  # fmt: skip


def may_hold(session: Session, state: State) -> bool:
    """Whether the stack lacks what leaves a name behind: its workspace, or a vault of its own."""
    own = session.settings().names(session.name, session.subscription(state.outputs)).key_vault is not None
    return not standing.has_workspace(state) or (own and not standing.has_vault(state))


def meet(session: Session, stack: Stack) -> Session:
    """Do as `onSoftDeleted` says; nothing where it is `fail`, or nothing is soft-deleted.

    Args:
        session: a stack that may need a name that is held (`may_hold`).
        stack: the same, held.

    Returns:
        The session with the settings as they are now.

    Raises:
        CliError: what is soft-deleted cannot be met so; with what can be done.
    """
    settings = session.settings()
    word = settings.on_soft_deleted
    if word == "fail":
        return session
    arm, subscription = session.invocation.ports.open_arm(), session.subscription(stack.state().outputs)
    found = twins.find(arm, subscription, settings.location, settings.names(session.name, subscription))
    if standing.has_workspace(stack.state()):
        found = replace(found, workspace=False)  # it stands: nothing is to be purged or brought back in its place
    if word == "rename":
        return _rename(session, stack, found, arm, subscription) if found.says() else session
    _check_ours(session, found)
    if word == "purge":
        _purge(session, found, arm, subscription)
    else:
        _recover(session, stack, found, arm, subscription)
    return session


def _check_ours(session: Session, found: Twins) -> None:
    from azmlflow.infra.plan import tags

    if found.vault is not None and not tags.owned(found.vault_tags, session.project.name, session.name):
        raise CliError(
            f"the soft-deleted key vault {found.names.key_vault} was not this stack's: it is left as it is",
            where=found.vault_id,
            next=f"azmlflow set onSoftDeleted rename --stack {session.name}",
        )


def _purge(session: Session, found: Twins, arm: ResourceManager, subscription: str) -> None:
    if found.protected_until:
        raise CliError(
            f"key vault {found.names.key_vault} cannot be purged: it is purge-protected until {found.protected_until}",
            where=found.vault_id,
            next=f"azmlflow set onSoftDeleted recover --stack {session.name}    (or rename)",
        )
    say = session.invocation.say
    if found.workspace is not False:  # where Azure does not tell, there may be one
        if found.workspace:
            say(f"purging the soft-deleted workspace {found.names.workspace} ...")
        arm.delete(_workspace_id(found.names, subscription), resource_type(_WORKSPACE).purge)
    if found.vault is not None:
        say(f"purging the soft-deleted key vault {found.names.key_vault} ...")
        arm.post(found.vault_id, "purge")


def _recover(session: Session, stack: Stack, found: Twins, arm: ResourceManager, subscription: str) -> None:
    settings, say = session.settings(), session.invocation.say
    if found.vault is not None:
        say(f"bringing back key vault {found.names.key_vault} ...")
        _bring_vault_back(session, settings, found.names, arm, subscription)
        take_over(session, stack)
    if found.workspace is False:
        return
    if found.workspace:
        say(f"bringing back workspace {found.names.workspace}, as Azure kept it: artifacts are in its storage account")
    declared = losses.rehearsed(session, stack.state())
    workspace = next(each for each in declared if each.type == token_of(_WORKSPACE))
    with progress.drawing("making what the workspace stands on") as on_change:
        stack.up(on_change, targets=_beneath(declared, workspace))
    _bring_workspace_back(session, workspace, arm)
    take_over(session, stack)


def _bring_vault_back(
    session: Session, settings: Settings, names: Names, arm: ResourceManager, subscription: str
) -> None:
    from azmlflow.infra.plan import identifiers, tags
    from azmlflow.rbac import scopes

    ours = tags.ownership(session.project.name, session.name)
    group = scopes.resource_group_id(subscription, names.resource_group)
    if arm.group(group) is None and "group" not in settings.given():
        arm.put(group, {"location": settings.location, "tags": ours})
    id_ = _id_in_group("Microsoft.KeyVault/vaults", identifiers.in_group(names, subscription))
    properties = {
        "createMode": "recover",
        "tenantId": session.invocation.ports.whoami().tenant,
        "sku": {"family": "A", "name": "standard"},
    }
    arm.put(id_, {"location": settings.location, "tags": ours, "properties": properties})
    _stands(arm, id_)


def _bring_workspace_back(session: Session, workspace: Declared, arm: ResourceManager) -> None:
    from azmlflow.infra.plan import tags
    from azmlflow.infra.rehearsal import answered

    inputs = answered(workspace.inputs)
    body = {
        "location": inputs["location"],
        "tags": tags.ownership(session.project.name, session.name),
        "identity": inputs["identity"],
        "properties": {
            "allowRecoverSoftDeletedWorkspace": True,
            **{name: inputs[name] for name in _NEEDED if inputs.get(name)},
        },
    }
    arm.put(workspace.id, body, version=_RECOVERING)
    _stands(arm, workspace.id)


def _beneath(declared: Sequence[Declared], workspace: Declared) -> tuple[str, ...]:
    """URNs of what the workspace stands on, and of the component that they are in."""
    before = declared[: declared.index(workspace)]
    return (workspace.parent, *(each.urn for each in before if each.parent == workspace.parent))


def _rename(session: Session, stack: Stack, found: Twins, arm: ResourceManager, subscription: str) -> Session:
    settings, state = session.settings(), stack.state()
    held, given = ", ".join(found.says()), _given(settings, found)
    if given or state.resources:
        why = f"the settings name it: {given}" if given else "other parts of the stack stand under names like it"
        raise CliError(
            f"soft-deleted, and no other name is taken: {held}; {why}",
            where=str(session.file.path),
            next=f"azmlflow set onSoftDeleted recover --stack {session.name}"
            if state.resources
            else f"azmlflow down --stack {session.name}    (purges it; or azmlflow set onSoftDeleted recover)",
        )
    for number in range(2, _MOST_SALTS + 2):
        salt = f"{settings.salt}-{number}" if settings.salt else str(number)
        names = settings.model_copy(update={"salt": salt}).names(session.name, subscription)
        if not twins.find(arm, subscription, settings.location, names).says():
            session.invocation.say(f"soft-deleted: {held}; other names are taken, by azmlflow:salt {salt}")
            return replace(session, file=write_settings(session.project, session.name, {"salt": salt}))
    raise CliError(
        f"soft-deleted, as is what {_MOST_SALTS} other salts name: {held}",
        where=str(session.file.path),
        next=f"azmlflow down --stack {session.name}    (purges it)",
    )


def _given(settings: Settings, found: Twins) -> str:
    """The setting that fixes a name which is taken; empty where all follow from the salt."""
    if found.vault is not None and settings.key_vault:
        return "azmlflow:keyVault"
    return "azmlflow:workspace" if found.workspace and settings.workspace else ""


def _workspace_id(names: Names, subscription: str) -> str:
    from azmlflow.infra.plan import identifiers

    return _id_in_group(_WORKSPACE, identifiers.in_group(names, subscription))


def _id_in_group(azure_type: str, ids: tuple[str, ...]) -> str:
    return next(id_ for id_ in ids if f"/providers/{azure_type}/" in id_)


def _stands(arm: ResourceManager, id_: str) -> None:
    """Wait until Azure is done with a resource.

    Raises:
        ArmError: it failed.
    """

    def done(document: Document | None) -> bool:
        state = str(((document or {}).get("properties") or {}).get("provisioningState") or "Succeeded")
        if state in {"Failed", "Canceled"}:
            raise ArmError(409, state, f"it did not come back: its state is {state}", id_)
        return document is not None and state == "Succeeded"

    arm.until(id_, done)
