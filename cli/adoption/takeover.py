"""A workspace that was made by hand, taken into a stack's state: by the engine's import, if that changes nothing.

1. the settings that describe it are written; the engine imports it and what stands in it, and previews an `up`
2. what stands in it and an `up` would change is left out; a workspace that it would change is refused, all undone
3. what is found is told and asked about; then the engine writes our tags, the only change, which prove it ours
4. another preview has to be empty
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from azmlflow.cli.adoption import describe, members
from azmlflow.cli.adoption.member import Member
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.mending import losses
from azmlflow.cli.project.settings_file import write_settings
from azmlflow.cli.pulumi import progress
from azmlflow.cli.pulumi.changes import Change
from azmlflow.cli.pulumi.sdk import azure_native_version
from azmlflow.cli.pulumi.stack import Import, Stack
from azmlflow.cli.session.session import Session
from azmlflow.infra.plan import tags
from azmlflow.resourcetypes.table import token_of

_WORKSPACE = token_of("Microsoft.MachineLearningServices/workspaces")
# The settings come from the very document: of these only letters can differ, which Azure does not tell apart.
_SAME = frozenset(
    ("tags", "systemDatastoresAuthMode", "storageAccount", "keyVault", "applicationInsights", "containerRegistry")
)
# A time that is spelled otherwise, `PT2M` for `PT120S`.
_SPELLED = frozenset(("properties.properties.scaleSettings.nodeIdleTimeBeforeScaleDown",))
_OURS = frozenset((tags.PROJECT_TAG, tags.STACK_TAG, tags.MADE_TAG))


@dataclass(frozen=True)
class Found:
    """A workspace, as its settings describe it.

    Attributes:
        id: its ARM id.
        own: its own settings, by their keys.
        members: what stands in it and is described.
        left: what stands in it and is not, each with the reason; it stays as it is.
    """

    id: str
    own: Mapping[str, Any]
    members: tuple[Member, ...] = ()
    left: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """All settings, by their keys."""
        found: dict[str, Any] = {key: dict(value) if key == "network" else value for key, value in self.own.items()}
        for member in self.members:
            outer, _, inner = member.key.rpartition(".")
            within = found.setdefault(outer, {}) if outer else found
            within.setdefault(inner, []).append(dict(member.says))
        return found

    def without(self, member: Member, why: str) -> Found:
        """Without something that turned out not to be as its settings say."""
        kept = tuple(each for each in self.members if each != member)
        return replace(self, members=kept, left=(*self.left, f"{member.name}: {why}"))


def look(workspace: dict[str, Any], computes: Iterable[dict[str, Any]], datastores: Iterable[dict[str, Any]]) -> Found:
    """What the settings say of a workspace.

    Raises:
        CliError: it has what no setting describes, or is a stack's already.
    """
    id_ = str(workspace["id"])
    owner = {name.lower(): value for name, value in (workspace.get("tags") or {}).items()}
    if stack := owner.get(tags.STACK_TAG):
        raise CliError(
            f"the workspace is taken over already, by stack {stack} of project {owner.get(tags.PROJECT_TAG, '?')}",
            where=id_,
            next="if that state is lost: az tag update --operation Delete --resource-id "
            f"{id_} --tags {tags.STACK_TAG}={stack}",
        )
    if whys := "; ".join(describe.unfit(workspace)):
        raise CliError(
            f"the workspace cannot be taken over: {whys}",
            where=id_,
            next="change that, or begin with a new one: azmlflow init NAME",
        )
    found, left = members.described(workspace, computes, datastores)
    return Found(id_, describe.settings(workspace, _OURS), found, left)


def take(session: Session, stack: Stack, found: Found) -> Found:
    """Import it, leaving out what stands in it and an `up` would change.

    Raises:
        CliError: an `up` would change the workspace, or make something.
    """
    stack.create()
    _import(session, stack, found)
    while True:
        changed = _changed(stack)
        theirs = {each.resource: each for each in found.members}
        if others := [each for each in changed if each.name not in theirs]:
            told = "; ".join(f"{each.operation} of {each.kind} {each.name} ({_ways(each)})" for each in others)
            raise CliError(
                f"the workspace is not taken over, since no settings describe it: an `up` would change it: {told}",
                where=found.id,
                next="set these back to what azmlflow declares (docs/adoption.md), or leave it as it is",
            )
        if not changed:
            return found
        for each in changed:
            found = found.without(theirs[each.name], f"no settings describe its {_ways(each)}; it stays as it is")
        stack.forget(_with_parents(stack, changed))
        write(session, found)


def _with_parents(stack: Stack, gone: Sequence[Change]) -> tuple[str, ...]:
    """The URNs of resources that are left out, and of components that declare nothing else."""
    urns = {each.urn for each in gone}
    needed = {each.parent for each in stack.state().resources if each.urn not in urns}
    parents = dict.fromkeys(each.parent for each in gone if each.parent and each.parent not in needed)
    return (*(each.urn for each in gone), *parents)


def write(session: Session, found: Found) -> Session:
    """Write the settings, in place of what is in the stack's file; the session with them."""
    cloud = {"cloud": "local"} if session.file.local else {}
    others = {key: value for key, value in session.file.config.items() if not key.startswith("azmlflow:")}
    file = write_settings(session.project, session.name, {**cloud, **found.settings}, others, fresh=True)
    return replace(session, file=file)


def mark(session: Session, stack: Stack) -> None:
    """Have the engine write our tags, and see that there is nothing more to do.

    Raises:
        CliError: there is.
    """
    with progress.drawing("marking what is taken over as the stack's") as on_change:
        stack.up(on_change)
    if more := [each for each in stack.preview().loud if each.custom]:
        raise CliError(
            f"taken over, but an `up` would still change {', '.join(each.name for each in more)}",
            next=f"azmlflow preview --stack {session.name}",
        )


def _import(session: Session, stack: Stack, found: Found) -> None:
    state = stack.state()
    ids = {found.id.lower(), *(f"{found.id}/{each.path}".lower() for each in found.members)}
    wanted = [each for each in losses.rehearsed(session, state) if each.id.lower() in ids]
    version = azure_native_version()
    # Of a component that is not there yet all say so: told of it in two ways, the engine takes it for two of one name.
    stack.import_resources(
        [
            Import(each.type, each.name, each.id, each.parent, version, new_parent=not state.has(each.parent))
            for each in wanted
        ]
    )


def _changed(stack: Stack) -> Sequence[Change]:
    """What an `up` would change beyond our tags and how the same is spelled."""
    loud = [each for each in stack.preview().loud if each.custom]
    return [each for each in loud if each.operation != "update" or _differing(each)]


def _differing(change: Change) -> list[str]:
    ways = change.ways or change.keys
    return [way for way in ways if re.split(r"[.\[]", way)[0] not in _SAME and way not in _SPELLED]


def _ways(change: Change) -> str:
    return ", ".join(_differing(change)) or change.operation
