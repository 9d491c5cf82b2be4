"""What others use of a group, asked of all that whoever is signed in sees: links of workspaces, datastores, Insights,
private endpoints.

What cannot be seen is told, and not guessed at. Nobody can ask a storage account or a Log Analytics workspace who uses
it, so those who might are asked: every workspace for its links and its datastores, and for whom its computes and online
endpoints act as; every Application Insights for where its data lies; every storage account for the vault of its key.
Who reaches a resource by a private endpoint it tells itself. Not asked are diagnostic settings, which each resource of
a subscription has by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from azmlflow.cli.azure.errors import ArmError
from azmlflow.cli.azure.resource_manager import ResourceManager
from azmlflow.cli.frame.words import called
from azmlflow.cli.teardown.ownership import IDENTITY, INSIGHTS, LOGS, REGISTRY, STORAGE, VAULT, WORKSPACE, Resource
from azmlflow.resourcetypes.table import resource_type

Entry = TypeVar("Entry")
_WIDTH = 8  # workspaces asked for their datastores at a time
_REACHED = frozenset((STORAGE, VAULT, WORKSPACE, REGISTRY))  # what private endpoints lead to, of what we make


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


def find_uses(
    arm: ResourceManager, group_id: str, resources: Iterable[Resource], sight: Sight, *, within: bool = False
) -> tuple[Use, ...]:
    """All uses of what is in a group from outside of it, as far as they are seen.

    Args:
        arm: Azure Resource Manager.
        group_id: the group's ARM id.
        resources: what is in it.
        sight: told what cannot be seen.
        within: those from inside of it too: not all that is in it is one's own, or goes.
    """
    there = {one.id.lower(): one for one in resources}
    if not there:
        return ()
    asked = _Asked(arm, group_id, within, sight)
    found: list[Use] = []
    places = _places(arm, group_id, sight)
    for place in places:
        workspaces = [Resource.of({"type": WORKSPACE, **entry}) for entry in asked.all(place, WORKSPACE)]
        found += _by_links(asked, workspaces, there)
        if any(one.type == STORAGE for one in there.values()):
            found += _by_datastores(asked, workspaces, there)
        if any(one.type == VAULT for one in there.values()):
            found += _by_keys(asked, asked.all(place, STORAGE), there)
        if any(one.type == IDENTITY for one in there.values()):
            found += _by_identities(asked, workspaces, there)
        if any(one.type == LOGS for one in there.values()):
            found += _by_insights(asked, asked.all(place, INSIGHTS), there)
    return (*found, *_by_endpoints(asked, there.values(), places))


@dataclass(frozen=True)
class _Asked:
    """Whom uses are asked of: see `find_uses`."""

    arm: ResourceManager
    group_id: str
    within: bool
    sight: Sight

    def all(self, place: str, type_: str) -> list[dict[str, Any]]:
        """All of a type in a subscription that may be a user."""
        what = f"{called(type_, 2)} in subscription {place.rsplit('/', 1)[-1]}"
        found = self.sight.seen(what, lambda: self.arm.list(f"{place}/providers/{resource_type(type_).name}"))
        return [entry for entry in found if self.within or not self.inside(str(entry["id"]))]

    def inside(self, id_: str) -> bool:
        """Whether an id is of something in the group."""
        return id_.lower().startswith(f"{self.group_id.lower()}/")

    def where(self, id_: str) -> str:
        """Where a user is, for people."""
        return "in the same group" if self.inside(id_) else "in another group"


def _places(arm: ResourceManager, group_id: str, sight: Sight) -> tuple[str, ...]:
    """The subscriptions that are seen, the group's own first."""
    own = "/".join(group_id.split("/")[:3])
    every = sight.seen("subscriptions other than its own", arm.subscriptions)
    others = (f"/subscriptions/{each.subscription_id}" for each in every)
    return (own, *(each for each in others if each.lower() != own.lower()))


def _by_links(asked: _Asked, workspaces: Iterable[Resource], there: Mapping[str, Resource]) -> Iterator[Use]:
    for one in workspaces:
        for link in sorted(one.links & there.keys()):
            yield Use(one.id, there[link].id, f"workspace `{one.name}` {asked.where(one.id)}")


def _by_datastores(asked: _Asked, workspaces: Sequence[Resource], there: Mapping[str, Resource]) -> Iterator[Use]:
    accounts = {one.name.lower(): one for one in there.values() if one.type == STORAGE}
    with ThreadPoolExecutor(_WIDTH, thread_name_prefix="datastores") as pool:
        listed = tuple(pool.map(lambda one: _datastores(asked, one), workspaces))
    for one, datastores in zip(workspaces, listed, strict=True):
        for name, account in datastores:
            if account in accounts:
                what = f"datastore `{name}` of workspace `{one.name}` {asked.where(one.id)}"
                yield Use(one.id, accounts[account].id, what)


def _by_insights(
    asked: _Asked, components: Iterable[Mapping[str, Any]], there: Mapping[str, Resource]
) -> Iterator[Use]:
    for entry in components:
        properties = {name.lower(): value for name, value in (entry.get("properties") or {}).items()}
        used = there.get(str(properties.get("workspaceresourceid")).lower())
        if used is not None:
            id_ = str(entry["id"])
            yield Use(id_, used.id, f"Application Insights `{id_.rsplit('/', 1)[-1]}` {asked.where(id_)}")


def _by_keys(asked: _Asked, accounts: Iterable[Mapping[str, Any]], there: Mapping[str, Resource]) -> Iterator[Use]:
    """Storage accounts that are encrypted with a key of a vault: they name its address (Microsoft, "Storage Accounts -
    List": `encryption.keyvaultproperties.keyvaulturi`), in which the vault's name is the first word."""
    vaults = {one.name.lower(): one for one in there.values() if one.type == VAULT}
    for entry in accounts:
        encryption = (entry.get("properties") or {}).get("encryption") or {}
        address = str((encryption.get("keyvaultproperties") or {}).get("keyvaulturi") or "").lower()
        used = vaults.get(address.removeprefix("https://").partition(".")[0])
        if used is not None:
            id_ = str(entry["id"])
            yield Use(id_, used.id, f"the encryption of storage account `{id_.rpartition('/')[2]}` {asked.where(id_)}")


def _datastores(asked: _Asked, one: Resource) -> list[tuple[str, str]]:
    """A workspace's datastores: name, and account in lower case."""
    found = asked.sight.seen(f"datastores of workspace {one.name}", lambda: asked.arm.lasting(f"{one.id}/datastores"))
    return [
        (str(entry["id"]).rsplit("/", 1)[-1], str((entry.get("properties") or {}).get("accountName", "")).lower())
        for entry in found
    ]


def _by_identities(asked: _Asked, workspaces: Sequence[Resource], there: Mapping[str, Resource]) -> Iterator[Use]:
    """Computes and online endpoints that act as an identity: without it they start no job and answer nobody."""
    with ThreadPoolExecutor(_WIDTH, thread_name_prefix="identities") as pool:
        listed = tuple(pool.map(lambda one: _acting(asked, one), workspaces))
    for one, acting in zip(workspaces, listed, strict=True):
        for what, entry in acting:
            id_ = str(entry["id"])
            for link in sorted(Resource.of(entry).links & there.keys()):
                name = id_.rpartition("/")[2]
                yield Use(id_, there[link].id, f"{what} `{name}` of workspace `{one.name}` {asked.where(id_)}")


def _acting(asked: _Asked, one: Resource) -> list[tuple[str, Mapping[str, Any]]]:
    """A workspace's computes and online endpoints, each with what it is called."""
    found: list[tuple[str, Mapping[str, Any]]] = []
    for what, part in (("compute", "computes"), ("online endpoint", "onlineEndpoints")):
        ask = functools.partial(asked.arm.lasting, f"{one.id}/{part}")
        found += [(what, entry) for entry in asked.sight.seen(f"{what}s of workspace {one.name}", ask)]
    return found


def _by_endpoints(asked: _Asked, resources: Iterable[Resource], places: Sequence[str]) -> Iterator[Use]:
    """Private endpoints elsewhere that lead to what is here: a resource tells of its connections, whoever made them.

    Those of a subscription that is not seen are told, and do not stop it: the endpoints of a workspace's own managed
    network are in one of Azure's (Microsoft, "Workspace managed virtual network isolation").
    """
    reached = [one for one in resources if one.type in _REACHED]
    with ThreadPoolExecutor(_WIDTH, thread_name_prefix="connections") as pool:
        listed = tuple(pool.map(lambda one: _endpoints(asked, one), reached))
    for one, endpoints in zip(reached, listed, strict=True):
        for id_ in endpoints:
            name, place = id_.rpartition("/")[2], "/".join(id_.split("/")[:3])
            if asked.inside(id_) and not asked.within:
                continue
            if place.lower() in map(str.lower, places):
                yield Use(id_, one.id, f"private endpoint `{name}` {asked.where(id_)}")
            else:
                asked.sight.miss(f"private endpoint {name}, which leads to {one.name}, of subscription {place[15:]}")


def _endpoints(asked: _Asked, one: Resource) -> list[str]:
    """The ids of the private endpoints that lead to a resource, and are not turned away."""
    properties = asked.sight.seen(f"connections of {one.name}", lambda: (asked.arm.get(one.id) or {},))
    found: list[str] = []
    for entry in (properties[0].get("properties") or {}).get("privateEndpointConnections") or () if properties else ():
        told = entry.get("properties") or {}
        state = str((told.get("privateLinkServiceConnectionState") or {}).get("status", "")).lower()
        id_ = str((told.get("privateEndpoint") or {}).get("id") or "")
        if id_ and state not in ("rejected", "disconnected"):
            found.append(id_)
    return found
