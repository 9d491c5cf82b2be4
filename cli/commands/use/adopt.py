"""`azmlflow adopt`: take over a workspace that was made by hand, where nothing but our tags changes by it."""

from __future__ import annotations

import click

from azmlflow.cli.adoption import closed, takeover
from azmlflow.cli.adoption.takeover import Found
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.project.hold import hold
from azmlflow.cli.project.project import StackFile
from azmlflow.cli.project.selection import choose_stack, find_project
from azmlflow.cli.session.invocation import Command, Invocation, common, patient
from azmlflow.cli.session.session import Session, confirm
from azmlflow.infra.settings.namespace import NAMESPACE
from azmlflow.localazure.core.constants import SUBSCRIPTION_ID
from azmlflow.rbac import scopes

_TYPE = "microsoft.machinelearningservices/workspaces"
# By az as it is: `az ml` is an extension.
_WORKSPACES = (
    "az resource list --resource-type Microsoft.MachineLearningServices/workspaces --query '[].id' --output tsv"
)


@click.command(
    cls=Command,
    examples=(
        "azmlflow adopt WORKSPACE_ID --stack team",
        "azmlflow adopt WORKSPACE_ID --stack team --dry-run --output json",
    ),
)
@click.argument("workspace", metavar="WORKSPACE_ID")
@click.option("--yes", "-y", is_flag=True, help="Do not ask for the stack's name.")
@click.option("--dry-run", is_flag=True, help="Show the settings that describe it, and stop.")
@patient
@common
def command(invocation: Invocation, workspace: str, *, yes: bool, dry_run: bool) -> None:
    """Writes the settings that describe it, its clusters, instances, datastores and outbound rules into a new stack's
    file, imports them into Pulumi's state, and shows that an `up` would change nothing but to add azmlflow's tags; else
    it is refused, and nothing is left. What stands in it and no settings describe is named, and stays as it is.
    After it was asked about, the tags are written. Group, storage account, key vault, insights and registry stay
    others': used by id, never changed or deleted. From then on `azmlflow down` would delete the workspace, with its
    runs and models.
    """
    invocation.ports.warm()
    session = _session(invocation, workspace)
    session.enter()
    arm = invocation.ports.open_arm()
    found = _found(arm, workspace)
    if dry_run:
        invocation.result(_document(session, found), _text(session, found))
        return
    with hold(session.project, session.name, f"azmlflow adopt {workspace}", invocation.patience()) as holder:
        # Whoever held the stack may have made it meanwhile, or changed the workspace.
        _check_new(session, workspace)
        found = _found(arm, workspace)
        session, made = takeover.write(session, found), False
        stack = session.stack(holder)
        try:
            closed.check(session, arm, found)
            if stack.exists():
                raise CliError(
                    f"stack `{session.name}` has a state already", next=f"azmlflow status --stack {session.name}"
                )
            made = True
            found = takeover.take(session, stack, found)
            session = takeover.write(session, found)
            invocation.say(_text(session, found))
            if not yes:
                again = f"azmlflow adopt {workspace} --stack {session.name} --yes"
                confirm(session, f"stack `{session.name}` takes over workspace {found.settings['workspace']}", again)
        except BaseException:
            if made and stack.exists():
                stack.remove(force=True)
            session.file.path.unlink(missing_ok=True)
            holder.finish()
            raise
        takeover.mark(session, stack)
        holder.finish()
    invocation.result(
        _document(session, found),
        f"stack {session.name} has taken over workspace {found.settings['workspace']}: an `up` changes nothing\n"
        f"next: azmlflow status --stack {session.name}",
    )


def _session(invocation: Invocation, workspace: str) -> Session:
    """A new stack on the workspace's cloud.

    Raises:
        CliError: the id is no workspace's, or the stack has settings.
    """
    try:
        parsed = scopes.parse(workspace)
    except scopes.InvalidScope:
        parsed = None
    if parsed is None or str(parsed.type).lower() != _TYPE or not parsed.subscription:
        raise CliError(f"`{workspace}` is not the ARM id of a workspace", next=_WORKSPACES)
    project = find_project()
    if project.own_program:
        raise CliError(
            "a program of your own declares what is in this project: write the workspace into it, and `pulumi import`",
            where=str(project.root),
            next="azmlflow init NAME    (in a folder of its own)",
        )
    name = choose_stack(project, invocation.stack, invocation.ports.environment)
    local = parsed.subscription.lower() == SUBSCRIPTION_ID
    config = {f"{NAMESPACE}:cloud": "local"} if local else {"azure-native:subscriptionId": parsed.subscription}
    invocation.opened, invocation.local = name, local
    session = Session(invocation, project, StackFile(name, project.settings_path(name), config))
    _check_new(session, workspace)
    return session


def _check_new(session: Session, workspace: str) -> None:
    """Raise CliError if the stack has settings."""
    if session.file.path.exists():
        raise CliError(
            f"stack `{session.name}` has settings already; they are left as they are",
            where=str(session.file.path),
            next=f"azmlflow adopt {workspace} --stack ANOTHER",
        )


def _found(arm: ResourceManager, workspace: str) -> Found:
    """The workspace as it is now.

    Raises:
        CliError: it is not there, or cannot be taken over.
    """
    document = arm.get(workspace)
    if document is None:
        raise CliError("there is no such workspace, or you may not read it", where=workspace, next=_WORKSPACES)
    id_ = document["id"]
    return takeover.look(document, arm.list(f"{id_}/computes"), arm.list(f"{id_}/datastores"))


def _document(session: Session, found: Found) -> dict[str, object]:
    return {
        "stack": session.name,
        "workspace": found.id,
        "settings": found.settings,
        "taken": [found.settings["workspace"], *(each.name for each in found.members)],
        "left": list(found.left),
    }


def _text(session: Session, found: Found) -> str:
    used = [f"{key} {found.settings[key].rpartition('/')[2]}" for key in _USED if key in found.settings]
    lines = [
        f"stack {session.name} takes over, and `azmlflow down` would delete:",
        f"  workspace {found.settings['workspace']}, with every run and model in it",
        *(f"  {each.kind} {each.name}" for each in found.members),
        "it uses, and never changes or deletes:",
        *(f"  {each}" for each in used),
    ]
    if found.left:
        lines += [
            "it leaves as they are, in the workspace, with which they would go:",
            *(f"  {each}" for each in found.left),
        ]
    lines += ["grants that others gave on it stay theirs: azmlflow access"]
    return "\n".join(lines)


_USED = ("group", "storage", "vault", "insights", "registry")
