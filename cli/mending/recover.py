"""Mends what a dead engine or a lost answer left, before `up` starts.

    1. a leftover engine and its plugins end; files that it had half written and the lock of a dead process are dropped
    2. operations without an end are forgotten
    3. a deployment of a model that Azure is still at work on is waited for, and one that failed is removed
    4. planned resources that exist in the cloud, are missing from the state and are provably ours are imported

Provably ours is what carries our tags, or bears a name that only we compute inside something that is ours. Anything
else that is in the way is named, and `up` stops. Without a sign of trouble (a note that a command left, a lock, a
pending operation) nothing of this costs anything.
"""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.errors import CliError
from azmlflow.cli.frame.hints import with_engine
from azmlflow.cli.frame.words import Say
from azmlflow.cli.project.hold import Note
from azmlflow.cli.pulumi import processes
from azmlflow.cli.pulumi.deployment import State
from azmlflow.cli.pulumi.stack import Import, Stack
from azmlflow.resourcetypes.table import of_token, token_of

Owned = Callable[[Mapping[str, str] | None], bool]
_ENDED = ("succeeded", "failed", "canceled")


@dataclass(frozen=True)
class Wanted:
    """A resource that a stack declares.

    Attributes:
        type: Pulumi's type token.
        name: its name in the program.
        id: where Azure keeps it.
        urn: its name in the state.
        parent: URN of the component that declares it.
        description: what a role assignment, which has no tags, says of itself.
    """

    type: str
    name: str
    id: str
    urn: str
    parent: str
    description: str = ""


@dataclass(frozen=True)
class Lock:
    """A lock in a file backend.

    Attributes:
        path: its file.
        pid: the engine that made it.
        host: the machine that this engine ran on.
        since: when.
    """

    path: Path
    pid: int
    host: str
    since: str


def locks(backend: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """The locks on a stack in a file backend (`.pulumi/locks/organization/<project>/<stack>/*.json`)."""
    found: list[Lock] = []
    for path in sorted((backend / ".pulumi" / "locks" / "organization" / project / stack).glob("*.json")):
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("pid") or 0, int):
            document = {}  # torn by a crash, or no engine's: nobody can hold it
        host = str(document.get("hostname") or socket.gethostname())
        found.append(Lock(path, document.get("pid") or 0, host, str(document.get("timestamp") or "")))
    return tuple(found)


def end_leftovers(previous: Note | None, say: Say) -> None:
    """End the engine of a command that died, and its plugins."""
    if previous is None or not previous.engine:
        return
    if processes.alive(previous.engine) and not processes.is_engine(previous.engine):
        return  # another program's by now: process ids come again; one that just begins has no words yet
    count = processes.end_session(previous.engine)
    if count:
        say(f"ended {count} process{'es' if count > 1 else ''} that {previous.words} left behind")


def check_dead(
    stack: str,
    found: tuple[Lock, ...],
    *,
    alive: Callable[[int], bool] = processes.is_engine,
    host: str | None = None,
) -> None:
    """Make sure that nobody works on a stack.

    Raises:
        CliError: a lock is of a living process, or of another machine; the error says which.
    """
    here = host or socket.gethostname()
    for lock in found:
        if lock.host != here:
            raise CliError(
                f"stack `{stack}` is held by pid {lock.pid} on {lock.host}, since {lock.since}",
                where=str(lock.path),
                next=f"ask there; if it is dead: {with_engine(f'pulumi cancel --yes --stack {stack}', stack)}",
            )
        if alive(lock.pid):
            raise CliError(
                f"stack `{stack}` is held by pulumi (pid {lock.pid}), since {lock.since}",
                where=str(lock.path),
                next=f"wait for it to end: ps -p {lock.pid}",
            )


def drop_torn_files(backend: Path) -> None:
    """Remove what an engine that was killed had half written: nobody may be at work on the file backend.

    The backend writes a file beside its place and renames it, so that a state is never torn. But the attributes that go
    with it (`.attrs`: its content type and hash) are written in place, and no engine reads a file whose attributes are
    torn: "failed to load checkpoint: EOF" (gocloud.dev blob/fileblob: writerWithSidecar.Close, setAttrs). It does read
    one without any.
    """
    for path in (backend / ".pulumi").rglob("*.attrs"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            path.unlink()
    for path in (backend / ".pulumi").rglob("*.tmp"):
        path.unlink()


def drop_dead_locks(stack: Stack, found: tuple[Lock, ...], say: Say) -> None:
    """Cancel an update whose process is dead."""
    if found:
        stack.cancel()
        say(f"dropped the lock of a dead engine (pid {found[0].pid})")


def settle(
    arm: ResourceManager,
    endpoints: Iterable[str],
    owned: Owned,
    say: Say,
    *,
    wanted: Collection[str],
    known: Collection[str],
) -> None:
    """What of online endpoints' deployments a dead command began: those under way are waited for, since they can have
    no traffic; those that failed are removed, since they never will, and the state would have them stand; and so are
    those that are not wanted any more.

    Args:
        arm: asks, and removes.
        endpoints: ids of the endpoints.
        owned: do these tags say that a resource is this stack's? What is not is left alone.
        say: hears what is done.
        wanted: ids of the deployments that are declared.
        known: ids of what the state has, which is the engine's.
    """
    given, engines = {id_.lower() for id_ in wanted}, {id_.lower() for id_ in known}
    for endpoint in endpoints:
        for document in arm.list(f"{endpoint}/deployments") if arm.get(endpoint) is not None else ():
            id_, name = str(document["id"]), str(document["name"])
            if id_.lower() in engines or not owned(document.get("tags")):
                continue
            if _provisioning(document) not in _ENDED:
                say(f"waiting for deployment `{name}`, which is under way ...")
                arm.until(id_, lambda now: now is None or _provisioning(now) in _ENDED)
            now = arm.get(id_)
            if now is not None and (id_.lower() not in given or _provisioning(now) != "succeeded"):
                why = "failed" if id_.lower() in given else "is not in the settings any more"
                say(f"removing deployment `{name}`, which {why}")
                arm.delete(id_)


def _provisioning(document: Mapping[str, Any]) -> str:
    return str((document.get("properties") or {}).get("provisioningState", "Succeeded")).lower()


def take_over(
    stack: Stack,
    arm: ResourceManager,
    wanted: Iterable[Wanted],
    *,
    version: str,
    owned: Owned,
    owner: str,
    say: Say,
    agree: Callable[[Sequence[str]], None] = lambda _: None,
) -> int:
    """Import declared resources that exist in the cloud, are missing from the state, and are ours.

    Args:
        stack: the stack.
        arm: asks what exists.
        wanted: everything that the stack declares, each after those that it needs.
        version: of the azure-native provider, for the state.
        owned: do these tags say that a resource is this stack's?
        owner: how the description of a role assignment ends that is this stack's (`tags.owner`).
        say: hears what is done.
        agree: asked with what is found, before it is imported; raises if the answer is no.

    Returns:
        How many were imported.

    Raises:
        CliError: something exists under a declared name that is not provably ours.
    """
    state, wanted = stack.state(), tuple(wanted)
    declared = frozenset(each.id.lower() for each in wanted)
    lost: list[Import] = []
    found: list[str] = []
    shared: list[Import] = []
    gone = ""
    for plan in wanted:
        if state.has(plan.urn) or (gone and (not plan.id or plan.id.lower().startswith(gone))):
            continue
        kind, name = of_token(plan.type), plan.id.rsplit("/", 1)[-1]
        document = arm.get(plan.id)
        if document is None:
            if plan.type == token_of("Microsoft.Resources/resourceGroups"):
                gone = f"{plan.id.lower()}/"  # then nothing of what is in it can be there
            continue
        if kind.tagged and not owned(document.get("tags")):
            raise CliError(
                f"{kind.called()} `{name}` exists already, and is not this stack's (no tag of ours)",
                where=plan.id,
                next=f"choose another name, or another azmlflow:salt, in Pulumi.{stack.name}.yaml",
            )
        if plan.description and (said := _said(document)) != plan.description and not said.endswith(owner):
            # Two stacks that share what is given call the same role of the same principal there by the same name.
            outside = not any(plan.id.lower().startswith(f"{id_}/") for id_ in declared)
            if outside and _of_grant(plan):
                continue  # this `up` relies on it (`access/grants.py`)
            if outside and _is_shared(said):
                say(f"sharing {kind.called()} `{name}`, which says `{said}`")
                shared.append(_import_of(plan, version, state))
                continue
            raise CliError(
                f"{kind.called()} `{name}` exists already, and is not this stack's: it says `{said}`",
                where=plan.id,
                next=_rely(plan, stack.name),
            )
        found.append(f"{kind.called()} `{name}`")
        lost.append(_import_of(plan, version, state))
    if lost:
        agree(found)
        for each in found:
            say(f"taking over {each}, which stands and is not in the state")
    if lost or shared:
        stack.import_resources([*lost, *shared])
    return len(lost) + len(shared)


def _import_of(plan: Wanted, version: str, state: State) -> Import:
    return Import(plan.type, plan.name, plan.id, plan.parent, version, new_parent=not state.has(plan.parent))


def _is_shared(said: str) -> bool:
    """Whether a role assignment is what another stack gave the identity that both work as. Both keep it in their state,
    and whichever goes last deletes it (`session/relying.py`).
    """
    return re.fullmatch(r"Workspace \S+ in group \S+ works as this identity", said) is not None


def _of_grant(plan: Wanted) -> bool:
    """Whether a role assignment is one that a grant calls for, and not one of the workspace's identity."""
    return "$" not in plan.parent and plan.parent.rpartition("::")[0].endswith(":Access")


def _rely(plan: Wanted, stack: str) -> str:
    """How a stack comes to rely on a role that another gave."""
    if _of_grant(plan):
        return f"if nobody relies on it: az role assignment delete --ids {plan.id}"
    return f"azmlflow set identity.grantRoles false --stack {stack}    (the identity has it already: rely on it)"


def _said(document: Mapping[str, Any]) -> str:
    return str((document.get("properties") or {}).get("description") or "")
