"""Origins, endpoints and decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

OriginKind = Literal["internet", "network", "managed"]
Service = Literal["workspace", "blob", "file", "vault", "registry"]


class InvalidOrigin(ValueError):
    """A text that names no origin."""


@dataclass(frozen=True)
class Origin:
    """Where a request comes from.

    Attributes:
        kind: `internet`; `network`, a virtual network; `managed`, a compute in a workspace's managed network.
        where: the internet address; the network's ARM id; the workspace's ARM id.
    """

    kind: OriginKind
    where: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.where}"

    @classmethod
    def parse(cls, text: str) -> Origin:
        """The origin that `str` of one tells.

        Raises:
            InvalidOrigin: it is none.
        """
        kind, _, where = text.partition(":")
        if kind == "internet":
            try:
                return cls("internet", str(ip_address(where)))
            except ValueError:
                raise InvalidOrigin(f"'{where}' is not an address") from None
        if kind in ("network", "managed") and where.lower().startswith("/subscriptions/"):
            return cls("network" if kind == "network" else "managed", where)
        raise InvalidOrigin(f"'{text}' is not an origin")


# An address of nobody's (RFC 5737), for who is on the internet and has said no other.
INTERNET = Origin("internet", "203.0.113.1")


@dataclass(frozen=True)
class Endpoint:
    """What is asked for: one service of a resource.

    Attributes:
        service: which.
        resource_id: ARM id of the workspace, storage account, key vault or registry.
        name: the resource's name.
        host: the host name that a private DNS zone answers for.
        is_public: whether it has a public endpoint at all (`publicNetworkAccess`).
        denies: whether its public endpoint answers only those below.
        addresses: internet addresses and ranges that it answers.
        subnets: ARM ids of subnets that it answers by service endpoints.
    """

    service: Service
    resource_id: str
    name: str
    host: str
    is_public: bool
    denies: bool = False
    addresses: tuple[str, ...] = ()
    subnets: tuple[str, ...] = ()

    def lets(self, address: str) -> bool:
        """Whether its firewall has an internet address."""
        return any(_within(address, each) for each in self.addresses)

    @property
    def is_open(self) -> bool:
        """Whether it answers the whole internet."""
        return self.is_public and not self.denies


@dataclass(frozen=True)
class Link:
    """A private endpoint.

    Attributes:
        id: its ARM id.
        network: ARM id of the virtual network that it stands in.
        target: ARM id of what it leads to.
        group: which service of it (`blob`, `vault`, `amlworkspace`).
        is_approved: whether the connection is.
        addresses: the addresses that it has.
    """

    id: str
    network: str
    target: str
    group: str
    is_approved: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class Zone:
    """A private DNS zone.

    Attributes:
        name: `privatelink.blob.core.windows.net`.
        networks: ARM ids of the networks linked to it.
        falling_back: of those, the ones that ask the internet for a name that the zone has not.
        records: name -> addresses.
    """

    name: str
    networks: tuple[str, ...]
    falling_back: tuple[str, ...]
    records: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Outbound:
    """A rule of a managed network: what is let out to.

    Attributes:
        kind: `FQDN`, `PrivateEndpoint` or `ServiceTag`.
        to: a host name; an ARM id; a tag.
        group: of a private endpoint.
        is_active: whether it is in force.
    """

    kind: str
    to: str
    group: str
    is_active: bool


@dataclass(frozen=True)
class ManagedNetwork:
    """The managed network of a workspace.

    Attributes:
        workspace: its ARM id.
        mode: `AllowInternetOutbound`, `AllowOnlyApprovedOutbound`; `Disabled` where there is none.
        rules: what it lets out to.
    """

    workspace: str
    mode: str
    rules: tuple[Outbound, ...]


@dataclass(frozen=True)
class Facts:
    """All that decisions rest on."""

    links: tuple[Link, ...] = ()
    zones: tuple[Zone, ...] = ()
    managed: tuple[ManagedNetwork, ...] = ()


# `private`: by a private endpoint; `public`: by the public endpoint; `refused`: it answers and says no;
# `unresolved`: no address is found for the name; `unroutable`: nothing leads to the address that is found;
# `held`: the origin's own network does not let out.
Way = Literal["private", "public", "refused", "unresolved", "unroutable", "held"]


@dataclass(frozen=True)
class Decision:
    """Whether a request arrives.

    Attributes:
        allowed: whether.
        way: how, or where it ends.
        reason: a sentence for people.
        setting: the setting that would open it, with a value; "" where it is open.
    """

    allowed: bool
    way: Way
    reason: str
    setting: str = ""


def _within(address: str, written: str) -> bool:
    try:
        return ip_address(address) in ip_network(written, strict=False)
    except ValueError:
        return False
