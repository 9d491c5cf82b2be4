"""What a mode of a network is: a record, whose functions are asked where modes differ. Pure.

What a stack's parts, computes and checks do follows from what a mode says of them (`closed`, `isolation`, ...): nobody
compares its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from azmlflow.infra.settings.computes.compute import ComputeSettings


class Said(Protocol):
    """What the settings of a network say beside the mode (`NetworkSettings`)."""

    @property
    def model_fields_set(self) -> set[str]:
        """The names of those that are said."""

    @property
    def allowed_ips(self) -> tuple[str, ...]: ...
    @property
    def outbound(self) -> str: ...
    @property
    def address_range(self) -> str: ...
    @property
    def endpoints(self) -> str | None: ...
    @property
    def computes(self) -> str | None: ...
    def has_subnet(self) -> bool:
        """Whether there is a subnet for computes, the network's own or one that is made."""


def _nothing(*_asked: object) -> None:
    """Nothing is refused, and nothing said."""


@dataclass(frozen=True)
class Mode:
    """A mode of a network.

    Attributes:
        name: what the setting says.
        words: who reaches what in it, for the setting's description.
        keys: the other settings of a network that belong to it, as `NetworkSettings` calls them.
        closed: whether workspace, storage account, key vault and registry are closed to the internet, all alike.
        makes: whether it makes a network, unless subnets are given.
        public_ip: whether its computes have public addresses, unless they say so themselves; None: as any compute.
        way_in: how people come in where it is closed and the stack has no private endpoints.
        serves_not: why it takes no online endpoints; empty: it does.
        isolation: Azure's word for whom its managed network lets out to; None without a managed network.
        check: refuses what else is said of the network and does not go with the mode.
        check_compute: refuses a compute that does not go with it; last comes where its settings are, `clusters[0]`.
        described: what else is said of the network of a workspace that stands, by its `properties`; None: it has
            another mode, or none that can be told.
    """

    name: str
    words: str
    keys: tuple[str, ...] = ()
    closed: bool = True
    makes: bool = False
    public_ip: bool | None = None
    way_in: str = "people need network.endpoints, a subnet of theirs"
    serves_not: str = ""
    isolation: Callable[[Said], str | None] = _nothing
    check: Callable[[Said], None] = _nothing
    check_compute: Callable[[ComputeSettings, Said, str], None] = _nothing
    described: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] = _nothing
