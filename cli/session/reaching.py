"""What a stack's network is made of, read from Azure: the facts that `reach.decide` decides over.

Of private DNS zones, those are read that the zone groups of the stack's private endpoints name, by whomever they were
made; a zone that only a network is linked to is not seen. What may not be read counts as if it were not there, and is
told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from azmlflow.cli.azure.addresses import WITH_FIREWALL
from azmlflow.reach import facts as documents
from azmlflow.reach.records import Endpoint, Facts, Origin

if TYPE_CHECKING:
    from azmlflow.cli.azure.resource_manager import ResourceManager

Document = dict[str, Any]
_PARTS = ("storageAccount", "keyVault", "containerRegistry")


@dataclass(frozen=True)
class Reach:
    """A workspace, what it stands on, and who could come to it.

    Attributes:
        workspace: its ARM id.
        endpoints: what is asked for.
        facts: what decisions rest on.
        networks: ARM ids of the virtual networks that private endpoints or computes stand in.
        unread: ids of what may not be read.
    """

    workspace: str
    endpoints: tuple[Endpoint, ...]
    facts: Facts
    networks: tuple[str, ...]
    unread: tuple[str, ...]

    def inside(self) -> tuple[Origin, ...]:
        """The origins that are not the internet: the networks, then Azure's own computes."""
        return (*(Origin("network", each) for each in self.networks), Origin("managed", self.workspace))


def look(arm: ResourceManager, workspace_id: str) -> Reach | None:
    """Read it; None if the workspace is not there."""
    reader = _Reader(arm)
    workspace = arm.get(workspace_id, version=WITH_FIREWALL)
    if workspace is None:
        return None
    ids = [workspace["properties"].get(part) for part in _PARTS]
    found = [workspace, *filter(None, (reader.get(id_) for id_ in ids if id_))]
    links = list(_distinct(link for each in found for link in reader.links(each)))
    zones = [part for link in links for part in reader.zones(link["id"])]
    rules = reader.list(f"{workspace_id}/outboundRules")
    networks = [str(each["properties"]["subnet"]["id"]).rsplit("/", 2)[0] for each in links]
    networks += [subnet.rsplit("/", 2)[0] for subnet in _subnets(reader.list(f"{workspace_id}/computes"))]
    return Reach(
        workspace_id,
        tuple(endpoint for each in found for endpoint in documents.endpoints(each)),
        documents.facts(_distinct((workspace, *rules, *links, *zones))),
        tuple({each.lower(): each for each in networks}.values()),
        tuple(reader.unread),
    )


class _Reader:
    def __init__(self, arm: ResourceManager) -> None:
        self._arm, self.unread = arm, list[str]()

    def get(self, id_: str) -> Document | None:
        from azmlflow.cli.azure.errors import ArmError

        try:
            return self._arm.get(id_)
        except ArmError as refused:
            if refused.status not in (401, 403):
                raise
            self.unread.append(id_)
            return None

    def list(self, path: str) -> tuple[Document, ...]:
        from azmlflow.cli.azure.errors import ArmError

        try:
            return self._arm.list(path)
        except ArmError as refused:
            if refused.status not in (401, 403):
                raise
            self.unread.append(path)
            return ()

    def links(self, target: Document) -> Iterator[Document]:
        """The private endpoints that lead to a resource; those of managed networks are in a subscription of Azure's."""
        own = target["id"].split("/")[2].lower()
        for each in target["properties"].get("privateEndpointConnections") or ():
            id_ = str((each["properties"].get("privateEndpoint") or {}).get("id") or "")
            if id_.split("/")[2:3] == [own] or id_.lower().startswith(f"/subscriptions/{own}/"):
                found = self.get(id_)
                if found is not None:
                    yield found

    def zones(self, endpoint_id: str) -> Iterator[Document]:
        """The zones that an endpoint's zone groups name, with their links and records."""
        for group in self.list(f"{endpoint_id}/privateDnsZoneGroups"):
            for config in group["properties"].get("privateDnsZoneConfigs") or ():
                id_ = str(config["properties"]["privateDnsZoneId"])
                zone = self.get(id_)
                if zone is not None:
                    yield from (zone, *self.list(f"{id_}/virtualNetworkLinks"), *self.list(f"{id_}/A"))


def _distinct(found: Iterable[Document]) -> Iterator[Document]:
    yield from {str(each["id"]).lower(): each for each in found}.values()


def _subnets(computes: Iterable[Document]) -> Iterator[str]:
    for each in computes:
        inner = each["properties"].get("properties") or {}
        subnet = (inner.get("subnet") or {}).get("id")
        if subnet:
            yield str(subnet)
