"""What an `up` would delete that somebody may want to keep: told, and asked about, before anything is done.

Only `down` and `sweep` are there to delete. An `up` does it in two cases: a setting changed that Azure cannot change in
place, so that the resource is made anew; or the state holds what the program does not declare. Of azmlflow's own
program both follow from the settings and the state, without asking the engine, which takes a change that Azure refuses
for an update (`infra/plan/changes.py`); another's has to be previewed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from azmlflow.cli.frame.words import called_token, many
from azmlflow.cli.mending import instances
from azmlflow.cli.pulumi.changes import Change
from azmlflow.cli.pulumi.deployment import Resource, State
from azmlflow.cli.pulumi.stack import Stack
from azmlflow.cli.session.session import Session
from azmlflow.infra.plan.changes import at, replacing
from azmlflow.infra.plan.serving import ENDPOINT
from azmlflow.resourcetypes.table import token_of

if TYPE_CHECKING:
    from azmlflow.infra.rehearsal import Declared
    from azmlflow.infra.settings.settings import Settings

_GROUP, _VAULT = token_of("Microsoft.Resources/resourceGroups"), token_of("Microsoft.KeyVault/vaults")
_SERVED = token_of(ENDPOINT)
# Kept in nobody's state but in the resource itself: what people would miss.
HOLDS_DATA = {
    _GROUP: "everything in it",
    token_of("Microsoft.MachineLearningServices/workspaces"): "every run and model in it",
    token_of("Microsoft.Storage/storageAccounts"): "every blob in it",
    _VAULT: "every secret in it",
    token_of("Microsoft.OperationalInsights/workspaces"): "every log in it",
    token_of("Microsoft.Insights/components"): "every trace in it",
    token_of("Microsoft.ContainerRegistry/registries"): "every image in it",
}


@dataclass(frozen=True)
class Loss:
    """Something that an `up` would delete.

    Attributes:
        says: what, with what is in it, for people.
        replaced: another is made in its place.
        resources: what of the state it is about.
        same_name: those whose name the other one wants, so that they have to go, for good, before it comes.
    """

    says: str
    replaced: bool = False
    resources: tuple[Resource, ...] = ()
    same_name: tuple[Resource, ...] = ()


def of_settings(session: Session, state: State, settings: Settings) -> tuple[Loss, ...]:
    """What azmlflow's own program would delete; nothing of it is asked of the engine."""
    undeclared = tuple(each for each in state.resources if not each.external and not _of_our_program(each))
    others = _undeclared(undeclared)
    held = [each for each in state.resources if each.type in HOLDS_DATA and each not in undeclared]
    if not any(each.type in HOLDS_DATA for each in state.resources):  # outputs go on naming what is gone
        return others
    declared = {each.urn: each for each in rehearsed(session, state)}
    whole = _replaced(session, state, settings)
    if whole:
        stay = tuple(each for each in held if each.urn in declared and _same(declared[each.urn].id, each.id))
        told = f"the workspace, with every run and model in it, and make another: {whole}"
        return (Loss(told, True, tuple(held), stay), *others)
    return (*_one_by_one(held, declared), *_machines(state, declared), *_served(state, declared), *others)


def _one_by_one(held: Iterable[Resource], declared: Mapping[str, Declared]) -> Iterator[Loss]:
    for each in held:
        called = f"{called_token(each.type)} `{each.id.rpartition('/')[2]}`, with {HOLDS_DATA[each.type]}"
        wanted = declared.get(each.urn)
        if wanted is None:
            yield Loss(called, False, (each,))
        elif ways := replacing(each.type, each.inputs, wanted.inputs, each.outputs):
            whys = ", ".join(f"{way} `{at(each.inputs, way)}` becomes `{at(wanted.inputs, way)}`" for way in ways)
            again = (each,) if _same(wanted.id, each.id) else ()
            yield Loss(f"{called}, and make another: {whys}, which Azure does not change", True, (each,), again)


def _machines(state: State, declared: Mapping[str, Declared]) -> Iterator[Loss]:
    for each, ways in instances.outdated(state, declared.values()):
        says = f"compute instance `{each.id.rpartition('/')[2]}`, with what is on its disk"
        if ways:
            says += f", and make another: it differs in {', '.join(way.rpartition('.')[2] for way in ways)}"
        yield Loss(says, bool(ways), (each,))


def _served(state: State, declared: Mapping[str, Declared]) -> Iterator[Loss]:
    for each in state.resources:
        if each.type != _SERVED or each.external or not _of_our_program(each):
            continue
        called = f"online endpoint `{each.id.rpartition('/')[2]}`, with its keys and what answers there"
        wanted = declared.get(each.urn)
        if wanted is None:
            yield Loss(called, False, (each,))
        elif ways := replacing(each.type, each.inputs, wanted.inputs, each.outputs):
            # Not by the engine, which would begin with its deployments, and Azure deletes none that has traffic.
            yield Loss(f"{called}, and make another: it differs in {', '.join(ways)}", True, (each,), (each,))


def rehearsed(session: Session, state: State) -> tuple[Declared, ...]:
    """What azmlflow's own program would declare now."""
    tenant = next((at(each.inputs, "properties.tenantId") for each in state.resources if each.type == _VAULT), None)
    return session.rehearsed(session.subscription(state.outputs), str(tenant or ""))


def of_preview(stack: Stack) -> tuple[Loss, ...]:
    """What a program of the user's own would delete, as the engine's preview says."""
    return tuple(_planned(stack.preview().loud))


def _planned(changes: Iterable[Change]) -> Iterable[Loss]:
    for change in changes:
        if change.operation == "delete" or ("replace" in change.operation and change.type in HOLDS_DATA):
            lost = f", with {HOLDS_DATA[change.type]}" if change.type in HOLDS_DATA else ""
            again = "" if change.operation == "delete" else ", and make another"
            why = f" (it differs in {', '.join(change.keys)})" if change.keys and again else ""
            yield Loss(f"{called_token(change.type)} `{change.name}`{lost}{again}{why}", bool(again))


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _of_our_program(resource: Resource) -> bool:
    """Whether the URN says that a component of azmlflow declared it."""
    return "::azmlflow:index:" in resource.urn


def _undeclared(resources: tuple[Resource, ...]) -> tuple[Loss, ...]:
    if not resources:
        return ()
    names = ", ".join(f"{called_token(each.type)} `{each.name}`" for each in resources[:5])
    more = f" and {len(resources) - 5} more" if len(resources) > 5 else ""
    says = f"{many(len(resources), 'resource')} that azmlflow's program does not declare: {names}{more}"
    return (Loss(says, False, resources),)


def _replaced(session: Session, state: State, settings: Settings) -> str | None:
    """Why the workspace that stands would be made anew; None if it stays."""
    outputs = state.outputs
    if "workspaceName" not in outputs:
        return None
    names = settings.names(session.name, session.subscription(outputs))
    pairs = [
        ("resource group", outputs.get("resourceGroup"), names.resource_group),
        ("workspace", outputs["workspaceName"], names.workspace),
        (
            "storage account",
            outputs.get("storageAccount"),
            names.storage_account or settings.storage.rpartition("/")[2],
        ),
    ]
    pairs += [
        ("key vault", each.id.rpartition("/")[2], names.key_vault or settings.vault.rpartition("/")[2])
        for each in state.resources
        if each.type == _VAULT
    ]
    pairs += [
        ("location", each.inputs.get("location"), settings.location) for each in state.resources if each.type == _GROUP
    ]
    changed = ((what, old, new) for what, old, new in pairs if isinstance(old, str) and old.lower() != new.lower())
    return next((f"{what} `{old}` becomes `{new}`" for what, old, new in changed), None)
