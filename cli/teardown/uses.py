"""What others use of a group, asked of all that whoever is signed in sees: links of workspaces, datastores, Insights.

What cannot be seen is told, and not guessed at. Nobody can ask a storage account or a Log Analytics workspace who uses
it, so those who might are asked: every workspace for its links and its datastores, every Application Insights for where
its data lies. Not asked are diagnostic settings, which each resource of a subscription has by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import called
from azmlflow.cli.teardown.ownership import INSIGHTS, LOGS, STORAGE, WORKSPACE, Resource
from azmlflow.resourcetypes.table import resource_type

Entry = TypeVar("Entry")
_WIDTH = 8  # workspaces asked for their datastores at a time


@dataclass(frozen=True)
class Use:
    """Something elsewhere that needs something of a group: ids of both, and what it is for people."""

    user: str
    resource: str
    what: str


class Sight:
    """Asks for lists, and remembers which of them may not be seen."""

    def __init__(self) -> None:
        self.unseen: list[str] = []

    def seen(self, what: str, ask: Callable[[], tuple[Entry, ...]]) -> tuple[Entry, ...]:
        """A list; empty, and told, for who may not see it, but may still delete the group."""
        try:
            return ask()
        except ArmError as fault:
            if fault.status != 403:
                raise
        self.miss(what)
        return ()

    def miss(self, what: str) -> None:
        """Note what may not be seen."""
        if what not in self.unseen:
            self.unseen.append(what)


def find_uses(arm: ResourceManager, group_id: str, resources: Iterable[Resource], sight: Sight) -> tuple[Use, ...]:
    """All uses of what is in a group from outside of it, as far as they are seen.

    Args:
        arm: Azure Resource Manager.
        group_id: the group's ARM id.
        resources: what is in it.
        sight: told what cannot be seen.
    """
    there = {one.id.lower(): one for one in resources}
    found: list[Use] = []
    for place in _places(arm, group_id, sight) if there else ():
        workspaces = [
            Resource.of({"type": WORKSPACE, **entry}) for entry in _outside(arm, place, WORKSPACE, group_id, sight)
        ]
        found += _by_links(workspaces, there)
        if any(one.type == STORAGE for one in there.values()):
            found += _by_datastores(arm, workspaces, there, sight)
        if any(one.type == LOGS for one in there.values()):
            found += _by_insights(_outside(arm, place, INSIGHTS, group_id, sight), there)
    return tuple(found)


def _places(arm: ResourceManager, group_id: str, sight: Sight) -> tuple[str, ...]:
    """The subscriptions that are seen, the group's own first."""
    own = "/".join(group_id.split("/")[:3])
    every = sight.seen("subscriptions other than its own", arm.subscriptions)
    others = (f"/subscriptions/{each.subscription_id}" for each in every)
    return (own, *(each for each in others if each.lower() != own.lower()))


def _outside(arm: ResourceManager, place: str, type_: str, group_id: str, sight: Sight) -> list[dict[str, Any]]:
    """All of a type in a subscription, but for what is in the group."""
    what = f"{called(type_, 2)} in subscription {place.rsplit('/', 1)[-1]}"
    found = sight.seen(what, lambda: arm.list(f"{place}/providers/{resource_type(type_).name}"))
    return [entry for entry in found if not str(entry["id"]).lower().startswith(f"{group_id.lower()}/")]


def _by_links(workspaces: Iterable[Resource], there: Mapping[str, Resource]) -> Iterator[Use]:
    for one in workspaces:
        for link in sorted(one.links & there.keys()):
            yield Use(one.id, there[link].id, f"workspace `{one.name}` in another group")


def _by_datastores(
    arm: ResourceManager, workspaces: Sequence[Resource], there: Mapping[str, Resource], sight: Sight
) -> Iterator[Use]:
    accounts = {one.name.lower(): one for one in there.values() if one.type == STORAGE}
    with ThreadPoolExecutor(_WIDTH, thread_name_prefix="datastores") as pool:
        listed = tuple(pool.map(lambda one: _datastores(arm, one, sight), workspaces))
    for one, datastores in zip(workspaces, listed, strict=True):
        for name, account in datastores:
            if account in accounts:
                what = f"datastore `{name}` of workspace `{one.name}` in another group"
                yield Use(one.id, accounts[account].id, what)


def _by_insights(components: Iterable[Mapping[str, Any]], there: Mapping[str, Resource]) -> Iterator[Use]:
    for entry in components:
        properties = {name.lower(): value for name, value in (entry.get("properties") or {}).items()}
        used = there.get(str(properties.get("workspaceresourceid")).lower())
        if used is not None:
            id_ = str(entry["id"])
            yield Use(id_, used.id, f"Application Insights `{id_.rsplit('/', 1)[-1]}` in another group")


def _datastores(arm: ResourceManager, one: Resource, sight: Sight) -> list[tuple[str, str]]:
    """A workspace's datastores: name, and account in lower case."""
    found = sight.seen(f"datastores of workspace {one.name}", lambda: arm.lasting(f"{one.id}/datastores"))
    return [
        (str(entry["id"]).rsplit("/", 1)[-1], str((entry.get("properties") or {}).get("accountName", "")).lower())
        for entry in found
    ]
